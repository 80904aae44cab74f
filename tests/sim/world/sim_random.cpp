#include "sim_random.h"

namespace moldau::sim {

std::uint64_t hash_of(ByteView bytes) {
    std::uint64_t hash = 0xcbf29ce484222325U ^ bytes.size();
    while (bytes.size() >= 8) {
        hash = mix(hash, load_big_endian<std::uint64_t>(bytes.data()));
        bytes = bytes.subspan(8);
    }
    std::uint64_t tail = 0;
    for (const std::uint8_t byte : bytes) tail = (tail << 8) | byte;
    return mix(hash, tail);
}

std::uint64_t SimRandom::next() {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15U);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31);
}

Duration Latency::draw(SimRandom& random) const {
    if (spike_per_mille > 0 && random.chance(spike_per_mille)) return random.duration(longest, spike);
    return random.duration(shortest, longest);
}

}  // namespace moldau::sim
