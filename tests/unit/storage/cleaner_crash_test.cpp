// The power fails at each change that a compaction makes to the disk: the log opens, and holds what it held before or
// what it is to hold afterwards.

#include <random>
#include <set>

#include "cleaner_fixture.h"

namespace moldau::storage {
namespace {

class CleanerCrashTest : public CleanerTest {
 protected:
    static constexpr std::uint64_t all_lost = 0;
    static constexpr std::uint64_t all_kept = 1;  // and from 2 on the seed of what is
    static constexpr std::uint64_t ways = 8;

    /// Three segments and a fourth, active one: keys that are replaced in the next, transactions that are aborted, a
    /// producer all of whose records go, tombstones whose time has come.
    void make_log() {
        log.reset();
        disk.changes_left = SIZE_MAX;
        static_cast<void>(runtime::remove_all(disk, log_directory));
        config.segment_bytes = 1 << 20;
        config.delete_retention_ms = 0;
        open();
        put({{"a", "1"}, {"b", "1"}, {"gone", "1"}});
        seal();
        put({{"a", "2"}}, {.producer_id = ProducerId(8), .producer_epoch = ProducerEpoch(0), .base_sequence = 0});
        put({{"gone"}}, {.delete_horizon = wall_now});
        write_in_transaction(ProducerId(7));
        abort(ProducerId(7));
        seal();
        write_in_transaction(ProducerId(7));
        abort(ProducerId(7));
        put("a", "3");
        put("c", "1");
        config.segment_bytes = segment_bytes;
        log->set_config(config);
        seal();
        put("b", "2");
        flush(FlushKind::checkpoint);
        before = records();
        tail = batches(log->active_segment_base());
        active = log->active_segment_base();
        ASSERT_TRUE(disk.sync_directory(log_directory));
    }

    void lose_power(std::uint64_t way) {
        log.reset();
        disk.changes_left = SIZE_MAX;
        if (way == all_lost) disk.lose_unsynced();
        if (way == all_lost || way == all_kept) return;
        std::mt19937_64 random(way);
        disk.lose_some_unsynced([&random] { return random() % 2 == 0; });
    }

    LogOptions after_crash(Offset recovery_point) {
        LogOptions with = options();
        with.recovery_point = recovery_point;
        with.high_watermark = recovery_point;
        return with;
    }

    void expect_whole() {
        EXPECT_EQ(log->log_end(), end);
        EXPECT_EQ(state_of(records()), state_of(before));
        EXPECT_EQ(batches(active), tail);
        std::set<Offset> aborted;
        for (const Bytes& batch : batches()) {
            const ReadRequest one{
                .from = protocol::BatchView(batch).base_offset(), .max_bytes = 1, .up_to = end, .at_least_one = true};
            const auto found = log->aborted_in(*log->read(one), one);
            ASSERT_TRUE(found) << found.error().message;
            for (const AbortedTransaction& each : *found) aborted.insert(each.first_offset);
        }
        EXPECT_EQ(aborted, (std::set{Offset(5), Offset(7)}));
        ASSERT_NE(log->producers().find(ProducerId(8)), nullptr);
        EXPECT_EQ(log->producers().find(ProducerId(8))->last_sequence(), 0);
        const auto entries = disk.list(log_directory);
        ASSERT_TRUE(entries);
        for (const runtime::DirectoryEntry& each : *entries) {
            EXPECT_FALSE(each.name.ends_with(suffix::cleaned)) << each.name;
            EXPECT_FALSE(each.name.ends_with(suffix::swap)) << each.name;
        }
    }

