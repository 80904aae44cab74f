#pragma once
// The threads that wait for devices, so that shards never do. Owned by PosixDisk. Thread-safe.

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include <moldau/runtime/shard.h>

namespace moldau::posix {

class IoPool {
 public:
    /// Makes a thread that runs `body`; throws std::system_error where the system gives none.
    using StartThread = std::function<std::thread(std::function<void()> body)>;

    /// Begins with one thread, and throws where the system does not give that. `name`: of its threads, as debuggers and
    /// profilers show them. Requires: max_threads > 0.
    explicit IoPool(const char* name, unsigned max_threads, StartThread start_thread = start_std_thread);
    ~IoPool();  ///< waits for what runs and drops what is queued

    /// Runs in the order of posting, as many at once as there may be threads; fewer while the system gives no more.
    void post(runtime::Work& work);

 private:
    static std::thread start_std_thread(std::function<void()> body) { return std::thread(std::move(body)); }
    void serve();
    void start_another();
    void add_thread() {
        threads_.push_back(start_thread_([this] { serve(); }));
    }

    const char* const name_;
    const unsigned max_threads_;
    const StartThread start_thread_;
    std::mutex mutex_;  // guards all below
    std::condition_variable changed_;
    runtime::Work* first_ = nullptr;
    runtime::Work* last_ = nullptr;  // meaningless while first_ is null
    unsigned queued_ = 0;
    unsigned idle_ = 0;  // threads that wait
    bool stopping_ = false;
    bool lacks_threads_ = false;  // the log says so
    std::vector<std::thread> threads_;
};

}  // namespace moldau::posix
