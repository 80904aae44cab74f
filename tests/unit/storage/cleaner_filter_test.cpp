// What compaction keeps of a batch.

#include <gtest/gtest.h>

#include "cleaner/batch_filter.h"
#include "cleaner_fixture.h"

namespace moldau::storage {
namespace {

using protocol::BatchView;
using protocol::Codec;
using Fate = BatchFilter::Fate;

constexpr std::int64_t keep_ms = 1000;
constexpr Offset base_at{1'000'000'000'000};  // offsets are 64 bits

class BatchFilterTest : public testing::Test {
 protected:
    struct Record {
        std::int32_t delta;
        std::optional<std::string> key;
        std::optional<std::string> value;
    };

    /// The last offset of `key` is base_at + `delta`.
    void last(const std::string& key, std::int32_t delta) { ASSERT_TRUE(map.put(bytes_of(key), base_at + delta)); }

    Bytes batch(const std::vector<Record>& records, protocol::BatchOptions options = {},
                std::optional<Offset> last_offset = {}) {
        options.base_offset = base_at;
        options.leader_epoch = LeaderEpoch(7);
        protocol::BatchBuilder builder(options);
        const std::string header_value = "header";
        const protocol::HeaderView headers[] = {{"a", bytes_of(header_value)}, {"", std::nullopt}};
        for (const Record& each : records) {
            protocol::RecordToWrite record{.timestamp = wall_now + each.delta, .headers = headers};
            if (each.key) record.key = bytes_of(*each.key);
            if (each.value) record.value = bytes_of(*each.value);
            builder.append_at(base_at + each.delta, record);
        }
        protocol::Compressor compressor;
        return builder.finish(compressor, last_offset);
    }

    Fate judge(const Bytes& bytes, Timestamp now = wall_now, bool must_stay = false) {
        map.cover_to(covered);
        filter = std::make_unique<BatchFilter>(map, content,
                                               FilterRules{.now = now, .delete_retention_ms = keep_ms, .marks = marks});
        return judge_next(bytes, must_stay);
    }
    Fate judge_next(const Bytes& bytes, bool must_stay = false) {
        const auto fate = filter->judge(BatchView(bytes), must_stay);
        EXPECT_TRUE(fate) << fate.error().message;
        return fate.value_or(Fate::copy);
    }
    Bytes replacement() { return Bytes(filter->replacement().begin(), filter->replacement().end()); }

