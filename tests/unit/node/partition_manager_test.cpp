#include "partition_manager_fixture.h"

namespace moldau::node {
namespace {

TEST_F(PartitionManagerTest, WhatTheMetadataDoesNotKnowAtTheStartIsMovedAside) {
    leave_directory("/data/gone-0", old_orders);
    leave_directory("/data/without-id-4", std::nullopt);
    leave_directory("/data/elsewhere-0", old_orders);
    leave_directory("/data/payments-0", payments);
    leave_directory("/data/__cluster_metadata-0", std::nullopt);
    leave_directory("/data/not a partition", std::nullopt);
    leave_checkpoint("0\n2\ngone 0 0\npayments 0 0\n");
    start();
    put(payments, "payments");
    put(new_orders, "elsewhere", 1, other_node);
    publish();
    for (const char* name : {"gone-0", "without-id-4", "elsewhere-0"}) {
        const auto found = directories(name);
        ASSERT_EQ(found.size(), 1U) << name;
        EXPECT_TRUE(found.front().starts_with(std::string(name) + ".") && found.front().ends_with("-stray"))
            << found.front();
    }
    EXPECT_EQ(directories("payments"), std::vector<std::string>{"payments-0"});
    EXPECT_EQ(directories("__cluster"), std::vector<std::string>{"__cluster_metadata-0"});
    EXPECT_EQ(directories("not a"), std::vector<std::string>{"not a partition"});
    EXPECT_EQ(text("recovery-point-offset-checkpoint"), "0\n1\npayments 0 0\n");
    EXPECT_NE(find(payments), nullptr);
    // Later ones are opened, and deleted, as they come.
    put(old_orders, "later");
    publish();
    EXPECT_EQ(directories("later"), std::vector<std::string>{"later-0"});
}

TEST_F(PartitionManagerTest, ATopicMadeAnewIsNotHeldToTheCheckpointsOfOneThatWasDeletedBeforeTheStart) {
    leave_checkpoint("0\n1\norders 0 12\n");
    start();
    put(payments, "payments");
    publish();
    put(new_orders, "orders");
    publish();
    EXPECT_NE(find(new_orders), nullptr);
    EXPECT_EQ(text("recovery-point-offset-checkpoint"), "0\n0\n");
}

TEST_F(PartitionManagerTest, ATopicMadeAnewWhileTheNodeWasAwayKeepsTheOldDataAside) {
    leave_directory("/data/orders-0", old_orders);
    start();
    put(new_orders, "orders");
    publish();
    EXPECT_NE(find(new_orders), nullptr);
    const auto found = directories("orders");
    ASSERT_EQ(found.size(), 2U);
    EXPECT_TRUE(found.back().ends_with("-stray")) << found.back();
}

TEST_F(PartitionManagerTest, WhatALifeHasDeletedAndNotTakenAwayGoesAtTheNextStart) {
    leave_directory("/data/orders-0", old_orders);
    leave_directory("/data/payments-0", payments);
    leave_checkpoint("0\n2\norders 0 0\npayments 0 0\n");
    start();
    touch(old_orders);
    publish();
    EXPECT_TRUE(directories("orders").empty());
    ASSERT_EQ(directories("payments").size(), 1U);
    EXPECT_TRUE(directories("payments").front().ends_with("-stray")) << "of which nothing is known";
    EXPECT_EQ(text("recovery-point-offset-checkpoint"), "0\n0\n");
}

TEST_F(PartitionManagerTest, WhatALifeHasDeletedMakesRoomForATopicOfItsName) {
    leave_directory("/data/orders-0", old_orders);
    start();
    touch(old_orders);
    put(new_orders, "orders");
    publish();
    EXPECT_NE(find(new_orders), nullptr);
    EXPECT_EQ(directories("orders"), std::vector<std::string>{"orders-0"});
}

TEST_F(PartitionManagerTest, WhatWasMovedAsideComesBackWithItsTopic) {
    die_with_two_old_orders();
    start();
    put(new_orders, "orders");  // the metadata was lost, and the topic made anew
    publish();
    EXPECT_EQ(find(new_orders)->log().log_end(), Offset(0));
    EXPECT_TRUE(stop());
    start();
    image = {};
    put(old_orders, "orders");
    publish();
    ASSERT_NE(find(old_orders), nullptr);
    EXPECT_EQ(find(old_orders)->log().log_end(), Offset(2));
    EXPECT_TRUE(disk.has("/data/orders-0/moldau.gaps")) << "who wrote it is not known";
    const auto found = directories("orders");
    ASSERT_EQ(found.size(), 2U);
    EXPECT_TRUE(found.back().ends_with("-stray")) << found.back();
}

TEST_F(PartitionManagerTest, WhatComesBackIsScannedAlsoAfterACleanStop) {
    die_with_two_old_orders();
    disk.content("/data/orders-0/00000000000000000000.log").back() ^= 1;
    start();
    put(payments, "payments");
    publish();
    EXPECT_TRUE(stop());
    start();
    image = {};
    put(old_orders, "orders");
    publish();
    ASSERT_NE(find(old_orders), nullptr);
    EXPECT_EQ(find(old_orders)->log().log_end(), Offset(1));
}

TEST_F(PartitionManagerTest, DirectoriesThatWereExchangedAreLeftAlone) {
    start();
    put(old_orders, "orders");
    put(payments, "payments");
    publish();
    append(payments);
    EXPECT_TRUE(stop());
    ASSERT_TRUE(disk.rename("/data/orders-0", "/data/x"));
    ASSERT_TRUE(disk.rename("/data/payments-0", "/data/orders-0"));
    ASSERT_TRUE(disk.rename("/data/x", "/data/payments-0"));
    start();
    image = {};
    put(old_orders, "orders");
    put(payments, "payments");
    publish();
    EXPECT_EQ(find(old_orders), nullptr);
    EXPECT_EQ(find(payments), nullptr);
    EXPECT_EQ(directories("").size(), 2U);
    stop();
    ASSERT_TRUE(disk.rename("/data/payments-0", "/data/x"));
    ASSERT_TRUE(disk.rename("/data/orders-0", "/data/payments-0"));
    ASSERT_TRUE(disk.rename("/data/x", "/data/orders-0"));
    start();
    image = {};
    put(old_orders, "orders");
    put(payments, "payments");
    publish();
    ASSERT_NE(find(payments), nullptr);
    EXPECT_EQ(find(payments)->log().log_end(), Offset(1));
}

TEST_F(PartitionManagerTest, ATopicIsNotHeldToOneThatWasDeletedWithoutItsDirectory) {
    start();
    put(old_orders, "orders");
    publish();
    append(old_orders);
    EXPECT_TRUE(stop());
    ASSERT_TRUE(runtime::write_atomically(disk, "/data/orders-0/partition.metadata", bytes_of("no metadata")));
    start();
    image = {};
    put(old_orders, "orders");
    publish();
    ASSERT_EQ(find(old_orders), nullptr);
    take(old_orders);
    publish();
    EXPECT_EQ(directories("orders"), std::vector<std::string>{"orders-0"}) << "whose it is is not known";
    ASSERT_TRUE(runtime::remove_all(disk, "/data/orders-0"));
    put(new_orders, "orders");
    publish();
    EXPECT_NE(find(new_orders), nullptr);
}

TEST_F(PartitionManagerTest, ProducerIdsThatOlderMetadataDoesNotKnowAreTaken) {
    start();
    put(old_orders, "orders");
    publish();
    append(old_orders, {.producer_id = ProducerId(7), .producer_epoch = ProducerEpoch(0), .base_sequence = 0});
    append(old_orders, {.producer_id = ProducerId(2007), .producer_epoch = ProducerEpoch(0), .base_sequence = 0});
    EXPECT_TRUE(stop());
    start();
    image = {};
    image.next_producer_id = ProducerId(1000);
    put(old_orders, "orders");
    publish();
    EXPECT_FALSE(manager->is_taken(ProducerId(7)));
    EXPECT_FALSE(manager->is_taken(ProducerId(2000)));
    EXPECT_TRUE(manager->is_taken(ProducerId(2007)));
}

TEST_F(PartitionManagerTest, ASyncThatFailsWhileALogIsOpenedIsNotTriedAgain) {
    die_with_two_old_orders();
    start();
    put(old_orders, "orders");
    disk.fail_sync = true;
    publish();
    disk.fail_sync = false;
    advance(40s);
    EXPECT_NE(offline, "");
    EXPECT_EQ(find(old_orders), nullptr);
}

TEST_F(PartitionManagerTest, ManyPartitionsLeaveUnderOneWriteOfTheCheckpoints) {
    start();
    put(old_orders, "orders", 60);
    publish();
    advance(6s);
    disk.syncs = 0;
    take(old_orders);
    publish();
    // The three checkpoints, and who wrote them.
    EXPECT_LE(disk.syncs, 4U);
    EXPECT_EQ(text("recovery-point-offset-checkpoint"), "0\n0\n");
    for (const std::string& name : directories("orders")) EXPECT_TRUE(name.ends_with("-delete")) << name;
    put(new_orders, "orders", 60);
    publish();
    EXPECT_NE(find(new_orders, 59), nullptr);
    EXPECT_EQ(directories("orders").size(), 120U);
    advance(61s);
    EXPECT_EQ(directories("orders").size(), 60U);
}

TEST_F(PartitionManagerTest, ATopicDeletedAndMadeAnewInOnePublicationIsEmpty) {
    start();
    put(old_orders, "orders");
    publish();
    append(old_orders);
    take(old_orders);
    put(new_orders, "orders");
    publish();
    ASSERT_NE(find(new_orders), nullptr);
    EXPECT_EQ(find(old_orders), nullptr);
    EXPECT_EQ(manager->table().find(std::pair(new_orders, PartitionIndex(0)))->get()->log().log_end(), Offset(0));
}

TEST_F(PartitionManagerTest, WithTheLongestDelayADeletedTopicsFilesStay) {
    settings.log.file_delete_delay_ms = INT64_MAX;
    start();
    put(old_orders, "orders");
    publish();
    take(old_orders);
    publish();
    ASSERT_EQ(find(old_orders), nullptr);
    advance(60s);
    EXPECT_EQ(directories("orders").size(), 1U);
}

TEST_F(PartitionManagerTest, WhatAnEarlierLifeWasRemovingIsRemoved) {
    leave_directory("/data/orders-0.0123456789abcdef0000000000000002-delete", old_orders);
    start();
    put(payments, "payments");
    publish();
    EXPECT_TRUE(directories("orders").empty());
}

TEST_F(PartitionManagerTest, AReplicaThatWentElsewhereLeaves) {
    start();
    put(old_orders, "orders");
    publish();
    put(old_orders, "orders", 1, other_node);
    publish();
    EXPECT_EQ(find(old_orders), nullptr);
    ASSERT_EQ(directories("orders").size(), 1U);
    EXPECT_TRUE(directories("orders").front().ends_with("-delete"));
}

TEST_F(PartitionManagerTest, APartitionThatCouldNotBeOpenedIsTriedAgainWhileItIsThisNodes) {
    times.checkpoint_interval = 1h;
    start();
    disk.fail_open = true;
    put(old_orders, "orders");
    put(payments, "payments");
    publish();
    EXPECT_EQ(find(old_orders), nullptr);
    advance(31s);
    EXPECT_TRUE(manager->retry_due());
    EXPECT_GT(retries, 0);
    disk.fail_open = false;
    put(old_orders, "orders", 1, other_node);
    publish();
    EXPECT_EQ(find(old_orders), nullptr);
    EXPECT_NE(find(payments), nullptr);
    EXPECT_FALSE(manager->retry_due());
    advance(31s);
    EXPECT_FALSE(manager->retry_due());
}

TEST_F(PartitionManagerTest, AStopClosesSeveralPartitionsAtATime) {
    start();
    put(old_orders, "orders", 60);
    publish();
    bool closed = false;
    runtime::spawn(shard, [](PartitionManager& stopped, bool& done) -> runtime::Task<void> {
        done = (co_await stopped.close()).has_value();
    }(*manager, closed));
    std::size_t most = 0;
    while (shard.run_ready()) {
        most = std::max(most, disk.blocking_work());
        disk.run_blocking_work();
    }
    EXPECT_TRUE(closed);
    EXPECT_GT(most, 4U);
    EXPECT_LT(most, 60U);
    drop();
}

TEST_F(PartitionManagerTest, ACheckpointThatCannotBeSyncedEndsTheNodesUseOfTheDirectory) {
    start();
    put(payments, "payments");
    publish();
    disk.fail_sync = true;
    advance(6s);
    EXPECT_NE(offline, "");
    disk.fail_sync = false;
    EXPECT_FALSE(stop());
}

TEST_F(PartitionManagerTest, RetentionIsAppliedAfterTheDelayAndThenAtTheInterval) {
    settings.log = storage::LogConfig::tiny();
    settings.log.retention_bytes = 1024;
    settings.partition.flush_before_commit = false;
    times.retention_delay = 10s;
    times.retention_interval = 20s;
    start();
    put(payments, "payments");
    publish();
    const auto segments = [this] {
        return manager->table().find(std::pair(payments, PartitionIndex(0)))->get()->log().segment_count();
    };
    const auto fill = [this] {
        for (int i = 0; i < 8; ++i) append(payments);
    };
    fill();
    const std::size_t filled = segments();
    ASSERT_GT(filled, 3U);
    advance(9s);
    EXPECT_EQ(segments(), filled);
    advance(2s);
    const std::size_t kept = segments();
    EXPECT_LT(kept, filled);
    fill();
    advance(18s);
    EXPECT_GT(segments(), filled);
    advance(3s);
    EXPECT_EQ(segments(), kept);
}

class DiskThatOthersFill : public PartitionManagerTest {
 protected:
    /// They fill it so long after the last append, and retention is applied.
    void expect_room_by_retention(runtime::Duration filled_after) {
        disk.capacity_bytes = 16 << 20;
        settings.log = storage::LogConfig::tiny();
        settings.log.segment_bytes = 2048;  // three batches
        settings.log.retention_bytes = 1024;
        settings.partition.flush_before_commit = false;
        times = {.checkpoint_interval = 5s, .retention_interval = 1h, .retention_delay = 20s};
        start();
        put(payments, "payments");
        publish();
        advance(2s);
        ASSERT_TRUE(disk.has("/data/.moldau-spare"));
        for (int i = 0; i < 11; ++i) append(payments);
        advance(filled_after);
        disk.other_bytes = disk.capacity_bytes - disk.used_bytes();
        const auto& log = find(payments)->log();
        const std::size_t filled = log.segment_count();
        ASSERT_GT(filled, 3U);
        advance(40s);
        EXPECT_LT(log.segment_count(), filled);
        EXPECT_EQ(text("log-start-offset-checkpoint"), fmt::format("0\n1\npayments 0 {}\n", log.log_start()));
        EXPECT_EQ(offline, "");
    }
};

TEST_F(DiskThatOthersFill, HasRoomOnceRetentionIsApplied) {
    expect_room_by_retention(10s);
}

TEST_F(DiskThatOthersFill, HasRoomOnceTheLogsFirstCheckpointAndThenRetentionAreThere) {
    expect_room_by_retention(2s);
}

TEST_F(PartitionManagerTest, ASyncThatFailsForRetentionIsNotTriedAgain) {
    settings.log = storage::LogConfig::tiny();
    settings.log.retention_bytes = 1024;
    settings.partition.flush_before_commit = false;
    times = {.checkpoint_interval = 10min, .retention_interval = 20s, .retention_delay = 10s};
    start();
    put(payments, "payments");
    publish();
    for (int i = 0; i < 8; ++i) append(payments);
    const auto& log = find(payments)->log();
    const std::size_t filled = log.segment_count();
    advance(9s);
    ASSERT_EQ(offline, "");
    disk.fail_sync = true;
    advance(2s);
    disk.fail_sync = false;
    EXPECT_NE(offline, "");
    advance(30s);
    EXPECT_EQ(log.segment_count(), filled);
}

}  // namespace
}  // namespace moldau::node
