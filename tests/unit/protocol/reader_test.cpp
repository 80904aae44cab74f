#include <gtest/gtest.h>

#include <moldau/protocol/reader.h>

namespace moldau::protocol {
namespace {

constexpr bool read_compact = true;
constexpr bool read_classic = false;

TEST(Reader, reads_big_endian_integers) {
    const Bytes bytes = {0x01, 0x02, 0xff, 0xff, 0xff, 0xfe, 0x01};
    Reader reader(bytes);
    EXPECT_EQ(reader.integer<std::int16_t>(), 0x0102);
    EXPECT_EQ(reader.integer<std::int32_t>(), -2);
    EXPECT_TRUE(reader.boolean());
    EXPECT_TRUE(reader.finish("it").has_value());
}

TEST(Reader, gives_zero_after_its_first_error_and_keeps_that_error) {
    const Bytes bytes = {0x01, 0x02, 0x03};
    Reader reader(bytes);
    EXPECT_EQ(reader.integer<std::int32_t>(), 0);
    const std::string first = reader.error();
    EXPECT_FALSE(first.empty());
    EXPECT_EQ(reader.integer<std::int8_t>(), 0);
    EXPECT_TRUE(reader.uuid().is_zero());
    EXPECT_EQ(reader.uvarint(), 0U);
    EXPECT_TRUE(reader.bytes(1).empty());
    EXPECT_EQ(reader.remaining(), 0U);
    EXPECT_EQ(reader.error(), first);
}

TEST(Reader, tells_bytes_that_follow_the_message) {
    const Bytes bytes = {0x00, 0x00};
    Reader reader(bytes);
    reader.integer<std::int8_t>();
    const auto result = reader.finish("a header");
    ASSERT_FALSE(result.has_value());
    EXPECT_EQ(result.error().code, Errc::invalid);
    EXPECT_EQ(result.error().message, "a header: 1 bytes follow its end");
}

TEST(Reader, takes_every_negative_length_as_null) {
    const Bytes bytes = {0xff, 0xfb, 0xff, 0xff, 0xff, 0xff, 0x00};
    Reader reader(bytes);
    EXPECT_TRUE(reader.text_length(read_classic).null);
    EXPECT_TRUE(reader.bytes_length(read_classic).null);
    EXPECT_TRUE(reader.bytes_length(read_compact).null);
    EXPECT_TRUE(reader.ok());
}

TEST(Reader, tells_empty_from_null) {
    const Bytes bytes = {0x00, 0x00, 0x01};
    Reader reader(bytes);
    EXPECT_FALSE(reader.text_length(read_classic).null);
    EXPECT_FALSE(reader.text_length(read_compact).null);
    EXPECT_TRUE(reader.ok());
}

TEST(Reader, refuses_strings_over_32767_bytes) {
    const Bytes bytes = {0x81, 0x80, 0x02};
    Reader reader(bytes);
    reader.text_length(read_compact);
    EXPECT_FALSE(reader.ok());
}

TEST(Reader, refuses_counts_that_cannot_fit_before_anything_is_allocated) {
    Bytes bytes = {0x7f, 0xff, 0xff, 0xff};
    bytes.resize(4 + 12);
    Reader huge(bytes);
    EXPECT_EQ(huge.array_count(read_classic, 1, 1).value, 0U);
    EXPECT_FALSE(huge.ok());

    bytes[0] = bytes[1] = bytes[2] = 0;
    bytes[3] = 3;
    Reader fitting(bytes);
    EXPECT_EQ(fitting.array_count(read_classic, 4, 4).value, 3U);
    EXPECT_TRUE(fitting.ok());
    Reader too_many(bytes);
    too_many.array_count(read_classic, 5, 1);
    EXPECT_FALSE(too_many.ok());
}

TEST(Reader, refuses_arrays_that_take_more_memory_than_a_message_may) {
    Bytes bytes(4 + 4 + 20);
    bytes[3] = bytes[7] = 10;
    Reader reader(bytes, 1500);
    EXPECT_EQ(reader.array_count(read_classic, 1, 100).value, 10U);
    EXPECT_EQ(reader.array_bytes(), 1000U);
    EXPECT_EQ(reader.array_count(read_classic, 1, 51).value, 0U) << "together with those before it";
    EXPECT_FALSE(reader.ok());
    Reader fitting(bytes, 1500);
    fitting.array_count(read_classic, 1, 100);
    EXPECT_EQ(fitting.array_count(read_classic, 1, 50).value, 10U);
    EXPECT_TRUE(fitting.ok());
}

TEST(Reader, refuses_a_varint_that_does_not_end) {
    const Bytes bytes = {0x80, 0x80, 0x80, 0x80, 0x80, 0x01};
    Reader reader(bytes);
    reader.uvarint();
    EXPECT_FALSE(reader.ok());
}

TEST(Reader, skips_tagged_fields) {
    const Bytes bytes = {0x02, 0x00, 0x01, 0xaa, 0x09, 0x02, 0xbb, 0xcc, 0x2a};
    Reader reader(bytes);
    reader.skip_tags();
    EXPECT_EQ(reader.integer<std::int8_t>(), 42);
    EXPECT_TRUE(reader.finish("tags").has_value());
}

TEST(Reader, refuses_a_tagged_field_that_reaches_past_the_end) {
    const Bytes bytes = {0x01, 0x00, 0x05, 0xaa};
    Reader reader(bytes);
    reader.skip_tags();
    EXPECT_FALSE(reader.ok());
}

TEST(Reader, refuses_more_tags_than_there_are_bytes) {
    const Bytes bytes = {0xff, 0xff, 0xff, 0xff, 0x0f};
    Reader reader(bytes);
    reader.skip_tags();
    EXPECT_FALSE(reader.ok());
}

}  // namespace
}  // namespace moldau::protocol
