#pragma once
// How a partition tells a fetch that there is something new. A fetch session keeps one waiter a partition for its life,
// so that an idle long poll over many partitions costs nothing.

#include <atomic>
#include <functional>
#include <memory>
#include <vector>

#include <moldau/runtime/shard.h>

namespace moldau::replication {

/// Registered at one partition for good, armed by each read, fired once by the next change. `on_change` runs on the
/// home shard.
class FetchWaiter : public std::enable_shared_from_this<FetchWaiter> {
 public:
    FetchWaiter(runtime::Shard& home, std::move_only_function<void()> on_change)
        : home_(home), on_change_(std::move(on_change)) {}

    /// No further call of `on_change`. On the home shard.
    void cancel() { cancelled_.store(true, std::memory_order_relaxed); }

 private:
    friend class FetchWaiters;

    runtime::Shard& home_;
    std::move_only_function<void()> on_change_;  ///< on the home shard
    std::atomic<bool> cancelled_ = false;
    bool registered_ = false;  ///< with its one partition; on that partition's shard
    bool armed_ = false;       ///< on the partition's shard
};

/// The waiters of one partition, on its shard.
class FetchWaiters {
 public:
    /// The reader has seen the partition as it is now; the next change fires the waiter.
    void arm(const std::shared_ptr<FetchWaiter>& waiter);

    /// Something changed: fires all armed waiters.
    void fire(runtime::Shard& here);

 private:
    void forget_cancelled();

    std::vector<std::shared_ptr<FetchWaiter>> waiters_;
    std::size_t forget_at_ = 16;  ///< cancelled ones are looked for when so many are registered
};

}  // namespace moldau::replication
