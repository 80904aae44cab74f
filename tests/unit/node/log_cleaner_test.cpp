// What the node does for compaction in the background.

#include <moldau/storage/log_names.h>

#include "partition_manager_fixture.h"

namespace moldau::node {
namespace {

class LogCleanerTest : public PartitionManagerTest {
 protected:
    void SetUp() override {
        PartitionManagerTest::SetUp();
        settings.log.cleanup_compact = true;
        settings.log.cleanup_delete = false;
        settings.log.segment_bytes = 1000;
        settings.log.min_cleanable_dirty_ratio = 0.1;
        settings.partition.validator.compacted = true;
        cleaner.backoff = 15s;
    }

    void open(const TopicId& id = old_orders, const std::string& name = "orders") {
        start();
        put(id, name);
        publish();
    }
    void append_keyed(const std::string& key, const TopicId& id = old_orders) {
        protocol::BatchBuilder builder({});
        builder.append(
            {.timestamp = shard.clock().wall_time(), .key = bytes_of(key), .value = bytes_of(std::string(300, 'v'))});
        Bytes batch = builder.finish();
        const auto done = find(id)->append(batch, {.acks_all = false, .produce_version = 9});
        EXPECT_EQ(done.error, protocol::ErrorCode::none);
    }
    void fill(const TopicId& id = old_orders) {
        for (int i = 0; i < 30; ++i) append_keyed("key-" + std::to_string(i % 3), id);
    }
    storage::Log& log(const TopicId& id = old_orders) { return find(id)->log(); }
    bool has_any(std::string_view suffix) {
        for (const auto& entry : *disk.list("/data/orders-0"))
            if (entry.name.ends_with(suffix)) return true;
        return false;
    }
};

TEST_F(LogCleanerTest, ACompactedTopicIsCompactedOnceItIsDurable) {
    open();
    fill();
    const std::uint64_t before = log().size_bytes();
    advance(14s);
    EXPECT_EQ(log().first_dirty(), no_offset);
    advance(3s);
    EXPECT_EQ(log().first_dirty(), log().active_segment_base());
    EXPECT_LT(log().size_bytes(), before / 3);
    EXPECT_TRUE(has_any(storage::suffix::deleted));
    advance(70s);
    EXPECT_FALSE(has_any(storage::suffix::deleted)) << "after file.delete.delay.ms";
    EXPECT_EQ(text("cleaner-offset-checkpoint"), fmt::format("0\n1\norders 0 {}\n", log().first_dirty()));
    const Offset noted = log().first_dirty();
    ASSERT_TRUE(stop());
    image = {};
    open();
    EXPECT_EQ(log().first_dirty(), noted);
}

TEST_F(LogCleanerTest, OthersAreLeftAlone) {
    cleaner.enabled = false;
    open();
    fill();
    advance(60s);
    EXPECT_EQ(log().first_dirty(), no_offset);
    cleaner.enabled = true;
    settings.log.cleanup_compact = false;
    log().set_config(settings.log);
    advance(60s);
    EXPECT_EQ(log().first_dirty(), no_offset);
    EXPECT_FALSE(disk.has("/data/cleaner-offset-checkpoint"));
}

TEST_F(LogCleanerTest, ADamagedLogIsSetAsideAndStopsNoOther) {
    open();
    put(payments, "payments");
    publish();
    fill();
    fill(payments);
    advance(10s);
    disk.content("/data/orders-0/00000000000000000000.log")[100] ^= 1;
    advance(60s);
    EXPECT_EQ(log().first_dirty(), no_offset);
    EXPECT_EQ(log(payments).first_dirty(), log(payments).active_segment_base());
    EXPECT_FALSE(has_any(storage::suffix::cleaned));
    EXPECT_EQ(offline, "");
    const std::size_t reads = disk.reads;
    advance(60s);
    EXPECT_LT(disk.reads, reads + 100) << "not tried again";
}

TEST_F(LogCleanerTest, ATopicIsDeletedAndMadeAnewWhileItIsCompacted) {
    cleaner.bytes_per_second = 100;
    open();
    fill();
    advance(16s);
    ASSERT_EQ(log().first_dirty(), no_offset) << "it goes on slowly";
    take(old_orders);
    put(new_orders, "orders");
    publish();
    ASSERT_NE(find(new_orders), nullptr);
    EXPECT_EQ(log(new_orders).log_end(), Offset(0));
    append_keyed("a", new_orders);
    advance(300s);
    EXPECT_FALSE(has_any(storage::suffix::cleaned));
    EXPECT_EQ(log(new_orders).log_end(), Offset(1));
    EXPECT_EQ(log(new_orders).first_dirty(), no_offset);
    ASSERT_TRUE(stop());
}

TEST_F(LogCleanerTest, ItEndsWithTheNode) {
    cleaner.bytes_per_second = 100;
    open();
    fill();
    advance(16s);
    ASSERT_TRUE(stop());
    EXPECT_FALSE(has_any(storage::suffix::cleaned));
    image = {};
    cleaner.bytes_per_second = 0;
    open();
    advance(20s);
    EXPECT_EQ(log().first_dirty(), log().active_segment_base());
}

TEST_F(LogCleanerTest, AFullDiskIsWaitedFor) {
    open();
    fill();
    advance(10s);
    disk.capacity_bytes = disk.used_bytes() + 10;
    advance(20s);
    EXPECT_EQ(log().first_dirty(), no_offset);
    disk.capacity_bytes = UINT64_MAX;
    advance(20s);
    EXPECT_NE(log().first_dirty(), no_offset);
    EXPECT_EQ(offline, "");
}

TEST_F(LogCleanerTest, TooFewDescriptorsWhileAReplacementIsTakenBackAreWaitedFor) {
    open();
    fill();
    advance(10s);
    disk.after_rename = [this](const std::string& to) {
        if (to.ends_with(storage::suffix::swap)) disk.max_open_files = 0;
    };
    advance(20s);
    ASSERT_EQ(disk.max_open_files, 0U);
    EXPECT_EQ(log().first_dirty(), no_offset);
    disk.after_rename = nullptr;
    disk.max_open_files = SIZE_MAX;
    advance(60s);
    EXPECT_FALSE(has_any(storage::suffix::swap));
    EXPECT_EQ(log().first_dirty(), log().active_segment_base());
    EXPECT_EQ(offline, "");
}

TEST_F(LogCleanerTest, AFailedSyncTakesTheDirectoryOffline) {
    open();
    fill();
    advance(14s);
    disk.fail_sync = true;
    advance(10s);
    EXPECT_NE(offline, "");
    disk.fail_sync = false;
    advance(30s);
    EXPECT_EQ(log().first_dirty(), no_offset);
}

}  // namespace
}  // namespace moldau::node
