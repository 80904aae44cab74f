#pragma once
// The threads that wait for devices, so that shards never do. Owned by PosixDisk. Thread-safe.

#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

#include <moldau/runtime/shard.h>

namespace moldau::posix {

class IoPool {
 public:
    explicit IoPool(unsigned max_threads) : max_threads_(max_threads) {}
    ~IoPool();  ///< waits for what runs and drops what is queued

    /// Runs in the order of posting, as many at once as there may be threads.
    void post(runtime::Work& work);

 private:
    void serve();

    const unsigned max_threads_;
    std::mutex mutex_;  // guards all below
    std::condition_variable changed_;
    runtime::Work* first_ = nullptr;
    runtime::Work* last_ = nullptr;  // meaningless while first_ is null
    unsigned queued_ = 0;
    unsigned idle_ = 0;  // threads that wait
    bool stopping_ = false;
    std::vector<std::thread> threads_;
};

}  // namespace moldau::posix
