#include <gtest/gtest.h>

#include <moldau/replication/partition_core.h>

namespace moldau::replication {
namespace {

PartitionCore leader(bool flush_before_commit = true) {
    PartitionCore core(flush_before_commit);
    core.become_leader(LeaderEpoch(3), Offset(10), Offset(10));
    return core;
}

TEST(PartitionCore, CommitsAnAcksOneBatchWhenItIsWritten) {
    PartitionCore core = leader();
    core.on_append(Offset(10), Offset(15), false);
    EXPECT_EQ(core.high_watermark(), Offset(15));
    EXPECT_FALSE(core.wants_flush());
}

TEST(PartitionCore, CommitsAnAcksAllBatchOnlyWhenItIsDurable) {
    PartitionCore core = leader();
    core.on_append(Offset(10), Offset(15), true);
    EXPECT_EQ(core.high_watermark(), Offset(10));
    EXPECT_TRUE(core.wants_flush());
    core.on_durable(Offset(14));
    EXPECT_EQ(core.high_watermark(), Offset(10)) << "a part of a batch on disk is nothing";
    core.on_durable(Offset(15));
    EXPECT_EQ(core.high_watermark(), Offset(15));
    EXPECT_FALSE(core.wants_flush());
}

TEST(PartitionCore, HoldsBackWhatStandsBehindABarrier) {
    PartitionCore core = leader();
    core.on_append(Offset(10), Offset(11), false);
    core.on_append(Offset(11), Offset(12), true);
    core.on_append(Offset(12), Offset(13), false);
    EXPECT_EQ(core.high_watermark(), Offset(11));
    core.on_durable(Offset(12));
    EXPECT_EQ(core.high_watermark(), Offset(13));
}

TEST(PartitionCore, PassesEachBarrierAsItBecomesDurable) {
    PartitionCore core = leader();
    core.on_append(Offset(10), Offset(12), true);
    core.on_append(Offset(12), Offset(14), true);
    core.on_durable(Offset(12));
    EXPECT_EQ(core.high_watermark(), Offset(12));
    core.on_durable(Offset(14));
    EXPECT_EQ(core.high_watermark(), Offset(14));
}

TEST(PartitionCore, TreatsAnUnsyncedTailOfAFormerIncarnationAsABarrier) {
    PartitionCore core(true);
    core.become_leader(LeaderEpoch(4), Offset(20), Offset(12));
    EXPECT_EQ(core.high_watermark(), Offset(12));
    core.on_durable(Offset(20));
    EXPECT_EQ(core.high_watermark(), Offset(20));
}

TEST(PartitionCore, CatchesUpUntilWhatAFormerIncarnationMayHaveShownIsCommitted) {
    PartitionCore core(true);
    core.become_leader(LeaderEpoch(3), Offset(20), Offset(5));
    EXPECT_TRUE(core.is_catching_up());
    core.on_append(Offset(20), Offset(22), true);
    core.on_durable(Offset(20));
    EXPECT_FALSE(core.is_catching_up());
    EXPECT_LT(core.high_watermark(), Offset(22));
}

TEST(PartitionCore, AcknowledgesAnAcksOneBatchToAcksAllOnlyWhenItIsDurable) {
    PartitionCore core = leader();
    core.on_append(Offset(10), Offset(15), false);
    EXPECT_EQ(core.high_watermark(), Offset(15));
    EXPECT_EQ(core.acknowledged_end(), Offset(10));
    core.on_durable(Offset(15));
    EXPECT_EQ(core.acknowledged_end(), Offset(15));
}

TEST(PartitionCore, FollowsKafkasRuleWhenThePageCacheIsEnough) {
    PartitionCore core = leader(false);
    core.on_append(Offset(10), Offset(15), true);
    EXPECT_EQ(core.high_watermark(), Offset(15));
    EXPECT_EQ(core.acknowledged_end(), Offset(15));
}

TEST(PartitionCore, LetsBarriersGoWhenDurabilityIsLowered) {
    PartitionCore core = leader();
    core.on_append(Offset(10), Offset(15), true);
    core.set_flush_before_commit(false);
    EXPECT_EQ(core.high_watermark(), Offset(15));
}

}  // namespace
}  // namespace moldau::replication
