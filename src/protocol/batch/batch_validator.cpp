#include <algorithm>

#include <fmt/format.h>

#include <moldau/protocol/batch_builder.h>
#include <moldau/protocol/batch_validator.h>
#include <moldau/protocol/record.h>
#include <moldau/protocol/record_walk.h>

#include "batch/wrapping.h"

namespace moldau::protocol {
namespace {

using Refusal = std::optional<AppendRefused>;

constexpr std::int16_t first_version_with_zstd = 7;
// A batch that must be rebuilt, which takes a few times what it holds in memory, may hold so many times what is allowed
// of it as it comes.
constexpr std::size_t rebuilt_bytes_per_message_byte = 64;

AppendRefused refused(std::int16_t error, std::string message) {
    return {.error = error, .message = std::move(message)};
}

std::expected<BatchView, AppendRefused> the_one_batch(ByteView records) {
    const ParsedBatch first = parse_batch(records);
    switch (first.status) {
        case BatchStatus::whole:
            break;
        case BatchStatus::incomplete:
            return std::unexpected(refused(batch_error::invalid_record,
                                           fmt::format("no whole record batch in the {} bytes of the partition: {}",
                                                       records.size(), first.reason)));
        case BatchStatus::old_magic:
            return std::unexpected(refused(batch_error::invalid_record,
                                           fmt::format("record batches must be of format v2, this is {}; use a client "
                                                       "for Apache Kafka 0.11 or later",
                                                       first.reason)));
        case BatchStatus::corrupt:
            return std::unexpected(
                refused(batch_error::corrupt_message, fmt::format("the record batch is corrupt: {}", first.reason)));
    }
    const ParsedBatch second = parse_batch(records.subspan(first.size_bytes));
    if (second.status == BatchStatus::corrupt)
        return std::unexpected(refused(batch_error::corrupt_message,
                                       fmt::format("what follows the record batch is corrupt: {}", second.reason)));
    const bool stands_there = records.size() - first.size_bytes >= second.size_bytes;
    if (stands_there)
        return std::unexpected(refused(batch_error::invalid_record,
                                       "a partition's data in a Produce request must be exactly one record batch"));
    return first.batch;
}

// What the header alone tells, in the order in which Kafka looks.
Refusal check_header(BatchView batch, const ValidatorConfig& config, const AppendContext& context) {
    const bool client = context.origin == AppendOrigin::client;
    const auto codec = batch.codec();
    if (client && codec == Codec::zstd && context.produce_version < first_version_with_zstd)
        return refused(batch_error::unsupported_compression_type,
                       fmt::format("zstd needs Produce version {} or later, the request has {}",
                                   first_version_with_zstd, context.produce_version));
    if (context.origin == AppendOrigin::raft_leader && batch.partition_leader_epoch() != context.leader_epoch)
        return refused(batch_error::invalid_record, fmt::format("the batch has leader epoch {}, the leader's is {}",
                                                                batch.partition_leader_epoch(), context.leader_epoch));
    if (client && batch.base_offset() != Offset(0))
        return refused(batch_error::invalid_record,
                       fmt::format("a produced batch's base offset must be 0, it is {}", batch.base_offset()));
    if (batch.size_bytes() > config.max_message_bytes)
        return refused(batch_error::message_too_large,
                       fmt::format("the record batch has {} bytes, max.message.bytes is {}", batch.size_bytes(),
                                   config.max_message_bytes));
    if (const std::uint32_t computed = batch.computed_crc(); computed != batch.crc())
        return refused(
            batch_error::corrupt_message,
            fmt::format("the record batch is corrupt: its CRC is {:08x}, computed {:08x}", batch.crc(), computed));
    if (!codec)
        return refused(
            batch_error::unsupported_compression_type,
            fmt::format("compression codec {} does not exist", batch.attributes() & batch_layout::codec_mask));
    return std::nullopt;
}

Refusal check_client_header(BatchView batch) {
    if (batch.count() <= 0 || batch.last_offset_delta() < 0)
        return refused(batch_error::invalid_record,
                       fmt::format("a batch must hold records: its count is {}, its last offset delta {}",
                                   batch.count(), batch.last_offset_delta()));
    if (static_cast<std::int64_t>(batch.last_offset_delta()) + 1 != batch.count())
        return refused(batch_error::invalid_record,
                       fmt::format("the batch's last offset delta {} does not fit its count {}",
                                   batch.last_offset_delta(), batch.count()));
    if (batch.is_control()) return refused(batch_error::invalid_record, "clients may not write control records");
    if (batch.delete_horizon())
        return refused(batch_error::invalid_record,
                       "the batch says when its tombstones go, which compaction alone decides");
    if (batch.has_producer_id() && batch.base_sequence() < 0)
        return refused(batch_error::invalid_record,
                       fmt::format("the batch of producer id {} has the sequence {}; it must not be negative",
                                   batch.producer_id(), batch.base_sequence()));
    return std::nullopt;
}

// What walking the records yields. Of a million bad ones as many are told as the request may tell of.
struct Walked {
    Timestamp max_timestamp = no_timestamp;
    std::int32_t count = 0;
    bool deltas_in_order = true;  ///< offset deltas are 0, 1, 2 …
    bool bad_timestamps = false;
    std::size_t error_count = 0;
    std::string first_error;
    std::vector<RecordError> errors;

