#include "log_loader.h"

#include <algorithm>

#include <fmt/format.h>

#include <moldau/base/log.h>
#include <moldau/storage/log_names.h>
#include <moldau/storage/partition_metadata.h>

namespace moldau::storage {

Result<std::unique_ptr<Log>> Log::open(const LogOptions& options) {
    std::unique_ptr<Log> log(new Log(options));
    LogLoader loader(*log, options);
    if (auto loaded = loader.load(); !loaded) return std::unexpected(std::move(loaded).error());
    return log;
}

Result<> LogLoader::load() {
    MOLDAU_CHECK(prepare_directory());
    MOLDAU_CHECK(load_identity());
    MOLDAU_CHECK(take_stock());
    MOLDAU_CHECK(load_epochs());
    MOLDAU_CHECK(load_segments());
    log_.log_end_ = next_;
    if (options_.clean_shutdown)
        MOLDAU_CHECK(
            check_nothing_lost(*log_.segments_.back(), log_.segments_.back()->size_bytes(), "the file ends too early"));
    if (log_.log_end_ < log_.log_start_) {
        if (log_.size_bytes() > 0) {
            keep_what_is_there();
        } else {
            MOLDAU_CHECK(start_at(log_.log_start_));
        }
    }
    log_.log_start_ = std::max(log_.log_start_, log_.segments_.front()->base());
    if (log_.epochs_.truncate_from_end(log_.log_end_)) log_.epochs_dirty_ = true;
    if (log_.epochs_.truncate_from_start(log_.log_start_)) log_.epochs_dirty_ = true;
    // After a crash what was read is in the page cache at best: it counts when the next flush has covered it.
    log_.durable_end_ = options_.clean_shutdown ? log_.log_end_ : std::min(options_.recovery_point, log_.log_end_);
    log_.recovery_point_ = log_.durable_end_;
    if (!options_.clean_shutdown) log_.directory_dirty_ = true;
    if (gaps_are_noted_ && options_.clean_shutdown && !has_gap_) MOLDAU_CHECK(remove_file(gaps_file_name));
    if (!options_.clean_shutdown) MOLDAU_CHECK(rewind_transaction_indexes());
    const std::size_t snapshots = log_.snapshots_.size();
    MOLDAU_CHECK(log_.rebuild_producers(options_.now, !options_.clean_shutdown, indexed_end_));
    // One of records that were lost would count again, came it back once the log is as long as it was.
    removed_ = removed_ || log_.snapshots_.size() < snapshots;
    if (removed_) MOLDAU_CHECK(synced(log_.disk_.sync_directory(log_.directory_)));
    MOLDAU_CHECK(settle_transaction_indexes());
    log_.as_closed_ = options_.clean_shutdown && is_untouched();
    Bytes().swap(log_.scratch_);  // recovery reads larger pieces than the log does afterwards
    return {};
}

bool LogLoader::is_untouched() const {
    return !removed_ && !log_.directory_dirty_ && !log_.epochs_dirty_ && log_.snapshots_.contains(log_.log_end_) &&
           std::ranges::none_of(log_.segments_, [](const auto& each) { return each->dirty || each->index_dirty; });
}

Result<> LogLoader::prepare_directory() {
    MOLDAU_TRY(there, log_.disk_.exists(log_.directory_));
    if (there) return {};
    if (required_end() > options_.log_start && required_end().value() > 0)
        return fail(Errc::corrupt,
                    fmt::format("{} is missing, and {}", log_.directory_, must_be_there(options_.log_start)));
    // Where the log directory itself is gone, another one of its name would begin empty.
    const std::string home = runtime::parent_path(log_.directory_);
    MOLDAU_TRY(mounted, log_.disk_.exists(home));
    if (!mounted) return fail(Errc::io, fmt::format("{} is gone: it was moved away, or is not mounted any more", home));
    MOLDAU_CHECK(log_.disk_.create_directories(log_.directory_));
    return synced(log_.disk_.sync_directory(runtime::parent_path(log_.directory_)));
}

std::string LogLoader::must_be_there(Offset first) const {
    return fmt::format(
        "offsets {} to {} must be there, as {} has it", first, required_end() - 1,
        options_.high_watermark == required_end() ? high_watermarks_file_name : recovery_points_file_name);
}

Result<> LogLoader::load_identity() {
    MOLDAU_TRY(stored, read_partition_metadata(log_.disk_, log_.directory_));
    if (!stored) {
        if (log_.topic_id_) return write_partition_metadata(log_.disk_, log_.directory_, *log_.topic_id_);
        return {};
    }
    if (log_.topic_id_ && *log_.topic_id_ != *stored)
        return fail(Errc::invalid, fmt::format("{} is of topic id {}, not {}: the topic was made anew; move it away",
                                               log_.directory_, *stored, *log_.topic_id_));
    log_.topic_id_ = *stored;
    return {};
}

Result<> LogLoader::remove_file(std::string_view name) {
    auto removed = log_.disk_.remove(log_.path_of(name));
    if (!removed && removed.error().code != Errc::not_found) return removed;
    removed_ = true;
    return {};
}

Result<> LogLoader::note_file(const runtime::DirectoryEntry& entry) {
    if (const auto base = offset_in_name(entry.name, suffix::log)) {
        files_[*base].log_bytes = entry.size;
        files_[*base].modified_at = entry.modified_at;
        files_[*base].has_log = true;
    } else if (const auto indexed = offset_in_name(entry.name, suffix::index)) {
        files_[*indexed].index_bytes = entry.size;
    } else if (const auto timed = offset_in_name(entry.name, suffix::time_index)) {
        files_[*timed].time_index_bytes = entry.size;
    } else if (const auto aborted = offset_in_name(entry.name, suffix::txn_index)) {
        files_[*aborted].transaction_index_bytes = entry.size;
    } else if (const auto taken = offset_in_name(entry.name, suffix::snapshot)) {
        log_.snapshots_.insert(*taken);
    } else if (entry.name == gaps_file_name) {
        gaps_are_noted_ = true;
    } else if (entry.name.ends_with(suffix::deleted) || entry.name.ends_with(suffix::cleaned) ||
               entry.name.ends_with(".tmp")) {
        return remove_file(entry.name);
    }
    return {};
}

Result<> LogLoader::take_stock() {
    MOLDAU_TRY(entries, log_.disk_.list(log_.directory_));
    if (std::ranges::any_of(entries, [](const auto& entry) { return entry.name.ends_with(suffix::swap); })) {
        MOLDAU_CHECK(finish_replacements(std::move(entries)));
        MOLDAU_TRY(after, log_.disk_.list(log_.directory_));
        entries = std::move(after);
    }
    for (const runtime::DirectoryEntry& entry : entries)
        if (!entry.is_directory) MOLDAU_CHECK(note_file(entry));
    // Indexes without a log.
    for (auto each = files_.begin(); each != files_.end();) {
        if (each->second.has_log) {
            ++each;
            continue;
        }
        MOLDAU_CHECK(remove_file(offset_file_name(each->first, suffix::index)));
        MOLDAU_CHECK(remove_file(offset_file_name(each->first, suffix::time_index)));
        MOLDAU_CHECK(remove_file(offset_file_name(each->first, suffix::txn_index)));
        each = files_.erase(each);
    }
    return {};
}

Result<> LogLoader::load_epochs() {
    const std::string path = log_.path_of(LeaderEpochCache::file_name);
    auto content = runtime::read_whole(log_.disk_, path);
    if (!content && content.error().code == Errc::not_found) return {};
    if (!content) return std::unexpected(std::move(content).error().within(path));
    auto epochs = LeaderEpochCache::decode(text_of(*content));
    if (!epochs) return std::unexpected(std::move(epochs).error().within(path));
    log_.epochs_ = std::move(*epochs);
    return {};
}

std::unique_ptr<Segment> LogLoader::segment_of(Offset base, const Files& files) const {
    auto segment = std::make_unique<Segment>(log_.disk_, log_.directory_, base, options_.now);
    if (files.modified_at != no_timestamp) segment->modified_at = std::min(files.modified_at, options_.now);
    segment->adopt_log(files.log_bytes);
    segment->transaction_index().adopt(files.transaction_index_bytes);
    return segment;
}

Result<> LogLoader::load_segments() {
    if (files_.empty()) {
        if (required_end() > options_.log_start && required_end().value() > 0)
            return fail(Errc::corrupt,
                        fmt::format("{} has no segment, and {}", log_.directory_, must_be_there(options_.log_start)));
        return start_at(options_.log_start);
    }
    MOLDAU_CHECK(check_log_start());
    auto first_open = std::prev(files_.end());
    if (!options_.clean_shutdown) {
        first_open = files_.upper_bound(options_.recovery_point);
        if (first_open != files_.begin()) --first_open;
    }
    for (auto each = files_.begin(); each != first_open; ++each)
        MOLDAU_CHECK(adopt_closed(each->first, each->second, std::next(each)->first));
    if (options_.clean_shutdown) return open_active_clean(first_open->first, first_open->second);
    return recover_from(first_open);
}

Result<> LogLoader::adopt_closed(Offset base, const Files& files, Offset next_base) {
    auto segment = segment_of(base, files);
    const bool has_indexes = files.index_bytes && files.time_index_bytes &&
                             segment->adopt_indexes(*files.index_bytes, *files.time_index_bytes) &&
                             (*files.time_index_bytes > 0 || files.log_bytes == 0);
    std::optional<Offset> end;
    if (has_indexes) {
        MOLDAU_TRY(found, segment->end_by_indexes(log_.scratch_));
        end = found;
    }
    if (!end) {
        MOLDAU_TRY(scanned, rebuild_indexes(*segment));
        end = scanned;
    }
    MOLDAU_CHECK(check_follows(*segment, *end, next_base));
    segment->release_files();
    next_ = next_base;
    log_.segments_.push_back(std::move(segment));
    return {};
}

Result<Offset> LogLoader::rebuild_indexes(Segment& segment) {
    log::warn("{}: an index is missing or damaged; both are made anew", segment.path(suffix::log));
    segment.reset_indexes();
    MOLDAU_TRY(end, segment.note_from(0, log_.config_.index_interval_bytes, log_.scratch_));
    MOLDAU_CHECK(segment.finish_indexes());
    segment.seal();
    return end;
}

std::unexpected<Error> LogLoader::refuse(const Error& damage) const {
    return fail(damage.code,
                fmt::format("{}. The log is left as it is: restore {} from a copy", damage.message, log_.directory_));
}

// A segment begins where the one before ends. Compaction alone leaves gaps, and also in a topic that is compacted no
// longer: there the segment itself has some.
Result<> LogLoader::check_follows(Segment& segment, Offset end, Offset next_base) {
    if (end == next_base) return {};
    if (next_base <= options_.log_start) {
        whole_from_ = next_base;
        return {};
    }
    std::string_view what = "offsets of it are in the next segment too";
    if (end < next_base) {
        has_gap_ = true;
        if (log_.config_.cleanup_compact || gaps_are_noted_) return {};
        MOLDAU_TRY(sparse, segment.has_gaps(log_.scratch_));
        if (sparse) return {};
        what = "what follows is missing";
    }
    return refuse(
        {Errc::corrupt, fmt::format("{} at position {}: the file ends at offset {}, the next segment begins at {}: "
                                    "{} (where compaction took the records, let cleanup.policy be "
                                    "compact,delete)",
                                    segment.path(suffix::log), segment.size_bytes(), end, next_base, what)});
}

// Apache Kafka's retention may have been quicker than its checkpoint. Ours is not; but of what never was durable the
// first segments may be missing as well as the last.
Result<> LogLoader::check_log_start() {
    const Offset first = files_.begin()->first;
    if (first <= options_.log_start) return {};
    if (options_.log_start_is_exact && required_end() > options_.log_start)
        return refuse(
            {Errc::corrupt,
             fmt::format("{} begins at offset {}, and the log at {}, as {} has it: what is between is missing",
                         log_.path_of(offset_file_name(first, suffix::log)), first, options_.log_start,
                         log_starts_file_name)});
    if (options_.log_start.value() > 0)
        log::warn("{} begins at offset {}, {} was noted: what is between went by retention since, or is missing",
                  log_.directory_, first, options_.log_start);
    return {};
}

// Kafka deletes them all. But a number that a checkpoint names is no reason to: where the end was lost with the power,
// retention deletes them once more.
void LogLoader::keep_what_is_there() {
    const Offset first = std::max(log_.segments_.front()->base(), whole_from_);
    log::error("{}: the noted log start {} lies behind the log's end {}, and is not believed: the log begins at {}",
               log_.directory_, log_.log_start_, log_.log_end_, first);
    log_.log_start_ = first;
}

Result<> LogLoader::open_active_clean(Offset base, const Files& files) {
    auto segment = segment_of(base, files);
    MOLDAU_TRY(from, segment->load_indexes(Offset(INT64_MAX), log_.scratch_));
    next_ = base;
    if (files.log_bytes > 0) {
        auto end = segment->note_from(from, log_.config_.index_interval_bytes, log_.scratch_);
        if (!end) return refuse(std::move(end).error().within("after a clean shutdown"));
        next_ = *end;
    }
    log_.segments_.push_back(std::move(segment));
    return {};
}

Result<> LogLoader::start_at(Offset offset) {
    for (const auto& segment : log_.segments_) MOLDAU_CHECK(segment->remove());
    log_.segments_.clear();
    // The one at the new start tells of the producers of what retention has deleted.
    const bool has_its_own = log_.snapshots_.erase(offset) > 0;
    for (const Offset taken : log_.snapshots_) MOLDAU_CHECK(remove_file(offset_file_name(taken, suffix::snapshot)));
    log_.snapshots_.clear();
    if (has_its_own) log_.snapshots_.insert(offset);
    auto segment = std::make_unique<Segment>(log_.disk_, log_.directory_, offset, options_.now);
    MOLDAU_CHECK(segment->create());
    log_.directory_dirty_ = true;
    log_.segments_.push_back(std::move(segment));
    next_ = log_.log_end_ = offset;
    return {};
}

}  // namespace moldau::storage
