#include "cleaner/batch_filter.h"

#include <algorithm>

namespace moldau::storage {
namespace {

using protocol::BatchView;
using protocol::RecordView;

protocol::BatchOptions header_of(const BatchView& batch) {
    protocol::BatchOptions options{.base_offset = batch.base_offset(),
                                   .leader_epoch = batch.partition_leader_epoch(),
                                   .codec = batch.codec().value_or(protocol::Codec::none),
                                   .producer_id = batch.producer_id(),
                                   .producer_epoch = batch.producer_epoch(),
                                   .base_sequence = batch.base_sequence()};
    if (batch.timestamp_type() == protocol::TimestampType::log_append_time)
        options.log_append_time = batch.max_timestamp();
    return options;
}

Timestamp horizon_at(Timestamp now, std::int64_t retention_ms) {
    return retention_ms > INT64_MAX - now.value() ? Timestamp(INT64_MAX) : now + retention_ms;
}

}  // namespace

bool BatchFilter::keeps(Offset offset, const RecordView& record, bool horizon_passed) const {
    if (offset >= map_.end()) return true;
    if (!record.key) return false;  // it cannot be superseded: a compacted topic has no place for it
    if (const auto last = map_.find(*record.key); last && offset < *last) return false;
    return record.value || !horizon_passed;
}

bool BatchFilter::is_marked(const BatchView& batch) const {
    return batch.has_producer_id() &&
           std::ranges::binary_search(rules_.marks, ProducerMark{batch.producer_id(), batch.last_offset()});
}

Result<BatchFilter::Fate> BatchFilter::judge(const BatchView& batch, bool must_stay) {
    if (batch.base_offset() >= map_.end() || batch.is_control()) return Fate::copy;
    if (batch.count() == 0) return must_stay || batch.is_transactional() || is_marked(batch) ? Fate::copy : Fate::drop;
    MOLDAU_TRY(is_open, content_.load(batch));
    if (!is_open) {
        pass_over();
        return Fate::copy;
    }
    const auto horizon = batch.delete_horizon();
    const bool horizon_passed = horizon && rules_.now >= *horizon && !keeps_superseded_;
    kept_.clear();
    bool all = true;
    bool any = false;
    bool has_tombstone = false;
    protocol::RecordIterator records = content_.records();
    RecordView record;
    while (records.next(record)) {
        const Offset offset = batch.base_offset() + record.offset_delta;
        const bool kept = keeps(offset, record, horizon_passed);
        kept_.push_back(kept);
        all = all && kept;
        any = any || kept;
        has_tombstone = has_tombstone || (kept && !record.value && offset < map_.end());
    }
    const bool sets_horizon = has_tombstone && !horizon;
    if (all && !sets_horizon) return Fate::copy;
    if (!any) return leave_empty(batch, must_stay);
    rebuild(batch, sets_horizon ? horizon_at(rules_.now, rules_.delete_retention_ms) : horizon);
    return Fate::replace;
}

BatchFilter::Fate BatchFilter::leave_empty(const BatchView& batch, bool must_stay) {
    if (!must_stay && !is_marked(batch)) return Fate::drop;
    replacement_ = protocol::empty_batch(header_of(batch), batch.last_offset(), batch.max_timestamp());
    return Fate::replace;
}

void BatchFilter::rebuild(const BatchView& batch, std::optional<Timestamp> horizon) {
    protocol::BatchOptions options = header_of(batch);
    options.delete_horizon = horizon;
    protocol::BatchBuilder builder(options);
    protocol::RecordIterator records = content_.records();
    RecordView record;
    std::vector<protocol::HeaderView> headers;
    for (std::size_t i = 0; records.next(record); ++i) {
        if (!kept_[i]) continue;
        headers.clear();
        protocol::HeaderIterator each = record.headers();
        for (protocol::HeaderView header; each.next(header);) headers.push_back(header);
        builder.append_at(batch.base_offset() + record.offset_delta,
                          {.timestamp = protocol::timestamp_of(batch, record),
                           .key = record.key,
                           .value = record.value,
                           .headers = headers});
    }
    replacement_ = builder.finish(compressor_, batch.last_offset());
}

}  // namespace moldau::storage
