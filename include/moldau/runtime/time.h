#pragma once
// Time as the broker sees it: a monotonic clock for waits and a wall clock for records.

#include <chrono>
#include <cstdint>

#include <moldau/base/ids.h>

namespace moldau::runtime {

using Duration = std::chrono::nanoseconds;

/// Names the monotonic clock in TimePoint's type; it is read through Clock alone.
struct MonotonicClock {
    using duration = Duration;
};

/// A point on the monotonic clock of this process (or of the simulated world), counted from its start.
using TimePoint = std::chrono::time_point<MonotonicClock, Duration>;

inline constexpr TimePoint never = TimePoint::max();

/// Thread-safe.
class Clock {
 public:
    virtual ~Clock() = default;
    virtual TimePoint now() const = 0;
    virtual Timestamp wall_time() const = 0;
};

/// Of a number of milliseconds that a setting or a request names: the nearest that a Duration holds. Those of 292 years
/// and more are Duration::max(), which after() takes for ever.
constexpr Duration duration_of_ms(std::int64_t ms) {
    constexpr auto most = std::chrono::duration_cast<std::chrono::milliseconds>(Duration::max());
    if (ms > most.count()) return Duration::max();
    if (ms < -most.count()) return Duration::min();
    return std::chrono::milliseconds(ms);
}

/// The point `wait` after `from`, `never` where that would overflow.
inline TimePoint after(TimePoint from, Duration wait) {
    return wait > never - from ? never : from + wait;
}

}  // namespace moldau::runtime
