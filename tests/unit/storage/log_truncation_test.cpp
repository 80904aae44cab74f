#include "log_fixture.h"

namespace moldau::storage {
namespace {

TEST_F(LogTest, TruncationAtEveryOffsetLeavesThePrefix) {
    for (std::int64_t cut = 0; cut <= 40; ++cut) {
        SetUp();
        log.reset();
        disk.lose_unsynced();
        open();
        fill_to(40);
        const auto end = log->truncate_to(Offset(cut), wall_now);
        ASSERT_TRUE(end) << end.error().message;
        ASSERT_EQ(*end, Offset(cut));
        ASSERT_EQ(log->log_end(), Offset(cut));
        expect_all_readable();
        fill_to(45);
        expect_all_readable();
        crash_and_reopen();
        ASSERT_EQ(log->log_end(), Offset(45));
        expect_all_readable();
        ASSERT_TRUE(log->truncate_fully_and_start_at(Offset(0), wall_now));
    }
}

TEST_F(LogTest, TruncationInsideABatchRemovesIt) {
    open();
    ASSERT_TRUE(append(10));
    ASSERT_TRUE(append(10));
    EXPECT_EQ(*log->truncate_to(Offset(15), wall_now), Offset(10));
    EXPECT_EQ(log->log_end(), Offset(10));
}

TEST_F(LogTest, TruncatedContentDoesNotComeBackAfterAPowerFailure) {
    open();
    fill_to(40);
    flush(FlushKind::checkpoint);
    ASSERT_TRUE(log->truncate_to(Offset(10), wall_now));
    log.reset();
    disk.lose_unsynced();
    open();
    EXPECT_EQ(log->log_end(), Offset(10));
    EXPECT_FALSE(disk.has(path(40, suffix::snapshot)));
}

TEST_F(LogTest, ProducersAndEpochsFollowATruncation) {
    open();
    for (int i = 0; i < 4; ++i)
        ASSERT_TRUE(append(1, {.producer_id = ProducerId(1), .base_sequence = i, .leader_epoch = LeaderEpoch(i)}));
    ASSERT_TRUE(log->truncate_to(Offset(2), wall_now));
    EXPECT_EQ(log->producers().find(ProducerId(1))->last_sequence(), 1);
    EXPECT_EQ(log->epochs().latest_epoch(), LeaderEpoch(1));
    EXPECT_EQ(log->end_offset_for_epoch(LeaderEpoch(1)), (EpochEnd{LeaderEpoch(1), Offset(2)}));
}

TEST_F(LogTest, StartingAnewForgetsEverything) {
    open();
    for (int i = 0; i < 30; ++i) ASSERT_TRUE(append(1, {.producer_id = ProducerId(1), .base_sequence = i}));
    ASSERT_TRUE(log->truncate_fully_and_start_at(Offset(1000), wall_now));
    EXPECT_EQ(log->log_start(), Offset(1000));
    EXPECT_EQ(log->log_end(), Offset(1000));
    EXPECT_TRUE(log->producers().producers().empty());
    EXPECT_TRUE(log->epochs().entries().empty());
    fill_to(1020);
    expect_all_readable();
    crash_and_reopen();
    EXPECT_EQ(log->log_start(), Offset(1000));
    EXPECT_EQ(log->log_end(), Offset(1020));
}

TEST_F(LogTest, RetentionBySizeDeletesWholeSegmentsFromTheFront) {
    open();
    fill_to(60);
    config.retention_bytes = 2048;
    log->set_config(config);
    const auto files = delete_old_segments(wall_now, log->log_end());
    ASSERT_TRUE(files);
    EXPECT_FALSE(files->empty());
    EXPECT_GE(log->size_bytes(), 2048U);
    EXPECT_LT(log->size_bytes(), 2048U + 1024U);
    EXPECT_GT(log->log_start(), Offset(0));
    for (const std::string& file : *files) {
        EXPECT_TRUE(file.ends_with(suffix::deleted));
        EXPECT_TRUE(disk.has(file));
    }
    expect_all_readable();
}

TEST_F(LogTest, RetentionThatFailsMidwayTellsOfAllThatItRenamed) {
    config.retention_bytes = 0;
    open();
    fill_to(60);
    const Offset active = log->active_segment_base();
    disk.fail_rename_of = path(22, suffix::log);
    const auto first = delete_old_segments(wall_now, log->log_end());
    ASSERT_TRUE(first) << first.error().message;
    EXPECT_EQ(first->size(), 6U) << "three files of each of two segments";
    for (const std::string& file : *first) EXPECT_TRUE(disk.has(file));
    EXPECT_FALSE(delete_old_segments(wall_now, log->log_end())) << "nothing is renamed";
    disk.fail_rename_of = path(22, suffix::index);
    const auto second = delete_old_segments(wall_now, log->log_end());
    ASSERT_TRUE(second) << second.error().message;
    EXPECT_TRUE(disk.has(path(22, suffix::log) + std::string(suffix::deleted)));
    EXPECT_GE(log->log_start(), active);
    expect_all_readable();
    crash_and_reopen();
    EXPECT_FALSE(disk.has(path(22, suffix::index)));
}

TEST_F(LogTest, RecoveryKeepsNoneOfItsBuffer) {
    config = {};
    open();
    ASSERT_TRUE(append(1, {.value_bytes = 200'000}));
    log.reset();
    open();
    EXPECT_EQ(log->log_end(), Offset(1));
    EXPECT_EQ(log->scratch_bytes(), 0U);
}

TEST_F(LogTest, RetentionByTimeGoesByTheLargestTimestamp) {
    config.retention_ms = 1000;
    open();
    fill_to(20);
    const Offset late = log->active_segment_base();
    ASSERT_TRUE(append(1, {.timestamp = wall_now + 5000}));
    ASSERT_TRUE(delete_old_segments(wall_now + 1000, log->log_end()));
    EXPECT_EQ(log->log_start(), Offset(0));
    ASSERT_TRUE(delete_old_segments(wall_now + 1001, log->log_end()));
    EXPECT_EQ(log->log_start(), late);
    // The active segment too, once it is due.
    ASSERT_TRUE(delete_old_segments(wall_now + 7000, log->log_end()));
    EXPECT_EQ(log->log_start(), log->log_end());
    EXPECT_EQ(log->segment_count(), 1U);
    ASSERT_TRUE(append());
    expect_all_readable();
}

TEST_F(LogTest, RecordsWithoutTimestampsAgeOverRestarts) {
    config.retention_ms = 1000;
    open();
    ASSERT_TRUE(append(1, {.timestamp = no_timestamp}));
    ASSERT_TRUE(log->roll(wall_now));
    ASSERT_TRUE(append(1, {.timestamp = no_timestamp}));
    disk.set_modified(path(0, suffix::log), Timestamp(wall_now.value() - 1001));
    disk.set_modified(path(1, suffix::log), Timestamp(wall_now.value() - 999));
    close_and_reopen();
    ASSERT_TRUE(delete_old_segments(wall_now, log->log_end()));
    EXPECT_EQ(log->log_start(), Offset(1));
}

TEST_F(LogTest, NothingIsDeletedAtOrAboveTheHighWatermark) {
    config.retention_ms = 1;
    open();
    fill_to(60);
    ASSERT_TRUE(delete_old_segments(wall_now + 10'000, Offset(3)));
    EXPECT_EQ(log->log_start(), Offset(0));
}

TEST_F(LogTest, CompactedTopicsLoseOnlyWhatLiesBeforeTheLogStart) {
    config.cleanup_delete = false;
    config.cleanup_compact = true;
    config.retention_ms = 1;
    config.retention_bytes = 1;
    open();
    fill_to(60);
    ASSERT_TRUE(delete_old_segments(wall_now + 10'000, log->log_end()));
    EXPECT_EQ(log->log_start(), Offset(0));
    ASSERT_TRUE(log->advance_log_start(Offset(20)));
    const std::size_t before = log->segment_count();
    ASSERT_TRUE(delete_old_segments(wall_now + 10'000, log->log_end()));
    EXPECT_LT(log->segment_count(), before);
    EXPECT_EQ(log->log_start(), Offset(20));
    expect_all_readable();
}

TEST_F(LogTest, LogStartSurvivesARestart) {
    open();
    fill_to(60);
    ASSERT_TRUE(log->advance_log_start(Offset(20)));
    EXPECT_FALSE(log->advance_log_start(Offset(20)));
    crash_and_reopen();
    EXPECT_EQ(log->log_start(), Offset(20));
    EXPECT_EQ(log->log_end(), Offset(60));
}

TEST_F(LogTest, TimestampsAreFoundByTheFirstRecordThatHasThem) {
    open();
    for (int i = 0; i < 60; ++i) ASSERT_TRUE(append(3, {.timestamp = wall_now + i * 100}));
    protocol::Decompressor decompressor;
    for (int pass = 0; pass < 2; ++pass) {
        for (int i = 0; i < 60; ++i) {
            for (int inside = 0; inside < 3; ++inside) {
                const auto found = log->find_by_timestamp(wall_now + i * 100 + inside, decompressor);
                ASSERT_TRUE(found) << found.error().message;
                ASSERT_TRUE(*found);
                EXPECT_EQ((*found)->offset, Offset(i * 3 + inside));
                EXPECT_EQ((*found)->timestamp, wall_now + i * 100 + inside);
            }
        }
        EXPECT_EQ(**log->find_by_timestamp(Timestamp(0), decompressor),
                  (TimestampAndOffset{wall_now, Offset(0), LeaderEpoch(0)}));
        EXPECT_EQ(*log->find_by_timestamp(wall_now + 100'000, decompressor), std::nullopt);
        EXPECT_EQ((*log->find_max_timestamp(decompressor))->offset, Offset(179));
        close_and_reopen();
    }
}

TEST_F(LogTest, TimeLookupsSkipWhatLiesBeforeTheLogStart) {
    config = {};
    open();
    for (int i = 0; i < 5; ++i) ASSERT_TRUE(append(4, {.timestamp = wall_now + i * 100}));
    log->advance_log_start(Offset(6));
    protocol::Decompressor decompressor;
    EXPECT_EQ((*log->find_by_timestamp(Timestamp(0), decompressor))->offset, Offset(6));
}

TEST_F(LogTest, ATimeLookupHoldsAPieceOfALargeBatch) {
    config = {};
    open();
    protocol::BatchBuilder builder({.codec = protocol::Codec::gzip});
    const std::string zeros(2 * protocol::Decompressor::retained_bytes, '\0');
    builder.append({.timestamp = wall_now, .value = bytes_of(zeros)});
    builder.append({.timestamp = wall_now + 1, .value = bytes_of(zeros)});
    protocol::Compressor compressor;
    const Bytes batch = builder.finish(compressor);
    const ByteView parts[] = {batch};
    ASSERT_TRUE(log->append(parts, wall_now));
    protocol::Decompressor decompressor;
    EXPECT_EQ((*log->find_by_timestamp(wall_now + 1, decompressor))->offset, Offset(1));
    EXPECT_GT(decompressor.held_bytes(), 0U) << "it was not given back for its size";
    EXPECT_LE(decompressor.held_bytes(), protocol::Decompressor::default_piece_bytes);
}

TEST_F(LogTest, LargestTimestampMayBeAnywhere) {
    open();
    fill_to(10);
    ASSERT_TRUE(append(1, {.timestamp = wall_now + 9999}));
    fill_to(60);
    protocol::Decompressor decompressor;
    EXPECT_EQ((*log->find_max_timestamp(decompressor))->offset, Offset(10));
    close_and_reopen();
    EXPECT_EQ((*log->find_max_timestamp(decompressor))->offset, Offset(10));
}

/// Indexes as long as those of a segment of 1 GiB: an entry for each 4 KiB.
class LongIndexTest : public LogTest {
 protected:
    static constexpr int entries = 1 << 18;

    template <class TimeOf>
    void fill(TimeOf time_of) {
        config = {};
        config.index_interval_bytes = 1;
        open();
        for (int i = 0; i < entries; ++i) ASSERT_TRUE(append(1, {.timestamp = time_of(i), .value_bytes = 0}));
        ASSERT_TRUE(log->roll(wall_now));
    }

    /// The most reads that a time lookup took.
    template <class TimeOf>
    std::size_t most_reads(TimeOf time_of) {
        protocol::Decompressor decompressor;
        std::size_t most = 0;
        for (int i = 0; i < entries; i += 997) {
            disk.reads = 0;
            const auto found = log->find_by_timestamp(time_of(i), decompressor);
            EXPECT_TRUE(found && *found);
            if (!found || !*found) break;
            EXPECT_EQ((*found)->offset, Offset(i));
            most = std::max(most, disk.reads);
        }
        return most;
    }
};

TEST_F(LongIndexTest, ATimeLookupTakesFewReads) {
    const auto even = [](int i) { return wall_now + i * 10 + i % 7; };
    fill(even);
    EXPECT_LE(most_reads(even), 5U);
    close_and_reopen();
    protocol::Decompressor decompressor;
    disk.reads = 0;
    ASSERT_TRUE(log->find_by_timestamp(even(entries / 2), decompressor));
    EXPECT_LE(disk.reads, 12U) << "the first one learns the index's edges";
    EXPECT_LE(most_reads(even), 5U);
}

TEST_F(LongIndexTest, ATimeLookupTakesFewReadsWhereTrafficComesInBursts) {
    // A day's records in each of a hundred hours of work, of very different rates.
    const auto bursts = [](int i) { return wall_now + i * (1 + (i >> 14) % 5) + (i >> 14) * 3'600'000LL; };
    fill(bursts);
    EXPECT_LE(most_reads(bursts), 8U);
}

}  // namespace
}  // namespace moldau::storage
