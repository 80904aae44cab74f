#include "produce/lines.h"

#include <gtest/gtest.h>

namespace moldau::cli {
namespace {

std::vector<std::string> split(const std::vector<std::string>& chunks) {
    std::vector<std::string> lines;
    const auto take = [&lines](std::string_view line) { lines.emplace_back(line); };
    LineSplitter splitter;
    for (const std::string& chunk : chunks) splitter.feed(chunk, take);
    splitter.finish(take);
    return lines;
}

TEST(LineSplitter, CutsWhereverChunksEnd) {
    const std::string text = "one\n\ntwo\r\nthree";
    const std::vector<std::string> expected{"one", "", "two\r", "three"};
    EXPECT_EQ(split({text}), expected);
    for (std::size_t cut = 1; cut < text.size(); ++cut)
        EXPECT_EQ(split({text.substr(0, cut), text.substr(cut)}), expected);
    std::vector<std::string> single;
    for (const char c : text) single.emplace_back(1, c);
    EXPECT_EQ(split(single), expected);
}

TEST(LineSplitter, GivesNoLineAfterTheLastLineFeed) {
    EXPECT_EQ(split({"a\n"}), (std::vector<std::string>{"a"}));
    EXPECT_EQ(split({""}), std::vector<std::string>{});
}

TEST(LineParser, TakesTheWholeLineAsValueWithoutSeparators) {
    const Produce format;
    LineRecord record;
    ASSERT_TRUE(LineParser(format).parse("a:b", record));
    EXPECT_FALSE(record.key);
    EXPECT_EQ(text_of(*record.value), "a:b");
}

TEST(LineParser, TakesHeadersKeyAndValueApart) {
    Produce format;
    format.header_separator = "\t";
    format.key_separator = "::";
    format.null_marker = "NULL";
    format.headers = {{"all", "1"}};
    LineRecord record;
    ASSERT_TRUE(LineParser(format).parse("h=x,n=NULL\tk::NULL", record));
    ASSERT_EQ(record.headers.size(), 3U);
    EXPECT_EQ(record.headers[0].key, "all");
    EXPECT_EQ(record.headers[1].key, "h");
    EXPECT_EQ(text_of(*record.headers[1].value), "x");
    EXPECT_FALSE(record.headers[2].value);
    EXPECT_EQ(text_of(*record.key), "k");
    EXPECT_FALSE(record.value);
}

TEST(LineParser, RefusesALineWithoutItsSeparator) {
    Produce format;
    format.key_separator = "\t";
    LineRecord record;
    const Result<> parsed = LineParser(format).parse("no key", record);
    ASSERT_FALSE(parsed);
    EXPECT_EQ(parsed.error().message, "there is no separator \"\\t\" behind the key");
}

TEST(LineParser, RefusesAHeaderWithoutEquals) {
    Produce format;
    format.header_separator = "|";
    LineRecord record;
    EXPECT_FALSE(LineParser(format).parse("h|v", record));
    EXPECT_TRUE(LineParser(format).parse("|v", record));
}

}  // namespace
}  // namespace moldau::cli
