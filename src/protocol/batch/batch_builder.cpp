#include <array>
#include <limits>

#include <moldau/base/assert.h>
#include <moldau/base/crc32c.h>
#include <moldau/base/varint.h>
#include <moldau/protocol/batch_builder.h>

#include "batch/wrapping.h"

namespace moldau::protocol {
namespace {

constexpr std::size_t control_key_size = 4;
constexpr std::size_t marker_value_size = 6;
constexpr std::int16_t control_version = 0;

std::size_t varint_size(std::int32_t value) {
    return uvarint_size(zigzag(value));
}
std::size_t varlong_size(std::int64_t value) {
    return uvarint_size(zigzag(value));
}

std::size_t nullable_size(const std::optional<ByteView>& bytes) {
    return bytes ? varint_size(static_cast<std::int32_t>(bytes->size())) + bytes->size() : 1;
}

// Of what follows the deltas: key, value, headers.
std::size_t content_size(const RecordToWrite& record) {
    std::size_t size = nullable_size(record.key) + nullable_size(record.value) +
                       varint_size(static_cast<std::int32_t>(record.headers.size()));
    for (const HeaderView& header : record.headers)
        size += nullable_size(bytes_of(header.key)) + nullable_size(header.value);
    return size;
}

// Writes into space whose size was computed before.
struct Pen {
    std::uint8_t* at;

    void varint(std::int32_t value) { at += write_uvarint(at, zigzag(value)); }
    void varlong(std::int64_t value) { at += write_uvarlong(at, zigzag(value)); }
    void nullable(const std::optional<ByteView>& bytes) {
        if (!bytes) return varint(-1);
        varint(static_cast<std::int32_t>(bytes->size()));
        if (!bytes->empty()) std::memcpy(at, bytes->data(), bytes->size());
        at += bytes->size();
    }
};

std::uint16_t attributes_of(const BatchOptions& options, Codec codec) {
    auto attributes = static_cast<std::uint16_t>(codec);
    if (options.log_append_time) attributes |= batch_layout::log_append_time_bit;
    if (options.transactional) attributes |= batch_layout::transactional_bit;
    if (options.control) attributes |= batch_layout::control_bit;
    if (options.delete_horizon) attributes |= batch_layout::delete_horizon_bit;
    return attributes;
}

struct HeaderFields {
    std::uint16_t attributes;
    std::int32_t last_offset_delta;
    Timestamp base_timestamp;
    Timestamp max_timestamp;
    std::int32_t count;
};

// Fills in the header of a batch whose records stand behind it already.
void write_header(MutableBytes batch, const BatchOptions& options, const HeaderFields& fields) {
    const std::size_t length = batch.size() - batch_layout::overhead_bytes;
    MOLDAU_ASSERT(length <= static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max()));
    const auto put = [&](std::size_t position, auto value) { store_big_endian(batch.data() + position, value); };
    put(batch_layout::base_offset, options.base_offset.value());
    put(batch_layout::length, static_cast<std::int32_t>(length));
    put(batch_layout::partition_leader_epoch, options.leader_epoch.value());
    put(batch_layout::magic, current_magic);
    put(batch_layout::attributes, fields.attributes);
    put(batch_layout::last_offset_delta, fields.last_offset_delta);
    put(batch_layout::base_timestamp, fields.base_timestamp.value());
    put(batch_layout::max_timestamp, fields.max_timestamp.value());
    put(batch_layout::producer_id, options.producer_id.value());
    put(batch_layout::producer_epoch, options.producer_epoch.value());
    put(batch_layout::base_sequence, options.base_sequence);
    put(batch_layout::count, fields.count);
    put(batch_layout::crc, BatchView(batch).computed_crc());
}

std::int32_t delta_between(Offset base, Offset offset) {
    const std::int64_t delta = offset - base;
    MOLDAU_ASSERT(delta >= 0 && delta <= std::numeric_limits<std::int32_t>::max());
    return static_cast<std::int32_t>(delta);
}

}  // namespace

BatchBuilder::BatchBuilder(const BatchOptions& options)
    : options_(options), batch_(batch_layout::header_bytes), next_offset_(options.base_offset) {
    if (options.delete_horizon) base_timestamp_ = *options.delete_horizon;
}

std::size_t BatchBuilder::record_size_bound(const RecordToWrite& record) {
    return max_varint_bytes + 1 + max_varlong_bytes + max_varint_bytes + content_size(record);
}

