// Appending, rolling and flushing.

#include <algorithm>

#include <fmt/format.h>

#include <moldau/base/assert.h>
#include <moldau/base/log.h>
#include <moldau/storage/log.h>
#include <moldau/storage/log_names.h>

#include "segment.h"

namespace moldau::storage {

using protocol::BatchView;

namespace {

Bytes bytes_from(std::string_view text) {
    return Bytes(text.begin(), text.end());
}

}  // namespace

/// What goes into the active segment with the next write.
struct Log::Pending {
    std::size_t batches = 0;
    std::uint64_t bytes = 0;
};

Log::Log(const LogOptions& options)
    : disk_(options.disk),
      directory_(options.directory),
      name_(options.name),
      topic_id_(options.topic_id),
      config_(options.config),
      log_start_(options.log_start),
      first_dirty_(options.first_dirty) {}

Log::~Log() = default;

std::uint64_t Log::size_bytes() const {
    std::uint64_t sum = 0;
    for (const auto& segment : segments_) sum += segment->size_bytes();
    return sum;
}

Offset Log::active_segment_base() const {
    return segments_.back()->base();
}

std::unexpected<Error> Log::broken(Error error) {
    log::error("{}: the device failed, nothing is appended any more: {}", directory_, error.message);
    failure_ = error;
    return std::unexpected(std::move(error));
}

std::unexpected<Error> Log::not_done(Error error) {
    if (error.code == Errc::io) return broken(std::move(error));
    return std::unexpected(std::move(error));
}

bool Log::needs_flush() const {
    const Segment& last = *segments_.back();
    return durable_end_ < log_end_ || epochs_dirty_ || (last.dirty && last.cut_back);
}

bool Log::fits(const BatchView& batch, const Pending& pending, Timestamp now) {
    constexpr std::int64_t largest_delta = INT32_MAX;
    Segment& segment = active();
    if (batch.last_offset() - segment.base() > largest_delta) return false;
    const std::uint64_t filled = segment.size_bytes() + pending.bytes;
    if (filled == 0) return true;
    if (filled + batch.size_bytes() > static_cast<std::uint64_t>(config_.segment_bytes)) return false;
    if (segment.indexes_full(pending.batches, config_.segment_index_bytes)) return false;
    std::int64_t limit_ms = config_.segment_ms;
    // Spreads the rolls of logs that began together; the same for a segment however often it is asked.
    if (config_.segment_jitter_ms > 0 && config_.segment_ms > 0) {
        const auto seed = static_cast<std::uint64_t>(segment.base().value()) * 0x9e3779b97f4a7c15U +
                          std::hash<std::string_view>{}(name_.topic) +
                          static_cast<std::uint64_t>(name_.partition.value());
        limit_ms -= static_cast<std::int64_t>(
            seed % static_cast<std::uint64_t>(std::min(config_.segment_jitter_ms, config_.segment_ms)));
    }
    return segment.size_bytes() == 0 || segment.waited_for_roll(now, batch.max_timestamp()) <= limit_ms;
}

Result<> Log::append(std::span<const ByteView> batches, Timestamp now) {
    if (failure_) return std::unexpected(*failure_);
    as_closed_ = false;
    Offset next = log_end_;
    for (const ByteView bytes : batches) {
        const BatchView batch(bytes);
        if (batch.base_offset() < next || batch.last_offset_delta() < 0)
            return fail(Errc::invalid, fmt::format("{}: a batch of offsets {} to {} does not follow on {}", directory_,
                                                   batch.base_offset(), batch.last_offset(), next - 1));
        next = batch.next_offset();
    }
    while (!batches.empty()) {
        const BatchView first(batches.front());
        if (!fits(first, {}, now)) {
            // The end, so that a segment begins where the one before ends: recovery can tell a lost tail.
            const bool near = first.last_offset() - log_end_ <= INT32_MAX;
            MOLDAU_CHECK(roll_at(near ? log_end_ : first.base_offset(), now));
        }
        Pending pending;
        while (pending.batches < batches.size()) {
            const BatchView batch(batches[pending.batches]);
            if (pending.batches > 0 && !fits(batch, pending, now)) break;
            pending.bytes += batch.size_bytes();
            ++pending.batches;
        }
        MOLDAU_CHECK(append_to_active(batches.first(pending.batches), pending.bytes, now));
        batches = batches.subspan(pending.batches);
    }
    write_back_if_due();
    return {};
}

Result<> Log::append_to_active(std::span<const ByteView> batches, std::uint64_t bytes, Timestamp now) {
    std::uint64_t position = active().size_bytes();
    bool torn = false;
    if (auto written = active().write(batches, bytes, &torn); !written) {
        Error error = std::move(written).error().within(active().path(suffix::log));
        if (torn || error.code == Errc::io) return broken(std::move(error));
        return std::unexpected(std::move(error));
    }
    for (const ByteView each : batches) {
        note_appended(BatchView(each), position, now);
        position += each.size();
    }
    bytes_since_snapshot_ += bytes;
    return {};
}

void Log::note_appended(const BatchView& batch, std::uint64_t position, Timestamp now) {
    active().note(batch, position, batch.size_bytes(), config_.index_interval_bytes);
    active().modified_at = now;
    recent_[recent_next_++ % recent_.size()] = {batch.base_offset(), batch.last_offset(), position,
                                                static_cast<std::uint32_t>(batch.size_bytes())};
    if (batch.partition_leader_epoch().value() >= 0) assign_epoch(batch.partition_leader_epoch(), batch.base_offset());
    log_end_ = batch.next_offset();
    if (const auto completed = producers_.apply(batch, now); completed && completed->aborted) note_aborted(*completed);
}

void Log::note_aborted(const CompletedTransaction& transaction) {
    auto written = active().transaction_index().append(transaction);
    active().transactions_dirty = directory_dirty_ = true;
    if (!written) static_cast<void>(broken(std::move(written).error()));
}

void Log::assign_epoch(LeaderEpoch epoch, Offset start_offset) {
    if (epochs_.assign(epoch, start_offset)) epochs_dirty_ = true;
}

void Log::write_back_if_due() {
    Segment& segment = active();
    const std::uint64_t due = segment.size_bytes() - segment.written_back;
    if (due < static_cast<std::uint64_t>(config_.write_back_bytes)) return;
    auto file = segment.file();
    if (!file) return;
    (*file)->write_back(segment.written_back, due);
    segment.written_back = segment.size_bytes();
}

Result<> Log::roll(Timestamp now) {
    if (failure_) return std::unexpected(*failure_);
    if (active().size_bytes() == 0) return {};
    return roll_at(log_end_, now);
}

Result<> Log::roll_at(Offset base, Timestamp now) {
    as_closed_ = false;
    Segment& old = active();
    // An empty segment that begins too early for the next batch.
    const bool replaces = old.size_bytes() == 0;
    if (auto finished = old.finish_indexes(); !finished) return not_done(std::move(finished).error());
    // Recovery does not look at a segment behind which another one begins: what was taken back must not return, not
    // even where the power fails right after the next one got its name.
    if (old.cut_back) {
        MOLDAU_TRY(file, old.file());
        if (auto synced = file->sync(); !synced) return broken(std::move(synced).error());
        old.cut_back = false;
    }
    auto segment = std::make_unique<Segment>(disk_, directory_, base, now);
    segment->join(open_files_);
    directory_dirty_ = true;  // also where nothing comes of it: no recovery point may pass a name that could come back
    if (auto made = segment->create(); !made) {
        // A smaller batch may still find room in the old segment, where the next one then must not begin already.
        if (auto removed = segment->remove(); !removed) return broken(std::move(removed).error());
        return not_done(std::move(made).error());
    }
    if (replaces) {
        MOLDAU_ASSERT(base != old.base());
        if (auto removed = old.remove(); !removed) return not_done(std::move(removed).error());
        segments_.pop_back();
    } else {
        old.seal();
    }
    segments_.push_back(std::move(segment));
    recent_.fill({});
    auto snapshot = write_snapshot_here();
    // Without one the next start reads more.
    if (!snapshot && !is_shortage(snapshot.error())) return broken(std::move(snapshot).error());
    if (!snapshot) log::warn("{}: no producer snapshot at {}: {}", directory_, log_end_, snapshot.error().message);
    return {};
}

std::string Log::snapshot_path(Offset end) const {
    return path_of(offset_file_name(end, suffix::snapshot));
}

Result<> Log::write_snapshot_here() {
    // One that is durable is not put at risk.
    if (snapshots_.contains(log_end_)) return {};
    producers_.set_end_offset(log_end_);
    MOLDAU_CHECK(runtime::overwrite(disk_, snapshot_path(log_end_), producers_.encode_snapshot()));
    snapshots_.insert(log_end_);
    bytes_since_snapshot_ = 0;
    directory_dirty_ = true;
    return {};
}

void Log::remove_expired_producers(Timestamp now) {
    producers_.remove_expired(now, config_.producer_id_expiration_ms);
}

Result<FlushJob> Log::begin_flush(FlushKind kind) {
    MOLDAU_ASSERT(!flush_in_flight_);
    if (failure_) return std::unexpected(*failure_);
    FlushJob job;
    job.covers_to = log_end_;
    job.kind = kind;
    job.truncations = truncations_;
    job.directory = directory_;
    if (kind == FlushKind::checkpoint) {
        auto written = active().write_indexes();
        if (!written && !is_shortage(written.error())) return broken(std::move(written).error());
        // A full disk has no room for a checkpoint; the records are made durable all the same.
        if (!written) job.kind = FlushKind::data;
        checkpoint_refused_ = written ? std::nullopt : std::optional(std::move(written).error());
    }
    // What is dirty stands at the end. No mark goes before all files are at hand: the next flush would prove too much.
    auto dirty_end = segments_.rbegin();
    for (; dirty_end != segments_.rend(); ++dirty_end) {
        Segment& segment = **dirty_end;
        const bool is_active = dirty_end == segments_.rbegin();
        if (!is_active && !segment.dirty && !segment.index_dirty) break;
        if (!segment.dirty) continue;
        auto file = segment.file();
        if (!file && is_shortage(file.error())) return std::unexpected(std::move(file).error());
        if (!file) return broken(std::move(file).error());
        job.files.insert(job.files.begin(), std::move(*file));
    }
    for (auto each = segments_.rbegin(); each != dirty_end; ++each) {
        Segment& segment = **each;
        job.first_dirty = segment.base();
        if (segment.index_dirty) {
            job.index_paths.push_back(segment.path(suffix::index));
            job.index_paths.push_back(segment.path(suffix::time_index));
        }
        if (segment.transactions_dirty) job.index_paths.push_back(segment.path(suffix::txn_index));
        segment.dirty = segment.index_dirty = segment.transactions_dirty = false;
    }
    if (job.kind == FlushKind::checkpoint) add_snapshot(job);
    if (epochs_dirty_) job.epochs = {path_of(LeaderEpochCache::file_name), bytes_from(epochs_.encode())};
    job.sync_directory = directory_dirty_;
    epochs_dirty_ = directory_dirty_ = false;
    flush_in_flight_ = true;
    return job;
}

// To encode many producers takes the shard's time: no more of it than for the bytes that were appended meanwhile. A
// start reads what is behind the newest snapshot, which no checkpoint leaves before the active segment's first batch.
void Log::add_snapshot(FlushJob& job) {
    const bool has_one = !snapshots_.empty() && *snapshots_.rbegin() >= active().base();
    if (!has_one || bytes_since_snapshot_ >= producers_.max_snapshot_bytes()) {
        producers_.set_end_offset(log_end_);
        // From now on a roll at the same end leaves it alone.
        if (snapshots_.insert(log_end_).second) job.snapshot = {snapshot_path(log_end_), producers_.encode_snapshot()};
        bytes_since_snapshot_ = 0;
    }
    job.newest_snapshot = *snapshots_.rbegin();
    if (durable_snapshot_ < active().base()) job.snapshot_to_sync = snapshot_path(job.newest_snapshot);
}

void Log::finish_flush(FlushJob job, const Result<FlushOutcome>& outcome) {
    MOLDAU_ASSERT(flush_in_flight_);
    flush_in_flight_ = false;
    // The system tells of a failed write once: this flush may have succeeded because another sync was told.
    if (failure_) return;
    if (!outcome) {
        static_cast<void>(broken(outcome.error()));
        return;
    }
    const bool is_checkpoint = job.kind == FlushKind::checkpoint && outcome->complete && !outcome->checkpoint_refused;
    if (job.snapshot && (!is_checkpoint || job.truncations != truncations_)) remove_snapshot(job.covers_to);
    if (job.truncations != truncations_) {
        // What it synced may have been cut since, and what came after needs another.
        for (const auto& segment : segments_) segment->dirty = true;
        directory_dirty_ = epochs_dirty_ = true;
        return;
    }
    if (!outcome->complete) {
        for (auto each = segments_.rbegin(); each != segments_.rend() && (*each)->base() >= job.first_dirty; ++each)
            (*each)->index_dirty = (*each)->transactions_dirty = true;
        directory_dirty_ = epochs_dirty_ = true;
        return;
    }
    durable_end_ = std::max(durable_end_, job.covers_to);
    if (!outcome->epochs_written) epochs_dirty_ = true;
    if (job.kind == FlushKind::checkpoint) checkpoint_refused_ = outcome->checkpoint_refused;
    if (!is_checkpoint) return;
    recovery_point_ = std::max(recovery_point_, job.covers_to);
    if (!job.snapshot_to_sync.empty()) durable_snapshot_ = std::max(durable_snapshot_, job.newest_snapshot);
    drop_old_snapshots(job.newest_snapshot);
}

// Inside a segment only the newest snapshot stays, and the durable one; those at a segment's base serve truncation.
void Log::drop_old_snapshots(Offset newest) {
    for (auto each = snapshots_.begin(); each != snapshots_.end() && *each < newest;) {
        if (*each == durable_snapshot_ || segments_[segment_index_of(*each)]->base() == *each) {
            ++each;
            continue;
        }
        remove_snapshot(*each++);
    }
}

void Log::remove_snapshot(Offset end) {
    snapshots_.erase(end);
    auto removed = disk_.remove(snapshot_path(end));
    if (!removed && removed.error().code != Errc::not_found)
        log::warn("{}: a producer snapshot that is not needed stays: {}", directory_, removed.error().message);
}

Result<> Log::close() {
    MOLDAU_ASSERT(!flush_in_flight_);
    if (failure_) return std::unexpected(*failure_);
    if (as_closed_ && !epochs_dirty_) {
        for (const auto& segment : segments_) segment->release_files();
        return {};
    }
    MOLDAU_CHECK(active().finish_indexes());
    active().index_dirty = true;
    active().dirty |= active().cut_back;  // the next life does not know of it
    epochs_dirty_ = true;
    directory_dirty_ = true;
    durable_snapshot_ = no_offset;  // a clean start relies on the last one
    if (auto left = write_snapshot_here(); !left && !is_shortage(left.error())) return broken(std::move(left).error());
    MOLDAU_TRY(job, begin_flush(FlushKind::checkpoint));
    const Result<FlushOutcome> outcome = job.run(disk_);
    finish_flush(std::move(job), outcome);
    if (!outcome) return std::unexpected(outcome.error());
    if (!outcome->complete) return fail(Errc::no_descriptors, directory_ + ": too few descriptors to close cleanly");
    if (recovery_point_ < log_end_ || !snapshots_.contains(log_end_))
        return fail(Errc::no_space, fmt::format("{}: no room to close cleanly", directory_));
    for (const auto& segment : segments_) segment->release_files();
    return {};
}

void Log::join(OpenFiles* files) {
    open_files_ = files;
    for (const auto& segment : segments_) segment->join(files);
}

std::size_t Log::segment_index_of(Offset offset) const {
    const auto after = std::ranges::upper_bound(segments_, offset, {}, [](const auto& each) { return each->base(); });
    return after == segments_.begin() ? 0 : static_cast<std::size_t>(after - segments_.begin()) - 1;
}

}  // namespace moldau::storage