    template <class Tell>
    void add_error(RequestAllowance& allowance, const Tell& tell) {
        if (error_count++ == 0) first_error = tell();
        if (allowance.record_errors == 0) return;
        --allowance.record_errors;
        errors.push_back({.batch_index = count, .message = tell()});
    }
};

class RecordRules {
 public:
    RecordRules(BatchView batch, const ValidatorConfig& config, Timestamp now, RequestAllowance& allowance)
        : config_(config),
          now_(now),
          allowance_(allowance),
          ranged_(config.timestamp_type == TimestampType::create_time),
          claims_append_time_(batch.timestamp_type() == TimestampType::log_append_time) {}

    void check(const RecordSkeleton& record, Timestamp timestamp, Walked& walked) const {
        const auto add = [&](const auto& tell) { walked.add_error(allowance_, tell); };
        if (config_.compacted && !record.key)
            return add([] { return std::string("a record of a compacted topic must have a key"); });
        if (ranged_ && timestamp != no_timestamp) {
            if (!out_of_range(timestamp)) return;
            walked.bad_timestamps = true;
            add([&] {
                return fmt::format("the timestamp {} is more than {} ms before or {} ms after the broker's time {}",
                                   timestamp, config_.timestamp_before_max_ms, config_.timestamp_after_max_ms, now_);
            });
        } else if (claims_append_time_) {
            walked.bad_timestamps = true;
            add([] { return std::string("a producer must not set the timestamp type LogAppendTime"); });
        }
    }

 private:
    bool out_of_range(Timestamp timestamp) const {
        const std::int64_t behind = wrapping_subtract(now_.value(), timestamp.value());
        return behind > config_.timestamp_before_max_ms ||
               wrapping_subtract(0, behind) > config_.timestamp_after_max_ms;
    }

