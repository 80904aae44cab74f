#include "log_fixture.h"

namespace moldau::storage {
namespace {

using Aborted = std::vector<AbortedTransaction>;

constexpr ProducerId one{1};
constexpr ProducerId two{2};
constexpr std::size_t entry_bytes = 34;

class LogTransactionsTest : public LogTest {
 protected:
    /// Those that concern what a read gives.
    Result<Aborted> aborted_from(std::int64_t from, std::optional<Offset> up_to = {}, std::size_t max_bytes = 1 << 20) {
        const ReadRequest request{.from = Offset(from),
                                  .max_bytes = max_bytes,
                                  .up_to = up_to.value_or(log->log_end()),
                                  .at_least_one = true};
        MOLDAU_TRY(slice, log->read(request));
        return log->aborted_in(slice, request);
    }
    /// With all committed.
    Offset stable() {
        log->on_high_watermark(log->log_end());
        return log->last_stable_offset(log->log_end());
    }
    std::string index(std::int64_t base) { return path(base, suffix::txn_index); }
    void roll() { ASSERT_TRUE(log->roll(wall_now)); }
};

TEST_F(LogTransactionsTest, WhatWasAbortedIsFoundForWhatIsRead) {
    open();
    write_in_transaction(one);
    abort(one);
    write_in_transaction(one);
    commit(one);
    write_in_transaction(one);
    abort(one);
    EXPECT_EQ(aborted_from(0), (Aborted{{one, Offset(0)}, {one, Offset(4)}}));
    EXPECT_EQ(aborted_from(1), (Aborted{{one, Offset(0)}, {one, Offset(4)}})) << "the marker counts";
    EXPECT_EQ(aborted_from(2), (Aborted{{one, Offset(4)}}));
    EXPECT_EQ(aborted_from(2, Offset(4)), Aborted());
    EXPECT_EQ(stable(), Offset(6));
}

TEST_F(LogTransactionsTest, AnOpenTransactionHoldsTheStableOffset) {
    open();
    ASSERT_TRUE(append());
    write_in_transaction(one);
    write_in_transaction(two);
    EXPECT_EQ(stable(), Offset(1));
    EXPECT_EQ(log->last_stable_offset(Offset(0)), Offset(0));
    abort(one);
    EXPECT_EQ(stable(), Offset(2));
    commit(two);
    EXPECT_EQ(log->last_stable_offset(Offset(4)), Offset(2)) << "the marker is not committed yet";
    EXPECT_EQ(stable(), Offset(5));
}

TEST_F(LogTransactionsTest, TheStableOffsetIsNotBeforeTheLogsStart) {
    open();
    write_in_transaction(one);
    ASSERT_TRUE(append(3));
    EXPECT_EQ(stable(), Offset(0));
    ASSERT_TRUE(log->advance_log_start(Offset(2)));
    EXPECT_EQ(stable(), Offset(2));
}

TEST_F(LogTransactionsTest, MarkersInLaterSegmentsAreFound) {
    open();
    write_in_transaction(one);
    roll();
    write_in_transaction(two);
    abort(two);
    roll();
    abort(one);
    EXPECT_EQ(aborted_from(0), (Aborted{{one, Offset(0)}}));
    EXPECT_EQ(aborted_from(1), (Aborted{{two, Offset(1)}, {one, Offset(0)}}));
    EXPECT_EQ(aborted_from(3), (Aborted{{one, Offset(0)}}));
    EXPECT_FALSE(disk.has(index(0)));
    EXPECT_TRUE(disk.has(index(1)));
}

TEST_F(LogTransactionsTest, AnAnswerIsBoundedByWhatIsRead) {
    config = {};
    config.index_interval_bytes = 100;
    open();
    constexpr std::size_t transactions = 1000;
    for (std::size_t i = 0; i < transactions; ++i) {
        write_in_transaction(one);
        abort(one);
    }
    EXPECT_EQ(aborted_from(0)->size(), transactions);
    const Aborted few = *aborted_from(500, {}, 300);
    EXPECT_GE(few.size(), 1U);
    EXPECT_LE(few.size(), 4U);
    EXPECT_EQ(few.front(), (AbortedTransaction{one, Offset(500)}));
    roll();
    EXPECT_EQ(*aborted_from(500, {}, 300), few) << "also where the segment's index is not in memory";
}

TEST_F(LogTransactionsTest, ACleanStartKnowsWhatIsOpenAndWhatWasAborted) {
    open();
    write_in_transaction(one);
    abort(one);
    roll();
    write_in_transaction(two);
    abort(two);
    write_in_transaction(one);
    commit(one);
    write_in_transaction(two);
    close_and_reopen();
    EXPECT_EQ(stable(), Offset(6));
    EXPECT_EQ(aborted_from(0), (Aborted{{one, Offset(0)}}));
    EXPECT_EQ(aborted_from(2), (Aborted{{two, Offset(2)}}));
    abort(two);
    EXPECT_EQ(aborted_from(2), (Aborted{{two, Offset(2)}, {two, Offset(6)}}));
}

TEST_F(LogTransactionsTest, AfterACrashTheIndexHasEachOnce) {
    open();
    write_in_transaction(one);
    abort(one);
    flush(FlushKind::checkpoint);
    write_in_transaction(one);
    abort(one);
    roll();
    write_in_transaction(two);
    abort(two);
    write_in_transaction(one);
    crash_and_reopen();
    EXPECT_EQ(aborted_from(0), (Aborted{{one, Offset(0)}, {one, Offset(2)}}));
    EXPECT_EQ(aborted_from(4), (Aborted{{two, Offset(4)}}));
    EXPECT_EQ(disk.content(index(0)).size(), 2 * entry_bytes);
    EXPECT_EQ(stable(), Offset(6));
}

TEST_F(LogTransactionsTest, AnIndexThatDidNotReachTheDiskIsMadeAnew) {
    open();
    write_in_transaction(one);
    abort(one);
    flush(FlushKind::checkpoint);
    write_in_transaction(two);
    abort(two);
    roll();  // leaves a snapshot behind the marker
    ASSERT_TRUE(append());
    const Bytes durable = disk.durable(index(0));
    ASSERT_EQ(durable.size(), entry_bytes);
    disk.content(index(0)) = durable;
    crash_and_reopen();
    EXPECT_EQ(aborted_from(0), (Aborted{{one, Offset(0)}, {two, Offset(2)}}));
    EXPECT_EQ(disk.durable(index(0)).size(), 2 * entry_bytes) << "the next flush does not look back";
}

TEST_F(LogTransactionsTest, WhatRecoveryCutsIsNotInTheIndex) {
    open();
    write_in_transaction(one);
    const std::size_t kept = disk.content(path(0, suffix::log)).size();
    abort(one);
    disk.content(path(0, suffix::log)).resize(kept);
    crash_and_reopen();
    ASSERT_EQ(log->log_end(), Offset(1));
    EXPECT_EQ(aborted_from(0), Aborted());
    commit(one);
    EXPECT_EQ(aborted_from(0), Aborted());
    EXPECT_TRUE(disk.content(index(0)).empty());
}

TEST_F(LogTransactionsTest, ADamagedIndexIsAnErrorAndACrashMakesItAnew) {
    open();
    for (int i = 0; i < 3; ++i) {
        write_in_transaction(one);
        abort(one);
    }
    const Aborted all = *aborted_from(0);
    for (std::size_t slot = 0; slot < 3; ++slot) {
        for (const std::size_t field : {0U, 10U, 18U, 26U}) {
            disk.content(index(0))[slot * entry_bytes + field] = 0x7f;
            EXPECT_EQ(aborted_from(0).error().code, Errc::corrupt) << slot << ", " << field;
            crash_and_reopen();
            EXPECT_EQ(aborted_from(0), all) << slot << ", " << field;
        }
    }
    // Nothing leads a search past what is damaged.
    for (std::size_t slot = 0; slot < 3; ++slot) {
        const Bytes whole = disk.content(index(0));
        std::fill_n(disk.content(index(0)).begin() + static_cast<std::ptrdiff_t>(slot * entry_bytes), entry_bytes, 0);
        EXPECT_FALSE(aborted_from(static_cast<std::int64_t>(2 * slot))) << slot;
        disk.content(index(0)) = whole;
    }
    disk.content(index(0)).resize(2 * entry_bytes);
    EXPECT_EQ(aborted_from(0).error().code, Errc::corrupt) << "it became shorter";
}

TEST_F(LogTransactionsTest, ADamagedIndexOpensAfterACleanStop) {
    open();
    write_in_transaction(one);
    abort(one);
    ASSERT_TRUE(log->close());
    disk.content(index(0)).assign(entry_bytes, 0xff);
    close_and_reopen();
    ASSERT_TRUE(log);
    EXPECT_EQ(aborted_from(0).error().code, Errc::corrupt);
}

TEST_F(LogTransactionsTest, AnIndexOfAFormerSegmentIsNotTakenOver) {
    open();
    write_in_transaction(one);
    abort(one);
    const Bytes former = disk.content(index(0));
    ASSERT_TRUE(disk.open(index(2), runtime::OpenMode::create));
    disk.content(index(2)) = former;
    roll();
    EXPECT_FALSE(disk.has(index(2)));
    ASSERT_TRUE(log->close());
    ASSERT_TRUE(disk.open(index(1), runtime::OpenMode::create));
    disk.content(index(1)) = former;
    close_and_reopen();
    EXPECT_FALSE(disk.has(index(1)));
    EXPECT_TRUE(disk.has(index(0)));
}

TEST_F(LogTransactionsTest, TruncationCutsTheIndex) {
    open();
    write_in_transaction(one);
    abort(one);
    write_in_transaction(two);
    abort(two);
    ASSERT_EQ(log->truncate_to(Offset(3), wall_now), Offset(3));
    EXPECT_EQ(aborted_from(0), (Aborted{{one, Offset(0)}}));
    EXPECT_EQ(disk.durable(index(0)).size(), entry_bytes);
    EXPECT_EQ(stable(), Offset(2));
    commit(two);
    EXPECT_EQ(aborted_from(0), (Aborted{{one, Offset(0)}}));
}

}  // namespace
}  // namespace moldau::storage
