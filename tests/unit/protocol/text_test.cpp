#include <gtest/gtest.h>

#include <moldau/protocol/records_field.h>
#include <moldau/protocol/text.h>

namespace moldau::protocol {
namespace {

static_assert(sizeof(Text) <= 32);

const char* bytes_at(const Text& text) {
    return text.view().data();
}

TEST(Text, borrows_literals_and_owns_strings) {
    const Text literal = "orders";
    const std::string name = "orders";
    const Text owning = name;
    EXPECT_FALSE(literal.owns());
    EXPECT_TRUE(owning.owns());
    EXPECT_NE(bytes_at(owning), name.data());
    EXPECT_EQ(literal, owning);
    EXPECT_EQ(literal.size(), 6U);
}

TEST(Text, that_borrows_is_copied_without_its_bytes) {
    const std::string frame = "a frame";
    const Text text = Text::borrow(frame);
    const Text copy = text;
    EXPECT_EQ(bytes_at(copy), frame.data());
}

TEST(Text, that_owns_is_copied_with_its_bytes) {
    Text text = std::string("topic");
    const Text copy = text;
    EXPECT_NE(bytes_at(copy), bytes_at(text));
    text = "other";
    EXPECT_EQ(copy, "topic");
}

TEST(Text, moves_its_bytes) {
    Text text = std::string("topic");
    const char* before = bytes_at(text);
    const Text moved = std::move(text);
    EXPECT_EQ(bytes_at(moved), before);
}

TEST(Text, survives_assignment_to_itself) {
    Text text = std::string("topic");
    const Text& same = text;
    text = same;
    EXPECT_EQ(text, "topic");
}

TEST(Text, outlives_its_frame_when_owned_is_taken) {
    Text kept;
    {
        const std::string frame = "group-1";
        kept = Text::borrow(frame).owned();
    }
    EXPECT_TRUE(kept.owns());
    EXPECT_EQ(kept.str(), "group-1");
}

TEST(Text, orders_and_hashes_by_content) {
    const Text a = "a";
    const Text b = std::string("b");
    EXPECT_LT(a, b);
    EXPECT_EQ(std::hash<Text>{}(Text(std::string("a"))), std::hash<Text>{}(a));
    EXPECT_EQ(fmt::format("{}", b), "b");
}

TEST(ErrorText, is_cut_between_characters_where_it_would_not_fit) {
    EXPECT_EQ(error_text("no"), "no");
    const std::string fits(max_text_bytes, 'x');
    EXPECT_EQ(error_text(fits).size(), max_text_bytes);
    EXPECT_EQ(error_text(fits + "y"), fits);
    const std::string prefix(max_text_bytes - 1, 'x');
    EXPECT_EQ(error_text(prefix + "\xC3\xA9"), prefix);
}

TEST(Blob, compares_by_content) {
    const Bytes bytes = {1, 2, 3};
    EXPECT_EQ(Blob(bytes), Blob::borrow(bytes));
    EXPECT_NE(Blob(bytes), Blob());
    EXPECT_EQ(Blob(bytes).copy(), bytes);
}

TEST(Records, are_null_unless_something_is_given) {
    EXPECT_TRUE(Records().is_null());
    EXPECT_FALSE(Records::borrow({}).is_null());
    EXPECT_EQ(Records::external(7, 100).size_bytes(), 100U);
    EXPECT_EQ(Records::external(7, 100).external_id(), 7U);
}

}  // namespace
}  // namespace moldau::protocol
