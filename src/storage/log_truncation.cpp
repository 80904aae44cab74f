// Cutting a log's end or beginning.

#include <algorithm>

#include <fmt/format.h>

#include <moldau/base/assert.h>
#include <moldau/base/log.h>
#include <moldau/storage/log.h>
#include <moldau/storage/log_names.h>

#include "segment.h"

namespace moldau::storage {

Result<Offset> Log::truncate_to(Offset offset, Timestamp now) {
    if (failure_) return std::unexpected(*failure_);
    if (offset >= log_end_) return log_end_;
    MOLDAU_CHECK(check_not_replaced(offset));
    if (offset < segments_.front()->base()) {
        MOLDAU_CHECK(truncate_fully_and_start_at(offset, now));
        return offset;
    }
    ++truncations_;
    as_closed_ = false;
    recent_.fill({});
    const std::size_t keep = segment_index_of(offset);
    MOLDAU_CHECK(remove_segments_from(keep + 1));
    MOLDAU_TRY(batch, active().find(offset, scratch_));
    const Offset end = batch ? std::min(offset, batch->base_offset) : offset;
    const std::uint64_t size = batch ? batch->position : active().size_bytes();
    log_end_ = end;
    durable_end_ = std::min(durable_end_, end);
    recovery_point_ = std::min(recovery_point_, end);
    log_start_ = std::min(log_start_, end);
    first_dirty_ = std::min(first_dirty_, end);
    // Indexes first: one that is shorter than its log is whole again after a scan.
    MOLDAU_TRY(from, active().load_indexes(end, scratch_));
    if (auto cut = active().truncate(size, end); !cut) return broken(std::move(cut).error());
    if (auto noted = active().note_from(std::min(from, size), config_.index_interval_bytes, scratch_); !noted)
        return broken(std::move(noted).error());
    MOLDAU_TRY(indexed_end, active().transaction_index().rewind(end));
    static_cast<void>(epochs_.truncate_from_end(end));
    MOLDAU_CHECK(rebuild_producers(now, true, indexed_end));
    if (auto settled = active().transaction_index().settle(); !settled) return broken(std::move(settled).error());
    MOLDAU_CHECK(make_truncation_durable());
    return end;
}

Result<> Log::truncate_fully_and_start_at(Offset offset, Timestamp now) {
    if (failure_) return std::unexpected(*failure_);
    MOLDAU_CHECK(check_not_replaced(Offset(0)));
    ++truncations_;
    as_closed_ = false;
    recent_.fill({});
    MOLDAU_CHECK(remove_segments_from(0));
    MOLDAU_CHECK(remove_snapshots_after(no_offset));
    auto segment = std::make_unique<Segment>(disk_, directory_, offset, now);
    segment->join(open_files_);
    if (auto made = segment->create(); !made) return broken(std::move(made).error());
    segments_.push_back(std::move(segment));
    log_start_ = log_end_ = durable_end_ = recovery_point_ = offset;
    first_dirty_ = no_offset;
    producers_.clear(offset);
    static_cast<void>(epochs_.clear());
    return make_truncation_durable();
}

Result<> Log::check_not_replaced(Offset offset) const {
    if (!replacing_ || offset >= replacing_->end) return {};
    return fail(Errc::would_block, fmt::format("{}: the segments from {} to {} are being replaced: try again",
                                               directory_, replacing_->begin, replacing_->end - 1));
}

// From the end on, so that a crash leaves no gap but at the end.
Result<> Log::remove_segments_from(std::size_t index) {
    while (segments_.size() > index) {
        if (auto removed = active().remove(); !removed) return broken(std::move(removed).error());
        segments_.pop_back();
    }
    return {};
}

Result<> Log::write_epochs() {
    MOLDAU_CHECK(runtime::write_atomically(disk_, path_of(LeaderEpochCache::file_name), bytes_of(epochs_.encode())));
    epochs_dirty_ = false;
    return {};
}

// What was cut must not come back behind what is appended next: neither bytes, nor index entries, nor snapshots.
Result<> Log::make_truncation_durable() {
    MOLDAU_CHECK(write_epochs());
    MOLDAU_CHECK(active().write_indexes());
    FlushJob job;
    MOLDAU_TRY(file, active().file());
    job.files.push_back(file);
    job.index_paths = {active().path(suffix::index), active().path(suffix::time_index)};
    job.directory = directory_;
    job.sync_directory = true;
    if (auto done = job.run(disk_); !done) return broken(std::move(done).error());
    directory_dirty_ = false;
    return {};
}

bool Log::advance_log_start(Offset offset) {
    MOLDAU_ASSERT(offset <= log_end_);
    if (offset <= log_start_) return false;
    log_start_ = offset;
    if (epochs_.truncate_from_start(offset)) epochs_dirty_ = true;
    return true;
}

Result<std::size_t> Log::count_expired(Timestamp now, Offset high_watermark) {
    const bool by_policy = config_.cleanup_delete;
    const std::uint64_t size = size_bytes();
    std::uint64_t excess = 0;
    if (by_policy && config_.retention_bytes >= 0 && size > static_cast<std::uint64_t>(config_.retention_bytes))
        excess = size - static_cast<std::uint64_t>(config_.retention_bytes);
    std::size_t count = 0;
    for (; count < segments_.size(); ++count) {
        Segment& segment = *segments_[count];
        const bool is_last = count + 1 == segments_.size();
        const Offset end = is_last ? log_end_ : segments_[count + 1]->base();
        if (end > high_watermark || (is_last && segment.size_bytes() == 0)) break;
        bool expired = !is_last && end <= log_start_;
        if (!expired && by_policy && excess > 0 && segment.size_bytes() <= excess) expired = true;
        if (!expired && by_policy && config_.retention_ms >= 0) {
            MOLDAU_TRY(told, segment.retention_timestamp());
            if (now - told > config_.retention_ms) {
                MOLDAU_CHECK(segment.confirm_largest_timestamp(scratch_));
                MOLDAU_TRY(newest, segment.retention_timestamp());
                expired = now - newest > config_.retention_ms;
            }
        }
        if (!expired) break;
        excess -= std::min(excess, segment.size_bytes());
    }
    return count;
}

// After a crash the log ends at the recovery point or behind it, and the producers of what is gone are those of a
// durable snapshot: there must be one that tells of them all, or everything must be durable, so that one can be made
// now.
Result<std::optional<Expiry>> Log::find_expired(Timestamp now, Offset high_watermark) {
    if (failure_) return std::unexpected(*failure_);
    const Offset surely_kept = recovery_point_ == log_end_ ? log_end_ : durable_snapshot_;
    MOLDAU_TRY(count, count_expired(now, std::min(high_watermark, surely_kept)));
    if (count == 0 && checkpoint_refused_) {
        MOLDAU_TRY(would_go, count_expired(now, high_watermark));
        if (would_go > 0)
            return fail(checkpoint_refused_->code, fmt::format("{}: no checkpoint, which must come first: {}",
                                                               directory_, checkpoint_refused_->message));
    }
    if (count == 0) return std::nullopt;
    if (count == segments_.size()) MOLDAU_CHECK(roll_at(log_end_, now));
    Expiry due{.new_start = std::max(log_start_, segments_[count]->base()), .directory = directory_};
    if (durable_snapshot_ >= due.new_start) return due;
    MOLDAU_CHECK(write_snapshot_here());
    due.snapshot_at = log_end_;
    due.snapshot_path = snapshot_path(log_end_);
    return due;
}

Result<> Expiry::make_durable(runtime::Disk& disk) const {
    if (snapshot_at != no_offset) MOLDAU_CHECK(runtime::sync_file(disk, snapshot_path));
    auto synced = disk.sync_directory(directory);
    if (!synced && synced.error().code == Errc::not_found) return {};
    return synced;
}

void Log::let_go(const Expiry& expiry) {
    durable_snapshot_ = std::max(durable_snapshot_, expiry.snapshot_at);
    static_cast<void>(advance_log_start(std::min(expiry.new_start, log_end_)));
}

Result<std::vector<std::string>> Log::delete_expired(std::size_t most_segments) {
    if (failure_) return std::unexpected(*failure_);
    as_closed_ = false;
    std::vector<std::string> files;
    for (; most_segments > 0 && segments_.size() > 1 && segments_[1]->base() <= log_start_; --most_segments) {
        Segment& segment = *segments_.front();
        if (replacing_ && replacing_->begin <= segment.base() && segment.base() < replacing_->end) break;
        if (auto renamed = segment.mark_deleted(files); !renamed) {
            if (files.empty()) return std::unexpected(std::move(renamed).error());
            // The caller has those before to remove; the next time begins here.
            log::warn("{}: segment {} is not deleted yet: {}", directory_, segment.base(), renamed.error().message);
            break;
        }
        if (snapshots_.contains(segment.base())) remove_snapshot(segment.base());
        log::info("{}: segment {} is deleted", directory_, segment.base());
        segments_.erase(segments_.begin());
        directory_dirty_ = true;
    }
    return files;
}

}  // namespace moldau::storage
