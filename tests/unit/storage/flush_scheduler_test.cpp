#include <moldau/storage/flush_scheduler.h>

#include "log_fixture.h"
#include "support/manual_shard.h"

namespace moldau::storage {
namespace {

using namespace std::chrono_literals;

class FlushSchedulerTest : public LogTest {
 protected:
    void SetUp() override {
        LogTest::SetUp();
        config = {};
        open();
        flush(FlushKind::checkpoint);
    }
    void settle() {
        while (shard.run_ready() || disk.run_blocking_work()) {
        }
    }

    runtime::ManualShard shard;
    std::vector<Offset> durable_ends;
    FlushScheduler scheduler{disk, shard, {}, [this](Log& each) { durable_ends.push_back(each.durable_end()); }};
};

TEST_F(FlushSchedulerTest, OneSyncServesAllThatWasAppendedBeforeItBegan) {
    fill_to(1);
    scheduler.flush_now(*log);
    EXPECT_EQ(scheduler.in_flight(), 1U);
    for (int i = 0; i < 10; ++i) {
        ASSERT_TRUE(append());
        scheduler.flush_now(*log);
    }
    EXPECT_EQ(disk.blocking_work(), 1U);
    const std::size_t before = disk.syncs;
    settle();
    EXPECT_EQ(disk.syncs - before, 2U + 1U);  // the first flush also writes the leader epoch
    EXPECT_EQ(durable_ends, (std::vector{Offset(1), Offset(11)}));
}

TEST_F(FlushSchedulerTest, RecordsThatNobodyWaitsForFollowWithinSeconds) {
    fill_to(5);
    scheduler.flush_later(*log);
    shard.advance(1900ms);
    settle();
    EXPECT_EQ(log->durable_end(), Offset(0));
    shard.advance(200ms);
    settle();
    EXPECT_EQ(log->durable_end(), Offset(5));
}

TEST_F(FlushSchedulerTest, RecoveryPointFollowsAndThenAllIsQuiet) {
    fill_to(5);
    scheduler.flush_now(*log);
    settle();
    EXPECT_EQ(log->recovery_point(), Offset(0));
    shard.advance(6s);
    settle();
    EXPECT_EQ(log->recovery_point(), Offset(5));
    const std::size_t syncs = disk.syncs;
    shard.advance(60s);
    settle();
    EXPECT_EQ(disk.syncs, syncs);
}

TEST_F(FlushSchedulerTest, CheckpointsRepeatWhileTheLogGrows) {
    for (int i = 1; i <= 10; ++i) {
        ASSERT_TRUE(append());
        scheduler.flush_later(*log);
        shard.advance(3s);
        settle();
    }
    EXPECT_GE(log->recovery_point(), Offset(8));
}

TEST_F(FlushSchedulerTest, FailureIsTold) {
    fill_to(5);
    disk.fail_sync = true;
    scheduler.flush_now(*log);
    settle();
    EXPECT_TRUE(log->failure());
    EXPECT_EQ(durable_ends, (std::vector{Offset(0)}));
    disk.fail_sync = false;
    scheduler.flush_now(*log);
    settle();
    EXPECT_EQ(log->durable_end(), Offset(0));
}

TEST_F(FlushSchedulerTest, ForgettingWaitsForTheFlushInFlight) {
    fill_to(5);
    scheduler.flush_now(*log);
    bool done = false;
    runtime::spawn(shard, [](FlushScheduler& from, Log& which, bool& flag) -> runtime::Task<void> {
        co_await from.forget(which);
        flag = true;
    }(scheduler, *log, done));
    shard.run_ready();
    EXPECT_FALSE(done);
    settle();
    EXPECT_TRUE(done);
    EXPECT_FALSE(log->flush_in_flight());
    shard.advance(60s);
    EXPECT_EQ(disk.blocking_work(), 0U);
}

}  // namespace
}  // namespace moldau::storage
