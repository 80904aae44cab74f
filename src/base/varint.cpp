#include <algorithm>

#include <moldau/base/varint.h>

namespace moldau {
namespace {

template <class T>
std::size_t read_unsigned(ByteView from, T& value, std::size_t longest) {
    constexpr unsigned type_bits = sizeof(T) * 8;
    T result = 0;
    const std::size_t limit = std::min(from.size(), longest);
    for (std::size_t i = 0; i < limit; ++i) {
        const unsigned shift = static_cast<unsigned>(7 * i);
        const std::uint8_t byte = from[i];
        const unsigned left = type_bits - shift;  // bits that still fit
        if (left < 7 && (byte & 0x7f) >> left != 0) return 0;
        result |= static_cast<T>(byte & 0x7f) << shift;
        if ((byte & 0x80) == 0) {
            value = result;
            return i + 1;
        }
    }
    return 0;
}

template <class T>
std::size_t write_unsigned(std::uint8_t* to, T value) {
    std::size_t size = 0;
    for (; value >= 0x80; value >>= 7) to[size++] = static_cast<std::uint8_t>(value | 0x80);
    to[size++] = static_cast<std::uint8_t>(value);
    return size;
}

}  // namespace

std::size_t read_uvarint(ByteView from, std::uint32_t& value) {
    return read_unsigned(from, value, max_varint_bytes);
}
std::size_t read_uvarlong(ByteView from, std::uint64_t& value) {
    return read_unsigned(from, value, max_varlong_bytes);
}
std::size_t write_uvarint(std::uint8_t* to, std::uint32_t value) {
    return write_unsigned(to, value);
}
std::size_t write_uvarlong(std::uint8_t* to, std::uint64_t value) {
    return write_unsigned(to, value);
}

}  // namespace moldau
