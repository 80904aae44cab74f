#pragma once
// A record batch of format v2, the unit in which records travel, are stored and are checksummed. Views borrow the bytes
// of a frame, a file's page or a builder; they may be used on any shard that owns those bytes.
//
//   0 base offset i64 · 8 length i32 (of what follows it) · 12 partition leader epoch i32 · 16 magic i8 · 17 CRC-32C
//   u32 (of all that follows it) · 21 attributes i16 · 23 last offset delta i32 · 27 base timestamp i64 · 35 max
//   timestamp i64 · 43 producer id i64 · 51 producer epoch i16 · 53 base sequence i32 · 57 record count i32 · 61
//   records

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include <moldau/base/bytes.h>
#include <moldau/base/ids.h>
#include <moldau/protocol/compression.h>

namespace moldau::protocol {

enum class TimestampType : std::uint8_t { create_time = 0, log_append_time = 1 };

inline constexpr std::int32_t no_sequence = -1;
inline constexpr std::int8_t current_magic = 2;

namespace batch_layout {
inline constexpr std::size_t base_offset = 0;
inline constexpr std::size_t length = 8;
inline constexpr std::size_t partition_leader_epoch = 12;
inline constexpr std::size_t magic = 16;
inline constexpr std::size_t crc = 17;
inline constexpr std::size_t attributes = 21;
inline constexpr std::size_t last_offset_delta = 23;
inline constexpr std::size_t base_timestamp = 27;
inline constexpr std::size_t max_timestamp = 35;
inline constexpr std::size_t producer_id = 43;
inline constexpr std::size_t producer_epoch = 51;
inline constexpr std::size_t base_sequence = 53;
inline constexpr std::size_t count = 57;
inline constexpr std::size_t records = 61;

/// Base offset and length: what stands before the bytes that the length counts.
inline constexpr std::size_t overhead_bytes = 12;
inline constexpr std::size_t header_bytes = records;

inline constexpr std::uint16_t codec_mask = 0x07;
inline constexpr std::uint16_t log_append_time_bit = 0x08;
inline constexpr std::uint16_t transactional_bit = 0x10;
inline constexpr std::uint16_t control_bit = 0x20;
inline constexpr std::uint16_t delete_horizon_bit = 0x40;
}  // namespace batch_layout

/// Sequences count from 0 to the largest i32 and start again at 0.
constexpr std::int32_t sequence_after(std::int32_t sequence, std::int32_t steps) {
    return static_cast<std::int32_t>((static_cast<std::uint32_t>(sequence) + static_cast<std::uint32_t>(steps)) &
                                     0x7fffffffU);
}

/// One whole batch. Nothing beyond its size is known to be sane: use crc_ok() where the bytes come from outside.
class BatchView {
 public:
    BatchView() = default;
    /// Requires: `bytes` is exactly one batch, as parse_batch found it.
    explicit BatchView(ByteView bytes) : bytes_(bytes) {}

    Offset base_offset() const { return Offset(load<std::int64_t>(batch_layout::base_offset)); }
    std::int32_t batch_length() const { return load<std::int32_t>(batch_layout::length); }
    LeaderEpoch partition_leader_epoch() const {
        return LeaderEpoch(load<std::int32_t>(batch_layout::partition_leader_epoch));
    }
    std::int8_t magic() const { return load<std::int8_t>(batch_layout::magic); }
    std::uint32_t crc() const { return load<std::uint32_t>(batch_layout::crc); }
    std::uint16_t attributes() const { return load<std::uint16_t>(batch_layout::attributes); }
    std::int32_t last_offset_delta() const { return load<std::int32_t>(batch_layout::last_offset_delta); }
    Timestamp base_timestamp() const { return Timestamp(load<std::int64_t>(batch_layout::base_timestamp)); }
    Timestamp max_timestamp() const { return Timestamp(load<std::int64_t>(batch_layout::max_timestamp)); }
    ProducerId producer_id() const { return ProducerId(load<std::int64_t>(batch_layout::producer_id)); }
    ProducerEpoch producer_epoch() const { return ProducerEpoch(load<std::int16_t>(batch_layout::producer_epoch)); }
    std::int32_t base_sequence() const { return load<std::int32_t>(batch_layout::base_sequence); }
    std::int32_t count() const { return load<std::int32_t>(batch_layout::count); }

