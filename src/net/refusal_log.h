#pragma once
// Lines about connections that were closed for what they sent: a few, then only their number, so that nobody can fill
// the log. Pure. One a shard, shared by its connections.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include <moldau/runtime/time.h>

namespace moldau::net {

class RefusalLog {
 public:
    static constexpr unsigned lines_a_window = 10;
    static constexpr runtime::Duration window = std::chrono::seconds(10);

    /// `line` as it is to be written at `now`, with how many were left out before it; nothing when it is one of those.
    std::optional<std::string> admit(runtime::TimePoint now, std::string line);

 private:
    std::optional<runtime::TimePoint> window_begin_;
    unsigned written_ = 0;        // in the window
    std::uint64_t left_out_ = 0;  // since the last line
};

}  // namespace moldau::net
