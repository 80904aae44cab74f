#include <moldau/protocol/batch_builder.h>

#include "partition_fixture.h"

namespace moldau::replication {
namespace {

using protocol::ErrorCode;

constexpr AppendRequest acks_one{.acks_all = false, .produce_version = 9};
constexpr AppendRequest acks_all{.acks_all = true, .produce_version = 9};

class PartitionTest : public PartitionFixture {
 protected:
    void SetUp() override {
        PartitionFixture::SetUp();
        open(LeaderEpoch(3));
    }

    /// As after kill -9, when there was one before.
    void open(LeaderEpoch epoch) {
        begin(epoch);
        settle();
    }
    /// Before anything that it found is durable.
    void begin(LeaderEpoch epoch) {
        settle();
        partition.reset();
        auto opened = storage::Log::open({.disk = disk,
                                          .directory = storage::log_directory,
                                          .name = {"topic", PartitionIndex(0)},
                                          .now = shard.clock().wall_time()});
        ASSERT_TRUE(opened) << opened.error().message;
        partition.emplace(tools, std::move(*opened), PartitionConfig{});
        partition->become_leader(epoch);
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

TEST_F(PartitionTest, NobodyIsToldOfAnEndBeforeAllThatWasThereIsDurable) {
    for (std::int32_t i = 0; i < 3; ++i) ASSERT_EQ(append(i, acks_all).error, ErrorCode::none);
    begin(LeaderEpoch(1));
    ASSERT_LT(partition->high_watermark(), Offset(3));
    for (const Offset at : {Offset(0), Offset(3)}) {
        const ReadOutcome outcome = read(at, no_leader_epoch);
        EXPECT_EQ(outcome.error, ErrorCode::not_leader_or_follower) << at.value();
    }
    settle();
    EXPECT_TRUE(read(Offset(0), no_leader_epoch).records);
    const ReadOutcome end = read(Offset(3), no_leader_epoch);
    EXPECT_EQ(end.error, ErrorCode::none);
    EXPECT_EQ(end.high_watermark, Offset(3));
}

TEST_F(PartitionTest, AnAppendThatWasTakenBackIsGoneForGoodWithinSeconds) {
    ASSERT_EQ(append(0, acks_all).error, ErrorCode::none);
    shard.advance(std::chrono::seconds(10));
    settle();
    disk.capacity_bytes = disk.used_bytes();
    ASSERT_EQ(append(1, acks_all).error, ErrorCode::kafka_storage_error);
    const std::size_t syncs = disk.syncs;
    shard.advance(std::chrono::seconds(3));
    settle();
    EXPECT_GT(disk.syncs, syncs);
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

TEST_F(PartitionTest, WhoIsToldAndAppendsAtOnceNestsNothing) {
    constexpr int producers = 20;
    int depth = 0;
    int deepest = 0;
    for (int i = 0; i < producers; ++i) {
        partition->when_acknowledged(append(i, acks_all).end, [&, i](ErrorCode) {
            deepest = std::max(deepest, ++depth);
            EXPECT_EQ(append(producers + i, acks_one).error, ErrorCode::none);
            --depth;
        });
    }
    settle();
    EXPECT_EQ(deepest, 1);
    EXPECT_EQ(partition->high_watermark(), Offset(2 * producers));
}

TEST_F(PartitionTest, AWriteThatTheDeviceRefusesTakesTheDirectoryOffline) {
    ASSERT_EQ(append(0, acks_one).error, ErrorCode::none);
    settle();
    disk.fail_write = true;
    EXPECT_EQ(append(1, acks_all).error, ErrorCode::kafka_storage_error);
    EXPECT_TRUE(directory->is_offline());
    disk.fail_write = false;
}

TEST_F(PartitionTest, ADirectoryThatIsTakenAwayIsAStorageErrorUntilItIsBack) {
    partition->set_config({}, {.segment_bytes = 100});
    ASSERT_EQ(append(0, acks_one).error, ErrorCode::none);
    disk.fail_open = true;
    disk.open_failure = Errc::not_found;
    EXPECT_EQ(append(1, acks_one).error, ErrorCode::kafka_storage_error);
    disk.fail_open = false;
    EXPECT_EQ(append(1, acks_one).base_offset, Offset(1));
}

TEST_F(PartitionTest, AFetchAfterAnEpochThatTheLogDoesNotKnowIsOutOfRange) {
    static_cast<void>(append(0, acks_one));
    EXPECT_EQ(read(Offset(1), LeaderEpoch(3)).error, ErrorCode::none);
    EXPECT_EQ(read(Offset(1), LeaderEpoch(4)).error, ErrorCode::offset_out_of_range);
    const ReadOutcome diverging = read(Offset(2), LeaderEpoch(3));
    ASSERT_TRUE(diverging.diverging);
    EXPECT_EQ(diverging.diverging->end_offset, Offset(1));
}

TEST_F(PartitionTest, MetadataThatIsOlderThanTheRecordsCostsNone) {
    ASSERT_EQ(append(0, acks_all).error, ErrorCode::none);
    for (std::int32_t life = 1; life < 4; ++life) {
        open(LeaderEpoch(life % 2));
        ASSERT_EQ(append(life, acks_all).error, ErrorCode::none);
        settle();
        EXPECT_EQ(partition->high_watermark(), Offset(life + 1));
        EXPECT_EQ(partition->log().epochs().latest_epoch(), LeaderEpoch(3));
    }
    open(LeaderEpoch(4));
    EXPECT_EQ(partition->log().log_end(), Offset(4));
    EXPECT_EQ(read(Offset(4), LeaderEpoch(3)).error, ErrorCode::none);
}

}  // namespace
}  // namespace moldau::replication
