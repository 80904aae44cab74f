#include "partition_fixture.h"

namespace moldau::replication {
namespace {

runtime::Task<void> close_partition(std::shared_ptr<Partition> partition) {
    co_await partition->close(protocol::ErrorCode::unknown_topic_or_partition);
}

class PartitionFilesTest : public PartitionFixture {
 protected:
    std::shared_ptr<Partition> lead(std::unique_ptr<storage::Log> its) {
        auto partition = std::make_shared<Partition>(tools, std::move(its), PartitionConfig{});
        partition->become_leader(LeaderEpoch(1));
        settle();
        return partition;
    }
    std::vector<std::string> files() {
        std::vector<std::string> names;
        for (const auto& entry : *disk.list(storage::log_directory)) names.push_back(entry.name);
        return names;
    }
};

TEST_F(PartitionFilesTest, RetentionOfADeletedTopicTouchesNoFileOfTheOneMadeAnew) {
    config.retention_ms = 1;
    open();
    fill_to(60);
    flush(storage::FlushKind::checkpoint);
    const auto deleted = lead(std::move(log));
    ASSERT_EQ(deleted->high_watermark(), Offset(60));
    runtime::spawn(shard, close_partition(deleted));
    settle();
    ASSERT_TRUE(disk.rename(storage::log_directory, storage::log_directory + ".0-delete"));
    open();
    fill_to(60);
    const auto before = files();
    shard.advance(std::chrono::hours(1));
    EXPECT_FALSE(*deleted->find_expired());
    EXPECT_TRUE(deleted->delete_expired().empty());
    EXPECT_EQ(files(), before);
    expect_all_readable();
}

TEST_F(PartitionFilesTest, RetentionOfAPartitionThatIsThereDeletes) {
    config.retention_ms = 1;
    open();
    fill_to(1000);
    flush(storage::FlushKind::checkpoint);
    const auto partition = lead(std::move(log));
    shard.advance(std::chrono::hours(1));
    const auto due = *partition->find_expired();
    ASSERT_TRUE(due);
    partition->let_go(*due);
    EXPECT_EQ(partition->log().log_start(), Offset(1000));
    EXPECT_FALSE(partition->delete_expired().empty());
    EXPECT_GT(partition->log().segment_count(), 1U) << "others have their turn in between";
    while (!partition->delete_expired().empty()) {
    }
    EXPECT_EQ(partition->log().segment_count(), 1U);
    runtime::spawn(shard, close_partition(partition));
    settle();
}

TEST_F(PartitionFilesTest, AFullSegmentIsFlushedAtOnce) {
    open();
    const auto partition = lead(std::move(log));
    while (partition->log().segment_count() == 1) {
        Bytes batch = storage::make_batch(Offset(0));
        ASSERT_EQ(partition->append(batch, {}).error, protocol::ErrorCode::none);
    }
    const Offset end = partition->log().log_end();
    settle();
    EXPECT_EQ(partition->log().durable_end(), end);
    runtime::spawn(shard, close_partition(partition));
    settle();
}

TEST_F(PartitionFilesTest, AFetchThatRunsOutOfDescriptorsEndsWithWhatItHas) {
    open();
    fill_to(60);
    close_and_reopen();
    const auto partition = lead(std::move(log));
    disk.max_open_files = 0;
    ReadRequest wanted{.offset = Offset(0), .max_bytes = 1000};
    const ReadOutcome behind_others = partition->read(wanted, nullptr);
    EXPECT_EQ(behind_others.error, protocol::ErrorCode::none);
    EXPECT_FALSE(behind_others.records);
    EXPECT_EQ(behind_others.high_watermark, Offset(60)) << "so that it is asked for again";
    wanted.at_least_one = true;
    EXPECT_EQ(partition->read(wanted, nullptr).error, protocol::ErrorCode::kafka_storage_error);
    disk.max_open_files = SIZE_MAX;
    EXPECT_TRUE(partition->read(wanted, nullptr).records);
    runtime::spawn(shard, close_partition(partition));
    settle();
}

TEST_F(PartitionFilesTest, DamagedRecordsAreAnErrorOnceNothingStandsBeforeThem) {
    open();
    fill_to(60);
    close_and_reopen();
    const auto partition = lead(std::move(log));
    Bytes& content = disk.content(path(0, storage::suffix::log));
    const std::size_t size = protocol::parse_batch(content).size_bytes;
    content[2 * size - 1] ^= 1;
    const auto read = [&](std::int64_t from) {
        ReadOutcome outcome = partition->read({.offset = Offset(from), .max_bytes = 1000}, nullptr);
        EXPECT_TRUE(outcome.needs_check());
        outcome.check();
        EXPECT_FALSE(outcome.needs_check());
        return outcome;
    };
    const ReadOutcome before = read(0);
    ASSERT_TRUE(before.records);
    EXPECT_EQ(before.records->size_bytes, size);
    EXPECT_EQ(before.high_watermark, Offset(60));
    const ReadOutcome at = read(1);
    EXPECT_EQ(at.error, protocol::ErrorCode::corrupt_message);
    EXPECT_FALSE(at.records);
    EXPECT_TRUE(read(2).records);
    runtime::spawn(shard, close_partition(partition));
    settle();
}

}  // namespace
}  // namespace moldau::replication
