#include "refusal_log.h"

#include <utility>

#include <fmt/format.h>

namespace moldau::net {

std::optional<std::string> RefusalLog::admit(runtime::TimePoint now, std::string line) {
    if (!window_begin_ || now - *window_begin_ >= window) {
        window_begin_ = now;
        written_ = 0;
    }
    if (written_ == lines_a_window) {
        ++left_out_;
        return std::nullopt;
    }
    ++written_;
    if (left_out_ > 0)
        line += fmt::format(" ({} refused connections before it are not listed)", std::exchange(left_out_, 0));
    return line;
}

}  // namespace moldau::net
