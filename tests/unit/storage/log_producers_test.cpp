// How a log's producers get to disk, and that none is forgotten.

#include "log_fixture.h"

namespace moldau::storage {
namespace {

/// A log of many producers, checkpointed.
class ManyProducersTest : public LogTest {
 protected:
    void SetUp() override {
        LogTest::SetUp();
        config = {};
        open();
        for (int i = 0; i < 100; ++i) ASSERT_TRUE(append_of(i));
        flush(FlushKind::checkpoint);
    }
    Result<> append_of(std::int64_t producer, std::size_t value_bytes = 20) {
        return append(1, {.producer_id = ProducerId(producer), .base_sequence = 0, .value_bytes = value_bytes});
    }
    void expect_producers(std::int64_t count) {
        EXPECT_EQ(log->producers().producers().size(), static_cast<std::size_t>(count));
        for (std::int64_t i = 0; i < count; ++i) EXPECT_NE(log->producers().find(ProducerId(i)), nullptr) << i;
    }
};

TEST_F(ManyProducersTest, AreWrittenDownForAsManyBytesAsTheyTakeAndNotForEachCheckpoint) {
    ASSERT_TRUE(disk.has(path(100, suffix::snapshot)));
    ASSERT_TRUE(append_of(100));
    flush(FlushKind::checkpoint);
    EXPECT_EQ(log->recovery_point(), Offset(101));
    EXPECT_FALSE(disk.has(path(101, suffix::snapshot)));
    EXPECT_TRUE(disk.has(path(100, suffix::snapshot))) << "the newest stays";
    ASSERT_TRUE(append_of(101, log->producers().max_snapshot_bytes() + 1000));
    flush(FlushKind::checkpoint);
    EXPECT_TRUE(disk.has(path(102, suffix::snapshot)));
    EXPECT_LE(disk.content(path(102, suffix::snapshot)).size(), log->producers().max_snapshot_bytes());
}

TEST_F(ManyProducersTest, AreKnownAfterACrashBehindTheNewestSnapshot) {
    ASSERT_TRUE(append_of(100));
    flush(FlushKind::checkpoint);
    ASSERT_TRUE(append_of(101));
    flush();
    crash_and_reopen();
    expect_producers(102);
    crash_without_what_was_not_synced();
    expect_producers(102);
}

TEST_F(ManyProducersTest, AreCoveredForRetentionByTheSnapshotOfTheSegmentsBeginning) {
    ASSERT_TRUE(log->roll(wall_now));
    ASSERT_TRUE(append_of(100));
    flush(FlushKind::checkpoint);
    EXPECT_FALSE(disk.has(path(101, suffix::snapshot)));
    ASSERT_TRUE(append_of(101));
    config.retention_ms = 1;
    log->set_config(config);
    const auto due = log->find_expired(wall_now + 1000, Offset(100));
    ASSERT_TRUE(due && *due);
    EXPECT_EQ((*due)->new_start, Offset(100));
    EXPECT_EQ((*due)->snapshot_at, no_offset) << "the checkpoint has synced one";
    ASSERT_TRUE((*due)->make_durable(disk));
    log->let_go(**due);
    ASSERT_TRUE(log->delete_expired());
    crash_without_what_was_not_synced();
    EXPECT_EQ(log->log_start(), Offset(100));
    expect_producers(101);
}

TEST_F(ManyProducersTest, AreWrittenDownWhenTheLogIsClosed) {
    ASSERT_TRUE(append_of(100));
    flush(FlushKind::checkpoint);
    ASSERT_FALSE(disk.has(path(101, suffix::snapshot)));
    close_and_reopen();
    EXPECT_TRUE(disk.has(path(101, suffix::snapshot)));
    EXPECT_FALSE(disk.durable(path(101, suffix::snapshot)).empty());
    expect_producers(101);
}

class ProducerRestartTest : public LogTest, public testing::WithParamInterface<bool> {};

TEST_P(ProducerRestartTest, FiveDuplicatesAreKnownAfterwards) {
    open();
    std::vector<Bytes> batches;
    for (int i = 0; i < 7; ++i) {
        batches.push_back(make_batch(log->log_end(), 2, {.producer_id = ProducerId(4), .base_sequence = 2 * i}));
        const ByteView parts[] = {batches.back()};
        ASSERT_TRUE(log->append(parts, wall_now));
        if (i == 3) flush(FlushKind::checkpoint);
    }
    if (GetParam()) {
        close_and_reopen();
    } else {
        crash_and_reopen();
    }
    for (int i = 2; i < 7; ++i) {
        const auto check =
            log->producers().check(protocol::BatchView(batches[static_cast<std::size_t>(i)]), ProducerOrigin::client);
        EXPECT_EQ(check.verdict, ProducerVerdict::duplicate) << i;
        EXPECT_EQ(check.original.first_offset(), Offset(2 * i));
    }
    const auto forgotten = log->producers().check(protocol::BatchView(batches[1]), ProducerOrigin::client);
    EXPECT_EQ(forgotten.verdict, ProducerVerdict::out_of_order_sequence);
}
TEST_P(ProducerRestartTest, RetriesOfOldRecordsAreStillKnown) {
    open();
    const Produced old{
        .producer_id = ProducerId(4), .base_sequence = 0, .timestamp = wall_now - 3 * config.producer_id_expiration_ms};
    const Bytes batch = make_batch(log->log_end(), 1, old);
    ASSERT_TRUE(append(1, old));
    if (GetParam()) {
        close_and_reopen();
    } else {
        crash_and_reopen();
    }
    log->remove_expired_producers(wall_now + 1000);
    EXPECT_EQ(log->producers().check(protocol::BatchView(batch), ProducerOrigin::client).verdict,
              ProducerVerdict::duplicate);
}
INSTANTIATE_TEST_SUITE_P(CleanOrKilled, ProducerRestartTest, testing::Bool());

TEST_F(LogTest, CleanCloseSurvivesAPowerFailureWithItsProducers) {
    open();
    for (int i = 0; i < 7; ++i) ASSERT_TRUE(append(1, {.producer_id = ProducerId(4), .base_sequence = i}));
    ASSERT_TRUE(log->close());
    log.reset();
    disk.lose_unsynced();
    LogOptions with = options();
    with.clean_shutdown = true;
    open(with);
    EXPECT_EQ(log->log_end(), Offset(7));
    ASSERT_NE(log->producers().find(ProducerId(4)), nullptr);
    EXPECT_EQ(log->producers().find(ProducerId(4))->count, 5);
}

/// Until which offset retention deletes: of 60, all, or all but what has its last segments.
class RetainedProducersTest : public LogTest, public testing::WithParamInterface<std::int64_t> {};

TEST_P(RetainedProducersTest, AreKnownAfterAPowerFailureWhenTheirRecordsAreGone) {
    config.retention_ms = 1;
    open();
    std::vector<Bytes> batches;
    for (int i = 0; i < 5; ++i) {
        batches.push_back(make_batch(log->log_end(), 1, {.producer_id = ProducerId(4), .base_sequence = i}));
        const ByteView parts[] = {batches.back()};
        ASSERT_TRUE(log->append(parts, wall_now));
    }
    fill_to(60);
    flush(FlushKind::checkpoint);
    ASSERT_TRUE(delete_old_segments(wall_now + 1000, Offset(GetParam())));
    ASSERT_GT(log->log_start(), Offset(5));
    crash_without_what_was_not_synced();
    ASSERT_EQ(log->log_end(), Offset(60));
    for (const Bytes& batch : batches)
        EXPECT_EQ(log->producers().check(protocol::BatchView(batch), ProducerOrigin::client).verdict,
                  ProducerVerdict::duplicate);
}
INSTANTIATE_TEST_SUITE_P(SomeOrAll, RetainedProducersTest, testing::Values(40, 60));

TEST_F(LogTest, ARollBesideACheckpointLeavesItsDurableSnapshotAlone) {
    open();
    for (int i = 0; i < 5; ++i) ASSERT_TRUE(append(1, {.producer_id = ProducerId(4), .base_sequence = i}));
    auto job = log->begin_flush(FlushKind::checkpoint);
    ASSERT_TRUE(job);
    const auto outcome = job->run(disk);
    const auto synced = runtime::read_whole(disk, path(5, suffix::snapshot));
    ASSERT_TRUE(synced);
    log->remove_expired_producers(Timestamp(INT64_MAX));  // another one would differ
    ASSERT_TRUE(log->roll(wall_now));
    log->finish_flush(std::move(*job), outcome);
    ASSERT_EQ(log->recovery_point(), Offset(5));
    EXPECT_EQ(*runtime::read_whole(disk, path(5, suffix::snapshot)), *synced);
}

TEST_F(LogTest, ASnapshotOfRecordsThatWereLostDoesNotComeBack) {
    config = {};
    open();
    const auto sync = [this](const std::string& name) {
        const auto file = disk.open(name, runtime::OpenMode::read_write);
        ASSERT_TRUE(file && (*file)->sync());
    };
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(append(1, {.producer_id = ProducerId(4), .base_sequence = i}));
    flush();
    for (int i = 3; i < 6; ++i) ASSERT_TRUE(append(1, {.producer_id = ProducerId(4), .base_sequence = i}));
    ASSERT_TRUE(log->roll(wall_now));
    sync(path(6, suffix::snapshot));
    ASSERT_TRUE(disk.sync_directory(log_directory));
    crash_without_what_was_not_synced();
    ASSERT_EQ(log->log_end(), Offset(3));
    ASSERT_FALSE(disk.has(path(6, suffix::snapshot)));

    fill_to(8);  // another history, whose bytes the system has written back
    sync(path(0, suffix::log));
    crash_without_what_was_not_synced();
    ASSERT_EQ(log->log_end(), Offset(8));
    EXPECT_EQ(log->producers().find(ProducerId(4))->last_sequence(), 2);
}

TEST_F(LogTest, ALogThatBeginsAnewAtItsStartKnowsTheProducersFromBefore) {
    config.retention_ms = 1;
    open();
    for (int i = 0; i < 5; ++i) ASSERT_TRUE(append(1, {.producer_id = ProducerId(4), .base_sequence = i}));
    ASSERT_TRUE(delete_old_segments(wall_now + 1000, Offset(5)));
    ASSERT_EQ(log->log_start(), Offset(5));
    log.reset();
    ASSERT_TRUE(disk.remove(path(5, suffix::log)));
    LogOptions with = options();
    with.recovery_point = with.log_start = Offset(5);
    open(with);
    ASSERT_EQ(log->log_end(), Offset(5));
    ASSERT_NE(log->producers().find(ProducerId(4)), nullptr);
    EXPECT_EQ(log->producers().find(ProducerId(4))->last_sequence(), 4);
}

}  // namespace
}  // namespace moldau::storage
