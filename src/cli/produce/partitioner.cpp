#include "produce/partitioner.h"

#include <moldau/base/assert.h>

namespace moldau::cli {

std::uint32_t murmur2(ByteView bytes) {
    constexpr std::uint32_t seed = 0x9747b28c;
    constexpr std::uint32_t multiplier = 0x5bd1e995;
    constexpr int rotation = 24;

    auto hash = seed ^ static_cast<std::uint32_t>(bytes.size());
    for (; bytes.size() >= 4; bytes = bytes.subspan(4)) {
        // Little-endian words.
        std::uint32_t word = std::byteswap(load_big_endian<std::uint32_t>(bytes.data())) * multiplier;
        word = (word ^ (word >> rotation)) * multiplier;
        hash = (hash * multiplier) ^ word;
    }
    if (!bytes.empty()) {
        for (std::size_t i = bytes.size(); i > 0; --i)
            hash ^= static_cast<std::uint32_t>(bytes[i - 1]) << (8 * (i - 1));
        hash *= multiplier;
    }
    hash = (hash ^ (hash >> 13)) * multiplier;
    return hash ^ (hash >> 15);
}

std::int32_t partition_of_key(ByteView key, std::int32_t partitions) {
    MOLDAU_ASSERT(partitions > 0);
    return static_cast<std::int32_t>(murmur2(key) & 0x7fffffffU) % partitions;
}

}  // namespace moldau::cli
