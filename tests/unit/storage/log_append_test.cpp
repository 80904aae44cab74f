#include "log_fixture.h"
#include "segment.h"

namespace moldau::storage {
namespace {

TEST_F(LogTest, AppendedBatchesAreReadBackFromEveryOffset) {
    open();
    fill_to(200);
    EXPECT_GT(log->segment_count(), 10U);
    expect_all_readable();
}

TEST_F(LogTest, ReadInsideABatchBeginsWithThatBatch) {
    open();
    ASSERT_TRUE(append(10));
    ASSERT_TRUE(append(10));
    EXPECT_EQ(first_offset_from(Offset(7)), Offset(0));
    EXPECT_EQ(first_offset_from(Offset(10)), Offset(10));
}

TEST_F(LogTest, SegmentsRollBySizeAndAreNamedAfterTheEndBeforeThem) {
    open();
    fill_to(50);
    EXPECT_LE(disk.content(path(0, suffix::log)).size(), 1024U);
    EXPECT_GT(log->segment_count(), 3U);
    const Offset base = log->active_segment_base();
    EXPECT_TRUE(disk.has(path(base.value(), suffix::log)));
    EXPECT_TRUE(disk.has(path(base.value(), suffix::snapshot)));
}

TEST_F(LogTest, OneWriteServesManyBatches) {
    config = {};
    open();
    std::vector<Bytes> batches;
    for (int i = 0; i < 20; ++i) batches.push_back(make_batch(Offset(i)));
    const std::vector<ByteView> parts(batches.begin(), batches.end());
    const std::size_t before = disk.writes;
    ASSERT_TRUE(log->append(parts, wall_now));
    EXPECT_EQ(disk.writes - before, 1U);
    EXPECT_EQ(log->log_end(), Offset(20));
}

TEST_F(LogTest, GroupOfBatchesIsSpreadOverSegments) {
    open();
    std::vector<Bytes> batches;
    for (int i = 0; i < 60; ++i) batches.push_back(make_batch(Offset(i)));
    const std::vector<ByteView> parts(batches.begin(), batches.end());
    ASSERT_TRUE(log->append(parts, wall_now));
    EXPECT_GT(log->segment_count(), 3U);
    expect_all_readable();
}

TEST_F(LogTest, SegmentsRollByTheTimeBetweenRecords) {
    config = {};
    config.segment_ms = 1000;
    open();
    ASSERT_TRUE(append(1, {.timestamp = wall_now}));
    ASSERT_TRUE(append(1, {.timestamp = wall_now + 1000}));
    EXPECT_EQ(log->segment_count(), 1U);
    ASSERT_TRUE(append(1, {.timestamp = wall_now + 1001}));
    EXPECT_EQ(log->segment_count(), 2U);
}

TEST_F(LogTest, WithoutTimeToSpreadTheRollsOverThereIsNoJitter) {
    config = {};
    config.segment_ms = 0;
    config.segment_jitter_ms = 1000;
    open();
    ASSERT_TRUE(append(1, {.timestamp = wall_now}));
    ASSERT_TRUE(append(1, {.timestamp = wall_now + 1}));
    EXPECT_EQ(log->segment_count(), 2U);
}

TEST_F(LogTest, SegmentsRollWhenRelativeOffsetsWouldNotFit) {
    config = {};
    open();
    ASSERT_TRUE(append());
    const Bytes far = make_batch(Offset(INT32_MAX) + 1);
    const ByteView parts[] = {far};
    ASSERT_TRUE(log->append(parts, wall_now));
    EXPECT_EQ(log->segment_count(), 2U);
    const Bytes farther = make_batch(Offset(10) + 3LL * INT32_MAX);
    const ByteView more[] = {farther};
    ASSERT_TRUE(log->append(more, wall_now));
    EXPECT_EQ(log->segment_count(), 3U);
    EXPECT_EQ(first_offset_from(Offset(5)), Offset(INT32_MAX) + 1);
    EXPECT_EQ(first_offset_from(Offset(4LL * INT32_MAX / 2)), Offset(10) + 3LL * INT32_MAX);
}

TEST_F(LogTest, SegmentsRollWhenAnIndexIsFull) {
    config.segment_bytes = 1 << 20;
    open();
    fill_to(100);
    EXPECT_GT(log->segment_count(), 1U);
    expect_all_readable();
}

TEST_F(LogTest, BatchThatDoesNotFollowIsRefusedWhole) {
    open();
    fill_to(5);
    const Bytes good = make_batch(Offset(5));
    const Bytes bad = make_batch(Offset(3));
    const ByteView parts[] = {good, bad};
    const auto appended = log->append(parts, wall_now);
    ASSERT_FALSE(appended);
    EXPECT_EQ(appended.error().code, Errc::invalid);
    EXPECT_EQ(log->log_end(), Offset(5));
}

TEST_F(LogTest, FullDiskRefusesAndLeavesTheLogAsItWas) {
    open();
    fill_to(5);
    const std::uint64_t size = log->size_bytes();
    disk.capacity_bytes = disk.used_bytes() + 50;
    const auto appended = append(1, {.producer_id = ProducerId(7), .base_sequence = 0});
    ASSERT_FALSE(appended);
    EXPECT_EQ(appended.error().code, Errc::no_space);
    EXPECT_EQ(log->log_end(), Offset(5));
    EXPECT_EQ(log->size_bytes(), size);
    EXPECT_EQ(disk.content(path(0, suffix::log)).size(), size);
    EXPECT_EQ(log->producers().find(ProducerId(7)), nullptr);
    EXPECT_FALSE(log->failure());
    disk.capacity_bytes = UINT64_MAX;
    fill_to(60);
    expect_all_readable();
}

class LogTakenBackTest : public LogTest {
 protected:
    /// The log has five records; the device has a sixth, of a write that was taken back, and does not know that yet.
    void open_with_a_write_taken_back() {
        open();
        fill_to(5);
        flush(FlushKind::checkpoint);
        // The first of two batches is there when the second does not fit.
        const Bytes first = make_batch(Offset(5));
        const Bytes second = make_batch(Offset(6));
        const ByteView parts[] = {first, second};
        disk.capacity_bytes = disk.used_bytes() + first.size();
        disk.sync_on_write = true;
        ASSERT_FALSE(log->append(parts, wall_now));
        disk.sync_on_write = false;
        disk.capacity_bytes = UINT64_MAX;
        ASSERT_GT(disk.durable(path(0, suffix::log)).size(), log->size_bytes());
    }
};

TEST_F(LogTakenBackTest, WriteThatWasTakenBackIsGoneForGoodBeforeItsSegmentCloses) {
    enum Between { nothing, a_kill, a_kill_and_a_clean_stop };
    for (const Between between : {nothing, a_kill, a_kill_and_a_clean_stop}) {
        SCOPED_TRACE(static_cast<int>(between));
        ASSERT_NO_FATAL_FAILURE(open_with_a_write_taken_back());
        const std::uint64_t size = log->size_bytes();
        if (between != nothing) crash_and_reopen();
        if (between == a_kill_and_a_clean_stop) close_and_reopen();
        ASSERT_TRUE(log->roll(wall_now));
        EXPECT_EQ(disk.durable(path(0, suffix::log)).size(), size);
        log.reset();
        ASSERT_TRUE(runtime::remove_all(disk, log_directory));
    }
}

TEST_F(LogTakenBackTest, WriteThatWasTakenBackIsGoneForGoodBeforeTheNextSegmentHasItsName) {
    bool came_through = false;
    for (std::size_t changes = 0; !came_through; ++changes) {
        SCOPED_TRACE(changes);
        ASSERT_NO_FATAL_FAILURE(open_with_a_write_taken_back());
        const std::uint64_t size = log->size_bytes();
        disk.changes_left = changes;
        came_through = log->roll(wall_now).has_value();
        disk.changes_left = SIZE_MAX;
        if (disk.exists(path(5, suffix::log)).value_or(false))
            EXPECT_EQ(disk.durable(path(0, suffix::log)).size(), size);
        log.reset();
        ASSERT_TRUE(runtime::remove_all(disk, log_directory));
    }
}

TEST_F(LogTest, RollingLeavesTheSnapshotOfTheRecoveryPointAsItIs) {
    open();
    fill_to(5);
    flush(FlushKind::checkpoint);
    ASSERT_EQ(log->recovery_point(), Offset(5));
    const std::size_t writes = disk.writes;
    ASSERT_TRUE(log->roll(wall_now));
    EXPECT_EQ(disk.writes, writes) << "it is durable, and would not be any more";
}

TEST_F(LogTest, NoSegmentStandsThereWithoutItsIndexes) {
    ASSERT_TRUE(disk.create_directories(log_directory));
    Segment segment(disk, log_directory, Offset(1), wall_now);
    disk.fail_open_of = path(1, suffix::time_index);
    ASSERT_FALSE(segment.create());
    EXPECT_FALSE(disk.has(path(1, suffix::log)));
}

TEST_F(LogTest, ASegmentThatCouldNotBeMadeLeavesNothingAndIsMadeLater) {
    constexpr std::string_view suffixes[] = {suffix::log, suffix::index, suffix::time_index};
    for (const std::string_view failing : suffixes) {
        SCOPED_TRACE(failing);
        open();
        ASSERT_TRUE(append());
        disk.fail_open_of = path(1, failing);
        disk.open_failure = Errc::no_descriptors;
        ASSERT_FALSE(log->roll(wall_now));
        EXPECT_FALSE(log->failure()) << "others give some back";
        for (const std::string_view each : suffixes)
            EXPECT_FALSE(disk.has(path(1, each))) << each << ": the next batch may go into the old segment";
        disk.fail_open_of.clear();
        ASSERT_TRUE(log->roll(wall_now));
        for (const std::int64_t base : {0, 1})
            for (const std::string_view each : suffixes) EXPECT_TRUE(disk.has(path(base, each))) << base << each;
        log.reset();
        ASSERT_TRUE(runtime::remove_all(disk, log_directory));
    }
}

TEST_F(LogTest, ADeviceThatFailsWhileASegmentIsMadeIsAppendedToNoMore) {
    for (const std::string_view failing : {suffix::index, suffix::time_index, suffix::log}) {
        SCOPED_TRACE(failing);
        open();
        ASSERT_TRUE(append());
        disk.fail_open_of = path(1, failing);
        ASSERT_FALSE(log->roll(wall_now));
        EXPECT_TRUE(log->failure());
        for (const std::string_view each : {suffix::log, suffix::index, suffix::time_index})
            EXPECT_FALSE(disk.has(path(1, each))) << each;
        disk.fail_open_of.clear();
        EXPECT_FALSE(append());
        log.reset();
        ASSERT_TRUE(runtime::remove_all(disk, log_directory));
    }
}

TEST_F(LogTest, AWriteThatWasTakenBackWantsAFlush) {
    open();
    fill_to(5);
    flush();
    ASSERT_FALSE(log->needs_flush());
    disk.capacity_bytes = disk.used_bytes();
    ASSERT_FALSE(append());
    EXPECT_TRUE(log->needs_flush());
    flush();
    EXPECT_FALSE(log->needs_flush());
    EXPECT_FALSE(log->failure());
}

TEST_F(LogTest, DiskThatFillsUpWhileRollingRecoversByItself) {
    open();
    for (std::uint64_t room = 0; room < 2000; room += 7) {
        disk.capacity_bytes = disk.used_bytes() + room;
        static_cast<void>(append());
    }
    disk.capacity_bytes = UINT64_MAX;
    fill_to(log->log_end().value() + 100);
    expect_all_readable();
    const Offset end = log->log_end();
    crash_and_reopen();
    EXPECT_EQ(log->log_end(), end);
    expect_all_readable();
}

TEST_F(LogTest, FetchAtTheEndSearchesNothing) {
    open();
    fill_to(20);
    const std::size_t before = disk.reads;
    const auto slice = log->read({.from = Offset(19), .max_bytes = 4096, .up_to = Offset(20)});
    ASSERT_TRUE(slice);
    EXPECT_EQ(slice->first_offset, Offset(19));
    EXPECT_EQ(disk.reads, before);
}

TEST_F(LogTest, ReadsOutsideOfTheLogAreNotFound) {
    open();
    fill_to(10);
    EXPECT_EQ(log->read({.from = Offset(11), .max_bytes = 1, .up_to = Offset(20)}).error().code, Errc::not_found);
    log->advance_log_start(Offset(4));
    EXPECT_EQ(log->read({.from = Offset(3), .max_bytes = 1, .up_to = Offset(10)}).error().code, Errc::not_found);
    const auto at_end = log->read({.from = Offset(10), .max_bytes = 100, .up_to = Offset(10)});
    ASSERT_TRUE(at_end);
    EXPECT_EQ(at_end->size_bytes, 0U);
}

TEST_F(LogTest, ReadsStopBeforeTheBound) {
    config = {};
    open();
    for (int i = 0; i < 5; ++i) ASSERT_TRUE(append(4));
    const auto slice = log->read({.from = Offset(0), .max_bytes = 100'000, .up_to = Offset(8)});
    ASSERT_TRUE(slice);
    const Bytes bytes = read_slice(*slice);
    protocol::BatchIterator batches(bytes);
    protocol::BatchView batch;
    std::vector<Offset> bases;
    while (batches.next(batch)) bases.push_back(batch.base_offset());
    EXPECT_TRUE(batches.at_end());
    EXPECT_EQ(bases, (std::vector{Offset(0), Offset(4)}));
    // The bound lies inside the first batch: nothing is there yet.
    EXPECT_EQ(log->read({.from = Offset(1), .max_bytes = 100'000, .up_to = Offset(2)})->size_bytes, 0U);
}

TEST_F(LogTest, FirstBatchComesWholeWhenAskedFor) {
    open();
    ASSERT_TRUE(append(1, {.value_bytes = 500}));
    const auto whole = log->read({.from = Offset(0), .max_bytes = 10, .up_to = Offset(1), .at_least_one = true});
    ASSERT_TRUE(whole);
    EXPECT_EQ(whole->size_bytes, log->size_bytes());
    EXPECT_FALSE(whole->first_batch_incomplete);
    const auto part = log->read({.from = Offset(0), .max_bytes = 10, .up_to = Offset(1)});
    EXPECT_EQ(part->size_bytes, 10U);
    EXPECT_TRUE(part->first_batch_incomplete);
}

}  // namespace
}  // namespace moldau::storage
