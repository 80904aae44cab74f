#pragma once
// Views of bytes and big-endian access, the byte order of Kafka's wire and disk formats.

#include <bit>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <vector>

namespace moldau {

using ByteView = std::span<const std::uint8_t>;
using MutableBytes = std::span<std::uint8_t>;
using Bytes = std::vector<std::uint8_t>;

inline ByteView bytes_of(std::string_view text) {
    return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

inline std::string_view text_of(ByteView bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// Reads a big-endian integer. Requires: sizeof(T) readable bytes at `from`.
template <std::integral T>
T load_big_endian(const std::uint8_t* from) {
    T value;
    std::memcpy(&value, from, sizeof(T));
    if constexpr (sizeof(T) > 1 && std::endian::native == std::endian::little) value = std::byteswap(value);
    return value;
}

/// Writes a big-endian integer. Requires: sizeof(T) writable bytes at `to`.
template <std::integral T>
void store_big_endian(std::uint8_t* to, T value) {
    if constexpr (sizeof(T) > 1 && std::endian::native == std::endian::little) value = std::byteswap(value);
    std::memcpy(to, &value, sizeof(T));
}

}  // namespace moldau
