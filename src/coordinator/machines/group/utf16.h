#pragma once
// Java's strings are UTF-16: what Apache Kafka hashes and counts of them are its units.

#include <cstdint>
#include <string_view>

namespace moldau::coordinator {

/// Calls `unit` for each UTF-16 unit of a UTF-8 text. A text that is none gives some units.
template <class Unit>
void for_each_utf16_unit(std::string_view text, Unit unit) {
    for (std::size_t i = 0; i < text.size();) {
        const auto byte = [&](std::size_t at) {
            return at < text.size() ? static_cast<std::uint8_t>(text[at]) : std::uint8_t{0};
        };
        const std::uint32_t lead = byte(i);
        const int length = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
        std::uint32_t point = length == 1 ? lead : lead & (0x7fU >> length);
        for (int k = 1; k < length; ++k) point = (point << 6) | (byte(i + static_cast<std::size_t>(k)) & 0x3fU);
        i += static_cast<std::size_t>(length);
        if (point < 0x10000) {
            unit(point);
        } else {
            unit(0xd800 + ((point - 0x10000) >> 10));
            unit(0xdc00 + ((point - 0x10000) & 0x3ff));
        }
    }
}

}  // namespace moldau::coordinator
