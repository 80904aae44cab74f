#pragma once
// The log facade: levels and one sink. Where the lines go is decided once, in app (spdlog) or by the simulator.

#include <functional>
#include <string_view>
#include <utility>

#include <fmt/format.h>

namespace moldau::log {

enum class Level { debug, info, warn, error };

using Sink = std::function<void(Level, std::string_view line)>;

/// Replaces the sink; the one at start writes warnings and errors to standard error. Call before threads start.
void set_sink(Sink sink, Level lowest);

bool enabled(Level level);
void write(Level level, std::string_view line);

template <class... Args>
void at(Level level, fmt::format_string<Args...> format, Args&&... args) {
    if (enabled(level)) write(level, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void debug(fmt::format_string<Args...> format, Args&&... args) {
    at(Level::debug, format, std::forward<Args>(args)...);
}
template <class... Args>
void info(fmt::format_string<Args...> format, Args&&... args) {
    at(Level::info, format, std::forward<Args>(args)...);
}
template <class... Args>
void warn(fmt::format_string<Args...> format, Args&&... args) {
    at(Level::warn, format, std::forward<Args>(args)...);
}
template <class... Args>
void error(fmt::format_string<Args...> format, Args&&... args) {
    at(Level::error, format, std::forward<Args>(args)...);
}

}  // namespace moldau::log
