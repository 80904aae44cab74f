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

}  // namespace
}  // namespace moldau::storage
