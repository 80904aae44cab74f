#include <moldau/base/assert.h>
#include <moldau/base/crc32c.h>
#include <moldau/protocol/record.h>
#include <moldau/protocol/record_batch.h>

#include "batch/wrapping.h"

namespace moldau::protocol {
namespace {

// A message set's smallest entry, after its overhead: below this a length is wrong in every format.
constexpr std::int32_t smallest_old_length = 14;
constexpr std::size_t known_magic_bytes = batch_layout::magic + 1;

void renew_crc(MutableBytes batch) {
    store_big_endian(batch.data() + batch_layout::crc, BatchView(batch).computed_crc());
}

}  // namespace

Offset BatchView::last_offset() const {
    return Offset(wrapping_add(base_offset().value(), last_offset_delta()));
}

Offset BatchView::next_offset() const {
    return Offset(wrapping_add(last_offset().value(), 1));
}

std::int32_t BatchView::last_sequence() const {
    if (base_sequence() == no_sequence) return no_sequence;
    return sequence_after(base_sequence(), last_offset_delta());
}

std::uint32_t BatchView::computed_crc() const {
    return crc32c(bytes_.subspan(batch_layout::attributes));
}

ParsedBatch parse_batch(ByteView from) {
    using enum BatchStatus;
    if (from.size() < batch_layout::overhead_bytes)
        return {.status = incomplete, .size_bytes = batch_layout::header_bytes, .reason = "ends in the batch's length"};
    const auto length = load_big_endian<std::int32_t>(from.data() + batch_layout::length);
    if (length < smallest_old_length) return {.status = corrupt, .reason = "the length is smaller than any batch"};
    const std::size_t size = batch_layout::overhead_bytes + static_cast<std::size_t>(length);
    if (from.size() < known_magic_bytes)
        return {.status = incomplete, .size_bytes = size, .reason = "ends before the magic"};
    const auto magic = static_cast<std::int8_t>(from[batch_layout::magic]);
    if (magic == 0 || magic == 1)
        return {.status = old_magic, .size_bytes = size, .reason = "format v0 or v1, which is no longer supported"};
    if (magic != current_magic) return {.status = corrupt, .size_bytes = size, .reason = "unknown magic"};
    if (size < batch_layout::header_bytes)
        return {.status = corrupt, .size_bytes = size, .reason = "the length is smaller than a batch's header"};
    if (from.size() < size) return {.status = incomplete, .size_bytes = size, .reason = "ends in the batch"};
    return {.status = whole, .batch = BatchView(from.first(size)), .size_bytes = size};
}

bool BatchIterator::next(BatchView& batch) {
    if (rest_.empty()) return false;
    parsed_ = parse_batch(rest_);
    if (parsed_.status != BatchStatus::whole) return false;
    batch = parsed_.batch;
    rest_ = rest_.subspan(parsed_.size_bytes);
    return true;
}

void set_base_offset(MutableBytes batch, Offset offset) {
    MOLDAU_ASSERT(batch.size() >= batch_layout::header_bytes);
    store_big_endian(batch.data() + batch_layout::base_offset, offset.value());
}

void set_partition_leader_epoch(MutableBytes batch, LeaderEpoch epoch) {
    MOLDAU_ASSERT(batch.size() >= batch_layout::header_bytes);
    store_big_endian(batch.data() + batch_layout::partition_leader_epoch, epoch.value());
}

void set_max_timestamp(MutableBytes batch, TimestampType type, Timestamp max_timestamp) {
    MOLDAU_ASSERT(batch.size() >= batch_layout::header_bytes);
    const BatchView view(batch);
    if (view.timestamp_type() == type && view.max_timestamp() == max_timestamp) return;
    auto attributes = static_cast<std::uint16_t>(view.attributes() & ~batch_layout::log_append_time_bit);
    if (type == TimestampType::log_append_time) attributes |= batch_layout::log_append_time_bit;
    store_big_endian(batch.data() + batch_layout::attributes, attributes);
    store_big_endian(batch.data() + batch_layout::max_timestamp, max_timestamp.value());
    renew_crc(batch);
}

Timestamp timestamp_of(const BatchView& batch, const RecordNumbers& record) {
    if (batch.timestamp_type() == TimestampType::log_append_time) return batch.max_timestamp();
    return Timestamp(wrapping_add(batch.base_timestamp().value(), record.timestamp_delta));
}

}  // namespace moldau::protocol
