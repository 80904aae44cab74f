#include <exception>

#include <moldau/runtime/async.h>

namespace moldau::runtime {

void spawn(Shard& shard, Task<void> task) {
    boost::asio::co_spawn(shard.executor(), std::move(task), [](std::exception_ptr failure) {
        if (failure) std::rethrow_exception(failure);
    });
}

Signal::~Signal() {
    for (Waiter& waiter : waiters_) shard_.timers().cancel(waiter.timer);
}

void Signal::add(TimePoint deadline, Handler<bool> handler) {
    const auto waiter = waiters_.emplace(waiters_.end(), std::move(handler), TimerQueue::Id{});
    if (deadline != never) waiter->timer = shard_.timers().add(deadline, [this, waiter] { complete(waiter, false); });
}

void Signal::complete(std::list<Waiter>::iterator waiter, bool notified) {
    Handler<bool> handler = std::move(waiter->handler);
    if (notified) shard_.timers().cancel(waiter->timer);
    waiters_.erase(waiter);
    shard_.post([handler = std::move(handler), notified]() mutable { std::move(handler)(notified); });
}

void Signal::notify_all() {
    while (!waiters_.empty()) complete(waiters_.begin(), true);
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
