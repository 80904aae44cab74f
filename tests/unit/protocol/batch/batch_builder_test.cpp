#include <gtest/gtest.h>

#include <moldau/protocol/batch_builder.h>

#include "unit/protocol/batch/batch_samples.h"

namespace moldau::protocol {
namespace {

using samples::text;

TEST(BatchBuilder, EveryCodecReadsBack) {
    const Bytes plain = samples::batch_of(100);
    Decompressor decompressor;
    for (const Codec codec : samples::all_codecs) {
        const Bytes bytes = samples::batch_of(100, {.codec = codec});
        const BatchView batch(bytes);
        EXPECT_TRUE(batch.crc_ok());
        EXPECT_EQ(batch.codec(), codec);
        EXPECT_EQ(batch.count(), 100);
        const auto section = decompressor.decompress(codec, batch.records(), 1 << 20);
        ASSERT_TRUE(section) << section.error().message;
        EXPECT_TRUE(std::ranges::equal(*section, BatchView(plain).records())) << to_string(codec);
    }
}

TEST(BatchBuilder, OffsetsMayHaveGapsAndTheBatchMayEndLater) {
    BatchBuilder builder({.base_offset = Offset(10)});
    builder.append_at(Offset(12), {.timestamp = Timestamp(5), .value = text("a")});
    builder.append_at(Offset(500), {.timestamp = Timestamp(3), .value = text("b")});
    EXPECT_EQ(builder.next_offset(), Offset(501));
    const Bytes bytes = builder.finish(Offset(600));
    const BatchView batch(bytes);
    EXPECT_EQ(batch.last_offset(), Offset(600));
    EXPECT_EQ(batch.count(), 2);
    EXPECT_EQ(batch.base_timestamp(), Timestamp(5));
    EXPECT_EQ(batch.max_timestamp(), Timestamp(5));
    RecordIterator records(batch.records(), 2);
    RecordView record;
    ASSERT_TRUE(records.next(record));
    EXPECT_EQ(record.offset_delta, 2);
    ASSERT_TRUE(records.next(record));
    EXPECT_EQ(record.offset_delta, 490);
    EXPECT_EQ(record.timestamp_delta, -2);
}

TEST(BatchBuilder, TheDeleteHorizonReplacesTheBaseTimestamp) {
    BatchBuilder builder({.delete_horizon = Timestamp(9'000)});
    builder.append({.timestamp = Timestamp(1'000), .key = text("k")});
    const Bytes bytes = builder.finish();
    EXPECT_EQ(BatchView(bytes).delete_horizon(), Timestamp(9'000));
    EXPECT_EQ(BatchView(bytes).max_timestamp(), Timestamp(1'000));
    RecordIterator records(BatchView(bytes).records(), 1);
    RecordView record;
    ASSERT_TRUE(records.next(record));
    EXPECT_EQ(record.timestamp_delta, -8'000);
}

TEST(BatchBuilder, TheSizeBoundHolds) {
    const HeaderView headers[] = {{"h", text("1")}, {"", std::nullopt}};
    const RecordToWrite record{
        .timestamp = Timestamp(1), .key = text("key"), .value = text(std::string_view("value")), .headers = headers};
    BatchBuilder builder({});
    for (int i = 0; i < 300; ++i) {
        const std::size_t before = builder.size_bytes();
        builder.append(record);
        ASSERT_LE(builder.size_bytes() - before, BatchBuilder::record_size_bound(record));
    }
    const std::size_t size = builder.size_bytes();
    EXPECT_EQ(builder.finish().size(), size);
}

TEST(BatchBuilder, AnEmptyBatchKeepsItsProducersSequence) {
    const Bytes bytes = empty_batch({.base_offset = Offset(4), .producer_id = ProducerId(1), .base_sequence = 7},
                                    Offset(9), Timestamp(123));
    const BatchView batch(bytes);
    EXPECT_EQ(bytes.size(), 61U);
    EXPECT_TRUE(batch.crc_ok());
    EXPECT_EQ(batch.last_offset(), Offset(9));
    EXPECT_EQ(batch.last_sequence(), 12);
    EXPECT_EQ(batch.count(), 0);
    EXPECT_EQ(batch.base_timestamp(), no_timestamp);
    EXPECT_EQ(batch.max_timestamp(), Timestamp(123));
}

TEST(BatchBuilder, MarkersReadBack) {
    for (const bool commit : {false, true}) {
        const Bytes bytes = end_transaction_batch({.base_offset = Offset(3), .producer_id = ProducerId(8)},
                                                  {.commit = commit, .coordinator_epoch = 21}, Timestamp(77));
        const BatchView batch(bytes);
        EXPECT_TRUE(batch.is_control());
        EXPECT_TRUE(batch.is_transactional());
        RecordIterator records(batch.records(), batch.count());
        RecordView record;
        ASSERT_TRUE(records.next(record));
        const auto marker = end_transaction_marker_of(record);
        ASSERT_TRUE(marker);
        EXPECT_EQ(marker->commit, commit);
        EXPECT_EQ(marker->coordinator_epoch, 21);
    }
}

TEST(BatchBuilder, WhatIsNoMarkerIsNotRead) {
    RecordView record;
    EXPECT_FALSE(control_type_of(record));
    const Bytes voters = control_record_key(ControlType::voters);
    record.key = ByteView(voters);
    EXPECT_EQ(control_type_of(record), ControlType::voters);
    EXPECT_FALSE(end_transaction_marker_of(record));
    const Bytes commit = control_record_key(ControlType::commit);
    record.key = ByteView(commit);
    const Bytes short_value(5);
    record.value = ByteView(short_value);
    EXPECT_FALSE(end_transaction_marker_of(record));
    const Bytes unknown{0, 0, 0, 7};
    record.key = ByteView(unknown);
    EXPECT_FALSE(control_type_of(record));
}

}  // namespace
}  // namespace moldau::protocol
