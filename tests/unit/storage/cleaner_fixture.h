#pragma once
// A log of keyed records in small segments, and its compaction from begin to end.

#include <map>
#include <optional>
#include <string>
#include <vector>

#include <moldau/storage/cleaning_job.h>

#include "log_fixture.h"

namespace moldau::storage {

struct Keyed {
    std::string key;
    std::optional<std::string> value = std::nullopt;  ///< none: a tombstone
    Timestamp timestamp = wall_now;
};

/// A record as a reader finds it.
struct Found {
    Offset offset;
    std::optional<std::string> key;
    std::optional<std::string> value;
    Timestamp timestamp;
    friend bool operator==(const Found&, const Found&) = default;
};

inline std::optional<std::string> string_of(const std::optional<ByteView>& bytes) {
    if (!bytes) return std::nullopt;
    return std::string(text_of(*bytes));
}

/// Those of one batch.
inline std::vector<Found> records_of(const protocol::BatchView& batch) {
    std::vector<Found> found;
    protocol::Decompressor decompressor;
    const auto section = decompressor.decompress(*batch.codec(), batch.records(), 64 << 20);
    EXPECT_TRUE(section);
    if (!section) return found;
    protocol::RecordIterator records(*section, batch.count());
    for (protocol::RecordView record; records.next(record);)
        found.push_back({batch.base_offset() + record.offset_delta, string_of(record.key), string_of(record.value),
                         protocol::timestamp_of(batch, record)});
    EXPECT_EQ(records.damage(), "");
    return found;
}

class CleanerTest : public LogTest {
 protected:
    static constexpr std::int64_t day_ms = 86'400'000;

    void SetUp() override {
        LogTest::SetUp();
        config.cleanup_delete = false;
        config.cleanup_compact = true;
        config.min_cleanable_dirty_ratio = 0;
    }

    /// One batch, at the log's end unless `options` say where.
    void put(const std::vector<Keyed>& records, protocol::BatchOptions options = {}) {
        if (options.base_offset < log->log_end()) options.base_offset = log->log_end();
        if (options.leader_epoch == no_leader_epoch) options.leader_epoch = LeaderEpoch(0);
        protocol::BatchBuilder builder(options);
        for (const Keyed& each : records) {
            protocol::RecordToWrite record{.timestamp = each.timestamp, .key = bytes_of(each.key)};
            if (each.value) record.value = bytes_of(*each.value);
            builder.append(record);
        }
        protocol::Compressor compressor;
        const Bytes batch = builder.finish(compressor);
        const ByteView parts[] = {batch};
        ASSERT_TRUE(log->append(parts, wall_now));
    }
    void put(const std::string& key, std::optional<std::string> value) { put({{key, std::move(value)}}); }

    /// Closes the active segment, with all durable: it may be compacted then.
    void seal() {
        ASSERT_TRUE(log->roll(wall_now));
        flush(FlushKind::checkpoint);
    }

    CleaningOptions cleaning(Timestamp now = wall_now) {
        return {.now = now, .map_bytes = map_bytes, .slice_bytes = 1000, .hash_secret = {1, 2}};
    }

    /// What is there to do, or nothing.
    std::unique_ptr<CleaningJob> begin(Timestamp now = wall_now) {
        log->on_high_watermark(log->log_end());
        const auto due = log->find_cleanable(now, log->log_end());
        EXPECT_TRUE(due) << due.error().message;
        if (!due || !*due) return nullptr;
        return log->begin_cleaning(**due, cleaning(now));
    }

    /// All calls up to a replacement's or the end.
    Result<CleaningJob::Step> run(CleaningJob& job) {
        for (;;) {
            auto step = job.run();
            if (!step || *step != CleaningJob::Step::more) return step;
        }
    }

    Result<> replace(CleaningJob& job) {
        if (!log->begin_replacement(job)) return fail(Errc::closed, "the segments changed");
        MOLDAU_CHECK(job.stage());
        log->adopt_replacement(job);
        MOLDAU_CHECK(log->finish_replacement(job, job.retire()));
        return job.settle();
    }

    /// True when there was something to do.
    Result<bool> clean(Timestamp now = wall_now) {
        const auto job = begin(now);
        if (!job) return false;
        for (;;) {
            MOLDAU_TRY(step, run(*job));
            if (step == CleaningJob::Step::done) break;
            MOLDAU_CHECK(replace(*job));
        }
        log->finish_cleaning(*job);
        for (const std::string& path : job->take_retired()) MOLDAU_CHECK(disk.remove(path));
        return true;
    }
    /// With all that was appended, whatever the ratio.
    void clean_all(Timestamp now = wall_now) {
        seal();
        const auto done = clean(now);
        ASSERT_TRUE(done) << done.error().message;
    }

    /// All batches, as readers get them, from `from` on.
    std::vector<Bytes> batches(Offset from = Offset(0)) {
        std::vector<Bytes> found;
        for (Offset at = std::max(from, log->log_start()); at < log->log_end();) {
            auto slice = log->read({.from = at, .max_bytes = 1, .up_to = log->log_end(), .at_least_one = true});
            EXPECT_TRUE(slice) << slice.error().message;
            if (!slice || !slice->file) break;
            if (slice->check) EXPECT_TRUE(slice->check->run(*slice));
            found.push_back(read_slice(*slice));
            const protocol::BatchView batch(found.back());
            EXPECT_TRUE(batch.crc_ok());
            EXPECT_GE(batch.last_offset(), at);
            at = batch.next_offset();
        }
        return found;
    }
    std::vector<Found> records(Offset from = Offset(0)) {
        std::vector<Found> all;
        for (const Bytes& bytes : batches(from)) {
            const protocol::BatchView batch(bytes);
            if (batch.is_control()) continue;
            for (Found& each : records_of(batch)) all.push_back(std::move(each));
        }
        return all;
    }
    /// "key=value" of each record, "key" of a tombstone.
    std::vector<std::string> told() {
        std::vector<std::string> texts;
        for (const Found& each : records())
            texts.push_back(each.key.value_or("?") + (each.value ? "=" + *each.value : ""));
        return texts;
    }
    /// What a reader holds in the end.
    static std::map<std::string, std::string> state_of(const std::vector<Found>& records) {
        std::map<std::string, std::string> state;
        for (const Found& each : records) {
            if (!each.key) continue;
            state.erase(*each.key);
            if (each.value) state[*each.key] = *each.value;
        }
        return state;
    }

    std::size_t map_bytes = 1 << 20;
};

using Told = std::vector<std::string>;

}  // namespace moldau::storage
