// Many partitions and few descriptors.

#include <moldau/storage/flush_scheduler.h>
#include <moldau/storage/open_files.h>

#include "log_fixture.h"
#include "support/manual_shard.h"

namespace moldau::storage {
namespace {

constexpr std::size_t limit = 8;

class OpenFilesTest : public LogTest {
 protected:
    void open_many(int count) {
        for (int i = 0; i < count; ++i) {
            LogOptions with = options();
            with.directory = fmt::format("/data/many-{}", i);
            with.name = {"many", PartitionIndex(i)};
            auto opened = Log::open(with);
            ASSERT_TRUE(opened) << opened.error().message;
            (*opened)->join(&open_files);
            logs.push_back(std::move(*opened));
        }
    }
    void append_to(Log& each) {
        const Bytes batch = make_batch(each.log_end());
        const ByteView parts[] = {batch};
        ASSERT_TRUE(each.append(parts, wall_now));
    }
    void flush_one(Log& each) {
        auto job = each.begin_flush(FlushKind::checkpoint);
        ASSERT_TRUE(job);
        const auto outcome = job->run(disk);
        each.finish_flush(std::move(*job), outcome);
    }
    void open_bounded() {
        open();
        log->join(&open_files);
    }
    void TearDown() override { log.reset(); }

    OpenFiles open_files{limit};
    std::vector<std::unique_ptr<Log>> logs;
};

TEST_F(OpenFilesTest, ManyPartitionsShareFewDescriptors) {
    open_many(50);
    for (int round = 0; round < 40; ++round) {
        for (const auto& each : logs) {
            append_to(*each);
            flush_one(*each);
            ASSERT_LE(disk.open_files, limit);
        }
    }
    protocol::Decompressor decompressor;
    for (const auto& each : logs) {
        ASSERT_GT(each->segment_count(), 2U);
        for (const Offset at : {Offset(0), Offset(20), Offset(39)}) {
            const auto slice = each->read({.from = at, .max_bytes = 100, .up_to = each->log_end()});
            ASSERT_TRUE(slice) << slice.error().message;
            EXPECT_EQ(slice->first_offset, at);
        }
        const auto found = each->find_by_timestamp(wall_now, decompressor);
        ASSERT_TRUE(found && *found);
        ASSERT_LE(disk.open_files, limit);
    }
    logs.clear();
    EXPECT_EQ(open_files.count(), 0U);
    EXPECT_EQ(disk.open_files, 0U);
}

TEST_F(OpenFilesTest, WhatIsNotSyncedStaysOpen) {
    open_many(20);
    for (const auto& each : logs) append_to(*each);
    EXPECT_EQ(disk.open_files, 20U) << "failed writes are told through these descriptors";
    for (const auto& each : logs) flush_one(*each);
    for (const auto& each : logs) {
        append_to(*each);
        flush_one(*each);
    }
    EXPECT_LE(disk.open_files, limit);
}

TEST_F(OpenFilesTest, WhoStillReadsKeepsItsFile) {
    open_many(20);
    for (const auto& each : logs) {
        append_to(*each);
        flush_one(*each);
    }
    const auto slice = logs.front()->read({.from = Offset(0), .max_bytes = 4096, .up_to = Offset(1)});
    ASSERT_TRUE(slice);
    for (const auto& each : logs) ASSERT_TRUE(each->read({.from = Offset(0), .max_bytes = 4096, .up_to = Offset(1)}));
    EXPECT_EQ(read_slice(*slice).size(), slice->size_bytes);
    EXPECT_GT(slice->size_bytes, 0U);
}

TEST_F(OpenFilesTest, APartitionThatIsIdleAfterACrashHoldsNoDescriptorBack) {
    open();
    fill_to(5);
    flush(FlushKind::checkpoint);
    LogOptions with = options();
    with.recovery_point = log->recovery_point();
    open(with);
    OpenFiles none(0);
    log->join(&none);
    EXPECT_EQ(disk.open_files, 0U);
    log->join(nullptr);
}

TEST_F(OpenFilesTest, ARecoveryOfManySegmentsOpensFewAtOnce) {
    open();
    fill_to(200);
    log.reset();
    disk.max_open_files = 4;
    open();
    EXPECT_EQ(log->log_end(), Offset(200));
    disk.max_open_files = SIZE_MAX;
    flush(FlushKind::checkpoint);
    EXPECT_EQ(log->durable_end(), Offset(200));
    log.reset();
    disk.lose_unsynced();
    open();
    EXPECT_EQ(log->log_end(), Offset(200));
}

TEST_F(OpenFilesTest, AnotherFileMakesRoomWhereTheSystemHasNone) {
    open_many(6);
    for (const auto& each : logs) {
        append_to(*each);
        flush_one(*each);
    }
    disk.max_open_files = disk.open_files;
    OpenFiles none(0);
    logs.front()->join(&none);  // closes its file
    logs.front()->join(&open_files);
    disk.max_open_files = disk.open_files;
    const auto slice = logs.front()->read({.from = Offset(0), .max_bytes = 4096, .up_to = Offset(1)});
    EXPECT_TRUE(slice) << slice.error().message;
}

TEST_F(OpenFilesTest, ALackOfDescriptorsRefusesAnAppendAndNothingElse) {
    open();
    fill_to(10);
    flush();
    disk.max_open_files = disk.open_files;
    Result<> appended;
    while (appended) appended = append();  // until it rolls
    EXPECT_EQ(appended.error().code, Errc::no_descriptors);
    EXPECT_FALSE(log->failure());
    disk.max_open_files = SIZE_MAX;
    const Offset end = log->log_end();
    fill_to(60);
    EXPECT_EQ(first_offset_from(end), end);
    expect_all_readable();
    flush();
    EXPECT_EQ(log->durable_end(), Offset(60));
}

TEST_F(OpenFilesTest, AFlushThatLacksDescriptorsProvesNothingAndIsTriedAgain) {
    open();
    fill_to(30);  // several segments, whose names are to be synced
    runtime::ManualShard shard;
    FlushScheduler scheduler(disk, shard, {}, [](Log&) {});
    const auto settle = [&] {
        while (shard.run_ready() || disk.run_blocking_work()) {
        }
    };
    disk.max_open_files = disk.open_files;
    scheduler.flush_now(*log);
    settle();
    EXPECT_FALSE(log->failure());
    EXPECT_EQ(log->durable_end(), Offset(0));
    disk.max_open_files = SIZE_MAX;
    shard.advance(std::chrono::seconds(3));
    settle();
    EXPECT_EQ(log->durable_end(), Offset(30));
    shard.advance(std::chrono::seconds(10));
    settle();
    EXPECT_EQ(log->recovery_point(), Offset(30));
    log.reset();
    disk.lose_unsynced();
    open();
    EXPECT_EQ(log->log_end(), Offset(30));
    expect_all_readable();
}

}  // namespace
}  // namespace moldau::storage
