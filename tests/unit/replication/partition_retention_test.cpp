#include <moldau/replication/partition.h>

#include "support/manual_shard.h"
#include "unit/storage/log_fixture.h"

namespace moldau::replication {
namespace {

runtime::Task<void> close_partition(std::shared_ptr<Partition> partition) {
    static_cast<void>(co_await partition->close(protocol::ErrorCode::unknown_topic_or_partition));
}

class PartitionRetentionTest : public storage::LogTest {
 protected:
    std::shared_ptr<Partition> lead(std::unique_ptr<storage::Log> its) {
        auto partition = std::make_shared<Partition>(tools, std::move(its), PartitionConfig{});
        partition->become_leader(LeaderEpoch(1));
        settle();
        return partition;
    }
    void settle() {
        while (shard.run_ready() || disk.run_blocking_work()) {
        }
    }
    std::vector<std::string> files() {
        std::vector<std::string> names;
        for (const auto& entry : *disk.list(storage::log_directory)) names.push_back(entry.name);
        return names;
    }

    runtime::ManualShard shard;
    PartitionTools tools{disk, shard};
};

TEST_F(PartitionRetentionTest, RetentionOfADeletedTopicTouchesNoFileOfTheOneMadeAnew) {
    config.retention_ms = 1;
    open();
    fill_to(60);
    flush();
    const auto deleted = lead(std::move(log));
    ASSERT_EQ(deleted->high_watermark(), Offset(60));
    runtime::spawn(shard, close_partition(deleted));
    settle();
    ASSERT_TRUE(disk.rename(storage::log_directory, storage::log_directory + ".0-delete"));
    open();
    fill_to(60);
    const auto before = files();
    shard.advance(std::chrono::hours(1));
    EXPECT_FALSE(deleted->expire());
    EXPECT_TRUE(deleted->delete_expired().empty());
    EXPECT_EQ(files(), before);
    expect_all_readable();
}

TEST_F(PartitionRetentionTest, RetentionOfAPartitionThatIsThereDeletes) {
    config.retention_ms = 1;
    open();
    fill_to(60);
    flush();
    const auto partition = lead(std::move(log));
    shard.advance(std::chrono::hours(1));
    EXPECT_TRUE(partition->expire());
    EXPECT_FALSE(partition->delete_expired().empty());
    EXPECT_EQ(partition->log().log_start(), Offset(60));
    runtime::spawn(shard, close_partition(partition));
    settle();
}

}  // namespace
}  // namespace moldau::replication
