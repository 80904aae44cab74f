#pragma once
// The real clocks, counted from the start of the process's first use of them.

#include <chrono>

#include <moldau/runtime/time.h>

namespace moldau::posix {

/// Owned by each shard; all of one process that are made from one `start` agree.
class PosixClock final : public runtime::Clock {
 public:
    explicit PosixClock(std::chrono::steady_clock::time_point start) : start_(start) {}

    runtime::TimePoint now() const override { return runtime::TimePoint(std::chrono::steady_clock::now() - start_); }

    Timestamp wall_time() const override {
        const auto since_1970 = std::chrono::system_clock::now().time_since_epoch();
        return Timestamp(std::chrono::duration_cast<std::chrono::milliseconds>(since_1970).count());
    }

    /// Requires: not `never`.
    std::chrono::steady_clock::time_point to_steady(runtime::TimePoint point) const {
        return start_ + point.time_since_epoch();
    }

 private:
    std::chrono::steady_clock::time_point start_;
};

}  // namespace moldau::posix
