// Batches that may not be what was written any more are looked at before they are sent.

#include "log_fixture.h"

namespace moldau::storage {
namespace {

class LogSliceCheckTest : public LogTest {
 protected:
    /// Forty records in a few segments, closed and opened again: nobody has looked at them.
    void open_filled() {
        open();
        std::int32_t count = 1;
        while (log->log_end() < Offset(40)) ASSERT_TRUE(append(1 + count++ % 3));
        segment_bytes = disk.content(path(0, suffix::log)).size();
        ASSERT_GT(log->segment_count(), 2U);
        close_and_reopen();
    }
    /// The slice from `offset` on, as it may be sent.
    Result<LogSlice> checked(Offset offset, std::size_t max_bytes = 4096) {
        MOLDAU_TRY(slice, log->read({.from = offset, .max_bytes = max_bytes, .up_to = log->log_end()}));
        if (slice.check) MOLDAU_CHECK(slice.check->run(slice));
        if (slice.ahead && looks_ahead) slice.ahead->run_ahead(slice);
        return slice;
    }
    bool is_looked_at(Offset offset, std::size_t max_bytes = 4096) {
        const auto slice = log->read({.from = offset, .max_bytes = max_bytes, .up_to = log->log_end()});
        EXPECT_TRUE(slice && slice->size_bytes > 0);
        return slice && slice->check;
    }
    /// What a consumer of the first segment gets, up to the end or an error.
    Bytes consumed(std::size_t max_bytes) {
        Bytes all;
        for (Offset at(0); all.size() < segment_bytes;) {
            const auto slice = checked(at, max_bytes);
            refused = !slice;
            if (refused) break;
            const Bytes bytes = read_slice(*slice);
            protocol::BatchIterator batches{ByteView(bytes)};
            const Offset before = at;
            for (protocol::BatchView batch; batches.next(batch);) {
                append_bytes(all, batch.bytes());
                at = batch.next_offset();
            }
            if (at <= before) break;
        }
        return all;
    }
    static void append_bytes(Bytes& to, ByteView bytes) { to.insert(to.end(), bytes.begin(), bytes.end()); }

