// What a log does for its compaction: it says what there is to do, and puts new segments in the place of old ones.

#include <algorithm>

#include <moldau/base/assert.h>
#include <moldau/storage/log.h>
#include <moldau/storage/log_names.h>

#include "cleaner/cleaning_plan.h"
#include "segment.h"

namespace moldau::storage {

std::vector<CleanSource> Log::closed_segments() const {
    std::vector<CleanSource> closed;
    closed.reserve(segments_.size() - 1);
    for (std::size_t i = 0; i + 1 < segments_.size(); ++i) {
        Segment& segment = *segments_[i];
        closed.push_back({.base = segment.base(),
                          .end = segments_[i + 1]->base(),
                          .size_bytes = segment.size_bytes(),
                          .index_bytes = segment.offset_index().file().size_bytes(),
                          .time_index_bytes = segment.time_index().file().size_bytes()});
    }
    return closed;
}

Result<Offset> Log::cleanable_limit(Timestamp now, Offset first_dirty, Offset high_watermark) {
    // Before the recovery point all is durable; but a segment may have been closed since.
    Offset limit = std::min({active_segment_base(), recovery_point_, last_stable_offset(high_watermark)});
    for (std::size_t i = segment_index_of(first_dirty); i + 1 < segments_.size(); ++i) {
        Segment& segment = *segments_[i];
        if (segment.base() >= limit) break;
        if (segment.dirty || segment.index_dirty || segment.transactions_dirty) return segment.base();
        if (config_.min_compaction_lag_ms <= 0) continue;
        MOLDAU_TRY(newest, segment.retention_timestamp());
        if (now - newest < config_.min_compaction_lag_ms) return segment.base();
    }
    return limit;
}

Result<bool> Log::is_overdue(Timestamp now, Offset first_dirty) {
    if (config_.max_compaction_lag_ms == INT64_MAX) return false;
    for (std::size_t i = segment_index_of(first_dirty); i + 1 < segments_.size(); ++i) {
        MOLDAU_TRY(first, segments_[i]->first_timestamp(scratch_));
        if (first.value() > 0 && now - first > config_.max_compaction_lag_ms) return true;
    }
    return false;
}

Result<std::optional<Cleanable>> Log::find_cleanable(Timestamp now, Offset high_watermark) {
    if (failure_ || replacing_ || !config_.cleanup_compact) return std::nullopt;
    const Offset first_dirty = first_dirty_offset(first_dirty_, log_start_, log_end_);
    MOLDAU_TRY(limit, cleanable_limit(now, first_dirty, high_watermark));
    const std::vector<CleanSource> closed = closed_segments();
    const CleanRange range = clean_range(closed, first_dirty, limit);
    if (range.dirty_bytes == 0) return std::nullopt;
    bool due = range.dirty_ratio() > config_.min_cleanable_dirty_ratio;
    if (!due) {
        MOLDAU_TRY(overdue, is_overdue(now, first_dirty));
        due = overdue;
    }
    if (!due) return std::nullopt;
    auto room = static_cast<std::uint64_t>(config_.segment_bytes);
    for (const CleanSource& each : closed) room = std::max(room, each.size_bytes);
    return Cleanable{.first_dirty = range.first_dirty,
                     .end = range.end,
                     .dirty_ratio = range.dirty_ratio(),
                     .room_bytes = std::min(room, range.clean_bytes + range.dirty_bytes)};
}

std::unique_ptr<CleaningJob> Log::begin_cleaning(const Cleanable& what, const CleaningOptions& options) {
    CleaningJob::Plan plan{.directory = directory_,
                           .first_dirty = what.first_dirty,
                           .end = what.end,
                           .options = options,
                           .rules = {.now = options.now, .delete_retention_ms = config_.delete_retention_ms},
                           .limits = {.segment_bytes = static_cast<std::uint64_t>(config_.segment_bytes),
                                      .segment_index_bytes = static_cast<std::uint64_t>(config_.segment_index_bytes)},
                           .index_interval_bytes = config_.index_interval_bytes,
                           .truncations = truncations_,
                           .sources = {}};
    for (const auto& [id, entry] : producers_.producers())
        for (const ProducerBatch& batch : entry.batches())
            if (batch.last_offset < what.end) plan.rules.marks.push_back({id, batch.last_offset});
    std::ranges::sort(plan.rules.marks);
    for (const CleanSource& each : closed_segments()) {
        if (each.base >= what.end) break;
        Segment& segment = *segments_[plan.sources.size()];
        plan.sources.push_back({each, segment.path(""), segment.transaction_index().size_bytes(), segment.modified_at});
    }
    return std::unique_ptr<CleaningJob>(new CleaningJob(disk_, std::move(plan)));
}

bool Log::is_current(const CleaningJob& job) const {
    return !failure_ && job.plan_->truncations == truncations_;
}

// Retention may have deleted some, but nothing makes another segment of the same offsets, unless the log was cut.
std::optional<std::size_t> Log::find_sources(const CleaningJob& job) const {
    const CleaningJob::Plan& plan = *job.plan_;
    const SourceGroup& group = plan.groups[job.group_];
    const std::size_t first = segment_index_of(plan.sources[group.first].base);
    if (first + group.count >= segments_.size()) return std::nullopt;
    for (std::size_t i = 0; i < group.count; ++i) {
        const CleaningJob::Source& source = plan.sources[group.first + i];
        const Segment& segment = *segments_[first + i];
        if (segment.base() != source.base || segment.size_bytes() != source.size_bytes) return std::nullopt;
    }
    return first;
}

bool Log::begin_replacement(const CleaningJob& job) {
    MOLDAU_ASSERT(!replacing_);
    if (!is_current(job) || !find_sources(job)) return false;
    const CleaningJob::Plan& plan = *job.plan_;
    const SourceGroup& group = plan.groups[job.group_];
    replacing_ = Replacing{plan.sources[group.first].base, plan.sources[group.first + group.count - 1].end};
    return true;
}

void Log::adopt_replacement(CleaningJob& job) {
    const auto first = find_sources(job);
    MOLDAU_ASSERT(replacing_ && first && job.result_);
    const SourceGroup& group = job.plan_->groups[job.group_];
    job.adopted_ = job.result_.get();
    job.result_->join(open_files_);
    segments_[*first] = std::move(job.result_);
    const auto next = segments_.begin() + static_cast<std::ptrdiff_t>(*first) + 1;
    segments_.erase(next, next + static_cast<std::ptrdiff_t>(group.count) - 1);
}

Result<> Log::finish_replacement(CleaningJob& job, Result<> retired) {
    MOLDAU_ASSERT(replacing_ && job.adopted_ != nullptr);
    // The next start does the same.
    if (retired) retired = job.adopted_->rename("");
    if (!retired && is_shortage(retired.error())) return retired;
    job.adopted_ = nullptr;
    replacing_.reset();
    return retired ? retired : broken(std::move(retired).error());
}

void Log::leave_replacement(CleaningJob& job) const {
    MOLDAU_ASSERT(replacing_);
    job.adopted_ = nullptr;
}

void Log::finish_cleaning(const CleaningJob& job) {
    if (is_current(job)) first_dirty_ = job.cleaned_end();
}

}  // namespace moldau::storage
