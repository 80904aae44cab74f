// Rebuilding the producers' state from snapshots and batches.

#include <moldau/base/log.h>
#include <moldau/storage/log.h>
#include <moldau/storage/log_names.h>

#include "segment.h"

namespace moldau::storage {

using protocol::BatchView;

Result<> Log::remove_snapshots_after(Offset end) {
    if (durable_snapshot_ > end) durable_snapshot_ = no_offset;
    while (!snapshots_.empty() && *snapshots_.rbegin() > end) {
        auto removed = disk_.remove(snapshot_path(*snapshots_.rbegin()));
        if (!removed && removed.error().code != Errc::not_found) return removed;
        snapshots_.erase(std::prev(snapshots_.end()));
        directory_dirty_ = true;
    }
    return {};
}

Result<bool> Log::load_newest_snapshot() {
    while (!snapshots_.empty()) {
        const Offset newest = *snapshots_.rbegin();
        if (newest < log_start_) return false;  // what is between is gone
        const std::string path = snapshot_path(newest);
        auto content = runtime::read_whole(disk_, path);
        if (!content && content.error().code != Errc::not_found) return std::unexpected(std::move(content).error());
        if (content) {
            const auto decoded = producers_.decode_snapshot(*content, newest);
            if (decoded) return true;
            log::warn("{}: {}; an older one or the log itself serves", path, decoded.error().message);
            MOLDAU_CHECK(disk_.remove(path));
            directory_dirty_ = true;
        }
        snapshots_.erase(newest);
    }
    return false;
}

Result<> Log::rebuild_producers(Timestamp now, bool replay_without_snapshot, Offset indexed_end) {
    // The replay enters what the transaction indexes lack.
    MOLDAU_CHECK(remove_snapshots_after(std::min(log_end_, indexed_end)));
    producers_.clear(log_start_);
    const bool had_snapshot = !snapshots_.empty();
    MOLDAU_TRY(loaded, load_newest_snapshot());
    // Apache Kafka scans nothing either after a clean shutdown that left no snapshot.
    if (loaded || had_snapshot || replay_without_snapshot) MOLDAU_CHECK(replay_producers(producers_.end_offset()));
    producers_.set_end_offset(log_end_);
    producers_.on_recovered(now, config_.producer_id_expiration_ms);
    return {};
}

Offset Log::last_stable_offset(Offset high_watermark) const {
    const Offset first = producers_.first_unstable_offset().value_or(high_watermark);
    // What a transaction wrote may be deleted while it is open.
    return std::min(high_watermark, std::max(first, log_start_));
}

Result<> Log::replay_producers(Offset from) {
    if (from >= log_end_) return {};
    for (std::size_t i = segment_index_of(from); i < segments_.size(); ++i) {
        Segment& segment = *segments_[i];
        if (segment.size_bytes() == 0) continue;
        MOLDAU_CHECK(replay_segment(segment, from));
        if (&segment != &active() && !segment.dirty) segment.release_files();
    }
    return {};
}

Result<> Log::replay_segment(Segment& segment, Offset from) {
    MOLDAU_TRY(first, segment.find(from, scratch_));
    if (!first) return {};
    MOLDAU_TRY(file, segment.file());
    BatchScanner scanner(*file, first->position, segment.size_bytes(), BatchScanner::Depth::headers, scratch_);
    Bytes whole;
    while (scanner.next()) {
        BatchView batch = scanner.batch();
        if (batch.is_control() && batch.has_producer_id()) {
            whole.resize(scanner.size_bytes());
            MOLDAU_TRY(read, file->read_at(whole, scanner.position()));
            if (read != whole.size()) return fail(Errc::corrupt, segment.path(suffix::log) + " became shorter");
            batch = BatchView(whole);
        }
        const auto completed = producers_.apply(batch, batch.max_timestamp());
        if (!completed || !completed->aborted) continue;
        MOLDAU_TRY(is_missing, segment.transaction_index().ends_before(completed->last_offset));
        if (!is_missing) continue;
        MOLDAU_CHECK(segment.transaction_index().append(*completed));
        segment.transactions_dirty = directory_dirty_ = true;
    }
    if (scanner.status()) return {};
    return segment.damage_at(scanner.next_position(), scanner.status().error());
}

}  // namespace moldau::storage
