#include <array>

#include <moldau/base/crc32c.h>

#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

namespace moldau {
namespace {

constexpr std::uint32_t polynomial = 0x82f63b78;  // reversed

constexpr std::array<std::array<std::uint32_t, 256>, 8> make_tables() {
    std::array<std::array<std::uint32_t, 256>, 8> tables{};
    for (std::uint32_t i = 0; i < 256; ++i) {
        std::uint32_t crc = i;
        for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? polynomial : 0);
        tables[0][i] = crc;
    }
    for (std::size_t t = 1; t < 8; ++t)
        for (std::size_t i = 0; i < 256; ++i)
            tables[t][i] = (tables[t - 1][i] >> 8) ^ tables[0][tables[t - 1][i] & 0xff];
    return tables;
}

constexpr auto tables = make_tables();

#if defined(__x86_64__)

// Three independent streams hide the instruction's latency of three cycles; their sums are joined by multiplying
// with x^(8·n) mod P, done through tables for the two block sizes.
constexpr std::size_t long_block = 8192;
constexpr std::size_t short_block = 256;

constexpr std::uint32_t times_vector(const std::array<std::uint32_t, 32>& matrix, std::uint32_t vector) {
    std::uint32_t sum = 0;
    for (std::size_t i = 0; vector != 0; vector >>= 1, ++i)
        if ((vector & 1) != 0) sum ^= matrix[i];
    return sum;
}

using ShiftTable = std::array<std::array<std::uint32_t, 256>, 4>;

// The operator that appends `length` zero bytes to a checksum. Requires: length is a power of two.
constexpr ShiftTable make_shift(std::size_t length) {
    std::array<std::uint32_t, 32> matrix{};
    matrix[0] = polynomial;  // one zero bit
    for (std::size_t i = 1; i < 32; ++i) matrix[i] = 1U << (i - 1);
    for (std::size_t bits = 1; bits < length * 8; bits *= 2) {
        std::array<std::uint32_t, 32> squared{};
        for (std::size_t i = 0; i < 32; ++i) squared[i] = times_vector(matrix, matrix[i]);
        matrix = squared;
    }
    ShiftTable table{};
    for (std::uint32_t i = 0; i < 256; ++i)
        for (std::size_t byte = 0; byte < 4; ++byte) table[byte][i] = times_vector(matrix, i << (8 * byte));
    return table;
}

const ShiftTable& long_shift() {
    static const ShiftTable table = make_shift(long_block);
    return table;
}
const ShiftTable& short_shift() {
    static const ShiftTable table = make_shift(short_block);
    return table;
}

std::uint32_t shift(const ShiftTable& table, std::uint32_t crc) {
    return table[0][crc & 0xff] ^ table[1][(crc >> 8) & 0xff] ^ table[2][(crc >> 16) & 0xff] ^ table[3][crc >> 24];
}

std::uint64_t load64(const std::uint8_t* from) {
    std::uint64_t value;
    std::memcpy(&value, from, sizeof value);
    return value;
}

__attribute__((target("sse4.2"))) const std::uint8_t* three_streams(const std::uint8_t* at, const std::uint8_t* end,
                                                                    std::size_t block, const ShiftTable& table,
                                                                    std::uint64_t& crc) {
    while (static_cast<std::size_t>(end - at) >= 3 * block) {
        std::uint64_t second = 0;
        std::uint64_t third = 0;
        for (const std::uint8_t* stop = at + block; at < stop; at += 8) {
            crc = _mm_crc32_u64(crc, load64(at));
            second = _mm_crc32_u64(second, load64(at + block));
            third = _mm_crc32_u64(third, load64(at + 2 * block));
        }
        crc = shift(table, static_cast<std::uint32_t>(crc)) ^ second;
        crc = shift(table, static_cast<std::uint32_t>(crc)) ^ third;
        at += 2 * block;
    }
    return at;
}

__attribute__((target("sse4.2"))) std::uint32_t crc32c_sse42(ByteView bytes, std::uint32_t start) {
    std::uint64_t crc = ~start;
    const std::uint8_t* at = bytes.data();
    const std::uint8_t* end = at + bytes.size();
    at = three_streams(at, end, long_block, long_shift(), crc);
    at = three_streams(at, end, short_block, short_shift(), crc);
    for (; end - at >= 8; at += 8) crc = _mm_crc32_u64(crc, load64(at));
    auto narrow = static_cast<std::uint32_t>(crc);
    for (; at < end; ++at) narrow = _mm_crc32_u8(narrow, *at);
    return ~narrow;
}

#endif

}  // namespace

std::uint32_t crc32c_portable(ByteView bytes, std::uint32_t start) {
    std::uint32_t crc = ~start;
    const std::uint8_t* at = bytes.data();
    const std::uint8_t* end = at + bytes.size();
    for (; end - at >= 8; at += 8) {
        crc ^= static_cast<std::uint32_t>(at[0]) | static_cast<std::uint32_t>(at[1]) << 8 |
               static_cast<std::uint32_t>(at[2]) << 16 | static_cast<std::uint32_t>(at[3]) << 24;
        crc = tables[7][crc & 0xff] ^ tables[6][(crc >> 8) & 0xff] ^ tables[5][(crc >> 16) & 0xff] ^
              tables[4][crc >> 24] ^ tables[3][at[4]] ^ tables[2][at[5]] ^ tables[1][at[6]] ^ tables[0][at[7]];
    }
    for (; at < end; ++at) crc = (crc >> 8) ^ tables[0][(crc ^ *at) & 0xff];
    return ~crc;
}

std::uint32_t crc32c(ByteView bytes, std::uint32_t crc) {
#if defined(__x86_64__)
    static const bool has_instruction = __builtin_cpu_supports("sse4.2") != 0;
    if (has_instruction) return crc32c_sse42(bytes, crc);
#endif
    return crc32c_portable(bytes, crc);
}

}  // namespace moldau
