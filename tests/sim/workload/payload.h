#pragma once
// What the workload's records carry: who wrote it, its number and a checksum, so that a record proves itself.

#include <cstdint>
#include <optional>

#include <moldau/base/bytes.h>

namespace moldau::sim {

enum class Acks : std::int16_t { all = -1, none = 0, leader = 1 };

struct RecordId {
    std::uint32_t producer = 0;
    std::uint64_t number = 0;
    friend auto operator<=>(const RecordId&, const RecordId&) = default;
};

struct Payload {
    RecordId id;
    Acks acks = Acks::all;
    bool idempotent = false;
    std::uint32_t key = 0;  ///< of records of a compacted topic
    bool deletes = false;   ///< its key; the record has no value
};

/// At least `size_bytes`, filled from the id: a record's value, or the header of one that deletes its key.
Bytes encode_payload(const Payload& payload, std::size_t size_bytes);
/// Nothing when the checksum is wrong.
std::optional<Payload> decode_payload(ByteView bytes);

}  // namespace moldau::sim
