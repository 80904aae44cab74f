// Finding offsets and timestamps.

#include <algorithm>

#include <fmt/format.h>

#include <moldau/protocol/record_walk.h>
#include <moldau/storage/log.h>
#include <moldau/storage/log_names.h>

#include "segment.h"

namespace moldau::storage {
namespace {

using protocol::BatchView;

// As when batches are appended (ValidatorConfig::max_decompressed_bytes): it bounds the time, for nothing is held.
constexpr std::size_t max_decompressed_bytes = 256UL << 20;

/// The first record of `batch` at or behind `from` for which `matches` its timestamp.
template <class Matches>
Result<std::optional<TimestampAndOffset>> find_record(const BatchView& batch, Offset from,
                                                      protocol::Decompressor& decompressor, Matches matches) {
    // One record alone is what the header says.
    if (batch.count() == 1 && batch.last_offset_delta() == 0 && batch.base_offset() >= from &&
        matches(batch.max_timestamp()))
        return TimestampAndOffset{batch.max_timestamp(), batch.base_offset(), batch.partition_leader_epoch()};
    if (!batch.codec()) return fail(Errc::corrupt, "a batch of an unknown codec");
    protocol::RecordWalk records(batch, decompressor, max_decompressed_bytes);
    protocol::RecordSkeleton record;
    while (records.next(record)) {
        const Timestamp timestamp = protocol::timestamp_of(batch, record);
        const Offset offset = batch.base_offset() + record.offset_delta;
        if (offset < from || !matches(timestamp)) continue;
        return TimestampAndOffset{timestamp, offset, batch.partition_leader_epoch()};
    }
    if (records.decompression_error()) return std::unexpected(*records.decompression_error());
    if (!records.damage().empty()) return fail(Errc::corrupt, std::string(records.damage()));
    return std::nullopt;
}

}  // namespace

struct Log::Place {
    std::size_t segment = 0;
    BatchPlace batch;
    bool is_recent = false;  // appended a moment ago
};

Result<std::optional<Log::Place>> Log::locate(Offset offset) {
    for (const RecentBatch& recent : recent_) {
        if (recent.size_bytes == 0 || offset < recent.base || offset > recent.last) continue;
        return Place{segments_.size() - 1, {recent.position, recent.size_bytes, recent.base, recent.last}, true};
    }
    for (std::size_t i = segment_index_of(offset); i < segments_.size(); ++i) {
        MOLDAU_TRY(found, segments_[i]->find(offset, scratch_));
        if (found) return Place{i, *found};
    }
    return std::nullopt;
}

Offset Log::end_of(std::size_t segment) const {
    return segment + 1 == segments_.size() ? log_end_ : segments_[segment + 1]->base();
}

Result<std::uint64_t> Log::end_position(std::size_t segment, Offset up_to) {
    if (up_to >= end_of(segment)) return segments_[segment]->size_bytes();
    MOLDAU_TRY(place, locate(up_to));
    return place && place->segment == segment ? place->batch.position : segments_[segment]->size_bytes();
}

Result<LogSlice> Log::read(const ReadRequest& request) {
    if (request.from < log_start_ || request.from > log_end_)
        return fail(Errc::not_found, fmt::format("{}: offset {} is outside of {} to {}", directory_, request.from,
                                                 log_start_, log_end_));
    LogSlice slice;
    if (request.from >= std::min(request.up_to, log_end_)) return slice;
    MOLDAU_TRY(place, locate(request.from));
    if (!place) return slice;
    Segment& segment = *segments_[place->segment];
    // It would be taken for one that may not be read yet.
    if (place->batch.last_offset >= end_of(place->segment))
        return segment.damage_at(place->batch.position, {Errc::corrupt, "the offsets are higher than the segment's"});
    if (place->batch.base_offset >= request.up_to) return slice;
    MOLDAU_TRY(end, end_position(place->segment, request.up_to));
    std::size_t wanted = request.max_bytes;
    if (request.at_least_one) wanted = std::max<std::size_t>(wanted, place->batch.size_bytes);
    slice.segment_base = segment.base();
    slice.first_offset = place->batch.base_offset;
    slice.first_batch_incomplete = wanted < place->batch.size_bytes;
    // A batch that only partly lies below `up_to` is not there yet.
    if (end <= place->batch.position || wanted == 0) return slice;
    MOLDAU_TRY(file, segment.file());
    slice.file = file;
    slice.position = place->batch.position;
    slice.size_bytes = std::min<std::uint64_t>(wanted, end - place->batch.position);
    if (!place->is_recent) MOLDAU_CHECK(add_check(slice, place->segment, request.from));
    return slice;
}

Result<> Log::add_check(LogSlice& slice, std::size_t index, Offset from) {
    Segment& segment = *segments_[index];
    const std::uint64_t end = slice.position + slice.size_bytes;
    // What was asked for may be missing: by compaction, or because the batch that holds it tells another offset.
    const bool is_behind_gap = slice.first_offset > from;
    bool is_known = !is_behind_gap && segment.is_known(slice.position, end);
    const std::uint64_t ahead = segment.ahead_of(slice.position, end);
    if (is_known && ahead == 0) return {};
    MOLDAU_TRY(entry, segment.offset_index().floor(std::min(from, slice.first_offset) - 1));
    const std::uint64_t begin = std::min(slice.position, entry.position);
    if (is_behind_gap) is_known = segment.is_known(begin, end);
    if (is_known && ahead == 0) return {};
    auto check =
        std::make_shared<SliceCheck>(SliceCheck{.path = segment.path(suffix::log),
                                                .segment_bytes = segment.size_bytes(),
                                                .segment_base = segment.base(),
                                                .segment_end = end_of(index),
                                                .latest_epoch = epochs_.latest_epoch().value_or(LeaderEpoch(INT32_MAX)),
                                                .from = from,
                                                .begin = begin,
                                                .ahead = ahead,
                                                .walked = segment.walked()});
    if (ahead > 0) slice.ahead = check;
    if (!is_known) slice.check = std::move(check);
    return {};
}

Result<Offset> Log::offset_behind(std::size_t index, const LogSlice& slice) {
    Segment& segment = *segments_[index];
    MOLDAU_TRY(entry, segment.offset_index().first_at(slice.position + slice.size_bytes));
    if (!entry) return end_of(index);
    MOLDAU_TRY(file, segment.file());
    BatchScanner scanner(*file, entry->position, segment.size_bytes(), BatchScanner::Depth::headers, scratch_);
    // An entry that leads beside a batch was not written for this content.
    if (!scanner.next() || scanner.batch().base_offset() <= slice.first_offset) return end_of(index);
    return scanner.batch().base_offset();
}

Result<std::vector<AbortedTransaction>> Log::aborted_in(const LogSlice& slice, const ReadRequest& request) {
    std::vector<AbortedTransaction> found;
    const std::size_t first = segment_index_of(slice.segment_base);
    std::optional<Offset> end;  // not looked for where nothing was aborted
    // A marker may be in a later segment than what it aborts.
    for (std::size_t i = first; i < segments_.size(); ++i) {
        TransactionIndex& index = segments_[i]->transaction_index();
        if (index.is_empty()) continue;
        if (!end) {
            MOLDAU_TRY(behind, offset_behind(first, slice));
            end = std::min(request.up_to, behind);
        }
        MOLDAU_TRY(complete, index.collect({.begin = request.from, .end = *end, .segment_end = end_of(i)}, found));
        if (complete) break;
    }
    return found;
}

Result<std::optional<TimestampAndOffset>> Log::search_segment(Segment& segment, Timestamp target,
                                                              protocol::Decompressor& decompressor) {
    MOLDAU_TRY(lower, segment.time_index().floor(target));
    MOLDAU_TRY(entry, segment.offset_index().floor(std::max(lower.offset, log_start_)));
    MOLDAU_TRY(file, segment.file());
    BatchScanner scanner(*file, entry.position, segment.size_bytes(), BatchScanner::Depth::headers, scratch_);
    while (scanner.next()) {
        if (scanner.batch().max_timestamp() < target || scanner.batch().last_offset() < log_start_) continue;
        Bytes whole(scanner.size_bytes());
        MOLDAU_TRY(read, file->read_at(whole, scanner.position()));
        if (read != whole.size()) return fail(Errc::corrupt, segment.path(suffix::log) + " became shorter");
        auto found = find_record(BatchView(whole), log_start_, decompressor,
                                 [&](Timestamp timestamp) { return timestamp >= target; });
        if (!found) return std::unexpected(std::move(found).error().within(segment.path(suffix::log)));
        if (*found) return found;
    }
    if (!scanner.status()) return std::unexpected(scanner.status().error());
    return std::nullopt;
}

Result<std::optional<TimestampAndOffset>> Log::find_by_timestamp(Timestamp target,
                                                                 protocol::Decompressor& decompressor) {
    for (const auto& segment : segments_) {
        if (segment->size_bytes() == 0) continue;
        MOLDAU_TRY(largest, segment->largest_timestamp());
        if (largest.timestamp < target) continue;
        MOLDAU_TRY(found, search_segment(*segment, target, decompressor));
        if (found) return found;
    }
    return std::nullopt;
}

Result<std::optional<TimestampAndOffset>> Log::find_max_timestamp(protocol::Decompressor& decompressor) {
    Segment* latest = nullptr;
    TimeIndex::Entry best;
    for (const auto& segment : segments_) {
        if (segment->size_bytes() == 0) continue;
        MOLDAU_TRY(largest, segment->largest_timestamp());
        if (latest != nullptr && largest.timestamp <= best.timestamp) continue;
        latest = segment.get();
        best = largest;
    }
    if (latest == nullptr || best.timestamp == no_timestamp) return std::nullopt;
    return search_segment(*latest, best.timestamp, decompressor);
}

}  // namespace moldau::storage
