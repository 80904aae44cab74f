#pragma once
// Variable-length integers: seven bits a byte, least significant first; signed ones zigzag-encoded.

#include <cstddef>
#include <cstdint>

#include <moldau/base/bytes.h>

namespace moldau {

inline constexpr std::size_t max_varint_bytes = 5;
inline constexpr std::size_t max_varlong_bytes = 10;

constexpr std::uint32_t zigzag(std::int32_t value) {
    return (static_cast<std::uint32_t>(value) << 1) ^ static_cast<std::uint32_t>(value >> 31);
}
constexpr std::uint64_t zigzag(std::int64_t value) {
    return (static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63);
}
constexpr std::int32_t unzigzag(std::uint32_t value) {
    return static_cast<std::int32_t>((value >> 1) ^ (~(value & 1) + 1));
}
constexpr std::int64_t unzigzag(std::uint64_t value) {
    return static_cast<std::int64_t>((value >> 1) ^ (~(value & 1) + 1));
}

/// Reads an unsigned varint from the front of `from`; returns the bytes it took, 0 when `from` is too short or the
/// number is longer than its type allows.
std::size_t read_uvarint(ByteView from, std::uint32_t& value);
std::size_t read_uvarlong(ByteView from, std::uint64_t& value);

/// Writes an unsigned varint; returns the bytes written. Requires: max_varint_bytes (max_varlong_bytes) at `to`.
std::size_t write_uvarint(std::uint8_t* to, std::uint32_t value);
std::size_t write_uvarlong(std::uint8_t* to, std::uint64_t value);

constexpr std::size_t uvarint_size(std::uint64_t value) {
    std::size_t size = 1;
    for (; value >= 0x80; value >>= 7) ++size;
    return size;
}

}  // namespace moldau
