// What counts as durable: flushes that fail or are overtaken, checkpoints, power failures.

#include <moldau/storage/open_files.h>

#include "log_fixture.h"

namespace moldau::storage {
namespace {

TEST_F(LogTest, DurableEndAfterAPowerFailureIsKept) {
    open();
    fill_to(30);
    flush();
    const Offset durable = log->durable_end();
    EXPECT_EQ(durable, Offset(30));
    fill_to(55);
    log.reset();
    disk.lose_unsynced();
    open();
    EXPECT_EQ(log->log_end(), Offset(30));
    expect_all_readable();
}

TEST_F(LogTest, FailedSyncIsFinal) {
    open();
    fill_to(3);
    disk.fail_sync = true;
    flush();
    EXPECT_EQ(log->durable_end(), Offset(0));
    ASSERT_TRUE(log->failure());
    disk.fail_sync = false;
    EXPECT_FALSE(append());
    EXPECT_FALSE(log->begin_flush());
    EXPECT_FALSE(log->close());
}

TEST_F(LogTest, AFlushProvesNothingOnceAnotherSyncHasFailed) {
    open();
    ASSERT_TRUE(append());
    disk.capacity_bytes = disk.used_bytes() + 50;
    ASSERT_FALSE(append()) << "so that the next roll syncs what was taken back";
    disk.capacity_bytes = UINT64_MAX;
    auto job = log->begin_flush();
    ASSERT_TRUE(job);
    disk.fail_sync = true;
    EXPECT_FALSE(log->roll(wall_now));
    disk.fail_sync = false;
    ASSERT_TRUE(log->failure());
    const auto outcome = job->run(disk);
    ASSERT_TRUE(outcome) << "the system tells of a failure once";
    log->finish_flush(std::move(*job), outcome);
    EXPECT_EQ(log->durable_end(), Offset(0));
}

TEST_F(LogTest, AFlushThatCannotOpenItsFilesProvesNothing) {
    open();
    fill_to(60);
    flush();
    OpenFiles few(1);
    log->join(&few);
    auto overtaken = log->begin_flush();
    ASSERT_TRUE(overtaken);
    ASSERT_TRUE(log->truncate_to(Offset(50), wall_now));
    const auto outcome = overtaken->run(disk);
    log->finish_flush(std::move(*overtaken), outcome);  // all is dirty now, and older segments are not open
    disk.fail_open = true;
    ASSERT_FALSE(log->begin_flush());
    disk.fail_open = false;
    EXPECT_EQ(log->durable_end(), Offset(50));
    log->join(nullptr);
    EXPECT_FALSE(log->begin_flush()) << "it is not tried again as though nothing were missing";
}

TEST_F(LogTest, FlushCoversWhatWasAppendedBeforeItBegan) {
    open();
    fill_to(3);
    auto job = log->begin_flush();
    ASSERT_TRUE(job);
    fill_to(30);
    const auto outcome = job->run(disk);
    log->finish_flush(std::move(*job), outcome);
    EXPECT_EQ(log->durable_end(), Offset(3));
    flush();
    EXPECT_EQ(log->durable_end(), Offset(30));
    EXPECT_FALSE(log->needs_flush());
}

TEST_F(LogTest, FlushThatATruncationOvertookProvesNothing) {
    open();
    fill_to(6);
    auto job = log->begin_flush();
    ASSERT_TRUE(job);
    ASSERT_TRUE(log->truncate_to(Offset(2), wall_now));
    fill_to(5);
    const auto outcome = job->run(disk);
    log->finish_flush(std::move(*job), outcome);
    EXPECT_LE(log->durable_end(), Offset(2));
    flush();
    EXPECT_EQ(log->durable_end(), Offset(5));
}

TEST_F(LogTest, FullDiskDelaysACheckpointAndNothingElse) {
    open();
    fill_to(3);
    disk.capacity_bytes = disk.used_bytes();
    flush(FlushKind::checkpoint);
    EXPECT_EQ(log->durable_end(), Offset(3));
    EXPECT_EQ(log->recovery_point(), Offset(0));
    EXPECT_FALSE(log->failure());
    disk.capacity_bytes = UINT64_MAX;
    flush(FlushKind::checkpoint);
    EXPECT_EQ(log->recovery_point(), Offset(3));
}

TEST_F(LogTest, InsideASegmentTheNewestSnapshotAndTheDurableOneStay) {
    config = {};
    open();
    for (int i = 1; i <= 3; ++i) {
        fill_to(i * 5);
        flush(FlushKind::checkpoint);
    }
    EXPECT_TRUE(disk.has(path(5, suffix::snapshot)));
    EXPECT_FALSE(disk.has(path(10, suffix::snapshot)));
    EXPECT_TRUE(disk.has(path(15, suffix::snapshot)));
    ASSERT_TRUE(log->roll(wall_now));
    fill_to(20);
    flush(FlushKind::checkpoint);
    EXPECT_FALSE(disk.has(path(5, suffix::snapshot)));
    EXPECT_TRUE(disk.has(path(15, suffix::snapshot))) << "at a segment's base";
    EXPECT_TRUE(disk.has(path(20, suffix::snapshot)));
}

TEST_F(LogTest, RetentionWaitsForADurableSnapshot) {
    config.retention_ms = 1;
    open();
    fill_to(60);
    EXPECT_FALSE(*log->find_expired(wall_now + 1000, Offset(60))) << "nothing is durable";
    flush();
    EXPECT_FALSE(*log->find_expired(wall_now + 1000, Offset(60))) << "nor is a snapshot";
    flush(FlushKind::checkpoint);
    const Offset covered = log->log_end();
    fill_to(80);
    const auto some = log->find_expired(wall_now + 1000, Offset(80));
    ASSERT_TRUE(*some);
    EXPECT_LE((*some)->new_start, covered);
    EXPECT_EQ((*some)->snapshot_at, no_offset) << "the checkpoint's is there";
    flush(FlushKind::checkpoint);
    const auto all = log->find_expired(wall_now + 1000, Offset(80));
    ASSERT_TRUE(*all);
    EXPECT_EQ((*all)->new_start, Offset(80));
}

TEST_F(LogTest, RetentionSaysThatTheCheckpointBeforeItFoundNoRoom) {
    config.retention_ms = 1;
    open();
    fill_to(60);
    disk.capacity_bytes = disk.used_bytes();
    flush(FlushKind::checkpoint);
    EXPECT_EQ(log->durable_end(), Offset(60));
    EXPECT_FALSE(*log->find_expired(wall_now, Offset(60))) << "nothing is due";
    EXPECT_EQ(log->find_expired(wall_now + 1000, Offset(60)).error().code, Errc::no_space);
    disk.capacity_bytes = UINT64_MAX;
    disk.fail_open_of = path(60, suffix::snapshot);
    disk.open_failure = Errc::no_descriptors;
    flush(FlushKind::checkpoint);
    EXPECT_EQ(log->find_expired(wall_now + 1000, Offset(60)).error().code, Errc::no_descriptors) << "room is not short";
    disk.fail_open_of.clear();
    flush(FlushKind::checkpoint);
    EXPECT_TRUE(*log->find_expired(wall_now + 1000, Offset(60)));
}

}  // namespace
}  // namespace moldau::storage
