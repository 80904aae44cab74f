#pragma once
// Which partition a record goes to: by the hash of its key as Java clients choose, or one batch after the other. Pure.

#include <cstdint>
#include <vector>

#include <moldau/base/bytes.h>

namespace moldau::cli {

/// 32-bit Murmur2 with the seed that Kafka's clients use.
std::uint32_t murmur2(ByteView bytes);

/// The partition of a key. Requires: partitions > 0.
std::int32_t partition_of_key(ByteView key, std::int32_t partitions);

/// Records without a key stay on one partition until its batch is closed: few large batches instead of many small.
class StickyPartition {
 public:
    explicit StickyPartition(std::uint64_t random) : at_(random) {}

    /// Requires: not empty.
    std::int32_t current(const std::vector<std::int32_t>& partitions) const {
        return partitions[at_ % partitions.size()];
    }
    void move_on() { ++at_; }

 private:
    std::uint64_t at_;
};

}  // namespace moldau::cli