    std::size_t segment_bytes = 0;
    bool looks_ahead = true;
    bool refused = false;  // consumed() has ended by an error
};

TEST_F(LogSliceCheckTest, WhatWasAppendedIsNotLookedAt) {
    open();
    fill_to(100);
    EXPECT_GT(log->segment_count(), 2U);
    for (Offset at(0); at < log->log_end(); ++at) EXPECT_FALSE(is_looked_at(at));
}

TEST_F(LogSliceCheckTest, RecentBatchesCostNoReadEvenWhereTheyAreNotCached) {
    config = {};
    open();
    fill_to(30);
    disk.nothing_cached = true;
    disk.reads = 0;
    for (Offset at(0); at < log->log_end(); ++at) EXPECT_FALSE(is_looked_at(at));
    EXPECT_EQ(disk.reads, 0U);
}

TEST_F(LogSliceCheckTest, WhatAnEarlierProcessWroteIsLookedAtOnce) {
    open_filled();
    const Bytes whole = disk.content(path(0, suffix::log));
    EXPECT_TRUE(is_looked_at(Offset(0)));
    EXPECT_EQ(consumed(250), whole);
    EXPECT_FALSE(is_looked_at(Offset(0)));
    EXPECT_FALSE(is_looked_at(Offset(5)));
}

TEST_F(LogSliceCheckTest, WhoReadsOnFindsTheNextSliceLookedAt) {
    open_filled();
    const auto first = log->read({.from = Offset(0), .max_bytes = 250, .up_to = log->log_end()});
    ASSERT_TRUE(first && first->check);
    EXPECT_FALSE(first->ahead) << "nothing tells yet that it will go on";
    Offset next(0);
    for (int i = 0; i < 2; ++i) {
        const auto slice = checked(next, 250);
        ASSERT_TRUE(slice);
        const Bytes bytes = read_slice(*slice);
        protocol::BatchIterator batches{ByteView(bytes)};
        for (protocol::BatchView batch; batches.next(batch);) next = batch.next_offset();
    }
    EXPECT_FALSE(is_looked_at(next, 250));
    looks_ahead = false;
    close_and_reopen();
    ASSERT_TRUE(checked(Offset(0), 250));
    EXPECT_TRUE(is_looked_at(next, 250));
}

TEST_F(LogSliceCheckTest, NoTurnTakesMoreThanAFewMiBHoweverMuchIsAskedFor) {
    config = {};
    open();
    for (int i = 0; i < 12; ++i) ASSERT_TRUE(append(1, {.value_bytes = 1 << 20}));
    close_and_reopen();
    for (int i = 0; i < 2; ++i) {
        const auto slice = checked(Offset(0), 10 << 20);
        ASSERT_TRUE(slice);
        EXPECT_GE(slice->size_bytes, 4U << 20);
        EXPECT_LE(slice->size_bytes, 6U << 20);
    }
    EXPECT_FALSE(is_looked_at(Offset(6), 1 << 20)) << "ahead of what the first turn looked at";
    EXPECT_TRUE(is_looked_at(Offset(10), 1 << 20));
}

TEST_F(LogSliceCheckTest, WhoFindsItDoneMeanwhileReadsNothing) {
    open_filled();
    auto one = log->read({.from = Offset(0), .max_bytes = 4096, .up_to = log->log_end()});
    auto other = log->read({.from = Offset(0), .max_bytes = 4096, .up_to = log->log_end()});
    ASSERT_TRUE(one && one->check && other && other->check);
    ASSERT_TRUE(one->check->run(*one));
    disk.reads = 0;
    ASSERT_TRUE(other->check->run(*other));
    EXPECT_EQ(disk.reads, 0U);
    EXPECT_EQ(other->size_bytes, one->size_bytes);
}

TEST_F(LogSliceCheckTest, WhatLeftThePageCacheIsLookedAtAgain) {
    open();
    fill_to(100);
    disk.nothing_cached = true;
    EXPECT_TRUE(is_looked_at(Offset(0)));
    disk.nothing_cached = false;
    EXPECT_TRUE(is_looked_at(Offset(0))) << "it was read by others since, but nobody has walked it";
    ASSERT_TRUE(checked(Offset(0)));
    EXPECT_FALSE(is_looked_at(Offset(0)));
}

TEST_F(LogSliceCheckTest, WhatWasTakenBackIsNotKnown) {
    open();
    fill_to(100);
    ASSERT_TRUE(log->truncate_to(Offset(90), wall_now));
    fill_to(100);
    for (Offset at(0); at < log->log_end(); ++at) EXPECT_FALSE(is_looked_at(at));
}

TEST_F(LogSliceCheckTest, NoWrongBitGoesOutAndAllBeforeItDoes) {
    open_filled();
    const Bytes whole = disk.content(path(0, suffix::log));
    ASSERT_GT(whole.size(), 300U);
    std::size_t batch_begin = 0;
    for (std::size_t at = 0; at < whole.size(); ++at) {
        if (at == batch_begin + protocol::parse_batch(ByteView(whole).subspan(batch_begin)).size_bytes)
            batch_begin = at;
        // By lower offsets the last batch hides what it holds, as compaction does (ADR 0005).
        const std::size_t inside = at - batch_begin;
        const bool is_last =
            batch_begin + protocol::parse_batch(ByteView(whole).subspan(batch_begin)).size_bytes == whole.size();
        const bool is_offset =
            inside < protocol::batch_layout::length ||
            (inside >= protocol::batch_layout::last_offset_delta && inside < protocol::batch_layout::base_timestamp);
        if (is_last && is_offset) continue;
        for (unsigned bit = 0; bit < 8; ++bit) {
            SCOPED_TRACE(fmt::format("bit {} of byte {} of the batch at {}", bit, inside, batch_begin));
            Bytes& content = disk.content(path(0, suffix::log));
            content = whole;
            close_and_reopen();
            content[at] ^= static_cast<std::uint8_t>(1U << bit);
            for (const std::size_t max_bytes : {4096, 250, 251}) {
                looks_ahead = max_bytes != 251;
                const Bytes sent = consumed(max_bytes);
                ASSERT_LE(sent.size(), batch_begin);
                ASSERT_TRUE(std::ranges::equal(sent, ByteView(whole).first(sent.size())));
                EXPECT_EQ(sent.size(), batch_begin);
                EXPECT_TRUE(refused) << "who asks is told";
            }
        }
    }
}

TEST_F(LogSliceCheckTest, DamageIsNamedByFileAndPositionHoweverOftenItIsAskedFor) {
    open_filled();
    Bytes& content = disk.content(path(0, suffix::log));
    const std::size_t size = protocol::parse_batch(content).size_bytes;
    content[size + protocol::batch_layout::records] ^= 1;
    const Offset second = protocol::BatchView(ByteView(content).first(size)).next_offset();
    for (int i = 0; i < 2; ++i) {
        const auto found = checked(Offset(0));
        ASSERT_TRUE(found);
        EXPECT_EQ(found->size_bytes, size);
        const auto refused = checked(second);
        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error().code, Errc::corrupt);
        EXPECT_EQ(refused.error().message,
                  fmt::format("{} at position {}: the CRC is wrong", path(0, suffix::log), size));
    }
    EXPECT_TRUE(checked(second + 3)) << "what is behind it can be had";
}

TEST_F(LogSliceCheckTest, LeaderEpochsAreComparedWithThoseAround) {
    config = {};
    open();
    for (const std::int32_t epoch : {4, 4, 4, 4, 6, 6}) ASSERT_TRUE(append(1, {.leader_epoch = LeaderEpoch(epoch)}));
    close_and_reopen();
    Bytes& content = disk.content(path(0, suffix::log));
    const Bytes whole = content;
    segment_bytes = whole.size();
    const std::size_t size = whole.size() / 6;
    EXPECT_EQ(consumed(4096), whole);
    for (const std::int32_t wrong : {5, 3, 7}) {
        SCOPED_TRACE(wrong);
        content = whole;
        close_and_reopen();
        store_big_endian(content.data() + 2 * size + protocol::batch_layout::partition_leader_epoch, wrong);
        const auto slice = checked(Offset(0));
        ASSERT_TRUE(slice);
        EXPECT_EQ(slice->size_bytes, 2 * size);
        EXPECT_FALSE(checked(Offset(2)));
        EXPECT_TRUE(checked(Offset(3))) << "what is behind it can be had";
    }
}

TEST_F(LogSliceCheckTest, GapsThatCompactionLeftAreNoDamage) {
    open_filled();
    Bytes& content = disk.content(path(0, suffix::log));
    Bytes kept;
    std::size_t number = 0;
    protocol::BatchIterator batches{ByteView(content)};
    for (protocol::BatchView batch; batches.next(batch);)
        if (++number % 3 != 2) append_bytes(kept, batch.bytes());
    content = kept;
    ASSERT_TRUE(disk.remove(path(0, suffix::index)));
    config.cleanup_compact = true;
    close_and_reopen();
    segment_bytes = kept.size();
    EXPECT_EQ(consumed(4096), kept);
    close_and_reopen();
    EXPECT_EQ(consumed(250), kept);
}

}  // namespace
}  // namespace moldau::storage
