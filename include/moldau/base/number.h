#pragma once
// Numbers from text. Pure.

#include <charconv>
#include <optional>
#include <string_view>

namespace moldau {

/// The decimal number that is the whole of `text`; nothing when it is something else, or does not fit.
template <class T>
std::optional<T> parse_number(std::string_view text) {
    T value{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return value;
}

}  // namespace moldau