    /// Cuts the power at change `cut` and, while the log is opened after that, at change `second_cut`. True when the
    /// compaction came to its end before.
    bool survives(std::size_t cut, std::uint64_t way, Offset recovery_point, std::size_t second_cut) {
        make_log();
        end = log->log_end();
        disk.changes_left = cut;
        const bool came_through = (gives_up ? clean_and_give_up() : clean()).has_value() && disk.changes_left > 0;
        lose_power(way);
        if (second_cut != SIZE_MAX) {
            disk.changes_left = second_cut;
            static_cast<void>(Log::open(after_crash(recovery_point)));
            lose_power(way);
        }
        auto opened = Log::open(after_crash(recovery_point));
        EXPECT_TRUE(opened) << opened.error().message;
        if (!opened) return true;
        log = std::move(*opened);
        expect_whole();
        // It goes on from there.
        log->on_high_watermark(log->log_end());
        flush(FlushKind::checkpoint);
        const auto again = clean();
        EXPECT_TRUE(again) << again.error().message;
        expect_whole();
        return came_through;
    }

    Result<bool> clean_and_give_up() {
        const auto job = begin();
        MOLDAU_CHECK(run(*job));
        MOLDAU_ASSERT(log->begin_replacement(*job));
        MOLDAU_CHECK(job->stage());
        MOLDAU_CHECK(job->discard());
        log->abandon_replacement();
        return true;
    }

    void cut_everywhere(Offset recovery_point) {
        for (std::uint64_t way = 0; way < ways; ++way) {
            std::size_t cut = 1;
            for (bool done = false; !done && !HasFailure(); ++cut) {
                SCOPED_TRACE("cut at change " + std::to_string(cut) + ", way " + std::to_string(way));
                done = survives(cut, way, recovery_point, SIZE_MAX);
                for (const std::size_t second : {1U, 2U, 3U, 5U, 8U, 12U})
                    if (!HasFailure()) survives(cut, way, recovery_point, second);
            }
            EXPECT_GT(cut, 20U) << "there were changes to cut at";
            if (HasFailure()) return;
        }
    }

    std::int32_t segment_bytes = 1 << 20;
    bool gives_up = false;
    std::vector<Found> before;
    std::vector<Bytes> tail;
    Offset active;
    Offset end;
};

TEST_F(CleanerCrashTest, TheLogIsWholeWhereverThePowerFails) {
    cut_everywhere(Offset(11));
}

TEST_F(CleanerCrashTest, AlsoWhereTheRecoveryPointWasNotNoted) {
    cut_everywhere(Offset(0));
}

TEST_F(CleanerCrashTest, AlsoWhereWhatWasStagedIsGivenUp) {
    gives_up = true;
    cut_everywhere(Offset(11));
}

TEST_F(CleanerCrashTest, AlsoBetweenTwoReplacements) {
    segment_bytes = 300;
    cut_everywhere(Offset(5));
}

// What no checksum covers, and what ends too early, must not have segments deleted.
TEST_F(CleanerCrashTest, WhatDoesNotFitItsSourcesReplacesNothing) {
    make_log();
    end = log->log_end();
    const Offset point = log->recovery_point();
    log.reset();
    const std::string swap = path(0, suffix::log) + std::string(suffix::swap);
    const Bytes whole = disk.content(path(0, suffix::log));
    Bytes too_far = whole;
    store_big_endian(too_far.data(), std::int64_t{1} << 20);  // the base offset of its only batch
    Bytes damaged = whole;
    damaged.back() ^= 1;
    for (const Bytes& content : {Bytes(), too_far, damaged}) {
        ASSERT_TRUE(runtime::overwrite(disk, swap, content));
        const auto opened = Log::open(after_crash(point));
        ASSERT_FALSE(opened);
        EXPECT_EQ(opened.error().code, Errc::corrupt);
        EXPECT_NE(opened.error().message.find(swap), std::string::npos) << opened.error().message;
        EXPECT_EQ(disk.content(path(0, suffix::log)), whole);
    }
    ASSERT_TRUE(runtime::overwrite(disk, swap, whole));
    LogOptions with = after_crash(point);
    open(with);
    expect_whole();
}

}  // namespace
}  // namespace moldau::storage
