#pragma once
// What a partition's leader checks on a batch before it appends it, and the offsets and epoch that it writes into it:
// the rules are Apache Kafka's for format v2 (docs/formats/record-batches.md). One a shard, owned by the shard: it
// keeps a decompressor. What a batch holds goes by in pieces; only one that must be rebuilt is taken into memory whole.
// Pure: the clock comes in as a number.

#include <cstddef>
#include <cstdint>
#include <expected>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include <moldau/base/bytes.h>
#include <moldau/base/ids.h>
#include <moldau/protocol/compression.h>
#include <moldau/protocol/record_batch.h>

namespace moldau::protocol {

/// Kafka's error codes that a refused batch is answered with.
namespace batch_error {
inline constexpr std::int16_t corrupt_message = 2;
inline constexpr std::int16_t message_too_large = 10;
inline constexpr std::int16_t invalid_timestamp = 32;
inline constexpr std::int16_t unsupported_compression_type = 76;
inline constexpr std::int16_t invalid_record = 87;
}  // namespace batch_error

/// Who appends. All but clients may write control batches, and choose offsets, counts and sequences as they need.
enum class AppendOrigin : std::uint8_t { client, coordinator, raft_leader };

/// From the topic's and the broker's configuration; the defaults are Kafka's.
struct ValidatorConfig {
    std::size_t max_message_bytes = 1'048'588;                                        ///< max.message.bytes
    TimestampType timestamp_type = TimestampType::create_time;                        ///< message.timestamp.type
    std::int64_t timestamp_before_max_ms = std::numeric_limits<std::int64_t>::max();  ///< …timestamp.before.max.ms
    std::int64_t timestamp_after_max_ms = 3'600'000;                                  ///< …timestamp.after.max.ms
    bool compacted = false;                                                           ///< cleanup.policy has compact
    std::optional<Codec> compression = std::nullopt;                                  ///< none: as the producer chose
    std::optional<int> compression_level = std::nullopt;                              ///< for `compression`
    std::size_t max_decompressed_bytes = 256UL << 20;  ///< what a batch may decompress to: our own bound, on time
};

/// What all the batches of one request may take together, however many they are.
struct RequestAllowance {
    std::size_t decompressed_bytes = 1UL << 30;
    std::size_t record_errors = 1000;
};

/// Where and when the batch is appended.
struct AppendContext {
    Offset next_offset{0};
    LeaderEpoch leader_epoch{0};
    Timestamp now{0};
    AppendOrigin origin = AppendOrigin::client;
    std::int16_t produce_version = std::numeric_limits<std::int16_t>::max();  ///< of the request, for clients
    RequestAllowance* allowance = nullptr;  ///< what the batch takes is taken off it; none: it has one of its own
};

struct RecordError {
    std::int32_t batch_index = 0;  ///< of the record in its batch
    std::string message;
};

/// Why a batch is refused, as the answer tells it.
struct AppendRefused {
    std::int16_t error = 0;  ///< of batch_error
    std::string message;
    std::vector<RecordError> record_errors{};
    /// What was sent is one whole batch of a size that is allowed, and breaks a rule of its content.
    bool is_content = false;
};

/// A batch that may be appended: where its bytes are and what the log needs to know of it.
class ValidatedBatch {
 public:
    Offset first_offset = no_offset;
    Offset last_offset = no_offset;
    Timestamp max_timestamp = no_timestamp;
    /// The batch's last offset, as Kafka keeps it: a time lookup then reads the batch. no_offset without timestamps.
    Offset offset_of_max_timestamp = no_offset;
    std::optional<Timestamp> log_append_time;
    std::int32_t count = 0;
    Codec codec = Codec::none;

    /// The bytes to append: the request's own, changed in place, or rebuilt ones owned by this.
    BatchView batch() const { return BatchView(rebuilt_.empty() ? in_place_ : ByteView(rebuilt_)); }
    bool is_rebuilt() const { return !rebuilt_.empty(); }

 private:
    friend class BatchValidator;
    ByteView in_place_;
    Bytes rebuilt_;
};

class BatchValidator {
 public:
    /// Checks the one batch in `records`, the bytes of a partition in a Produce request, and writes offsets, epoch and
    /// timestamps into it. A partial batch behind it is ignored, as in Kafka. After a refusal the bytes are unchanged.
    std::expected<ValidatedBatch, AppendRefused> validate(MutableBytes records, const ValidatorConfig& config,
                                                          const AppendContext& context);

    /// What it keeps for decompressed records between calls.
    std::size_t held_bytes() const { return decompressor_.held_bytes(); }

 private:
    std::expected<ValidatedBatch, AppendRefused> check_and_assign(MutableBytes records, BatchView batch,
                                                                  const ValidatorConfig& config,
                                                                  const AppendContext& context);

    Decompressor decompressor_;
    Compressor compressor_;
};

}  // namespace moldau::protocol
