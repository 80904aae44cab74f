#include <gtest/gtest.h>

#include <moldau/node/raft_driver.h>

#include "support/manual_shard.h"
#include "support/memory_disk.h"

namespace moldau::node {
namespace {

using namespace std::chrono_literals;

struct Listener final : MetadataListener {
    void on_snapshot(raft::SnapshotId) override {}
    Result<> on_snapshot_batch(const protocol::BatchView&) override {
        if (refuses_snapshot) return fail(Errc::unsupported, "it is of a later version");
        return {};
    }
    Result<> on_recovered(const protocol::BatchView& batch) override {
        if (refuses_log) return fail(Errc::unsupported, "it is of a later version");
        recovered = batch.next_offset();
        return {};
    }
    void on_recovered_committed(Offset end) override {
        EXPECT_EQ(end, recovered);
        committed = end;
    }
    Result<> on_commit(const protocol::BatchView& batch) override {
        if (committed > Offset(0)) EXPECT_EQ(batch.base_offset(), committed);
        if (batch.last_offset() == refuses) return fail(Errc::corrupt, "it names what is not there");
        committed = batch.next_offset();
        return {};
    }
    void on_leader_change(const raft::Leadership& now) override { leadership = now; }
    std::optional<SnapshotRecords> snapshot_records() override {
        if (in_transaction) return std::nullopt;
        return [] { return std::vector<Bytes>{Bytes(10, 'x')}; };
    }
    void on_lack_of_room() override { ++lacks; }
    void on_failure(const Error& error) override { failure = error.message; }

    Offset recovered{0};
    Offset committed{0};
    raft::Leadership leadership{};
    int lacks = 0;
    bool refuses_snapshot = false;
    bool refuses_log = false;
    Offset refuses = no_offset;
    bool in_transaction = false;
    std::string failure;
};

class RaftDriverTest : public testing::Test {
 protected:
    void SetUp() override { ASSERT_TRUE(disk.create_directories("/data")); }
    void TearDown() override { close(); }  // its coroutines end before it does

