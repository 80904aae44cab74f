#pragma once
// Writes batches of format v2: for the metadata log, internal topics, the client, compaction and tests. A builder is
// owned by whoever fills it and makes one batch; it is not shared.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include <moldau/base/bytes.h>
#include <moldau/base/ids.h>
#include <moldau/protocol/compression.h>
#include <moldau/protocol/record.h>
#include <moldau/protocol/record_batch.h>

namespace moldau::protocol {

/// What stands in a batch's header besides what follows from its records.
struct BatchOptions {
    Offset base_offset{0};
    LeaderEpoch leader_epoch = no_leader_epoch;
    Codec codec = Codec::none;
    std::optional<int> level = std::nullopt;  ///< in Kafka's scale; none: the codec's default
    ProducerId producer_id = no_producer_id;
    ProducerEpoch producer_epoch = no_producer_epoch;
    std::int32_t base_sequence = no_sequence;
    bool transactional = false;
    bool control = false;
    std::optional<Timestamp> log_append_time =
        std::nullopt;  ///< set: the batch is of LogAppendTime, and this its max timestamp
    std::optional<Timestamp> delete_horizon = std::nullopt;  ///< set: replaces the base timestamp (KIP-534)
};

/// A record to write. Everything is borrowed during the call only.
struct RecordToWrite {
    Timestamp timestamp{0};
    std::optional<ByteView> key = std::nullopt;
    std::optional<ByteView> value = std::nullopt;
    std::span<const HeaderView> headers = {};
};

class BatchBuilder {
 public:
    explicit BatchBuilder(const BatchOptions& options);

    /// Adds a record at the offset after the last one's.
    void append(const RecordToWrite& record) { append_at(next_offset_, record); }

    /// Adds a record at `offset`. Requires: offsets rise, and stay within 2³¹ − 1 of the base offset.
    void append_at(Offset offset, const RecordToWrite& record);

    /// The offset that append() would give.
    Offset next_offset() const { return next_offset_; }
    std::int32_t count() const { return count_; }
    bool empty() const { return count_ == 0; }
    /// Of the batch so far, before compression.
    std::size_t size_bytes() const { return batch_.size(); }
    /// By how much appending `record` would grow it at most, before compression.
    static std::size_t record_size_bound(const RecordToWrite& record);

    /// The batch; the builder is spent. `last_offset`: where the batch ends, when compaction has removed its last
    /// records. Requires: at least one record; see empty_batch().
    Bytes finish(Compressor& compressor, std::optional<Offset> last_offset = std::nullopt);
    /// The same. Requires: Codec::none.
    Bytes finish(std::optional<Offset> last_offset = std::nullopt);

 private:
    BatchOptions options_;
    Bytes batch_;  ///< header, unset so far, and records
    Offset next_offset_;
    std::int32_t count_ = 0;
    Timestamp base_timestamp_ = no_timestamp;
    Timestamp max_timestamp_ = no_timestamp;
};

/// A batch without records, which compaction keeps for its producer's sequence.
Bytes empty_batch(const BatchOptions& options, Offset last_offset, Timestamp max_timestamp);

/// The marker that ends a transaction: a control batch of one record.
struct EndTransactionMarker {
    bool commit = false;
    std::int32_t coordinator_epoch = 0;
};
/// `options.control` and `options.transactional` need not be set.
Bytes end_transaction_batch(const BatchOptions& options, EndTransactionMarker marker, Timestamp timestamp);

/// Types of control records, the second i16 of their key.
enum class ControlType : std::int16_t {
    abort = 0,
    commit = 1,
    leader_change = 2,
    snapshot_header = 3,
    snapshot_footer = 4,
    kraft_version = 5,
    voters = 6,
};

/// The key of a control record: version 0 and the type.
Bytes control_record_key(ControlType type);

/// The type in a control record's key; nothing when it is no such key or the type is not known.
std::optional<ControlType> control_type_of(const RecordView& record);

/// The marker in a control record; nothing when it holds something else.
std::optional<EndTransactionMarker> end_transaction_marker_of(const RecordView& record);

}  // namespace moldau::protocol