void BatchBuilder::append_at(Offset offset, const RecordToWrite& record) {
    MOLDAU_ASSERT(offset >= next_offset_);
    const std::int32_t offset_delta = delta_between(options_.base_offset, offset);
    if (count_ == 0 && !options_.delete_horizon) base_timestamp_ = record.timestamp;
    const std::int64_t timestamp_delta = wrapping_subtract(record.timestamp.value(), base_timestamp_.value());
    const std::size_t body_size = 1 + varlong_size(timestamp_delta) + varint_size(offset_delta) + content_size(record);
    MOLDAU_ASSERT(body_size <= static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max()));
    const auto body_length = static_cast<std::int32_t>(body_size);

    const std::size_t start = batch_.size();
    batch_.resize(start + varint_size(body_length) + body_size);
    Pen pen{batch_.data() + start};
    pen.varint(body_length);
    *pen.at++ = 0;  // attributes
    pen.varlong(timestamp_delta);
    pen.varint(offset_delta);
    pen.nullable(record.key);
    pen.nullable(record.value);
    pen.varint(static_cast<std::int32_t>(record.headers.size()));
    for (const HeaderView& header : record.headers) {
        pen.nullable(bytes_of(header.key));
        pen.nullable(header.value);
    }
    MOLDAU_ASSERT(pen.at == batch_.data() + batch_.size());

    max_timestamp_ = std::max(max_timestamp_, record.timestamp);
    next_offset_ = offset + 1;
    ++count_;
}

Bytes BatchBuilder::finish(Compressor& compressor, std::optional<Offset> last_offset) {
    MOLDAU_ASSERT(count_ > 0);
    const Offset last = last_offset.value_or(next_offset_ - 1);
    MOLDAU_ASSERT(last >= next_offset_ - 1);
    if (options_.codec != Codec::none) {
        Bytes compressed(batch_layout::header_bytes);
        compressor.compress(options_.codec, ByteView(batch_).subspan(batch_layout::records), compressed,
                            options_.level);
        batch_ = std::move(compressed);
    }
    write_header(batch_, options_,
                 {.attributes = attributes_of(options_, options_.codec),
                  .last_offset_delta = delta_between(options_.base_offset, last),
                  .base_timestamp = base_timestamp_,
                  .max_timestamp = options_.log_append_time.value_or(max_timestamp_),
                  .count = count_});
    return std::move(batch_);
}

Bytes BatchBuilder::finish(std::optional<Offset> last_offset) {
    MOLDAU_ASSERT(options_.codec == Codec::none);
    Compressor unused;
    return finish(unused, last_offset);
}

Bytes empty_batch(const BatchOptions& options, Offset last_offset, Timestamp max_timestamp) {
    Bytes batch(batch_layout::header_bytes);
    write_header(batch, options,
                 {.attributes = attributes_of(options, Codec::none),
                  .last_offset_delta = delta_between(options.base_offset, last_offset),
                  .base_timestamp = options.delete_horizon.value_or(no_timestamp),
                  .max_timestamp = max_timestamp,
                  .count = 0});
    return batch;
}

Bytes control_record_key(ControlType type) {
    Bytes key(control_key_size);
    store_big_endian(key.data(), control_version);
    store_big_endian(key.data() + 2, static_cast<std::int16_t>(type));
    return key;
}

Bytes end_transaction_batch(const BatchOptions& options, EndTransactionMarker marker, Timestamp timestamp) {
    BatchOptions control = options;
    control.control = true;
    control.transactional = true;
    control.codec = Codec::none;
    const Bytes key = control_record_key(marker.commit ? ControlType::commit : ControlType::abort);
    std::array<std::uint8_t, marker_value_size> value;
    store_big_endian(value.data(), control_version);
    store_big_endian(value.data() + 2, marker.coordinator_epoch);
    BatchBuilder builder(control);
    builder.append({.timestamp = timestamp, .key = ByteView(key), .value = ByteView(value)});
    return builder.finish();
}

std::optional<ControlType> control_type_of(const RecordView& record) {
    if (!record.key || record.key->size() < control_key_size) return std::nullopt;
    const auto type = load_big_endian<std::int16_t>(record.key->data() + 2);
    if (type < 0 || type > static_cast<std::int16_t>(ControlType::voters)) return std::nullopt;
    return static_cast<ControlType>(type);
}

std::optional<EndTransactionMarker> end_transaction_marker_of(const RecordView& record) {
    const auto type = control_type_of(record);
    if (type != ControlType::abort && type != ControlType::commit) return std::nullopt;
    // Later versions may append fields.
    if (!record.value || record.value->size() < marker_value_size) return std::nullopt;
    return EndTransactionMarker{.commit = type == ControlType::commit,
                                .coordinator_epoch = load_big_endian<std::int32_t>(record.value->data() + 2)};
}

}  // namespace moldau::protocol