    /// Nothing when the attributes name a codec that does not exist.
    std::optional<Codec> codec() const {
        return codec_of(static_cast<std::uint8_t>(attributes() & batch_layout::codec_mask));
    }
    TimestampType timestamp_type() const {
        return has(batch_layout::log_append_time_bit) ? TimestampType::log_append_time : TimestampType::create_time;
    }
    bool is_transactional() const { return has(batch_layout::transactional_bit); }
    bool is_control() const { return has(batch_layout::control_bit); }
    bool has_delete_horizon() const { return has(batch_layout::delete_horizon_bit); }
    bool has_producer_id() const { return producer_id().value() > no_producer_id.value(); }

    /// When tombstones and markers in it may go (KIP-534): set by compaction, which keeps it as the base timestamp.
    std::optional<Timestamp> delete_horizon() const {
        if (!has_delete_horizon()) return std::nullopt;
        return base_timestamp();
    }

    Offset last_offset() const;
    Offset next_offset() const;
    /// The last record's sequence, or no_sequence.
    std::int32_t last_sequence() const;

    ByteView bytes() const { return bytes_; }
    std::size_t size_bytes() const { return bytes_.size(); }
    /// The records section, compressed if the codec says so.
    ByteView records() const { return bytes_.subspan(batch_layout::records); }

    std::uint32_t computed_crc() const;
    bool crc_ok() const { return crc() == computed_crc(); }

 private:
    template <class T>
    T load(std::size_t position) const {
        return load_big_endian<T>(bytes_.data() + position);
    }
    bool has(std::uint16_t bit) const { return (attributes() & bit) != 0; }

    ByteView bytes_;
};

enum class BatchStatus {
    whole,       ///< a batch of v2 stands there in full; its CRC was not looked at
    incomplete,  ///< it may be one, but ends too early
    corrupt,     ///< a length or a magic that no batch has
    old_magic,   ///< a message set of v0 or v1, which Kafka 4 no longer reads
};

struct ParsedBatch {
    BatchStatus status = BatchStatus::incomplete;
    BatchView batch = {};        ///< set when whole
    std::size_t size_bytes = 0;  ///< of the batch when its length could be read, otherwise the least that can tell more
    std::string_view reason = {};  ///< why it is not whole, for people
};

/// Looks at the batch at the front of `from`.
ParsedBatch parse_batch(ByteView from);

/// Walks consecutive batches; stops before the first that is not whole, and tells why.
class BatchIterator {
 public:
    explicit BatchIterator(ByteView from) : rest_(from) {}

    /// Moves to the next batch; false at the end and where there is no whole batch.
    bool next(BatchView& batch);

    /// After next() was false: everything was whole.
    bool at_end() const { return rest_.empty(); }
    /// What is not yet walked.
    ByteView rest() const { return rest_; }
    /// After next() was false and not at_end(): what stands there.
    const ParsedBatch& stopped_at() const { return parsed_; }

 private:
    ByteView rest_;
    ParsedBatch parsed_;
};

// Changes in place. Requires: `batch` is one whole batch.

/// Outside the checksum.
void set_base_offset(MutableBytes batch, Offset offset);
void set_partition_leader_epoch(MutableBytes batch, LeaderEpoch epoch);

/// Sets type and maximum, and renews the checksum when that changed anything. Requires: the checksum was right.
void set_max_timestamp(MutableBytes batch, TimestampType type, Timestamp max_timestamp);

}  // namespace moldau::protocol
