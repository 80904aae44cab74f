#include <algorithm>

#include <fmt/format.h>

#include <moldau/base/assert.h>
#include <moldau/storage/cleaning_job.h>
#include <moldau/storage/log_names.h>

#include "cleaner/batch_content.h"
#include "cleaner/batch_reader.h"
#include "cleaner/cleaning_plan.h"
#include "cleaner/offset_map.h"
#include "cleaner/segment_writer.h"

namespace moldau::storage {

CleaningJob::CleaningJob(runtime::Disk& disk, Plan plan)
    : disk_(disk),
      plan_(std::make_unique<Plan>(std::move(plan))),
      map_(std::make_unique<OffsetMap>(plan_->options.map_bytes, plan_->options.map_load, plan_->options.hash_secret)),
      content_(std::make_unique<BatchContent>(plan_->options.batch_bytes)) {
    while (source_ < plan_->sources.size() && plan_->sources[source_].end <= plan_->first_dirty) ++source_;
}

CleaningJob::~CleaningJob() = default;

Offset CleaningJob::cleaned_end() const {
    return map_->end();
}

Result<CleaningJob::Step> CleaningJob::run() {
    MOLDAU_ASSERT(!result_ && adopted_ == nullptr);
    const std::uint64_t until = bytes_read_ + plan_->options.slice_bytes;
    while (bytes_read_ < until) {
        if (is_mapping_) {
            MOLDAU_TRY(more, map_next_batch());
            if (!more) begin_rewriting();
            continue;
        }
        if (group_ == plan_->groups.size()) return Step::done;
        MOLDAU_TRY(more, rewrite_next_batch());
        if (more) continue;
        MOLDAU_TRY(is_new, end_group());
        if (is_new) return Step::replace;
    }
    if (writer_) writer_->write_back();
    return Step::more;
}

Result<> CleaningJob::open_source() {
    const Source& source = plan_->sources[source_];
    MOLDAU_TRY(reader, BatchReader::open(disk_, fmt::format("{}{}", source.stem, suffix::log), source.base, source.end,
                                         source.size_bytes, plan_->options.batch_bytes));
    reader_ = std::move(reader);
    return {};
}

// The map.

Result<bool> CleaningJob::map_next_batch() {
    if (!reader_) {
        if (source_ == plan_->sources.size()) return false;
        MOLDAU_CHECK(open_source());
    }
    MOLDAU_TRY(found, reader_->next());
    if (!found) {
        map_->cover_to(plan_->sources[source_].end);
        reader_.reset();
        ++source_;
        return true;
    }
    bytes_read_ += reader_->size_bytes();
    if (reader_->batch().next_offset() <= plan_->first_dirty) return true;
    return enter_batch();
}

Result<bool> CleaningJob::enter_batch() {
    const protocol::BatchView& batch = reader_->batch();
    bool is_open = false;
    if (reader_->is_held() && batch.count() > 0) {
        auto loaded = content_->load(batch);
        if (!loaded) return reader_->damage(loaded.error().message);
        is_open = *loaded;
    }
    protocol::RecordIterator records = content_->records();
    for (protocol::RecordView record; is_open && records.next(record);) {
        const Offset offset = batch.base_offset() + record.offset_delta;
        if (offset < plan_->first_dirty || !record.key || map_->put(*record.key, offset)) continue;
        map_->cover_to(offset);
        return false;
    }
    map_->cover_to(batch.next_offset());
    return true;
}

void CleaningJob::begin_rewriting() {
    is_mapping_ = false;
    reader_.reset();
    source_ = 0;
    const std::vector<CleanSource> sources(plan_->sources.begin(), plan_->sources.end());
    plan_->groups = group_sources(sources, map_->end(), plan_->limits);
    filter_ = std::make_unique<BatchFilter>(*map_, *content_, std::move(plan_->rules));
}

// The segments.

bool CleaningJob::is_last_of_group() const {
    const SourceGroup& group = plan_->groups[group_];
    return source_ + 1 == group.first + group.count;
}

Result<bool> CleaningJob::rewrite_next_batch() {
    const SourceGroup& group = plan_->groups[group_];
    if (!writer_) {
        writer_ = std::make_unique<SegmentWriter>(disk_, plan_->directory, plan_->sources[group.first].base,
                                                  plan_->options.now, plan_->index_interval_bytes);
        MOLDAU_CHECK(writer_->create());
        changed_ = group.count > 1;
    }
    if (!reader_) {
        if (source_ == group.first + group.count) return false;
        MOLDAU_CHECK(open_source());
    }
    MOLDAU_TRY(found, reader_->next());
    if (!found) {
        MOLDAU_CHECK(end_source());
        return true;
    }
    bytes_read_ += reader_->size_bytes();
    const protocol::BatchView& batch = reader_->batch();
    if (!reader_->is_held()) {
        filter_->pass_over();
        MOLDAU_CHECK(writer_->copy(reader_->file(), reader_->position(), batch, reader_->size_bytes()));
        return true;
    }
    // The last one stays, if need be without records: a segment ends where the next one begins, or something is lost.
    auto fate = filter_->judge(batch, is_last_of_group() && reader_->at_end());
    if (!fate) return reader_->damage(fate.error().message);
    if (*fate != BatchFilter::Fate::copy) changed_ = true;
    if (*fate == BatchFilter::Fate::drop) return true;
    const bool is_copy = *fate == BatchFilter::Fate::copy;
    MOLDAU_CHECK(writer_->add(is_copy ? batch : protocol::BatchView(filter_->replacement())));
    return true;
}

Result<> CleaningJob::end_source() {
    const Source& source = plan_->sources[source_];
    reader_.reset();
    MOLDAU_CHECK(
        writer_->add_transactions(fmt::format("{}{}", source.stem, suffix::txn_index), source.transaction_index_bytes));
    ++source_;
    return {};
}

Result<bool> CleaningJob::end_group() {
    const SourceGroup& group = plan_->groups[group_];
    const Offset base = plan_->sources[group.first].base;
    const std::uint64_t size = writer_->size_bytes();
    if (!changed_ || size == 0) {
        writer_.reset();
        ++group_;
        MOLDAU_CHECK(SegmentWriter::discard(disk_, plan_->directory, base, false));
        return false;
    }
    MOLDAU_CHECK(writer_->finish());
    result_ = writer_->take();
    result_->modified_at = plan_->sources[group.first + group.count - 1].modified_at;
    writer_.reset();
    bytes_written_ += size;
    return true;
}

// Its place.

Result<> CleaningJob::stage() {
    MOLDAU_ASSERT(result_);
    // A file that were missing under both names would be missed by nobody.
    MOLDAU_CHECK(disk_.sync_directory(plan_->directory));
    is_staged_ = true;
    MOLDAU_CHECK(result_->rename(suffix::swap));
    return disk_.sync_directory(plan_->directory);
}

Result<> CleaningJob::retire() {
    MOLDAU_ASSERT(adopted_ != nullptr);
    const SourceGroup& group = plan_->groups[group_];
    // Once only: the first of their names is the new segment's next.
    for (std::size_t i = group.first; !sources_are_renamed_ && i < group.first + group.count; ++i) {
        const Source& source = plan_->sources[i];
        for (const std::string_view each : suffix::log_last) {
            const std::string from = fmt::format("{}{}", source.stem, each);
            std::string to = fmt::format("{}{}", from, suffix::deleted);
            auto done = disk_.rename(from, to);
            if (done) retired_.push_back(std::move(to));
            if (done || done.error().code == Errc::not_found) continue;
            // Who still reads from it has it open.
            if (!is_shortage(done.error())) return done;
            MOLDAU_CHECK(disk_.remove(from));
        }
    }
    sources_are_renamed_ = true;
    return disk_.sync_directory(plan_->directory);
}

Result<> CleaningJob::settle() {
    MOLDAU_ASSERT(adopted_ == nullptr);
    is_staged_ = sources_are_renamed_ = false;
    const SourceGroup& group = plan_->groups[group_++];
    for (std::size_t i = group.first; i < group.first + group.count; ++i)
        bytes_replaced_ += plan_->sources[i].size_bytes;
    return disk_.sync_directory(plan_->directory);
}

Result<> CleaningJob::discard() {
    MOLDAU_ASSERT(adopted_ == nullptr);
    reader_.reset();
    writer_.reset();
    result_.reset();
    if (is_mapping_ || group_ >= plan_->groups.size()) return {};
    return SegmentWriter::discard(disk_, plan_->directory, plan_->sources[plan_->groups[group_].first].base,
                                  is_staged_);
}

}  // namespace moldau::storage
