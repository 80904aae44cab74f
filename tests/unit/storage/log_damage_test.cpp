// Files that were damaged while nobody used them: what they held is never deleted for it, and never silently missing.

#include "log_fixture.h"

namespace moldau::storage {
namespace {

class LogDamageTest : public LogTest {
 protected:
    /// Closed, with at least four segments of several batches each.
    void make_segments() {
        open();
        fill_to(60);
        bases.clear();
        for (std::int64_t base = 0; base < 60; ++base)
            if (disk.has(path(base, suffix::log))) bases.push_back(base);
        ASSERT_GT(bases.size(), 4U);
        ASSERT_TRUE(log->close());
        log.reset();
    }
    LogOptions clean() {
        LogOptions with = options();
        with.clean_shutdown = true;
        with.recovery_point = with.high_watermark = Offset(60);
        return with;
    }
    LogOptions killed() {
        LogOptions with = clean();
        with.clean_shutdown = false;
        return with;
    }
    void expect_refused(const LogOptions& with, std::int64_t base) {
        const auto opened = Log::open(with);
        ASSERT_FALSE(opened);
        EXPECT_EQ(opened.error().code, Errc::corrupt);
        EXPECT_NE(opened.error().message.find(path(base, suffix::log)), std::string::npos) << opened.error().message;
    }
    std::size_t batch_bytes(std::int64_t base) {
        return protocol::parse_batch(disk.content(path(base, suffix::log))).size_bytes;
    }
    void remove_segment(std::int64_t base) {
        for (const auto each : {suffix::log, suffix::index, suffix::time_index})
            ASSERT_TRUE(disk.remove(path(base, each)));
    }
    void erase_batch(std::int64_t base, std::size_t which) {
        Bytes& file = disk.content(path(base, suffix::log));
        const auto size = static_cast<std::ptrdiff_t>(batch_bytes(base));
        const auto from = file.begin() + static_cast<std::ptrdiff_t>(which) * size;
        file.erase(from, from + size);
    }

