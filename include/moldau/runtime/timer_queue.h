#pragma once
// The deadlines of one shard. A pure structure: the shard that owns it asks for the earliest and fires what is due.

#include <cstdint>
#include <functional>
#include <map>
#include <utility>

#include <moldau/runtime/time.h>

namespace moldau::runtime {

/// Owned by a shard and touched on it alone.
class TimerQueue {
 public:
    using Callback = std::move_only_function<void()>;

    /// Names a timer until it has fired or was cancelled. The default one names none.
    struct Id {
        TimePoint deadline = never;
        std::uint64_t sequence = 0;
        friend auto operator<=>(const Id&, const Id&) = default;
    };

    /// `callback` runs once on the shard, not before `deadline`, timers of one deadline in the order of their adding.
    Id add(TimePoint deadline, Callback callback);

    /// Takes the callback out, so that the caller may run it before its time; empty when it has run already or the id
    /// names none.
    Callback take(Id id);

    /// The callback will not run any more; false when it has run already or the id names none.
    bool cancel(Id id);

    /// `never` when there is no timer.
    TimePoint next_deadline() const { return timers_.empty() ? never : timers_.begin()->first.deadline; }

    /// Runs what is due at `now`, timers added meanwhile excepted.
    void fire(TimePoint now);

    /// Called whenever a new timer becomes the earliest, so that the shard wakes in time.
    void on_earlier(std::move_only_function<void(TimePoint)> notify) { notify_ = std::move(notify); }

    /// Drops every timer without running it.
    void clear();

 private:
    std::map<Id, Callback> timers_;
    std::uint64_t next_sequence_ = 1;
    std::move_only_function<void(TimePoint)> notify_;
};

}  // namespace moldau::runtime
