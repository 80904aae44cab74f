#include <gtest/gtest.h>

#include "output/json.h"
#include "output/progress.h"
#include "output/table.h"

namespace moldau::cli {
namespace {

TEST(Table, AlignsColumnsAndLeavesNoSpacesBehind) {
    Table table({{"NAME"}, {"COUNT", Align::right}, {"NOTE"}});
    table.add({"ž", "1", ""});
    table.add({"orders", "12345678", "x"});
    EXPECT_EQ(table.text(),
              "NAME       COUNT  NOTE\n"
              "ž              1\n"
              "orders  12345678  x\n");
}

TEST(Json, PutsCommasBetweenAndEscapes) {
    Json json;
    json.begin_object().field("a", 1).field("b", "x\"\\\n\x01").key("c").begin_array().value(true).null();
    json.begin_object().end_object().end_array().field("d", std::optional<std::string>()).end_object();
    EXPECT_EQ(json.text(), R"({"a":1,"b":"x\"\\\n\u0001","c":[true,null,{}],"d":null})");
}

TEST(Json, WritesBytesThatAreNotTextAsBase64) {
    Json json;
    const Bytes binary{0xff, 0x00, 0x10, 0x80};
    json.begin_object()
        .bytes_field("text", bytes_of("žluť"))
        .bytes_field("none", std::nullopt)
        .bytes_field("raw", ByteView(binary))
        .end_object();
    EXPECT_EQ(json.text(), R"({"text":"žluť","none":null,"raw_base64":"/wAQgA=="})");
}

TEST(Json, KnowsWhatIsUtf8) {
    for (const char* good : {"", "abc", "ž", "€", "\xf0\x9f\x98\x80"}) EXPECT_TRUE(is_utf8(good)) << good;
    // A stray continuation, overlong forms, a surrogate, beyond Unicode, cut off.
    for (const char* bad : {"\x80", "\xc0\x80", "\xe0\x80\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe2\x82", "\xff"})
        EXPECT_FALSE(is_utf8(bad));
}

TEST(Base64, Pads) {
    EXPECT_EQ(base64(bytes_of("")), "");
    EXPECT_EQ(base64(bytes_of("f")), "Zg==");
    EXPECT_EQ(base64(bytes_of("fo")), "Zm8=");
    EXPECT_EQ(base64(bytes_of("foo")), "Zm9v");
    EXPECT_EQ(base64(bytes_of("foob")), "Zm9vYg==");
}

TEST(Progress, GroupsDigits) {
    EXPECT_EQ(grouped(0), "0");
    EXPECT_EQ(grouped(999), "999");
    EXPECT_EQ(grouped(1'000), "1,000");
    EXPECT_EQ(grouped(1'234'567), "1,234,567");
    EXPECT_EQ(grouped(-123'456), "-123,456");
}

TEST(Progress, SumsUp) {
    EXPECT_EQ(summary_line("Sent", 1'000'000, 10 << 20, std::chrono::seconds(2)),
              "Sent 1,000,000 records, 10.0 MiB, in 2.00 s: 500,000 records/s, 5.0 MiB/s");
}

}  // namespace
}  // namespace moldau::cli
