#include "consume/record_format.h"

#include <gtest/gtest.h>

#include <moldau/base/assert.h>
#include <moldau/protocol/batch_builder.h>

namespace moldau::cli {
namespace {

struct RecordFormatTest : testing::Test {
    RecordFormatTest() {
        const protocol::HeaderView headers[] = {{"h", bytes_of("1")}, {"n", std::nullopt}};
        protocol::BatchBuilder builder({});
        builder.append({Timestamp(5), bytes_of("key"), std::nullopt, headers});
        batch = builder.finish();
        protocol::RecordIterator records(protocol::BatchView(batch).records(), 1);
        MOLDAU_ASSERT(records.next(record));
    }
    std::string print(Result<RecordFormat> format) {
        std::string out;
        format->print({"t", 3, 42, 5, &record}, out);
        return out;
    }

    Bytes batch;
    protocol::RecordView record;
};

TEST_F(RecordFormatTest, PrintsEveryPart) {
    EXPECT_EQ(print(RecordFormat::parse("%t/%p@%o %T [%k=%v] %K %V %h 100%%\\n", "NULL")),
              "t/3@42 5 [key=NULL] 3 -1 h=1,n=NULL 100%\n");
}

TEST_F(RecordFormatTest, PrintsNothingForNullUnlessTold) {
    EXPECT_EQ(print(RecordFormat::parse("<%v>", "")), "<>");
}

TEST_F(RecordFormatTest, PrintsJson) {
    EXPECT_EQ(print(RecordFormat::json_lines()),
              R"({"topic":"t","partition":3,"offset":42,"timestamp":5,"key":"key","value":null,)"
              R"("headers":[{"key":"h","value":"1"},{"key":"n","value":null}]})"
              "\n");
}

TEST_F(RecordFormatTest, NamesADirectiveThatThereIsNot) {
    const auto parsed = RecordFormat::parse("%k %q", "");
    ASSERT_FALSE(parsed);
    EXPECT_NE(parsed.error().message.find("'%q'"), std::string::npos);
    EXPECT_FALSE(RecordFormat::parse("50%", ""));
    const auto escape = RecordFormat::parse("%k\\xZZ", "");
    ASSERT_FALSE(escape);
    EXPECT_TRUE(escape.error().message.starts_with("--format: '\\xZZ' is")) << escape.error().message;
}

}  // namespace
}  // namespace moldau::cli
