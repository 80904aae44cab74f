#pragma once
// Randomness as a port, so that a simulated run draws all of it from its seed.

#include <cstdint>

#include <moldau/base/uuid.h>

namespace moldau::runtime {

/// One a shard; not thread-safe.
class Random {
 public:
    virtual ~Random() = default;
    virtual std::uint64_t next() = 0;

    /// A number in [0, bound). Requires: bound > 0.
    std::uint64_t below(std::uint64_t bound) { return next() % bound; }

    /// A random (version 4) id. Kafka never gives out one whose text begins with a dash, which tools would take for a
    /// flag.
    Uuid uuid();
};

}  // namespace moldau::runtime
