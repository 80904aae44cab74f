#include <moldau/runtime/timer_queue.h>

namespace moldau::runtime {

TimerQueue::Id TimerQueue::add(TimePoint deadline, Callback callback) {
    const Id id{deadline, next_sequence_++};
    const bool earlier = deadline < next_deadline();
    timers_.emplace(id, std::move(callback));
    if (earlier && notify_) notify_(deadline);
    return id;
}

TimerQueue::Callback TimerQueue::take(Id id) {
    auto taken = timers_.extract(id);
    return taken.empty() ? Callback() : std::move(taken.mapped());
}

bool TimerQueue::cancel(Id id) {
    // The callback may own what owns more timers: destroy it when the map is whole again.
    return !timers_.extract(id).empty();
}

void TimerQueue::fire(TimePoint now) {
    const std::uint64_t first_new = next_sequence_;
    auto next = timers_.begin();
    while (next != timers_.end() && next->first.deadline <= now) {
        if (next->first.sequence >= first_new) {
            ++next;
            continue;
        }
        auto due = timers_.extract(next);
        due.mapped()();
        next = timers_.upper_bound(due.key());
    }
}

void TimerQueue::clear() {
    const auto dropped = std::exchange(timers_, {});
}

}  // namespace moldau::runtime
