#pragma once
// What every step of a machine's decision needs.

#include <moldau/coordinator/group_machine.h>

#include "timers.h"

namespace moldau::coordinator {

/// Lives for one call of the machine.
struct Turn {
    const GroupOptions& options;
    Timers& timers;
    const Context& context;
    GroupOutput& out;

    void set_timer(TimerKey key, std::int64_t wait_ms) {
        std::int64_t deadline_ms = never_ms;
        if (__builtin_add_overflow(context.now_ms, wait_ms, &deadline_ms)) deadline_ms = never_ms;
        timers.set(std::move(key), deadline_ms);
    }
};

}  // namespace moldau::coordinator
