#pragma once
// The real shards: a thread each, with an io_context under it. Owned by main, which starts and stops them.

#include <chrono>
#include <memory>
#include <span>
#include <thread>
#include <vector>

#include <moldau/runtime/shard.h>

namespace moldau::posix {

class PosixShard;

/// The processors that this process may run on.
unsigned available_processors();

struct ShardsOptions {
    unsigned count = 0;  ///< 0: available_processors()
    /// A longer turn is logged, one ten times as long as a warning.
    runtime::Duration slow_turn_limit = std::chrono::milliseconds(10);
};

/// To end: stop(), join(), then destroy the disk, then this. Between join() and the end nothing runs any more, but what
/// is queued still exists; the destructor drops it.
class Shards {
 public:
    explicit Shards(ShardsOptions options = {});
    Shards(const Shards&) = delete;
    Shards& operator=(const Shards&) = delete;
    ~Shards();  ///< stops and joins where that has not been done

    /// Starts the threads. Work may be posted before.
    void start();

    /// Lets every shard end after the turn that it is in. From any thread, as often as one likes.
    void stop();

    /// Waits until the threads have ended. Requires: not on a shard.
    void join();

    std::span<runtime::Shard* const> all() const { return views_; }
    runtime::Shard& operator[](std::size_t index) const { return *views_[index]; }
    std::size_t size() const { return views_.size(); }

 private:
    std::vector<std::unique_ptr<PosixShard>> shards_;
    std::vector<runtime::Shard*> views_;  // of shards_, in order
    std::vector<std::thread> threads_;    // empty unless started and not joined
};

}  // namespace moldau::posix