    Result<std::unique_ptr<RaftDriver>> try_open() {
        const raft::ReplicaKey self{NodeId(1), {}};
        return RaftDriver::open({.disk = disk,
                                 .shard = shard,
                                 .directory = "/data/__cluster_metadata-0",
                                 .self = self,
                                 .static_voters = raft::VoterSet({{.key = self, .endpoints = {}}}),
                                 .log_config = {},
                                 .high_watermark = high_watermark,
                                 .clean_shutdown = clean_shutdown,
                                 .snapshot_after_bytes = snapshot_after_bytes},
                                listener);
    }
    void open(bool full_from_then_on = false) {
        auto opened = try_open();
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

    /// A log whose next snapshot is due, and all else that there is to do is done.
    void commit_all_but_the_snapshot(std::span<const Bytes> values) {
        snapshot_after_bytes = 500;
        open();
        ASSERT_TRUE(driver->propose(listener.leadership.epoch, values));
        while (listener.committed < driver->core().log_end()) {
            ASSERT_TRUE(shard.run_ready() || disk.run_blocking_work());
        }
        shard.run_ready();
    }

    /// Three records in batches of their own; returns what the log holds.
    Bytes write_three() {
        open();
        for (int i = 0; i < 3; ++i) last_committed = propose();
        close();
        return disk.content(log_path);
    }

    /// Where the batch of last_committed begins.
    std::size_t position_of_the_last(const Bytes& content) const {
        std::size_t position = 0;
        protocol::BatchIterator batches{ByteView(content)};
        for (protocol::BatchView batch; batches.next(batch) && batch.base_offset() < last_committed;)
            position += batch.size_bytes();
        return position;
    }
    /// A log of this content is not opened, and is left as it is.
    void expect_refused(const Bytes& content) {
        disk.content(log_path) = content;
        for (const bool clean : {true, false}) {
            clean_shutdown = clean;
            const auto opened = try_open();
            ASSERT_FALSE(opened);
            EXPECT_EQ(opened.error().code, Errc::corrupt);
            EXPECT_EQ(disk.content(log_path), content);
        }
    }

    const std::string log_path = "/data/__cluster_metadata-0/00000000000000000000.log";
    Offset high_watermark{0};
    Offset last_committed{0};
    bool clean_shutdown = false;
    std::int64_t snapshot_after_bytes = 20 << 20;
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

TEST_F(RaftDriverTest, WhatWasRecoveredIsToldToBeCommittedAndDoesNotComeAgain) {
    write_three();
    listener = {};
    open();
    EXPECT_EQ(listener.recovered, last_committed + 1);
    EXPECT_GT(listener.committed, listener.recovered) << "the new epoch's own batch came behind it";
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

TEST_F(RaftDriverTest, DamageBelowTheHighWatermarkIsRefusedAndNothingIsCut) {
    Bytes content = write_three();
    high_watermark = last_committed + 1;
    content[content.size() - 1500] ^= 1;  // of the last but one
    disk.content(log_path) = content;
    for (const bool clean : {true, false, false}) {
        clean_shutdown = clean;
        const auto opened = try_open();
        ASSERT_FALSE(opened);
        EXPECT_EQ(opened.error().code, Errc::corrupt);
        EXPECT_NE(opened.error().message.find(log_path), std::string::npos) << opened.error().message;
        EXPECT_NE(opened.error().message.find("restore"), std::string::npos) << opened.error().message;
        EXPECT_EQ(disk.content(log_path), content);
    }
}

TEST_F(RaftDriverTest, AShorterLogThanTheHighWatermarkIsRefusedAlsoAfterACleanShutdown) {
    Bytes content = write_three();
    high_watermark = last_committed + 1;
    content.resize(position_of_the_last(content));
    expect_refused(content);
}

TEST_F(RaftDriverTest, AnOffsetThatDoesNotFollowIsRefused) {
    Bytes content = write_three();
    content[position_of_the_last(content) + 6] ^= 1;  // 256 offsets further, which no checksum tells
    expect_refused(content);
}

TEST_F(RaftDriverTest, ATornTailBehindTheHighWatermarkIsCut) {
    Bytes content = write_three();
    high_watermark = last_committed;
    content.resize(content.size() - 100);
    disk.content(log_path) = content;
    open();
    EXPECT_EQ(listener.leadership.epoch_start, last_committed);
    EXPECT_EQ(propose(), last_committed + 1);  // behind the beginning of the epoch
}

TEST_F(RaftDriverTest, AFailedSyncOfASnapshotEndsTheLog) {
    const Bytes values[] = {Bytes(1000, 'x')};
    ASSERT_NO_FATAL_FAILURE(commit_all_but_the_snapshot(values));
    ASSERT_EQ(listener.failure, "");
    disk.fail_sync = true;
    settle();
    EXPECT_NE(listener.failure, "");
    EXPECT_EQ(driver->propose(listener.leadership.epoch, values), std::unexpected(raft::ProposeRefusal::not_leader));
    EXPECT_EQ(close(), false);
}

TEST_F(RaftDriverTest, WithoutRoomForASnapshotItGoesOn) {
    const Bytes values[] = {Bytes(1000, 'x')};
    ASSERT_NO_FATAL_FAILURE(commit_all_but_the_snapshot(values));
    disk.capacity_bytes = disk.used_bytes();
    settle();
    disk.capacity_bytes = UINT64_MAX;
    EXPECT_EQ(listener.failure, "");
    const Offset last = propose();
    EXPECT_EQ(listener.committed, last + 1);
}

TEST_F(RaftDriverTest, ABatchThatTheListenerRefusesEndsTheLogBeforeASnapshotHidesIt) {
    const Bytes values[] = {Bytes(1000, 'x')};
    ASSERT_NO_FATAL_FAILURE(commit_all_but_the_snapshot(values));
    settle();
    const std::size_t files = disk.list("/data/__cluster_metadata-0")->size();
    listener.refuses = listener.committed;
    const Bytes more[] = {Bytes(1000, 'x')};
    EXPECT_TRUE(driver->propose(listener.leadership.epoch, more));
    settle();
    EXPECT_NE(listener.failure.find("names what is not there"), std::string::npos) << listener.failure;
    EXPECT_EQ(listener.committed, listener.refuses);
    EXPECT_EQ(disk.list("/data/__cluster_metadata-0")->size(), files);
    EXPECT_EQ(close(), false);
}

TEST_F(RaftDriverTest, NoSnapshotIsMadeInTheMidstOfATransaction) {
    const auto snapshots = [this] {
        return std::ranges::count_if(*disk.list("/data/__cluster_metadata-0"),
                                     [](const auto& entry) { return entry.name.ends_with(".checkpoint"); });
    };
    listener.in_transaction = true;
    snapshot_after_bytes = 500;
    open();
    propose();
    EXPECT_EQ(snapshots(), 0);
    listener.in_transaction = false;
    propose();
    EXPECT_EQ(snapshots(), 1);
}

TEST_F(RaftDriverTest, ADamagedSnapshotIsNotKeptInPlaceOfAWholeOne) {
    const auto snapshots = [this] {
        std::vector<std::string> names;
        for (const auto& entry : *disk.list("/data/__cluster_metadata-0"))
            if (entry.name.contains(".checkpoint")) names.push_back(entry.name);
        return names;
    };
    snapshot_after_bytes = 500;
    open();
    propose();
    propose();
    ASSERT_EQ(close(), true);
    ASSERT_EQ(snapshots().size(), 2);
    const std::string whole = snapshots()[0];
    const std::string damaged = snapshots()[1];
    disk.content("/data/__cluster_metadata-0/" + damaged).back() ^= 1;
    snapshot_after_bytes = 20 << 20;
    open();
    EXPECT_EQ(listener.failure, "");
    EXPECT_EQ(snapshots(), (std::vector<std::string>{whole, damaged + ".damaged"}));
    EXPECT_EQ(close(), true);
    snapshot_after_bytes = 500;
    open();
    EXPECT_EQ(snapshots().size(), 3);
    EXPECT_EQ(snapshots().front(), whole) << "to fall back on, beside a new one";
}

TEST_F(RaftDriverTest, ALogThatTheListenerRefusesIsLeftAsItIs) {
    const Bytes content = write_three();
    listener.refuses_log = true;
    const auto opened = try_open();
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code, Errc::unsupported);
    EXPECT_EQ(disk.content(log_path), content);
}

TEST_F(RaftDriverTest, ASnapshotThatTheListenerRefusesEndsTheOpening) {
    const Bytes values[] = {Bytes(1000, 'x')};
    ASSERT_NO_FATAL_FAILURE(commit_all_but_the_snapshot(values));
    settle();
    close();
    listener.refuses_snapshot = true;
    const auto opened = try_open();
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code, Errc::unsupported);
    EXPECT_NE(opened.error().message.find(".checkpoint"), std::string::npos) << opened.error().message;
    EXPECT_EQ(listener.failure, "") << "that is told on the shard alone";
}

TEST_F(RaftDriverTest, AProposalThatCannotBeWrittenIsRefused) {
    open();
    disk.fail_write = true;
    EXPECT_EQ(propose(), no_offset);
    EXPECT_NE(listener.failure, "");
}

TEST_F(RaftDriverTest, ClosesWithoutRoomAndSaysThatItIsNotClean) {
    open();
    disk.capacity_bytes = disk.used_bytes();
    static_cast<void>(propose());
    EXPECT_EQ(close(), false);
}

}  // namespace
}  // namespace moldau::node
