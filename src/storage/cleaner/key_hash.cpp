#include "cleaner/key_hash.h"

#include <bit>

namespace moldau::storage {
namespace {

constexpr std::size_t word_bytes = 8;
/// What the variant of 128 bits differs by from that of 64.
constexpr std::uint64_t wide_start = 0xee;
constexpr std::uint64_t wide_middle = 0xdd;

std::uint64_t load_little_endian(const std::uint8_t* from, std::size_t size) {
    std::uint64_t word = 0;
    for (std::size_t i = 0; i < size; ++i) word |= std::uint64_t{from[i]} << (8 * i);
    return word;
}

struct SipState {
    std::uint64_t v0, v1, v2, v3;

    void rounds(int count) {
        for (; count > 0; --count) {
            v0 += v1;
            v1 = std::rotl(v1, 13) ^ v0;
            v0 = std::rotl(v0, 32);
            v2 += v3;
            v3 = std::rotl(v3, 16) ^ v2;
            v0 += v3;
            v3 = std::rotl(v3, 21) ^ v0;
            v2 += v1;
            v1 = std::rotl(v1, 17) ^ v2;
            v2 = std::rotl(v2, 32);
        }
    }
    void take(std::uint64_t word) {
        v3 ^= word;
        rounds(2);
        v0 ^= word;
    }
    std::uint64_t folded() const { return v0 ^ v1 ^ v2 ^ v3; }
};

}  // namespace

KeyDigest hash_key(const HashSecret& secret, ByteView key) {
    SipState state{secret[0] ^ 0x736f6d6570736575, secret[1] ^ 0x646f72616e646f6d ^ wide_start,
                   secret[0] ^ 0x6c7967656e657261, secret[1] ^ 0x7465646279746573};
    const std::size_t whole = key.size() / word_bytes * word_bytes;
    for (std::size_t at = 0; at < whole; at += word_bytes) {
        // A loop over bytes is not made one load everywhere.
        std::uint64_t word;
        std::memcpy(&word, key.data() + at, word_bytes);
        if constexpr (std::endian::native == std::endian::big) word = std::byteswap(word);
        state.take(word);
    }
    state.take(load_little_endian(key.data() + whole, key.size() - whole) | std::uint64_t{key.size()} << 56);
    KeyDigest digest;
    state.v2 ^= wide_start;
    state.rounds(4);
    digest.low = state.folded();
    state.v1 ^= wide_middle;
    state.rounds(4);
    digest.high = state.folded();
    return digest;
}

}  // namespace moldau::storage