    std::vector<std::int64_t> bases;
};

TEST_F(LogDamageTest, WholeSegmentsAreOpenedWithFewReadsEach) {
    make_segments();
    disk.reads = 0;
    open(clean());
    EXPECT_LE(disk.reads, 4 * bases.size());
    EXPECT_LE(disk.open_files, 1U);
    expect_all_readable();
}

TEST_F(LogDamageTest, AMissingSegmentIsNamed) {
    make_segments();
    remove_segment(bases[1]);
    expect_refused(clean(), bases[0]);
    expect_refused(killed(), bases[0]);
    LogOptions with = clean();
    with.log_start = Offset(bases[2]);
    open(with);  // it was deleted by its owner
    expect_all_readable();
}

TEST_F(LogDamageTest, AClosedSegmentThatWasCutIsNamed) {
    make_segments();
    Bytes& file = disk.content(path(bases[1], suffix::log));
    const Bytes whole = file;
    for (const std::size_t size : {std::size_t{0}, batch_bytes(bases[1]), whole.size() - batch_bytes(bases[1]),
                                   whole.size() - 1, whole.size() / 2 + 1}) {
        file = Bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
        const Bytes cut = file;
        expect_refused(clean(), bases[1]);
        expect_refused(killed(), bases[1]);
        EXPECT_EQ(file, cut);
    }
    file = whole;
    open(clean());
    expect_all_readable();
}

TEST_F(LogDamageTest, AClosedSegmentThatHoldsItsBatchesTwiceIsNamed) {
    make_segments();
    Bytes& file = disk.content(path(bases[1], suffix::log));
    const Bytes once = file;
    file.insert(file.end(), once.begin(), once.end());
    expect_refused(clean(), bases[1]);
    ASSERT_TRUE(disk.remove(path(bases[1], suffix::index)));
    expect_refused(clean(), bases[1]);
}

TEST_F(LogDamageTest, AnActiveSegmentThatHoldsItsBatchesTwiceIsNamed) {
    config = {};
    open();
    fill_to(60);
    ASSERT_TRUE(log->close());
    log.reset();
    Bytes& file = disk.content(path(0, suffix::log));
    const Bytes once = file;
    file.insert(file.end(), once.begin(), once.end());
    expect_refused(clean(), 0);
}

TEST_F(LogDamageTest, GapsOfACompactedTopicAreItsOwn) {
    make_segments();
    remove_segment(bases[1]);
    config.cleanup_compact = true;
    open(clean());
    EXPECT_EQ(first_offset_from(Offset(bases[1])), Offset(bases[2]));
}

TEST_F(LogDamageTest, GapsOfATopicThatWasOnceCompactedAreItsOwn) {
    make_segments();
    const std::size_t count = disk.content(path(bases[1], suffix::log)).size() / batch_bytes(bases[1]);
    ASSERT_GE(count, 4U);
    erase_batch(bases[1], count - 1);
    erase_batch(bases[1], 1);
    open(clean());
    EXPECT_EQ(first_offset_from(Offset(bases[1] + 1)), Offset(bases[1] + 2));
    EXPECT_EQ(first_offset_from(Offset(bases[2] - 1)), Offset(bases[2]));
}

TEST_F(LogDamageTest, GapsOfADirectoryOfKafkaAreNoLostTailInAnyLaterLife) {
    make_segments();
    erase_batch(bases[0], static_cast<std::size_t>(bases[1] - bases[0] - 1));  // the last of it
    LogOptions with = options();
    with.written_by_kafka = true;
    open(with);
    log.reset();  // killed before anything is noted
    for (int life = 0; life < 2; ++life) {
        open();
        EXPECT_EQ(log->log_end(), Offset(60));
        EXPECT_EQ(first_offset_from(Offset(bases[1])), Offset(bases[1]));
        log.reset();
    }
    open(clean());
    EXPECT_EQ(log->log_end(), Offset(60));
    EXPECT_TRUE(disk.has(log_directory + "/" + std::string(gaps_file_name)));
}

TEST_F(LogDamageTest, ThatThereMayBeGapsIsForgottenOnceACleanStartFoundNone) {
    make_segments();
    const std::string note = log_directory + "/" + std::string(gaps_file_name);
    ASSERT_TRUE(runtime::write_atomically(disk, note, {}));
    open(killed());
    EXPECT_TRUE(disk.has(note));
    close_and_reopen();
    EXPECT_FALSE(disk.has(note));
}

TEST_F(LogDamageTest, AMissingFirstSegmentIsNamed) {
    for (const bool was_clean : {true, false}) {
        SCOPED_TRACE(was_clean);
        make_segments();
        remove_segment(bases[0]);
        LogOptions with = was_clean ? clean() : killed();
        with.log_start_is_exact = true;
        expect_refused(with, bases[1]);
        with.log_start_is_exact = false;  // retention may have been quicker than the checkpoint
        open(with);
        EXPECT_EQ(log->log_start(), Offset(bases[1]));
        log.reset();
        ASSERT_TRUE(runtime::remove_all(disk, log_directory));
    }
}

TEST_F(LogDamageTest, FirstSegmentsThatNeverWereDurableMayBeMissing) {
    make_segments();
    remove_segment(bases[0]);
    LogOptions with = options();
    with.log_start_is_exact = true;
    open(with);
    EXPECT_EQ(log->log_start(), Offset(bases[1]));
}

TEST_F(LogDamageTest, OfWhatRetentionTookSomeMayBeThereAgain) {
    make_segments();
    remove_segment(bases[1]);
    LogOptions with = killed();
    with.log_start = Offset(bases[2]);
    with.log_start_is_exact = true;
    open(with);
    EXPECT_EQ(log->log_start(), Offset(bases[2]));
    EXPECT_EQ(log->log_end(), Offset(60));
    expect_all_readable();
    ASSERT_TRUE(log->delete_expired());
    EXPECT_FALSE(disk.has(path(bases[0], suffix::log)));
}

TEST_F(LogDamageTest, EntriesOfAnIndexThatLeadAstrayHideNothing) {
    config.index_interval_bytes = 1;
    make_segments();
    const Bytes whole = disk.content(path(0, suffix::index));
    const Offset next_base(bases[1]);
    for (const std::uint8_t with : {0x01, 0x40, 0x7f, 0xff}) {
        for (std::size_t entry = 0; entry + 8 < whole.size(); entry += 8) {
            SCOPED_TRACE(fmt::format("entry {} leads {:02x} too far", entry / 8, with));
            Bytes& index = disk.content(path(0, suffix::index));
            index = whole;
            index[entry + 4] ^= with;
            index[entry + 7] ^= with;
            open(clean());
            for (Offset offset(0); offset < next_base; offset = offset + 1)
                EXPECT_LE(first_offset_from(offset), offset);
            log.reset();
        }
    }
}

TEST_F(LogDamageTest, ALogStartBehindTheEndDeletesNothing) {
    for (const bool was_clean : {true, false}) {
        SCOPED_TRACE(was_clean);
        make_segments();
        LogOptions with = was_clean ? clean() : killed();
        with.log_start = Offset(900);
        open(with);
        EXPECT_EQ(log->log_start(), Offset(0));
        EXPECT_EQ(log->log_end(), Offset(60));
        expect_all_readable();
        log.reset();
    }
}

TEST_F(LogDamageTest, WhatIsKeptOfALogWhoseStartIsNotBelievedHasNoHole) {
    make_segments();
    remove_segment(bases[1]);
    LogOptions with = killed();
    with.log_start = Offset(900);
    open(with);
    EXPECT_EQ(log->log_start(), Offset(bases[2]));
    EXPECT_EQ(log->log_end(), Offset(60));
    expect_all_readable();
}

TEST_F(LogDamageTest, AnEmptyLogBeginsWhereItsLogStartSays) {
    open();
    ASSERT_TRUE(log->close());
    log.reset();
    LogOptions with = options();
    with.log_start = Offset(900);
    open(with);
    EXPECT_EQ(log->log_start(), Offset(900));
    EXPECT_EQ(log->log_end(), Offset(900));
}

/// Retention with a time index that lies.
class TimeIndexDamageTest : public LogDamageTest {
 protected:
    void SetUp() override {
        LogDamageTest::SetUp();
        config.retention_ms = 10'000;
    }
    void expect_kept() {
        open(clean());
        ASSERT_TRUE(delete_old_segments(wall_now + 5000, log->log_end()));
        EXPECT_EQ(log->log_start(), Offset(0));
        protocol::Decompressor decompressor;
        const auto found = log->find_by_timestamp(wall_now, decompressor);
        ASSERT_TRUE(found && *found);
        EXPECT_EQ((*found)->offset, Offset(0));
        ASSERT_TRUE(delete_old_segments(wall_now + 11'000, log->log_end()));
        EXPECT_EQ(log->log_start(), Offset(60)) << "once it is due";
        log.reset();
    }
};

TEST_F(TimeIndexDamageTest, ZeroesDeleteNothing) {
    make_segments();
    std::ranges::fill(disk.content(path(0, suffix::time_index)), std::uint8_t{0});
    expect_kept();
}

TEST_F(TimeIndexDamageTest, AFlippedBitDeletesNothing) {
    make_segments();
    Bytes& index = disk.content(path(0, suffix::time_index));
    index[index.size() - 12 + 2] ^= 1;
    expect_kept();
}

TEST_F(TimeIndexDamageTest, AnEmptyOneDeletesNothing) {
    make_segments();
    for (const std::int64_t base : bases) disk.content(path(base, suffix::time_index)).clear();
    expect_kept();
}

TEST_F(TimeIndexDamageTest, EntriesThatLookPlausibleDeleteNothing) {
    open();
    ASSERT_TRUE(append());
    while (log->segment_count() < 3) ASSERT_TRUE(append(1, {.timestamp = wall_now - 20'000}));
    const Offset end = log->log_end();
    ASSERT_TRUE(log->close());
    log.reset();
    Bytes& index = disk.content(path(0, suffix::time_index));
    ASSERT_EQ(index.size(), 12U);
    store_big_endian(index.data(), wall_now.value() - 15'000);
    LogOptions with = clean();
    with.recovery_point = with.high_watermark = end;
    open(with);
    ASSERT_TRUE(delete_old_segments(wall_now + 5000, end));
    EXPECT_EQ(log->log_start(), Offset(0));
    ASSERT_TRUE(delete_old_segments(wall_now + 11'000, end));
    EXPECT_EQ(log->log_start(), end);
}

TEST_F(TimeIndexDamageTest, AMissingOneOfTheActiveSegmentDeletesNothing) {
    config = {};
    config.index_interval_bytes = 100;
    config.retention_ms = 10'000;
    open();
    for (int i = 0; i < 50; ++i) ASSERT_TRUE(append());
    for (int i = 0; i < 10; ++i) ASSERT_TRUE(append(1, {.timestamp = wall_now - 20'000}));
    ASSERT_TRUE(log->close());
    log.reset();
    ASSERT_TRUE(disk.remove(path(0, suffix::time_index)));
    expect_kept();
}

}  // namespace
}  // namespace moldau::storage