    OffsetMap map{1 << 20, 0.9, {1, 2}};
    BatchContent content{1 << 20};
    Offset covered = base_at + 1000;
    std::vector<ProducerMark> marks;
    std::unique_ptr<BatchFilter> filter;
};

TEST_F(BatchFilterTest, ABatchThatKeepsAllStaysAsItIs) {
    last("a", 0);
    last("b", 1);
    EXPECT_EQ(judge(batch({{0, "a", "1"}, {1, "b", "2"}})), Fate::copy);
    EXPECT_EQ(judge(batch({{0, "not in the map", "1"}})), Fate::copy);
}

TEST_F(BatchFilterTest, ABatchThatKeepsNoneGoes) {
    last("a", 5);
    EXPECT_EQ(judge(batch({{0, "a", "1"}, {1, "a", "2"}})), Fate::drop);
    EXPECT_EQ(judge(batch({{0, std::nullopt, "without a key"}})), Fate::drop);
}

TEST_F(BatchFilterTest, WhatIsKeptOfABatchKeepsItsPlaceAndItsHeader) {
    last("a", 9);
    last("b", 1);
    for (const Codec codec : {Codec::none, Codec::gzip, Codec::snappy, Codec::lz4, Codec::zstd}) {
        const Bytes old = batch(
            {{0, "a", "1"}, {1, "b", "2"}, {4, "a", "3"}},
            {.codec = codec, .producer_id = ProducerId(5), .producer_epoch = ProducerEpoch(6), .base_sequence = 70});
        ASSERT_EQ(judge(old), Fate::replace);
        const Bytes bytes = replacement();
        const BatchView kept(bytes);
        EXPECT_TRUE(kept.crc_ok());
        EXPECT_EQ(kept.codec(), codec);
        EXPECT_EQ(kept.base_offset(), base_at);
        EXPECT_EQ(kept.last_offset(), base_at + 4);
        EXPECT_EQ(kept.last_sequence(), BatchView(old).last_sequence());
        EXPECT_EQ(kept.producer_id(), ProducerId(5));
        EXPECT_EQ(kept.producer_epoch(), ProducerEpoch(6));
        EXPECT_EQ(kept.partition_leader_epoch(), LeaderEpoch(7));
        EXPECT_EQ(kept.max_timestamp(), wall_now + 1);
        EXPECT_EQ(kept.delete_horizon(), std::nullopt);
        EXPECT_EQ(records_of(kept), (std::vector<Found>{{base_at + 1, "b", "2", wall_now + 1}}));
        if (codec != Codec::none) continue;
        protocol::RecordIterator records(kept.records(), kept.count());
        protocol::RecordView record;
        ASSERT_TRUE(records.next(record));
        protocol::HeaderIterator headers = record.headers();
        protocol::HeaderView header;
        ASSERT_TRUE(headers.next(header));
        EXPECT_EQ(header.key, "a");
        EXPECT_EQ(string_of(header.value), "header");
        ASSERT_TRUE(headers.next(header));
        EXPECT_EQ(header.value, std::nullopt);
        EXPECT_FALSE(headers.next(header));
    }
}

TEST_F(BatchFilterTest, ATimeOfAppendingStays) {
    last("a", 9);
    ASSERT_EQ(judge(batch({{0, "a", "1"}, {1, "b", "2"}}, {.log_append_time = wall_now + 50})), Fate::replace);
    const Bytes bytes = replacement();
    EXPECT_EQ(BatchView(bytes).timestamp_type(), protocol::TimestampType::log_append_time);
    EXPECT_EQ(BatchView(bytes).max_timestamp(), wall_now + 50);
    EXPECT_EQ(records_of(BatchView(bytes)), (std::vector<Found>{{base_at + 1, "b", "2", wall_now + 50}}));
}

TEST_F(BatchFilterTest, TombstonesGoOnceTheHorizonOfTheirFirstCleaningHasPassed) {
    last("a", 1);
    for (const auto& append_time : {std::optional<Timestamp>(), std::optional(wall_now + 9)}) {
        const Bytes old = batch({{0, "b", "1"}, {1, "a", std::nullopt}}, {.log_append_time = append_time});
        ASSERT_EQ(judge(old), Fate::replace) << "the horizon is set";
        const Bytes first = replacement();
        EXPECT_TRUE(BatchView(first).crc_ok());
        EXPECT_EQ(BatchView(first).delete_horizon(), wall_now + keep_ms);
        EXPECT_EQ(BatchView(first).base_timestamp(), wall_now + keep_ms);
        EXPECT_EQ(BatchView(first).max_timestamp(), BatchView(old).max_timestamp());
        EXPECT_EQ(records_of(BatchView(first)), records_of(BatchView(old)));

        EXPECT_EQ(judge(first, wall_now + keep_ms - 1), Fate::copy) << "once";
        ASSERT_EQ(judge(first, wall_now + keep_ms), Fate::replace);
        const Bytes second = replacement();
        EXPECT_EQ(BatchView(second).delete_horizon(), wall_now + keep_ms) << "it stays";
        EXPECT_EQ(BatchView(second).last_offset(), base_at + 1);
        EXPECT_EQ(records_of(BatchView(second)), (std::vector<Found>{records_of(BatchView(old)).front()}));
        EXPECT_EQ(judge(second, wall_now + 9 * keep_ms), Fate::copy);
    }
    EXPECT_EQ(judge(batch({{1, "a", std::nullopt}}, {.delete_horizon = wall_now}), wall_now), Fate::drop);
}

TEST_F(BatchFilterTest, ASupersededTombstoneGoesAtOnceAndSetsNoHorizon) {
    last("a", 9);
    EXPECT_EQ(judge(batch({{0, "a", std::nullopt}})), Fate::drop);
    ASSERT_EQ(judge(batch({{0, "a", std::nullopt}, {1, "b", "1"}})), Fate::replace);
    EXPECT_FALSE(BatchView(filter->replacement()).has_delete_horizon());
}

TEST_F(BatchFilterTest, AHorizonThatLiesBehindAllTimeIsTheLast) {
    map.cover_to(covered);
    filter = std::make_unique<BatchFilter>(map, content,
                                           FilterRules{.now = wall_now, .delete_retention_ms = INT64_MAX, .marks = {}});
    ASSERT_EQ(judge_next(batch({{0, "a", std::nullopt}})), Fate::replace);
    EXPECT_EQ(BatchView(filter->replacement()).delete_horizon(), Timestamp(INT64_MAX));
    EXPECT_EQ(records_of(BatchView(filter->replacement())).front().timestamp, wall_now);
}

TEST_F(BatchFilterTest, WhatTheMapDoesNotCoverIsNotTouched) {
    last("a", 2);
    covered = base_at + 2;
    const Bytes old = batch({{0, "a", "1"}, {2, "a", std::nullopt}, {3, std::nullopt, "2"}});
    ASSERT_EQ(judge(old), Fate::replace);
    EXPECT_FALSE(BatchView(filter->replacement()).has_delete_horizon()) << "the tombstone is not cleaned yet";
    EXPECT_EQ(records_of(BatchView(filter->replacement())).size(), 2U);
    map = OffsetMap(1 << 20, 0.9, {1, 2});
    last("a", 500);
    covered = base_at;
    EXPECT_EQ(judge(old), Fate::copy);
}

TEST_F(BatchFilterTest, AnEmptyBatchStaysForAProducerThatIsKnown) {
    last("a", 9);
    const protocol::BatchOptions producer{
        .producer_id = ProducerId(5), .producer_epoch = ProducerEpoch(6), .base_sequence = INT32_MAX};
    const Bytes old = batch({{0, "a", "1"}, {3, "a", "2"}}, producer);
    marks = {{ProducerId(4), base_at + 3}, {ProducerId(5), base_at + 2}};
    EXPECT_EQ(judge(old), Fate::drop);
    marks = {{ProducerId(5), base_at + 3}};
    ASSERT_EQ(judge(old), Fate::replace);
    const Bytes empty = replacement();
    const BatchView left(empty);
    EXPECT_EQ(empty.size(), protocol::batch_layout::header_bytes);
    EXPECT_TRUE(left.crc_ok());
    EXPECT_EQ(left.count(), 0);
    EXPECT_EQ(left.base_offset(), base_at);
    EXPECT_EQ(left.last_offset(), base_at + 3);
    EXPECT_EQ(left.last_sequence(), BatchView(old).last_sequence());
    EXPECT_EQ(left.producer_epoch(), ProducerEpoch(6));
    EXPECT_EQ(left.max_timestamp(), BatchView(old).max_timestamp());
    EXPECT_EQ(judge(empty), Fate::copy);
    marks.clear();
    EXPECT_EQ(judge(empty), Fate::drop) << "once it is forgotten";
}

TEST_F(BatchFilterTest, TheLastBatchStaysIfNeedBeEmpty) {
    last("a", 9);
    const Bytes old = batch({{0, "a", "1"}}, {.codec = Codec::zstd}, base_at + 2);
    ASSERT_EQ(judge(old, wall_now, true), Fate::replace);
    const Bytes empty = replacement();
    EXPECT_EQ(BatchView(empty).count(), 0);
    EXPECT_EQ(BatchView(empty).last_offset(), base_at + 2);
    EXPECT_EQ(BatchView(empty).codec(), Codec::none);
    EXPECT_EQ(judge(empty, wall_now, true), Fate::copy);
    EXPECT_EQ(judge(empty), Fate::drop);
}

TEST_F(BatchFilterTest, TransactionsStayWholeAndTombstonesBehindThemStay) {
    last("a", 9);
    const Bytes old_tombstone = batch({{0, "a", std::nullopt}, {9, "a", std::nullopt}}, {.delete_horizon = wall_now});
    ASSERT_EQ(judge(old_tombstone, wall_now + 1), Fate::drop);
    const Bytes transactional = batch({{0, "a", "1"}, {1, std::nullopt, "2"}},
                                      {.producer_id = ProducerId(5), .base_sequence = 0, .transactional = true});
    EXPECT_EQ(judge(transactional), Fate::copy);
    const Bytes marker = protocol::end_transaction_batch(
        {.base_offset = base_at, .producer_id = ProducerId(5), .producer_epoch = ProducerEpoch(0)}, {.commit = true},
        wall_now);
    EXPECT_EQ(judge_next(marker), Fate::copy);
    filter = std::make_unique<BatchFilter>(map, content, FilterRules{.now = wall_now + 1, .marks = {}});
    EXPECT_EQ(judge_next(marker), Fate::copy);
    EXPECT_EQ(judge_next(old_tombstone), Fate::drop);
    EXPECT_EQ(judge_next(transactional), Fate::copy);
    EXPECT_EQ(judge_next(old_tombstone), Fate::replace) << "the one before it would be back";
    EXPECT_EQ(records_of(BatchView(filter->replacement())).size(), 1U);
}

TEST_F(BatchFilterTest, ABatchThatHoldsTooMuchStays) {
    content = BatchContent(10'000);
    last("a", 9);
    last("b", 9);
    EXPECT_EQ(judge(batch({{0, "a", std::string(9'000, 'x')}}, {.codec = Codec::zstd})), Fate::drop);
    const Bytes large = batch({{0, "a", std::string(11'000, 'x')}}, {.codec = Codec::zstd});
    EXPECT_EQ(judge(large), Fate::copy);
    EXPECT_EQ(judge_next(batch({{9, "b", std::nullopt}}, {.delete_horizon = Timestamp(5)})), Fate::copy)
        << "who knows whose value stayed";
    EXPECT_EQ(judge(batch({{0, "a", std::string(11'000, 'x')}})), Fate::copy);
}

TEST_F(BatchFilterTest, DamageUnderARightChecksumIsAnError) {
    last("a", 9);
    Bytes bytes = batch({{0, "a", "1"}, {1, "a", "2"}});
    bytes[protocol::batch_layout::records] ^= 0x20;  // a record's length
    store_big_endian(bytes.data() + protocol::batch_layout::crc, BatchView(bytes).computed_crc());
    map.cover_to(covered);
    filter = std::make_unique<BatchFilter>(map, content, FilterRules{});
    EXPECT_EQ(filter->judge(BatchView(bytes), false).error().code, Errc::corrupt);
    bytes = batch({{0, "a", "1"}, {1, "a", "2"}}, {.codec = Codec::gzip});
    bytes[bytes.size() - 6] ^= 0x20;  // the checksum of the compressed section itself
    EXPECT_EQ(filter->judge(BatchView(bytes), false).error().code, Errc::corrupt);
}

}  // namespace
}  // namespace moldau::storage
