#include <gtest/gtest.h>

#include <moldau/node/raft_driver.h>

#include "support/manual_shard.h"
#include "support/memory_disk.h"

namespace moldau::node {
namespace {

using namespace std::chrono_literals;

struct Listener final : MetadataListener {
    void on_snapshot(raft::SnapshotId) override {}
    void on_snapshot_batch(const protocol::BatchView&) override {}
    void on_commit(const protocol::BatchView& batch) override { committed = batch.next_offset(); }
    void on_leader_change(const raft::Leadership& now) override { leadership = now; }
    std::vector<Bytes> snapshot_records() override { return {}; }
    void on_lack_of_room() override { ++lacks; }
    void on_failure(const Error& error) override { failure = error.message; }

    Offset committed{0};
    raft::Leadership leadership{};
    int lacks = 0;
    std::string failure;
};

class RaftDriverTest : public testing::Test {
 protected:
    void SetUp() override { ASSERT_TRUE(disk.create_directories("/data")); }
    void TearDown() override { close(); }  // its coroutines end before it does

    void open(bool full_from_then_on = false) {
        const raft::ReplicaKey self{NodeId(1), {}};
        auto opened = RaftDriver::open({.disk = disk,
                                        .shard = shard,
                                        .directory = "/data/__cluster_metadata-0",
                                        .self = self,
                                        .static_voters = raft::VoterSet({{.key = self, .endpoints = {}}}),
                                        .log_config = {}},
                                       listener);
        ASSERT_TRUE(opened) << opened.error().message;
        driver = std::move(*opened);
        if (full_from_then_on) disk.capacity_bytes = 0;
        driver->start();
        settle();
    }
    void settle() {
        while (shard.run_ready() || disk.run_blocking_work()) {
        }
    }
    void advance(runtime::Duration step) {
        shard.advance(step);
        settle();
    }
    /// Whether it closed cleanly; nothing where it had not come to its end.
    std::optional<bool> close() {
        std::optional<bool> clean;
        if (driver == nullptr) return clean;
        runtime::spawn(shard, [](RaftDriver& closed, std::optional<bool>& into) -> runtime::Task<void> {
            into = (co_await closed.close()).has_value();
        }(*driver, clean));
        settle();
        driver.reset();
        return clean;
    }
    /// The offset of a record of a kilobyte.
    Offset propose() {
        const Bytes values[] = {Bytes(1000, 'x')};
        const auto last = driver->propose(listener.leadership.epoch, values);
        settle();
        return last.value_or(no_offset);
    }

    runtime::MemoryDisk disk;
    runtime::ManualShard shard;
    Listener listener;
    std::unique_ptr<RaftDriver> driver;
};

TEST_F(RaftDriverTest, CommitsWhatIsDurable) {
    open();
    const Offset last = propose();
    EXPECT_EQ(listener.committed, last + 1);
}

TEST_F(RaftDriverTest, OnAFullDiskWaitsForRoomAndGoesOnByItself) {
    open();
    const Offset before = propose();
    disk.capacity_bytes = disk.used_bytes() + 100;
    const Offset last = propose();
    ASSERT_NE(last, no_offset);
    EXPECT_EQ(listener.committed, before + 1);
    EXPECT_TRUE(driver->lacks_room());
    EXPECT_EQ(listener.lacks, 1);
    advance(10s);
    EXPECT_TRUE(driver->lacks_room());
    EXPECT_EQ(listener.committed, before + 1);
    disk.capacity_bytes = UINT64_MAX;
    advance(2s);
    EXPECT_FALSE(driver->lacks_room());
    EXPECT_EQ(listener.committed, last + 1);
    EXPECT_EQ(propose(), last + 1);
    EXPECT_EQ(listener.committed, last + 2);
    EXPECT_EQ(listener.failure, "");
}

TEST_F(RaftDriverTest, WithoutRoomForTheEpochItLeadsOnlyOnceThereIsSome) {
    open(true);
    advance(5s);
    EXPECT_TRUE(driver->lacks_room());
    EXPECT_EQ(listener.committed, Offset(0));
    disk.capacity_bytes = UINT64_MAX;
    advance(5s);
    EXPECT_FALSE(driver->lacks_room());
    EXPECT_GT(listener.committed, Offset(0));
    EXPECT_EQ(listener.failure, "");
}

TEST_F(RaftDriverTest, ClosesWithoutRoomAndSaysThatItIsNotClean) {
    open();
    disk.capacity_bytes = disk.used_bytes();
    static_cast<void>(propose());
    EXPECT_EQ(close(), false);
}

}  // namespace
}  // namespace moldau::node
