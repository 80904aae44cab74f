#include <gtest/gtest.h>

#include <moldau/protocol/record.h>
#include <moldau/protocol/record_batch.h>

#include "unit/protocol/batch/batch_samples.h"

namespace moldau::protocol {
namespace {

using samples::batch_of;
using samples::view_of;

TEST(RecordBatch, HeaderFieldsReadBackAsBuilt) {
    const Bytes bytes = batch_of(3, {.base_offset = Offset(70),
                                     .leader_epoch = LeaderEpoch(5),
                                     .producer_id = ProducerId(9),
                                     .producer_epoch = ProducerEpoch(2),
                                     .base_sequence = 11,
                                     .transactional = true});
    const ParsedBatch parsed = parse_batch(bytes);
    ASSERT_EQ(parsed.status, BatchStatus::whole);
    const BatchView batch = parsed.batch;
    EXPECT_EQ(batch.base_offset(), Offset(70));
    EXPECT_EQ(batch.last_offset(), Offset(72));
    EXPECT_EQ(batch.next_offset(), Offset(73));
    EXPECT_EQ(batch.partition_leader_epoch(), LeaderEpoch(5));
    EXPECT_EQ(batch.magic(), 2);
    EXPECT_EQ(batch.codec(), Codec::none);
    EXPECT_EQ(batch.timestamp_type(), TimestampType::create_time);
    EXPECT_TRUE(batch.is_transactional());
    EXPECT_FALSE(batch.is_control());
    EXPECT_FALSE(batch.delete_horizon());
    EXPECT_EQ(batch.base_timestamp(), Timestamp(1000));
    EXPECT_EQ(batch.max_timestamp(), Timestamp(1002));
    EXPECT_EQ(batch.producer_id(), ProducerId(9));
    EXPECT_EQ(batch.producer_epoch(), ProducerEpoch(2));
    EXPECT_EQ(batch.base_sequence(), 11);
    EXPECT_EQ(batch.last_sequence(), 13);
    EXPECT_EQ(batch.count(), 3);
    EXPECT_EQ(batch.size_bytes(), bytes.size());
    EXPECT_EQ(static_cast<std::size_t>(batch.batch_length()), bytes.size() - 12);
    EXPECT_TRUE(batch.crc_ok());
}

TEST(RecordBatch, TimestampsWrap) {
    const Bytes bytes = batch_of(1);
    const BatchView batch = view_of(bytes);
    RecordView record;
    record.timestamp_delta = INT64_MAX;
    EXPECT_EQ(timestamp_of(batch, record), Timestamp(INT64_MIN + 999));
}

TEST(RecordBatch, SequencesStartAgainAtZero) {
    EXPECT_EQ(sequence_after(2147483647, 1), 0);
    EXPECT_EQ(sequence_after(2147483640, 10), 2);
    EXPECT_EQ(sequence_after(5, 0), 5);
}

TEST(RecordBatch, EveryTruncationIsIncompleteAndNamesTheSizeOnceKnown) {
    const Bytes bytes = batch_of(2);
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        const ParsedBatch parsed = parse_batch(ByteView(bytes).first(size));
        ASSERT_EQ(parsed.status, BatchStatus::incomplete) << size;
        ASSERT_EQ(parsed.size_bytes, size < 12 ? 61 : bytes.size()) << size;
    }
}

TEST(RecordBatch, EveryFlippedBitUnderTheChecksumIsSeen) {
    Bytes bytes = batch_of(2);
    for (std::size_t bit = batch_layout::crc * 8; bit < bytes.size() * 8; ++bit) {
        bytes[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
        ASSERT_FALSE(view_of(bytes).crc_ok()) << bit;
        bytes[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
    }
    EXPECT_TRUE(view_of(bytes).crc_ok());
}

TEST(RecordBatch, LengthsAndMagicsThatNoBatchHasAreCorrupt) {
    Bytes bytes = batch_of(1);
    for (const std::int32_t length : {-2147483647 - 1, -1, 0, 13, 14, 48}) {
        store_big_endian(bytes.data() + batch_layout::length, length);
        EXPECT_EQ(parse_batch(bytes).status, BatchStatus::corrupt) << length;
    }
    store_big_endian(bytes.data() + batch_layout::length, std::int32_t{2147483647});
    EXPECT_EQ(parse_batch(bytes).status, BatchStatus::incomplete);
    bytes = batch_of(1);
    for (const int magic : {3, 127, 128, 255}) {
        bytes[batch_layout::magic] = static_cast<std::uint8_t>(magic);
        EXPECT_EQ(parse_batch(bytes).status, BatchStatus::corrupt) << magic;
    }
}

TEST(RecordBatch, OldFormatsAreToldApartFromDamage) {
    Bytes bytes = batch_of(1);
    for (const std::uint8_t magic : {0, 1}) {
        bytes[batch_layout::magic] = magic;
        EXPECT_EQ(parse_batch(bytes).status, BatchStatus::old_magic);
    }
}

TEST(BatchIterator, WalksWholeBatchesAndStopsAtAPartialOne) {
    Bytes bytes = batch_of(1);
    const Bytes second = batch_of(4, {.base_offset = Offset(1)});
    bytes.insert(bytes.end(), second.begin(), second.end());
    BatchView batch;
    BatchIterator all(bytes);
    ASSERT_TRUE(all.next(batch));
    EXPECT_EQ(batch.last_offset(), Offset(0));
    ASSERT_TRUE(all.next(batch));
    EXPECT_EQ(batch.last_offset(), Offset(4));
    EXPECT_FALSE(all.next(batch));
    EXPECT_TRUE(all.at_end());

    BatchIterator cut(ByteView(bytes).first(bytes.size() - 1));
    ASSERT_TRUE(cut.next(batch));
    EXPECT_FALSE(cut.next(batch));
    EXPECT_FALSE(cut.at_end());
    EXPECT_EQ(cut.stopped_at().status, BatchStatus::incomplete);
    EXPECT_EQ(cut.stopped_at().size_bytes, second.size());
    EXPECT_EQ(cut.rest().size(), second.size() - 1);
}

TEST(BatchMutation, OffsetAndEpochLeaveTheChecksumRight) {
    Bytes bytes = batch_of(3);
    const std::uint32_t crc = view_of(bytes).crc();
    set_base_offset(bytes, Offset(1'000'000'000'000));
    set_partition_leader_epoch(bytes, LeaderEpoch(77));
    EXPECT_EQ(view_of(bytes).last_offset(), Offset(1'000'000'000'002));
    EXPECT_EQ(view_of(bytes).partition_leader_epoch(), LeaderEpoch(77));
    EXPECT_EQ(view_of(bytes).crc(), crc);
    EXPECT_TRUE(view_of(bytes).crc_ok());
}

TEST(BatchMutation, LogAppendTimeRenewsTheChecksum) {
    Bytes bytes = batch_of(3, {.transactional = true});
    set_max_timestamp(bytes, TimestampType::log_append_time, Timestamp(5'000));
    EXPECT_EQ(view_of(bytes).timestamp_type(), TimestampType::log_append_time);
    EXPECT_EQ(view_of(bytes).max_timestamp(), Timestamp(5'000));
    EXPECT_TRUE(view_of(bytes).is_transactional());
    EXPECT_TRUE(view_of(bytes).crc_ok());
    set_max_timestamp(bytes, TimestampType::create_time, Timestamp(1'002));
    EXPECT_EQ(bytes, batch_of(3, {.transactional = true}));
}

TEST(BatchMutation, AnUnchangedTimestampLeavesAWrongChecksumWrong) {
    Bytes bytes = batch_of(1);
    bytes[batch_layout::crc] ^= 1;
    set_max_timestamp(bytes, TimestampType::create_time, Timestamp(1000));
    EXPECT_FALSE(view_of(bytes).crc_ok());
}

}  // namespace
}  // namespace moldau::protocol
