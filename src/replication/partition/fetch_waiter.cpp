#include <algorithm>

#include <moldau/replication/fetch_waiter.h>

namespace moldau::replication {

void FetchWaiters::arm(const std::shared_ptr<FetchWaiter>& waiter) {
    waiter->armed_ = true;
    if (waiter->registered_) return;
    waiter->registered_ = true;
    if (waiters_.size() >= forget_at_) forget_cancelled();
    waiters_.push_back(waiter);
}

void FetchWaiters::fire(runtime::Shard& here) {
    // What runs marks and posts: nobody is armed within this.
    const std::size_t count = waiters_.size();
    bool any_cancelled = false;
    for (std::size_t i = 0; i < count; ++i) {
        const std::shared_ptr<FetchWaiter> waiter = waiters_[i];
        if (waiter->cancelled_.load(std::memory_order_relaxed)) {
            any_cancelled = true;
            continue;
        }
        if (!std::exchange(waiter->armed_, false)) continue;
        const auto call = [waiter] {
            if (!waiter->cancelled_.load(std::memory_order_relaxed)) waiter->on_change_();
        };
        if (&waiter->home_ == &here) {
            call();
        } else {
            waiter->home_.post(call);
        }
    }
    if (any_cancelled) forget_cancelled();
}

void FetchWaiters::forget_cancelled() {
    std::erase_if(waiters_, [](const auto& waiter) { return waiter->cancelled_.load(std::memory_order_relaxed); });
    forget_at_ = std::max<std::size_t>(16, 2 * waiters_.size());
}

}  // namespace moldau::replication
