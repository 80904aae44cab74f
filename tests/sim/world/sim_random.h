#pragma once
// Randomness of the simulated world: named streams split from one seed, so that one more draw in the network does not
// shift what the disk draws. Integers only: the same numbers come out of every build.

#include <cstdint>
#include <string_view>

#include <moldau/base/bytes.h>
#include <moldau/runtime/random.h>
#include <moldau/runtime/time.h>

namespace moldau::sim {

using runtime::Duration;
using runtime::TimePoint;

/// A 64-bit hash that extends `hash` by a number; the order of the calls matters.
constexpr std::uint64_t mix(std::uint64_t hash, std::uint64_t value) {
    hash ^= value + 0x9e3779b97f4a7c15U + (hash << 6) + (hash >> 2);
    hash ^= hash >> 30;
    hash *= 0xbf58476d1ce4e5b9U;
    hash ^= hash >> 27;
    hash *= 0x94d049bb133111ebU;
    return hash ^ (hash >> 31);
}

std::uint64_t hash_of(ByteView bytes);
inline std::uint64_t hash_of(std::string_view text) {
    return hash_of(bytes_of(text));
}

class SimRandom final : public runtime::Random {
 public:
    explicit SimRandom(std::uint64_t seed) : state_(seed) {}

    std::uint64_t next() override;

    /// In [low, high]. Requires: low <= high.
    std::uint64_t between(std::uint64_t low, std::uint64_t high) { return low + below(high - low + 1); }
    bool chance(std::uint64_t per_mille) { return below(1000) < per_mille; }
    bool coin() { return (next() & 1U) != 0; }
    Duration duration(Duration low, Duration high) {
        return Duration(static_cast<Duration::rep>(
            between(static_cast<std::uint64_t>(low.count()), static_cast<std::uint64_t>(high.count()))));
    }

 private:
    std::uint64_t state_;
};

/// How long something takes: mostly within [shortest, longest], now and then up to `spike`.
struct Latency {
    Duration shortest{};
    Duration longest{};
    Duration spike{};
    unsigned spike_per_mille = 0;

    Duration draw(SimRandom& random) const;
};

}  // namespace moldau::sim
