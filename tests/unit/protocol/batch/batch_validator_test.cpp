#include <gtest/gtest.h>

#include <moldau/protocol/batch_validator.h>

#include "unit/protocol/batch/batch_samples.h"

namespace moldau::protocol {
namespace {

using samples::batch_of;
using samples::set_field;
using samples::text;

constexpr AppendContext at_offset_100{
    .next_offset = Offset(100), .leader_epoch = LeaderEpoch(3), .now = Timestamp(2000)};

std::expected<ValidatedBatch, AppendRefused> validate(Bytes& bytes, const ValidatorConfig& config = {},
                                                      const AppendContext& context = at_offset_100) {
    BatchValidator validator;
    return validator.validate(bytes, config, context);
}

// The code that refuses it, 0 when nothing does; a refusal must leave the bytes alone.
int error_of(Bytes bytes, const ValidatorConfig& config = {}, const AppendContext& context = at_offset_100) {
    const Bytes before = bytes;
    const auto result = validate(bytes, config, context);
    if (result) return 0;
    EXPECT_EQ(bytes, before);
    EXPECT_FALSE(result.error().message.empty());
    return result.error().error;
}

// One record that takes many times its batch's size.
Bytes one_of_zeros(std::size_t value_bytes, Codec codec) {
    const std::string zeros(value_bytes, '0');
    BatchBuilder builder({.codec = codec});
    builder.append({.timestamp = Timestamp(1999), .value = text(zeros)});
    Compressor compressor;
    return builder.finish(compressor);
}

std::vector<std::string> values_of(BatchView batch) {
    Decompressor decompressor;
    const auto section = decompressor.decompress(*batch.codec(), batch.records(), 1 << 20);
    RecordIterator records(*section, batch.count());
    std::vector<std::string> values;
    for (RecordView record; records.next(record);) values.emplace_back(text_of(*record.value));
    EXPECT_EQ(records.damage(), "");
    return values;
}

TEST(BatchValidator, OffsetsAndEpochAreWrittenInPlaceForEveryCodec) {
    for (const Codec codec : samples::all_codecs) {
        Bytes bytes = batch_of(5, {.codec = codec, .producer_id = ProducerId(4), .base_sequence = 0});
        const std::uint32_t crc = BatchView(bytes).crc();
        const auto valid = validate(bytes);
        ASSERT_TRUE(valid) << valid.error().message;
        EXPECT_FALSE(valid->is_rebuilt());
        EXPECT_EQ(valid->batch().bytes().data(), bytes.data());
        EXPECT_EQ(valid->first_offset, Offset(100));
        EXPECT_EQ(valid->last_offset, Offset(104));
        EXPECT_EQ(valid->max_timestamp, Timestamp(1004));
        EXPECT_EQ(valid->offset_of_max_timestamp, Offset(104));
        EXPECT_EQ(valid->count, 5);
        EXPECT_EQ(valid->codec, codec);
        EXPECT_EQ(valid->batch().base_offset(), Offset(100));
        EXPECT_EQ(valid->batch().partition_leader_epoch(), LeaderEpoch(3));
        EXPECT_EQ(valid->batch().crc(), crc);
        EXPECT_TRUE(valid->batch().crc_ok());
    }
}

TEST(BatchValidator, APartialBatchBehindIsIgnoredAndAWholeOneRefused) {
    const Bytes one = batch_of(2);
    Bytes bytes = one;
    bytes.insert(bytes.end(), one.begin(), one.end() - 1);
    const auto valid = validate(bytes);
    ASSERT_TRUE(valid);
    EXPECT_EQ(valid->batch().size_bytes(), one.size());
    Bytes two = one;
    two.insert(two.end(), one.begin(), one.end());
    EXPECT_EQ(error_of(two), batch_error::invalid_record);
}

TEST(BatchValidator, EveryTruncationIsRefused) {
    const Bytes whole = batch_of(2);
    for (std::size_t size = 0; size < whole.size(); ++size) {
        const Bytes cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
        EXPECT_EQ(error_of(cut), batch_error::invalid_record) << size;
    }
}

TEST(BatchValidator, EveryFlippedBitUnderTheChecksumIsRefused) {
    const Bytes whole = batch_of(2);
    for (std::size_t bit = batch_layout::crc * 8; bit < whole.size() * 8; ++bit) {
        Bytes flipped = whole;
        flipped[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
        EXPECT_EQ(error_of(flipped), batch_error::corrupt_message) << bit;
    }
}

TEST(BatchValidator, OldAndUnknownFormatsAreRefused) {
    Bytes bytes = batch_of(1);
    bytes[batch_layout::magic] = 1;
    EXPECT_EQ(error_of(bytes), batch_error::invalid_record);
    bytes[batch_layout::magic] = 3;
    EXPECT_EQ(error_of(bytes), batch_error::corrupt_message);
    bytes = batch_of(1);
    store_big_endian(bytes.data() + batch_layout::length, std::int32_t{5});
    EXPECT_EQ(error_of(bytes), batch_error::corrupt_message);
}

TEST(BatchValidator, HeadersThatContradictThemselvesAreRefused) {
    const auto with = [](std::size_t position, auto value) {
        Bytes bytes = batch_of(3);
        set_field(bytes, position, value);
        return bytes;
    };
    EXPECT_EQ(error_of(with(batch_layout::base_offset, std::int64_t{7})), batch_error::invalid_record);
    for (const std::int32_t count : {-2147483647 - 1, -1, 0, 2, 4, 2147483647})
        EXPECT_EQ(error_of(with(batch_layout::count, count)), batch_error::invalid_record) << count;
    for (const std::int32_t delta : {-2147483647 - 1, -1, 0, 1, 3, 2147483647})
        EXPECT_EQ(error_of(with(batch_layout::last_offset_delta, delta)), batch_error::invalid_record) << delta;
    EXPECT_EQ(error_of(with(batch_layout::producer_id, std::int64_t{1})), batch_error::invalid_record)
        << "a producer id without a sequence";
    for (const std::uint16_t codec : {5, 6, 7})
        EXPECT_EQ(error_of(with(batch_layout::attributes, codec)), batch_error::unsupported_compression_type);
}

TEST(BatchValidator, ACountThatFitsTheHeaderButNotTheRecordsIsRefused) {
    for (const std::int32_t count : {2, 4, 2147483647})
        for (const Codec codec : samples::all_codecs) {
            Bytes bytes = batch_of(3, {.codec = codec});
            set_field(bytes, batch_layout::count, count);
            set_field(bytes, batch_layout::last_offset_delta, count - 1);
            EXPECT_EQ(error_of(bytes), batch_error::invalid_record) << count << ' ' << to_string(codec);
        }
}

TEST(BatchValidator, ControlBatchesComeFromCoordinatorsAlone) {
    Bytes marker = end_transaction_batch({.producer_id = ProducerId(1)}, {.commit = true}, Timestamp(1999));
    EXPECT_EQ(error_of(marker), batch_error::invalid_record);
    AppendContext context = at_offset_100;
    context.origin = AppendOrigin::coordinator;
    const auto valid = validate(marker, {.compression = Codec::zstd}, context);
    ASSERT_TRUE(valid) << valid.error().message;
    EXPECT_FALSE(valid->is_rebuilt()) << "markers are not compressed";
    EXPECT_EQ(valid->last_offset, Offset(100));
}

TEST(BatchValidator, WhenTombstonesGoIsNotForClientsToSay) {
    const Bytes bytes = batch_of(1, {.delete_horizon = Timestamp(1)});
    AppendContext context = at_offset_100;
    EXPECT_EQ(error_of(bytes, {}, context), batch_error::invalid_record);
    context.origin = AppendOrigin::coordinator;
    EXPECT_EQ(error_of(bytes, {}, context), 0);
}

TEST(BatchValidator, ARaftLeaderMustHaveSetItsEpoch) {
    AppendContext context = at_offset_100;
    context.origin = AppendOrigin::raft_leader;
    EXPECT_EQ(error_of(batch_of(1, {.leader_epoch = LeaderEpoch(2)}), {}, context), batch_error::invalid_record);
    EXPECT_EQ(error_of(batch_of(1, {.leader_epoch = LeaderEpoch(3)}), {}, context), 0);
}

TEST(BatchValidator, SizeIsBounded) {
    const Bytes bytes = batch_of(3);
    EXPECT_EQ(error_of(bytes, {.max_message_bytes = bytes.size()}), 0);
    EXPECT_EQ(error_of(bytes, {.max_message_bytes = bytes.size() - 1}), batch_error::message_too_large);
}

TEST(BatchValidator, ARefusalTellsContentFromFormAndSize) {
    const auto is_content = [](Bytes bytes, const ValidatorConfig& config = {}) {
        return validate(bytes, config).error().is_content;
    };
    const Bytes whole = batch_of(2);
    EXPECT_TRUE(is_content(whole, {.timestamp_before_max_ms = 0}));
    EXPECT_FALSE(is_content(whole, {.max_message_bytes = whole.size() - 1}));
    EXPECT_FALSE(is_content(Bytes(whole.begin(), whole.end() - 1)));
    Bytes corrupt = whole;
    corrupt.back() ^= 1;
    EXPECT_FALSE(is_content(corrupt));
}

TEST(BatchValidator, ZstdNeedsProduceVersionSeven) {
    AppendContext context = at_offset_100;
    context.produce_version = 6;
    EXPECT_EQ(error_of(batch_of(1, {.codec = Codec::zstd}), {}, context), batch_error::unsupported_compression_type);
    EXPECT_EQ(error_of(batch_of(1, {.codec = Codec::lz4}), {}, context), 0);
    context.produce_version = 7;
    EXPECT_EQ(error_of(batch_of(1, {.codec = Codec::zstd}), {}, context), 0);
}

TEST(BatchValidator, CompactedTopicsNeedKeysAndEachRecordWithoutIsNamed) {
    BatchBuilder builder({});
    builder.append({.timestamp = Timestamp(1999), .value = text("a")});
    builder.append({.timestamp = Timestamp(1999), .key = text("k"), .value = text("b")});
    builder.append({.timestamp = Timestamp(1999), .value = text("c")});
    Bytes bytes = builder.finish();
    const auto result = validate(bytes, {.compacted = true});
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().error, batch_error::invalid_record);
    ASSERT_EQ(result.error().record_errors.size(), 2U);
    EXPECT_EQ(result.error().record_errors[0].batch_index, 0);
    EXPECT_EQ(result.error().record_errors[1].batch_index, 2);
}

TEST(BatchValidator, TimestampsMustLieInTheTopicsRange) {
    const Bytes bytes = batch_of(3);  // 1000, 1001, 1002; now is 2000
    EXPECT_EQ(error_of(bytes, {.timestamp_before_max_ms = 1000}), 0);
    EXPECT_EQ(error_of(bytes, {.timestamp_before_max_ms = 999}), batch_error::invalid_timestamp);
    AppendContext early = at_offset_100;
    early.now = Timestamp(500);
    EXPECT_EQ(error_of(bytes, {.timestamp_after_max_ms = 502}, early), 0);
    EXPECT_EQ(error_of(bytes, {.timestamp_after_max_ms = 501}, early), batch_error::invalid_timestamp);
    EXPECT_EQ(error_of(bytes, {.timestamp_type = TimestampType::log_append_time, .timestamp_after_max_ms = 0}, early),
              0);
}

TEST(BatchValidator, RecordsWithoutTimestampsAreTaken) {
    BatchBuilder builder({});
    builder.append({.timestamp = no_timestamp, .value = text("a")});
    Bytes bytes = builder.finish();
    const auto valid = validate(bytes, {.timestamp_before_max_ms = 1});
    ASSERT_TRUE(valid);
    EXPECT_EQ(valid->max_timestamp, no_timestamp);
    EXPECT_EQ(valid->offset_of_max_timestamp, no_offset);
}

TEST(BatchValidator, LogAppendTimeReplacesTheProducersTimestamps) {
    for (const Codec codec : samples::all_codecs) {
        Bytes bytes = batch_of(3, {.codec = codec});
        const auto valid = validate(bytes, {.timestamp_type = TimestampType::log_append_time});
        ASSERT_TRUE(valid);
        EXPECT_EQ(valid->log_append_time, Timestamp(2000));
        EXPECT_EQ(valid->max_timestamp, Timestamp(2000));
        EXPECT_EQ(valid->batch().timestamp_type(), TimestampType::log_append_time);
        EXPECT_EQ(valid->batch().max_timestamp(), Timestamp(2000));
        EXPECT_TRUE(valid->batch().crc_ok());
        EXPECT_FALSE(valid->is_rebuilt());
    }
}

TEST(BatchValidator, AProducerMayNotClaimLogAppendTime) {
    Bytes bytes = batch_of(3, {.log_append_time = Timestamp(1500)});
    const auto result = validate(bytes, {.timestamp_type = TimestampType::log_append_time});
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().error, batch_error::invalid_timestamp);
    EXPECT_EQ(result.error().record_errors.size(), 3U);
}

TEST(BatchValidator, AMaxTimestampThatIsNotTheRecordsIsPutRight) {
    Bytes bytes = batch_of(3);
    set_field(bytes, batch_layout::max_timestamp, std::int64_t{-1});
    const auto valid = validate(bytes);
    ASSERT_TRUE(valid);
    EXPECT_EQ(valid->batch().max_timestamp(), Timestamp(1002));
    EXPECT_TRUE(valid->batch().crc_ok());
}

TEST(BatchValidator, TheTopicsCodecRebuildsTheBatch) {
    for (const Codec from : samples::all_codecs)
        for (const Codec to : samples::all_codecs) {
            Bytes bytes = batch_of(3, {.codec = from,
                                       .producer_id = ProducerId(6),
                                       .producer_epoch = ProducerEpoch(1),
                                       .base_sequence = 30,
                                       .transactional = true});
            const auto valid = validate(bytes, {.compression = to});
            ASSERT_TRUE(valid) << valid.error().message;
            EXPECT_EQ(valid->is_rebuilt(), from != to);
            const BatchView batch = valid->batch();
            EXPECT_TRUE(batch.crc_ok());
            EXPECT_EQ(batch.codec(), to);
            EXPECT_EQ(batch.base_offset(), Offset(100));
            EXPECT_EQ(batch.last_offset(), Offset(102));
            EXPECT_EQ(batch.partition_leader_epoch(), LeaderEpoch(3));
            EXPECT_EQ(batch.producer_id(), ProducerId(6));
            EXPECT_EQ(batch.producer_epoch(), ProducerEpoch(1));
            EXPECT_EQ(batch.last_sequence(), 32);
            EXPECT_TRUE(batch.is_transactional());
            EXPECT_EQ(batch.max_timestamp(), Timestamp(1002));
            EXPECT_EQ(values_of(batch), (std::vector<std::string>{"v0", "v1", "v2"}));
        }
}

TEST(BatchValidator, ARebuiltBatchIsMeasuredAgain) {
    BatchBuilder builder({.codec = Codec::zstd});
    const std::string zeros(10'000, '0');
    builder.append({.timestamp = Timestamp(1999), .value = text(zeros)});
    Compressor compressor;
    const Bytes bytes = builder.finish(compressor);
    EXPECT_EQ(error_of(bytes, {.max_message_bytes = 5'000}), 0);
    EXPECT_EQ(error_of(bytes, {.max_message_bytes = 5'000, .compression = Codec::none}),
              batch_error::message_too_large);
}

TEST(BatchValidator, WrongOffsetDeltasAreNumberedAnew) {
    for (const Codec codec : samples::all_codecs) {
        Compressor compressor;
        BatchBuilder builder({.codec = codec});
        builder.append_at(Offset(0), {.timestamp = Timestamp(1000), .value = text("a")});
        builder.append_at(Offset(5), {.timestamp = Timestamp(1000), .value = text("b")});
        Bytes bytes = builder.finish(compressor);
        set_field(bytes, batch_layout::last_offset_delta, std::int32_t{1});
        const auto valid = validate(bytes);
        ASSERT_TRUE(valid) << valid.error().message;
        EXPECT_TRUE(valid->is_rebuilt());
        EXPECT_EQ(valid->last_offset, Offset(101));
        Decompressor decompressor;
        const auto section = decompressor.decompress(codec, valid->batch().records(), 1000);
        RecordIterator records(*section, 2);
        RecordView record;
        ASSERT_TRUE(records.next(record) && records.next(record));
        EXPECT_EQ(record.offset_delta, 1);
    }
}

TEST(BatchValidator, BombsAreRefused) {
    for (const Codec codec : {Codec::gzip, Codec::snappy, Codec::lz4, Codec::zstd}) {
        const Bytes bytes = one_of_zeros(1 << 20, codec);
        EXPECT_EQ(error_of(bytes, {.max_decompressed_bytes = 1 << 20}), batch_error::invalid_record);
        EXPECT_EQ(error_of(bytes), 0);
    }
}

TEST(BatchValidator, TheBatchesOfARequestShareWhatItMayTake) {
    for (const Codec codec : {Codec::gzip, Codec::snappy, Codec::lz4, Codec::zstd}) {
        const Bytes bytes = one_of_zeros(1 << 20, codec);
        RequestAllowance allowance{.decompressed_bytes = 5 << 19};
        AppendContext context = at_offset_100;
        context.allowance = &allowance;
        const Bytes not_compressed = batch_of(3);
        for (const int expected : {0, 0, int{batch_error::message_too_large}, int{batch_error::message_too_large}})
            EXPECT_EQ(error_of(bytes, {}, context), expected) << to_string(codec);
        EXPECT_EQ(error_of(not_compressed, {}, context), 0);
    }
}

TEST(BatchValidator, ARequestIsToldOfSoManyRecordsAndNoMore) {
    const Bytes bytes = batch_of(3);
    RequestAllowance allowance{.record_errors = 5};
    AppendContext context = at_offset_100;
    context.allowance = &allowance;
    for (const std::size_t told : {3U, 2U, 0U}) {
        Bytes again = bytes;
        const auto result = validate(again, {.timestamp_before_max_ms = 0}, context);
        ASSERT_FALSE(result);
        EXPECT_EQ(result.error().record_errors.size(), told);
        EXPECT_TRUE(result.error().message.starts_with("3 of 3 records are refused, the first: the timestamp 1000 is"))
            << result.error().message;
    }
}

TEST(BatchValidator, WhatABatchHoldsIsNotTakenIntoMemory) {
    for (const Codec codec : {Codec::gzip, Codec::snappy, Codec::lz4, Codec::zstd}) {
        Bytes bytes = one_of_zeros(64UL << 20, codec);
        BatchValidator validator;
        EXPECT_TRUE(validator.validate(bytes, {.max_message_bytes = bytes.size()}, at_offset_100));
        // More than retained_bytes would have been given back: nothing would be held.
        EXPECT_GT(validator.held_bytes(), 0U) << to_string(codec);
        EXPECT_LE(validator.held_bytes(), 1UL << 20) << to_string(codec);
    }
}

TEST(BatchValidator, WhatIsRebuiltMayHoldNoMoreThanIsReasonable) {
    const Bytes bytes = one_of_zeros(1 << 20, Codec::zstd);
    const auto rebuilt = [&](std::size_t max_message_bytes) {
        return error_of(bytes, {.max_message_bytes = max_message_bytes, .compression = Codec::gzip});
    };
    EXPECT_EQ(error_of(bytes, {.max_message_bytes = 10'000}), 0) << "it stays as it is";
    EXPECT_EQ(rebuilt(10'000), batch_error::message_too_large);
    EXPECT_EQ(rebuilt(20'000), 0);
}

TEST(BatchValidator, ACompressedSectionThatIsDamagedUnderARightChecksumIsRefused) {
    for (const Codec codec : {Codec::gzip, Codec::snappy, Codec::lz4, Codec::zstd}) {
        Bytes bytes = batch_of(3, {.codec = codec});
        bytes.resize(bytes.size() - 3);
        set_field(bytes, batch_layout::length, static_cast<std::int32_t>(bytes.size() - 12));
        EXPECT_EQ(error_of(bytes), batch_error::invalid_record) << to_string(codec);
    }
}

}  // namespace
}  // namespace moldau::protocol
