// What a log finds when it opens: after a clean stop, after a crash, after damage.

#include "log_fixture.h"

namespace moldau::storage {
namespace {

TEST_F(LogTest, CleanStartFindsEverythingAndScansNoBatch) {
    open();
    fill_to(100);
    for (int i = 0; i < 6; ++i) ASSERT_TRUE(append(1, {.producer_id = ProducerId(9), .base_sequence = i}));
    const std::size_t segments = log->segment_count();
    close_and_reopen();
    EXPECT_EQ(log->log_end(), Offset(106));
    EXPECT_EQ(log->durable_end(), Offset(106));
    EXPECT_EQ(log->segment_count(), segments);
    EXPECT_EQ(log->producers().find(ProducerId(9))->count, 5);
    expect_all_readable();
    fill_to(150);
    expect_all_readable();
}

TEST_F(LogTest, RestartAfterKillReadsFromTheRecoveryPointOn) {
    config = {};
    open();
    fill_to(20'000);
    flush(FlushKind::checkpoint);
    fill_to(20'010);
    disk.reads = 0;
    crash_and_reopen();
    EXPECT_EQ(log->log_end(), Offset(20'010));
    EXPECT_LT(disk.reads, 20U);
    EXPECT_EQ(log->durable_end(), Offset(20'000));
    expect_all_readable();
}

TEST_F(LogTest, TailCutAtEveryByteIsCutBackToWholeBatches) {
    open();
    fill_to(3);
    flush(FlushKind::checkpoint);
    const std::uint64_t safe = log->size_bytes();
    fill_to(6);
    const std::uint64_t batch = safe / 3;
    const Bytes whole = disk.content(path(0, suffix::log));
    const Offset point = log->recovery_point();
    log.reset();
    for (std::size_t size = safe; size <= whole.size(); ++size) {
        disk.content(path(0, suffix::log)) = Bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
        LogOptions with = options();
        with.recovery_point = point;
        open(with);
        EXPECT_EQ(log->log_end(), Offset(static_cast<std::int64_t>(size / batch))) << size;
        EXPECT_EQ(log->size_bytes(), size / batch * batch);
        ASSERT_TRUE(append());
        expect_all_readable();
        log.reset();
    }
}

TEST_F(LogTest, FlippedBitsAboveTheRecoveryPointCutTheTail) {
    open();
    fill_to(3);
    flush(FlushKind::checkpoint);
    const std::uint64_t safe = log->size_bytes();
    fill_to(6);
    const Bytes whole = disk.content(path(0, suffix::log));
    log.reset();
    for (std::size_t at = safe; at < whole.size(); ++at) {
        disk.content(path(0, suffix::log)) = whole;
        disk.content(path(0, suffix::log))[at] ^= 0x10;
        LogOptions with = options();
        with.recovery_point = Offset(3);
        open(with);
        const auto damaged = static_cast<std::int64_t>(at / (safe / 3));
        // Base offset and leader epoch are outside of the checksum.
        const std::size_t inside = at % (safe / 3);
        if (inside >= 16) EXPECT_EQ(log->log_end(), Offset(damaged)) << at;
        EXPECT_GE(log->log_end(), Offset(3));
        log.reset();
    }
}

// Recovery reads a file in pieces of 64 KiB: a header stands across their border, a batch is larger than three of them.
TEST_F(LogTest, BatchesAcrossThePiecesThatAreReadAreFoundWholeOrDamaged) {
    config = {};
    for (std::size_t value_bytes = 65536 - 150; value_bytes < 65536; ++value_bytes) {
        open();
        ASSERT_TRUE(append(1, {.value_bytes = value_bytes}));
        ASSERT_TRUE(append(1, {.value_bytes = 200'000}));
        ASSERT_TRUE(append());
        crash_and_reopen();
        EXPECT_EQ(log->log_end(), Offset(3)) << value_bytes;
        // Each time in what is the last batch then.
        for (const std::size_t from_end : {1U, 100'000U, 50'000U}) {
            Bytes& content = disk.content(path(0, suffix::log));
            content[content.size() - from_end] ^= 1;
            const Offset whole = log->log_end() - 1;
            crash_and_reopen();
            EXPECT_EQ(log->log_end(), whole) << value_bytes;
        }
        log.reset();
        ASSERT_TRUE(runtime::remove_all(disk, log_directory));
    }
}

TEST_F(LogTest, DamageBelowTheRecoveryPointIsNamedAndLeftAlone) {
    open();
    fill_to(3);
    flush(FlushKind::checkpoint);
    log.reset();
    Bytes& file = disk.content(path(0, suffix::log));
    const std::size_t batch = file.size() / 3;
    file[2 * batch + 70] ^= 1;
    const Bytes damaged = file;
    LogOptions with = options();
    with.recovery_point = Offset(3);
    const auto opened = Log::open(with);
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code, Errc::corrupt);
    EXPECT_NE(opened.error().message.find(path(0, suffix::log)), std::string::npos);
    EXPECT_NE(opened.error().message.find(std::to_string(2 * batch)), std::string::npos);
    EXPECT_EQ(disk.content(path(0, suffix::log)), damaged);
}

TEST_F(LogTest, DamageBelowTheHighWatermarkIsNeverCut) {
    open();
    fill_to(6);
    log.reset();
    Bytes& file = disk.content(path(0, suffix::log));
    file[file.size() / 2] ^= 1;
    LogOptions with = options();
    with.high_watermark = Offset(6);
    EXPECT_EQ(Log::open(with).error().code, Errc::corrupt);
    with.high_watermark = Offset(3);
    open(with);
    EXPECT_EQ(log->log_end(), Offset(3));
}

TEST_F(LogTest, ABaseOffsetThatTheNextBatchContradictsHidesNoLoss) {
    open();
    fill_to(6);
    log.reset();
    Bytes& file = disk.content(path(0, suffix::log));
    const std::size_t batch = file.size() / 6;
    file[2 * batch + 4] = 1;  // the third claims to be 2^24 offsets further
    const Bytes damaged = file;
    LogOptions with = options();
    with.high_watermark = Offset(6);
    const auto opened = Log::open(with);
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code, Errc::corrupt);
    EXPECT_NE(opened.error().message.find(std::to_string(2 * batch)), std::string::npos) << opened.error().message;
    EXPECT_EQ(disk.content(path(0, suffix::log)), damaged);
    with.high_watermark = Offset(2);
    open(with);
    EXPECT_EQ(log->log_end(), Offset(2));
}

TEST_F(LogTest, MissingTailBelowTheRecoveryPointIsNotAccepted) {
    open();
    fill_to(6);
    flush(FlushKind::checkpoint);
    log.reset();
    Bytes& file = disk.content(path(0, suffix::log));
    file.resize(file.size() / 2);
    LogOptions with = options();
    with.recovery_point = Offset(6);
    EXPECT_EQ(Log::open(with).error().code, Errc::corrupt);
}

TEST_F(LogTest, MissingDirectoryIsNotMadeAnewWhereRecordsMustBe) {
    LogOptions with = options();
    with.recovery_point = Offset(6);
    EXPECT_EQ(Log::open(with).error().code, Errc::corrupt);
    EXPECT_FALSE(*disk.exists(log_directory));
}

TEST_F(LogTest, ALogDirectoryThatWasMovedAwayIsNotMadeAnew) {
    ASSERT_TRUE(disk.remove("/data"));
    const auto opened = Log::open(options());
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code, Errc::io);
    EXPECT_NE(opened.error().message.find("/data is gone"), std::string::npos) << opened.error().message;
    EXPECT_FALSE(*disk.exists("/data"));
}

TEST_F(LogTest, SegmentsBehindALostTailAreRemoved) {
    open();
    fill_to(60);
    ASSERT_GT(log->segment_count(), 3U);
    log.reset();
    Bytes& file = disk.content(path(0, suffix::log));
    file.resize(file.size() / 2 + 1);
    open();
    EXPECT_EQ(log->segment_count(), 1U);
    EXPECT_LT(log->log_end(), Offset(10));
    fill_to(60);
    expect_all_readable();
}

TEST_F(LogTest, WholeBatchesLostBeforeASegmentTakeItAlong) {
    open();
    fill_to(60);
    log.reset();
    Bytes& file = disk.content(path(0, suffix::log));
    const std::size_t batch = static_cast<std::size_t>(protocol::parse_batch(file).size_bytes);
    file.resize(file.size() - batch);
    const auto left = static_cast<std::int64_t>(file.size() / batch);
    open();
    EXPECT_EQ(log->log_end(), Offset(left));
    EXPECT_EQ(log->segment_count(), 1U);
}

TEST_F(LogTest, ContentOfAnOlderEpochBehindANewerIsCut) {
    open();
    ASSERT_TRUE(append(1, {.leader_epoch = LeaderEpoch(5)}));
    log.reset();
    // Left over from before a truncation that did not reach the disk.
    const Bytes stale = make_batch(Offset(1), 1, {.leader_epoch = LeaderEpoch(3)});
    Bytes& file = disk.content(path(0, suffix::log));
    file.insert(file.end(), stale.begin(), stale.end());
    open();
    EXPECT_EQ(log->log_end(), Offset(1));
}

TEST_F(LogTest, LostOrSpoiltIndexesAreMadeAnew) {
    open();
    fill_to(60);
    flush(FlushKind::checkpoint);
    const Offset active = log->active_segment_base();
    const Offset point = log->recovery_point();
    log.reset();
    const Bytes good = disk.content(path(0, suffix::index));
    ASSERT_FALSE(good.empty());
    ASSERT_TRUE(disk.remove(path(0, suffix::index)));
    std::ranges::fill(disk.content(path(active.value(), suffix::index)), std::uint8_t{0});
    disk.content(path(active.value(), suffix::time_index)).assign(10'000, 0);
    LogOptions with = options();
    with.recovery_point = point;
    open(with);
    EXPECT_EQ(disk.content(path(0, suffix::index)), good);
    expect_all_readable();
    fill_to(100);
    expect_all_readable();
}

TEST_F(LogTest, IndexEntriesOfOtherContentAreNotBelieved) {
    fill_one_segment();
    flush(FlushKind::checkpoint);
    log.reset();
    Bytes& index = disk.content(path(0, suffix::index));
    // Rising and in range, but beside the batches.
    for (std::size_t i = 4; i < index.size(); i += 8)
        store_big_endian(index.data() + i, load_big_endian<std::uint32_t>(index.data() + i) + 1);
    LogOptions with = options();
    with.recovery_point = Offset(30);
    open(with);
    expect_all_readable();
}

TEST_F(LogTest, IndexEntriesThatNameTooLargeOffsetsAreNotBelieved) {
    fill_one_segment();
    flush(FlushKind::checkpoint);
    log.reset();
    Bytes& index = disk.content(path(0, suffix::index));
    ASSERT_GE(index.size(), 32U);
    index.resize(32);
    store_big_endian(index.data() + 16, std::uint32_t{27});
    store_big_endian(index.data() + 24, std::uint32_t{28});
    LogOptions with = options();
    with.recovery_point = Offset(30);
    open(with);
    expect_all_readable();
    append_thirty();
    expect_all_readable();
}

TEST_F(LogTest, AnIndexEntryThatLeadsTooFarSkipsNothing) {
    open();
    fill_to(60);
    flush(FlushKind::checkpoint);
    const Offset point = log->recovery_point();
    log.reset();
    Bytes& index = disk.content(path(0, suffix::index));
    ASSERT_GE(index.size(), 16U);
    std::uint8_t* const last = index.data() + index.size() - 8;
    store_big_endian(last, load_big_endian<std::uint32_t>(last - 8) + 1);
    LogOptions with = options();
    with.recovery_point = point;
    open(with);
    expect_all_readable();
}

TEST_F(LogTest, ALogThatDidNotChangeIsClosedWithoutTheDisk) {
    open();
    fill_to(30);
    close_and_reopen();
    const std::size_t syncs = disk.syncs;
    const std::size_t writes = disk.writes;
    ASSERT_TRUE(log->close());
    EXPECT_EQ(disk.syncs, syncs);
    EXPECT_EQ(disk.writes, writes);
    close_and_reopen();
    fill_to(31);
    close_and_reopen();
    EXPECT_GT(disk.syncs, syncs);
    EXPECT_EQ(log->log_end(), Offset(31));
    ASSERT_TRUE(delete_old_segments(wall_now + 2'000'000'000, log->log_end()));
    ASSERT_EQ(log->log_start(), Offset(31));
    close_and_reopen();
    EXPECT_EQ(log->log_start(), Offset(31));
}

TEST_F(LogTest, DirectoryOfAnotherTopicIsRefused) {
    LogOptions with = options();
    with.topic_id = Uuid::from_halves(1, 2);
    open(with);
    log.reset();
    with.topic_id = Uuid::from_halves(1, 3);
    EXPECT_EQ(Log::open(with).error().code, Errc::invalid);
    with.topic_id.reset();
    open(with);
    EXPECT_EQ(log->topic_id(), Uuid::from_halves(1, 2));
}

TEST_F(LogTest, InterruptedCompactionIsFinished) {
    open();
    fill_to(30);
    ASSERT_GT(log->segment_count(), 2U);
    ASSERT_TRUE(log->close());
    const std::string log_swap = path(0, suffix::log) + std::string(suffix::swap);
    log.reset();
    // The cleaned segment holds the last record of the first one.
    const Bytes first = disk.content(path(0, suffix::log));
    const std::size_t size = protocol::parse_batch(first).size_bytes;
    const auto count = static_cast<std::int64_t>(first.size() / size);
    {
        auto file = disk.open(log_swap, runtime::OpenMode::create);
        const ByteView parts[] = {ByteView(first).last(size)};
        ASSERT_TRUE((*file)->write_at(parts, 0));
    }
    LogOptions with = options();
    with.clean_shutdown = true;
    open(with);
    EXPECT_EQ(disk.content(path(0, suffix::log)).size(), size);
    EXPECT_EQ(log->log_end(), Offset(30));
    EXPECT_EQ(first_offset_from(Offset(0)), Offset(count - 1));
}

}  // namespace
}  // namespace moldau::storage
