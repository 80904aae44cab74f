#pragma once
// What a log remembers of its idempotent and transactional producers: the last five batches of each, so that a retry is
// answered as the duplicate that it is, and the transactions that are open. Owned by the Log, on its shard; pure.
// The rules are Apache Kafka's; its `.snapshot` files are read and written, with all five batches (docs/formats).

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <vector>

#include <moldau/base/bytes.h>
#include <moldau/base/ids.h>
#include <moldau/base/result.h>
#include <moldau/protocol/record_batch.h>

namespace moldau::storage {

struct ProducerBatch {
    std::int32_t last_sequence = protocol::no_sequence;
    std::int32_t offset_delta = 0;  ///< last offset − first offset
    Offset last_offset = no_offset;
    Timestamp timestamp = no_timestamp;  ///< the batch's largest

    Offset first_offset() const { return last_offset - offset_delta; }
    std::int32_t first_sequence() const;
    friend bool operator==(const ProducerBatch&, const ProducerBatch&) = default;
};

struct ProducerEntry {
    static constexpr std::size_t retained_batches = 5;

    ProducerEpoch epoch = no_producer_epoch;
    std::int32_t coordinator_epoch = -1;
    Timestamp last_timestamp = no_timestamp;
    Timestamp last_used = no_timestamp;           ///< by the broker's clock; in no snapshot (see on_recovered())
    Offset current_txn_first_offset = no_offset;  ///< no_offset: no transaction is open
    std::uint8_t count = 0;
    std::array<ProducerBatch, retained_batches> batch = {};  ///< the first `count`, oldest first

    std::span<const ProducerBatch> batches() const { return {batch.data(), count}; }
    std::int32_t last_sequence() const { return count == 0 ? protocol::no_sequence : batch[count - 1].last_sequence; }
    bool in_transaction() const { return current_txn_first_offset != no_offset; }

    void take_epoch(ProducerEpoch newer);
    void add(const ProducerBatch& added);
    friend bool operator==(const ProducerEntry&, const ProducerEntry&) = default;
};

/// Who appends: sequences are checked for clients alone, epochs for all but replicas.
enum class ProducerOrigin : std::uint8_t { client, coordinator, replication };

enum class ProducerVerdict : std::uint8_t {
    ok,
    duplicate,              ///< `original` is the batch that it repeats
    out_of_order_sequence,  ///< OUT_OF_ORDER_SEQUENCE_NUMBER
    invalid_producer_epoch,
    invalid_txn_state,              ///< not transactional inside a transaction
    transaction_coordinator_fenced  ///< a marker of an older coordinator
};

struct ProducerCheck {
    ProducerVerdict verdict = ProducerVerdict::ok;
    ProducerBatch original = {};
};

struct CompletedTransaction {
    ProducerId producer_id;
    Offset first_offset;
    Offset last_offset;         ///< of the marker
    Offset last_stable_offset;  ///< after it, as the index of aborted transactions notes
    bool aborted = false;
};

/// A transaction that a consumer of committed records leaves out.
struct AbortedTransaction {
    ProducerId producer_id;
    Offset first_offset;
    friend bool operator==(const AbortedTransaction&, const AbortedTransaction&) = default;
};

class ProducerState {
 public:
    /// What would become of `batch`, whose offsets are assigned, if it were appended now. `transaction_version`: of the
    /// coordinator that sends a marker; from 2 on (KIP-890) a marker's epoch is newer than its transaction's.
    ProducerCheck check(const protocol::BatchView& batch, ProducerOrigin origin,
                        std::int16_t transaction_version = 0) const;

    /// Notes a batch that was appended; one without producer moves end_offset() alone. `batch` must be whole where it
    /// is a control batch, its header is enough otherwise. `used_at`: when its producer sent it, by the broker's clock.
    std::optional<CompletedTransaction> apply(const protocol::BatchView& batch, Timestamp used_at);

    const ProducerEntry* find(ProducerId id) const;
    const std::map<ProducerId, ProducerEntry>& producers() const { return producers_; }

    /// All before it is reflected here.
    Offset end_offset() const { return end_offset_; }
    void set_end_offset(Offset end) { end_offset_ = end; }

    /// Forgets producers without open transaction that have been silent for `expiration_ms`, whatever times their
    /// records bear: those of old records (a mirror's, a backfill's) are still there for a retry.
    void remove_expired(Timestamp now, std::int64_t expiration_ms);
    /// After snapshots and batches were read, which tell the times of records alone: a producer counts as used when its
    /// newest record was made, but none is forgotten within recovery_grace_ms, so that what was on its way when the
    /// broker went down is known when it comes again.
    void on_recovered(Timestamp now, std::int64_t expiration_ms);
    static constexpr std::int64_t recovery_grace_ms = 3'600'000;

    /// The first offset whose transaction is open or whose marker is not yet below the high watermark; bounds the last
    /// stable offset.
    std::optional<Offset> first_unstable_offset() const;
    /// Transactions whose marker is below the high watermark are stable.
    void on_high_watermark(Offset high_watermark);

    /// The whole `.snapshot` file, version 1.
    Bytes encode_snapshot() const;
    /// It has no more than these.
    std::uint64_t max_snapshot_bytes() const;
    /// Replaces all by a snapshot taken at `end`. Errors: corrupt, and nothing is changed.
    Result<> decode_snapshot(ByteView file, Offset end);

    void clear(Offset end);

 private:
    struct ClosedTransaction {
        Offset last_offset;
    };

    std::optional<CompletedTransaction> end_transaction(const protocol::BatchView& batch, Timestamp used_at);

    std::map<ProducerId, ProducerEntry> producers_;
    std::map<Offset, ProducerId> open_transactions_;    // by first offset
    std::map<Offset, ClosedTransaction> unreplicated_;  // by first offset; marker not below the high watermark
    Offset end_offset_{0};
};

}  // namespace moldau::storage