    const ValidatorConfig& config_;
    Timestamp now_;
    RequestAllowance& allowance_;
    bool ranged_;
    bool claims_append_time_;
};

// What the records section may take uncompressed: one that is not compressed has been measured.
std::size_t section_limit(BatchView batch, const ValidatorConfig& config) {
    return batch.codec() == Codec::none ? batch.size_bytes() : config.max_decompressed_bytes;
}

std::expected<Walked, AppendRefused> walk(BatchView batch, Decompressor& decompressor, const ValidatorConfig& config,
                                          Timestamp now, RequestAllowance& allowance) {
    const RecordRules rules(batch, config, now, allowance);
    const std::size_t limit = section_limit(batch, config);
    const bool has_room = batch.codec() == Codec::none || limit <= allowance.decompressed_bytes;
    RecordWalk records(batch, decompressor, has_room ? limit : allowance.decompressed_bytes);
    RecordSkeleton record;
    Walked walked;
    while (records.next(record)) {
        const Timestamp timestamp = timestamp_of(batch, record);
        rules.check(record, timestamp, walked);
        walked.max_timestamp = std::max(walked.max_timestamp, timestamp);
        walked.deltas_in_order &= record.offset_delta == walked.count;
        ++walked.count;
    }
    allowance.decompressed_bytes -= std::min(allowance.decompressed_bytes, records.decompressed_bytes());
    // Java's producer splits such a batch and sends it again, in several requests.
    if (records.decompression_error() && !has_room && allowance.decompressed_bytes == 0)
        return std::unexpected(
            refused(batch_error::message_too_large,
                    "the batches of the request decompress to too much together; send less at once"));
    if (records.decompression_error())
        return std::unexpected(refused(batch_error::invalid_record, records.decompression_error()->message));
    if (!records.damage().empty())
        return std::unexpected(refused(batch_error::invalid_record, fmt::format("record {} of the batch is invalid: {}",
                                                                                walked.count, records.damage())));
    if (walked.error_count > 0)
        return std::unexpected(
            AppendRefused{.error = walked.bad_timestamps ? batch_error::invalid_timestamp : batch_error::invalid_record,
                          .message = fmt::format("{} of {} records are refused, the first: {}", walked.error_count,
                                                 walked.count, walked.first_error),
                          .record_errors = std::move(walked.errors)});
    return walked;
}

BatchOptions options_for_rebuild(BatchView batch, const ValidatedBatch& valid, const ValidatorConfig& config,
                                 const AppendContext& context) {
    return {.base_offset = valid.first_offset,
            .leader_epoch = context.leader_epoch,
            .codec = valid.codec,
            .level = config.compression_level,
            .producer_id = batch.producer_id(),
            .producer_epoch = batch.producer_epoch(),
            .base_sequence = batch.base_sequence(),
            .transactional = batch.is_transactional(),
            .control = batch.is_control(),
            .log_append_time = valid.log_append_time};
}

Bytes rebuild(BatchView batch, ByteView section, const BatchOptions& options, Compressor& compressor) {
    BatchBuilder builder(options);
    RecordIterator records(section, batch.count());
    std::vector<HeaderView> headers;
    for (RecordView record; records.next(record);) {
        headers.clear();
        HeaderIterator iterator = record.headers();
        for (HeaderView header; iterator.next(header);) headers.push_back(header);
        builder.append(
            {.timestamp = timestamp_of(batch, record), .key = record.key, .value = record.value, .headers = headers});
    }
    return builder.finish(compressor);
}

}  // namespace

std::expected<ValidatedBatch, AppendRefused> BatchValidator::validate(MutableBytes records,
                                                                      const ValidatorConfig& config,
                                                                      const AppendContext& context) {
    const auto batch = the_one_batch(records);
    if (!batch) return std::unexpected(batch.error());
    auto result = check_and_assign(records, *batch, config, context);
    if (!result)
        result.error().is_content = result.error().error != batch_error::corrupt_message &&
                                    result.error().error != batch_error::message_too_large;
    return result;
}

std::expected<ValidatedBatch, AppendRefused> BatchValidator::check_and_assign(MutableBytes records, BatchView batch,
                                                                              const ValidatorConfig& config,
                                                                              const AppendContext& context) {
    if (auto refusal = check_header(batch, config, context)) return std::unexpected(std::move(*refusal));
    if (context.origin == AppendOrigin::client)
        if (auto refusal = check_client_header(batch)) return std::unexpected(std::move(*refusal));

    RequestAllowance own;
    auto walked = walk(batch, decompressor_, config, context.now, context.allowance ? *context.allowance : own);
    if (!walked) return std::unexpected(std::move(walked).error());

    const Codec source = *batch.codec();
    ValidatedBatch valid;
    valid.count = walked->count;
    valid.first_offset = context.next_offset;
    valid.max_timestamp = walked->max_timestamp;
    if (config.timestamp_type == TimestampType::log_append_time)
        valid.max_timestamp = *(valid.log_append_time = context.now);
    // Control batches are not compressed unless they came so.
    const bool keeps_codec = batch.is_control() && source == Codec::none;
    valid.codec = keeps_codec ? source : config.compression.value_or(source);

    if (walked->count > 0 && (valid.codec != source || !walked->deltas_in_order)) {
        // Here alone the content is needed: whole, since the builder holds it whole too. Java's producer splits a batch
        // that is too large, and sends it again.
        const std::size_t limit =
            std::min(section_limit(batch, config), config.max_message_bytes * rebuilt_bytes_per_message_byte);
        const auto section = decompressor_.decompress(source, batch.records(), limit);
        if (!section) return std::unexpected(refused(batch_error::message_too_large, section.error().message));
        valid.rebuilt_ = rebuild(batch, *section, options_for_rebuild(batch, valid, config, context), compressor_);
        decompressor_.release_excess();
        if (valid.rebuilt_.size() > config.max_message_bytes)
            return std::unexpected(
                refused(batch_error::message_too_large,
                        fmt::format("written with codec {}, the record batch has {} bytes, max.message.bytes is {}",
                                    to_string(valid.codec), valid.rebuilt_.size(), config.max_message_bytes)));
    } else {
        const MutableBytes bytes = records.first(batch.size_bytes());
        set_base_offset(bytes, context.next_offset);
        set_partition_leader_epoch(bytes, context.leader_epoch);
        set_max_timestamp(bytes, config.timestamp_type, valid.max_timestamp);
        valid.in_place_ = bytes;
    }
    valid.last_offset = valid.batch().last_offset();
    if (valid.max_timestamp != no_timestamp) valid.offset_of_max_timestamp = valid.last_offset;
    return valid;
}

}  // namespace moldau::protocol
