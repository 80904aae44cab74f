#include <gtest/gtest.h>

#include <moldau/protocol/reader.h>
#include <moldau/protocol/records_field.h>
#include <moldau/protocol/writer.h>

namespace moldau::protocol {
namespace {

constexpr bool write_compact = true;
constexpr bool write_classic = false;
constexpr bool nullable = true;

Bytes written(const Writer& writer) {
    return {writer.view().begin(), writer.view().end()};
}

TEST(Writer, writes_lengths_in_both_forms) {
    Writer writer;
    writer.text_length(3, write_classic);
    writer.text_length(3, write_compact);
    writer.bytes_length(3, write_classic);
    writer.bytes_length(300, write_compact);
    writer.null_text(write_classic);
    writer.null_text(write_compact);
    writer.null_bytes(write_classic);
    EXPECT_EQ(written(writer), (Bytes{0, 3, 4, 0, 0, 0, 3, 0xad, 0x02, 0xff, 0xff, 0, 0xff, 0xff, 0xff, 0xff}));
}

TEST(Writer, patches_the_size_of_a_frame) {
    Writer writer;
    writer.integer(std::int8_t{9});
    const auto frame = writer.begin_frame();
    writer.integer(std::int16_t{1});
    writer.end_frame(frame);
    EXPECT_EQ(written(writer), (Bytes{9, 0, 0, 0, 2, 0, 1}));
}

TEST(Writer, counts_external_records_without_their_bytes) {
    Writer writer;
    const auto frame = writer.begin_frame();
    writer.records(Records::external(5, 1000), write_classic, nullable);
    writer.integer(std::int8_t{1});
    writer.end_frame(frame);

    EXPECT_EQ(written(writer), (Bytes{0, 0, 0x03, 0xed, 0, 0, 0x03, 0xe8, 1}));
    EXPECT_EQ(writer.splices(), (std::vector{Writer::Splice{.position = 8, .id = 5, .size_bytes = 1000}}));
    EXPECT_EQ(writer.total_size_bytes(), 1009U);
}

TEST(Writer, tells_of_a_frame_whose_size_cannot_be_told) {
    for (const std::size_t large : {1U << 29, 1U << 30}) {
        Writer writer;
        const auto frame = writer.begin_frame();
        writer.records(Records::external(0, large), write_classic, nullable);
        writer.records(Records::external(1, large), write_classic, nullable);
        writer.end_frame(frame);
        EXPECT_EQ(writer.is_too_large(), large == 1U << 30);
    }
}

TEST(Writer, writes_null_records_as_empty_where_null_has_no_encoding) {
    Writer writer;
    writer.records(Records(), write_compact, nullable);
    writer.records(Records(), write_compact, !nullable);
    EXPECT_EQ(written(writer), (Bytes{0, 1}));
}

class TaggedField : public testing::TestWithParam<std::size_t> {};

TEST_P(TaggedField, holds_content_of_any_size) {
    const Bytes content(GetParam(), 0x5a);
    Writer writer;
    const auto mark = writer.begin_tag(3);
    writer.bytes(content);
    writer.end_tag(mark);
    writer.integer(std::int8_t{7});

    Reader reader(writer.view());
    const auto tag = reader.begin_tag();
    EXPECT_EQ(tag.number, 3U);
    EXPECT_EQ(tag.end - reader.position(), content.size());
    const ByteView read = reader.bytes(content.size());
    EXPECT_EQ(Bytes(read.begin(), read.end()), content);
    EXPECT_EQ(reader.integer<std::int8_t>(), 7);
    EXPECT_TRUE(reader.finish("tag").has_value());
}

INSTANTIATE_TEST_SUITE_P(Sizes, TaggedField, testing::Values(0, 1, 127, 128, 16383, 16384, 100000));

TEST(Writer, is_empty_after_its_buffer_was_taken) {
    Writer writer(64);
    writer.integer(std::int16_t{1});
    EXPECT_EQ(writer.take(), (Bytes{0, 1}));
    EXPECT_EQ(writer.total_size_bytes(), 0U);
    writer.integer(std::int8_t{2});
    EXPECT_EQ(writer.take(), Bytes{2});
}

}  // namespace
}  // namespace moldau::protocol
