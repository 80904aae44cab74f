#include <gtest/gtest.h>

#include <moldau/protocol/record.h>

#include "unit/protocol/batch/batch_samples.h"

namespace moldau::protocol {
namespace {

using samples::batch_of;

// Walks all; what was wrong, or empty.
std::string damage_in(ByteView section, std::int32_t count) {
    RecordIterator records(section, count);
    RecordView record;
    while (records.next(record)) {
        HeaderIterator headers = record.headers();
        for (HeaderView header; headers.next(header);) EXPECT_LE(header.key.size(), section.size());
    }
    return std::string(records.damage());
}

TEST(RecordIterator, YieldsContentAndHeaders) {
    const Bytes batch = batch_of(2);
    RecordIterator records(BatchView(batch).records(), 2);
    RecordView record;
    ASSERT_TRUE(records.next(record));
    EXPECT_EQ(record.offset_delta, 0);
    EXPECT_EQ(text_of(*record.key), "k0");
    EXPECT_EQ(record.header_count, 0);
    ASSERT_TRUE(records.next(record));
    EXPECT_EQ(record.offset_delta, 1);
    EXPECT_EQ(record.timestamp_delta, 1);
    EXPECT_EQ(text_of(*record.value), "v1");
    HeaderIterator headers = record.headers();
    HeaderView header;
    ASSERT_TRUE(headers.next(header));
    EXPECT_EQ(header.key, "trace");
    EXPECT_EQ(text_of(*header.value), "abc");
    ASSERT_TRUE(headers.next(header));
    EXPECT_EQ(header.key, "none");
    EXPECT_FALSE(header.value);
    EXPECT_FALSE(headers.next(header));
    EXPECT_FALSE(records.next(record));
    EXPECT_EQ(records.damage(), "");
}

TEST(RecordIterator, NullAndEmptyDiffer) {
    BatchBuilder builder({});
    builder.append({.timestamp = Timestamp(1), .key = std::nullopt, .value = ByteView{}});
    builder.append({.timestamp = Timestamp(1), .key = ByteView{}, .value = std::nullopt});
    const Bytes batch = builder.finish();
    RecordIterator records(BatchView(batch).records(), 2);
    RecordView record;
    ASSERT_TRUE(records.next(record));
    EXPECT_FALSE(record.key);
    EXPECT_TRUE(record.value && record.value->empty());
    ASSERT_TRUE(records.next(record));
    EXPECT_TRUE(record.key && record.key->empty());
    EXPECT_FALSE(record.value);
}

TEST(RecordIterator, EveryTruncationIsDamage) {
    const Bytes batch = batch_of(3);
    const ByteView section = BatchView(batch).records();
    for (std::size_t size = 0; size < section.size(); ++size) EXPECT_NE(damage_in(section.first(size), 3), "") << size;
    EXPECT_EQ(damage_in(section, 3), "");
}

TEST(RecordIterator, TheCountMustFitTheBytesExactly) {
    const Bytes batch = batch_of(3);
    const ByteView section = BatchView(batch).records();
    EXPECT_NE(damage_in(section, 2), "");
    EXPECT_NE(damage_in(section, 4), "");
    EXPECT_NE(damage_in(section, 0), "");
    EXPECT_NE(damage_in(section, -1), "");
    EXPECT_NE(damage_in(section, 2147483647), "");
    EXPECT_EQ(damage_in({}, 0), "");
}

TEST(RecordIterator, HostileLengthsAreDamage) {
    // attributes, timestamp delta, offset delta; then key, value, header count …
    const auto record = [](Bytes rest, int extra_length = 0) {
        Bytes bytes{0, 0, 0};
        bytes.insert(bytes.end(), rest.begin(), rest.end());
        bytes.insert(bytes.begin(), static_cast<std::uint8_t>((static_cast<int>(bytes.size()) + extra_length) * 2));
        return bytes;
    };
    EXPECT_EQ(damage_in(record({1, 1, 0}), 1), "");
    EXPECT_NE(damage_in(record({2, 1, 0}), 1), "") << "the key takes what belongs to the value";
    EXPECT_NE(damage_in(record({20, 1, 0}), 1), "") << "the key exceeds the record";
    EXPECT_NE(damage_in(record({0xfe, 0xff, 0xff, 0xff, 0x0f, 1, 0}), 1), "") << "a key of 2 GiB";
    EXPECT_NE(damage_in(record({0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 0}), 1), "") << "an endless varint";
    EXPECT_NE(damage_in(record({1, 1, 1}), 1), "") << "a negative header count";
    EXPECT_NE(damage_in(record({1, 1, 0xfe, 0xff, 0xff, 0xff, 0x0f}), 1), "") << "two billion headers";
    EXPECT_NE(damage_in(record({1, 1, 2, 1, 1}), 1), "") << "a null header key";
    EXPECT_NE(damage_in(record({1, 1, 0, 7}), 1), "") << "a byte after the headers";
    EXPECT_NE(damage_in(record({1, 1, 0}, 1), 1), "") << "a length beyond the section";
    EXPECT_NE(damage_in(record({1, 1, 0}, -1), 1), "") << "a length that cuts the record";
    EXPECT_NE(damage_in(Bytes{0}, 1), "") << "an empty record";
    EXPECT_NE(damage_in(Bytes{1, 0}, 1), "") << "a negative length";
}

TEST(RecordIterator, NoFlippedBitReadsBeyondTheSection) {
    Bytes batch = batch_of(3);
    const std::size_t start = batch_layout::records;
    std::size_t damaged = 0;
    for (std::size_t bit = start * 8; bit < batch.size() * 8; ++bit) {
        // A copy of its own, so that the address sanitizer sees a byte too many.
        Bytes section(batch.begin() + start, batch.end());
        section[bit / 8 - start] ^= static_cast<std::uint8_t>(1U << (bit % 8));
        if (!damage_in(section, 3).empty()) ++damaged;
    }
    EXPECT_GT(damaged, 50U);
}

}  // namespace
}  // namespace moldau::protocol
