#include <gtest/gtest.h>

#include <moldau/protocol/batch_builder.h>
#include <moldau/replication/partition.h>

#include "support/manual_shard.h"
#include "support/memory_disk.h"

namespace moldau::replication {
namespace {

using protocol::ErrorCode;

constexpr AppendRequest acks_one{.acks_all = false, .produce_version = 9};
constexpr AppendRequest acks_all{.acks_all = true, .produce_version = 9};

class PartitionTest : public testing::Test {
 protected:
    void SetUp() override {
        ASSERT_TRUE(disk.create_directories("/data"));
        auto opened = storage::LogDirectory::open(disk, "/data");
        ASSERT_TRUE(opened);
        directory = std::move(*opened);
        tools.directory = directory.get();
        auto log = storage::Log::open({.disk = disk,
                                       .directory = "/data/topic-0",
                                       .name = {"topic", PartitionIndex(0)},
                                       .now = shard.clock().wall_time()});
        ASSERT_TRUE(log) << log.error().message;
        partition.emplace(tools, std::move(*log), PartitionConfig{});
        partition->become_leader(LeaderEpoch(3));
        settle();
    }
    void settle() {
        while (shard.run_ready() || disk.run_blocking_work()) {
        }
    }

    /// One record of an idempotent producer.
    AppendOutcome append(std::int32_t sequence, const AppendRequest& how) {
        protocol::BatchBuilder builder(
            {.producer_id = ProducerId(5), .producer_epoch = ProducerEpoch(0), .base_sequence = sequence});
        builder.append({.timestamp = shard.clock().wall_time(), .value = bytes_of("v")});
        Bytes batch = builder.finish();
        return partition->append(batch, how);
    }
    /// What who waits for `end` was told; nothing while it waits.
    std::shared_ptr<std::optional<ErrorCode>> wait_for(Offset end) {
        auto told = std::make_shared<std::optional<ErrorCode>>();
        partition->when_acknowledged(end, [told](ErrorCode error) { *told = error; });
        return told;
    }
    ReadOutcome read(Offset offset, LeaderEpoch last_fetched) {
        return partition->read({.offset = offset, .last_fetched_epoch = last_fetched, .max_bytes = 1000}, nullptr);
    }

    runtime::MemoryDisk disk;
    runtime::ManualShard shard;
    PartitionTools tools{disk, shard};
    std::unique_ptr<storage::LogDirectory> directory;
    std::optional<Partition> partition;
};

TEST_F(PartitionTest, ADuplicateWithAcksAllOfAnAcksOneBatchWaitsForTheDisk) {
    const AppendOutcome original = append(0, acks_one);
    ASSERT_EQ(original.error, ErrorCode::none);
    EXPECT_EQ(partition->high_watermark(), Offset(1));
    const AppendOutcome duplicate = append(0, acks_all);
    EXPECT_EQ(duplicate.base_offset, original.base_offset);
    const auto told = wait_for(duplicate.end);
    EXPECT_FALSE(*told) << "nothing is on disk yet";
    const std::size_t syncs = disk.syncs;
    settle();
    EXPECT_GT(disk.syncs, syncs);
    EXPECT_EQ(*told, ErrorCode::none);
    EXPECT_EQ(partition->log().durable_end(), Offset(1));
    EXPECT_EQ(*wait_for(append(0, acks_all).end), ErrorCode::none) << "now it is there";
}

TEST_F(PartitionTest, ADuplicateWithAcksAllWaitsForNothingWhereThePageCacheIsEnough) {
    partition->set_config({.validator = {}, .flush_before_commit = false}, {});
    static_cast<void>(append(0, acks_one));
    EXPECT_EQ(*wait_for(append(0, acks_all).end), ErrorCode::none);
}

TEST_F(PartitionTest, WhoWaitsIsToldWhenThePartitionIsLedNoMore) {
    const auto told = wait_for(append(0, acks_all).end);
    int woken = 0;
    const auto waiter = std::make_shared<FetchWaiter>(shard, [&] { ++woken; });
    static_cast<void>(partition->read({.offset = Offset(0), .max_bytes = 1000}, waiter));
    EXPECT_FALSE(*told);
    partition->resign();
    EXPECT_EQ(*told, ErrorCode::not_leader_or_follower);
    EXPECT_EQ(woken, 1);
    EXPECT_EQ(*wait_for(Offset(1)), ErrorCode::not_leader_or_follower) << "who comes later too";
}

TEST_F(PartitionTest, AFetchAfterAnEpochThatTheLogDoesNotKnowIsOutOfRange) {
    static_cast<void>(append(0, acks_one));
    EXPECT_EQ(read(Offset(1), LeaderEpoch(3)).error, ErrorCode::none);
    EXPECT_EQ(read(Offset(1), LeaderEpoch(4)).error, ErrorCode::offset_out_of_range);
    const ReadOutcome diverging = read(Offset(2), LeaderEpoch(3));
    ASSERT_TRUE(diverging.diverging);
    EXPECT_EQ(diverging.diverging->end_offset, Offset(1));
}

}  // namespace
}  // namespace moldau::replication
