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

    void set_timer(TimerKey key, std::int64_t wait_ms) { timers.set(std::move(key), context.now_ms + wait_ms); }
};

}  // namespace moldau::coordinator
