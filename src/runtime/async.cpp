#include <exception>

#include <moldau/runtime/async.h>

namespace moldau::runtime {

void spawn(Shard& shard, Task<void> task) {
    boost::asio::co_spawn(shard.executor(), std::move(task), [](std::exception_ptr failure) {
        if (failure) std::rethrow_exception(failure);
    });
}

Signal::~Signal() {
    // A dropped handler may end coroutines that use this signal: let them find it empty.
    const std::list<Waiter> waiters = std::exchange(waiters_, {});
    for (const Waiter& waiter : waiters) shard_.timers().cancel(waiter.timer);
}

void Signal::add(TimePoint deadline, Handler<bool> handler) {
    const auto waiter = waiters_.emplace(waiters_.end());
    waiter->timer = shard_.timers().add(deadline, [this, waiter, handler = std::move(handler)]() mutable {
        const bool notified = waiter->notified;
        waiters_.erase(waiter);
        shard_.post([handler = std::move(handler), notified]() mutable { std::move(handler)(notified); });
    });
}

void Signal::notify_all() {
    while (!waiters_.empty()) {
        waiters_.front().notified = true;
        if (auto complete = shard_.timers().take(waiters_.front().timer))
            complete();
        else
            waiters_.pop_front();  // its shard has ended
    }
}

Task<bool> Gate::close(TimePoint deadline) {
    closing_ = true;
    while (inside_ > 0)
        if (!co_await left_.wait(deadline)) co_return inside_ == 0;
    co_return true;
}

void Gate::leave() {
    --inside_;
    if (inside_ == 0) left_.notify_all();
}

}  // namespace moldau::runtime
