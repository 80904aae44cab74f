#include "arguments/values.h"

#include <gtest/gtest.h>

namespace moldau::cli {
namespace {

using runtime::Endpoint;
using std::chrono::milliseconds;

TEST(Values, ReadsEndpoints) {
    EXPECT_EQ(*parse_endpoints("broker"), (std::vector<Endpoint>{{"broker", 9092}}));
    EXPECT_EQ(*parse_endpoints("a:1,b:65535"), (std::vector<Endpoint>{{"a", 1}, {"b", 65535}}));
    EXPECT_EQ(*parse_endpoints("[::1]:9093"), (std::vector<Endpoint>{{"::1", 9093}}));
    EXPECT_EQ(*parse_endpoints("[::1]"), (std::vector<Endpoint>{{"::1", 9092}}));
}

TEST(Values, RefusesWhatIsNoEndpointAndNamesIt) {
    for (const char* text : {"", "a:", ":9092", "a:0", "a:65536", "a:b", "a:1,", "[::1", "[::1]x", "[::1]:"}) {
        const auto parsed = parse_endpoints(text);
        ASSERT_FALSE(parsed) << text;
        EXPECT_NE(parsed.error().message.find("host:port"), std::string::npos) << text;
    }
}

TEST(Values, ReadsDurationsWithTheirUnit) {
    EXPECT_EQ(*parse_duration("0"), milliseconds(0));
    EXPECT_EQ(*parse_duration("250ms"), milliseconds(250));
    EXPECT_EQ(*parse_duration("30s"), milliseconds(30'000));
    EXPECT_EQ(*parse_duration("5m"), milliseconds(300'000));
    EXPECT_EQ(*parse_duration("1h"), milliseconds(3'600'000));
    for (const char* text : {"", "s", "3", "-1s", "1 s", "1d", "9223372036854775807h"})
        EXPECT_FALSE(parse_duration(text)) << text;
}

TEST(Values, NamesTheRangeOfWhatIsOutsideIt) {
    EXPECT_EQ(parse_duration("9223372036854775807h").error().message,
              "'9223372036854775807h' is not from 0h to 2562047h");
    EXPECT_EQ(parse_duration("-1s").error().message, "'-1s' is not from 0s to 9223372036s");
    EXPECT_EQ(parse_size("99999999999999999999").error().message,
              "'99999999999999999999' is not from 0 to 9223372036854775807");
    EXPECT_EQ(parse_endpoints("a:65536").error().message, "'a:65536': the port of host:port is from 1 to 65535");
    EXPECT_TRUE(parse_start_offset("9223372036854775808").error().message.contains("up to 9223372036854775807"));
    for (const char* text : {"2023-13-01", "2023-02-29", "2023-02-01T25:00"})
        EXPECT_EQ(parse_time_ms(text).error().message,
                  fmt::format("'{}': there is no such day or no such time of day", text));
}

TEST(Values, LeavesTimeToTry) {
    EXPECT_EQ(*parse_timeout("1ms"), std::chrono::milliseconds(1));
    EXPECT_FALSE(parse_timeout("0s"));
    EXPECT_FALSE(parse_timeout("-1s"));
}

TEST(Values, ReadsStartOffsets) {
    using Kind = StartPosition::Kind;
    EXPECT_EQ(*parse_start_offset("latest"), (StartPosition{Kind::latest, 0}));
    EXPECT_EQ(*parse_start_offset("earliest"), (StartPosition{Kind::earliest, 0}));
    EXPECT_EQ(*parse_start_offset("42"), (StartPosition{Kind::offset, 42}));
    EXPECT_EQ(*parse_start_offset("-10"), (StartPosition{Kind::before_end, 10}));
    for (const char* text : {"", "x", "1x", "--1", "-9223372036854775808"})
        EXPECT_FALSE(parse_start_offset(text)) << text;
}

TEST(Values, ReadsTimes) {
    EXPECT_EQ(*parse_time_ms("0"), 0);
    EXPECT_EQ(*parse_time_ms("1700000000000"), 1'700'000'000'000);
    EXPECT_EQ(*parse_time_ms("1970-01-02"), 86'400'000);
    EXPECT_EQ(*parse_time_ms("2023-11-14T22:13:20"), 1'700'000'000'000);
    EXPECT_EQ(*parse_time_ms("2023-11-14 22:13:20Z"), 1'700'000'000'000);
    EXPECT_EQ(*parse_time_ms("2023-11-14T23:13:20.5+01:00"), 1'700'000'000'500);
    EXPECT_EQ(*parse_time_ms("2023-11-14T16:43-0530"), 1'699'999'980'000);
    for (const char* text : {"", "-5", "2023-13-01", "2023-02-29", "2023-02-01T25:00", "2023-02-01T10", "2023-02-01Tx",
                             "2023-02-01T10:00:00+", "2023-02-01T10:00Zx"})
        EXPECT_FALSE(parse_time_ms(text)) << text;
}

TEST(Values, ReadsSizes) {
    EXPECT_EQ(*parse_size("1000"), 1000U);
    EXPECT_EQ(*parse_size("64KiB"), 65'536U);
    EXPECT_EQ(*parse_size("1MiB"), 1'048'576U);
    for (const char* text : {"", "KiB", "1GB", "-1"}) EXPECT_FALSE(parse_size(text)) << text;
}

TEST(Values, ReadsKeyValues) {
    EXPECT_EQ(*parse_key_value("a=b=c"), (std::pair<std::string, std::string>("a", "b=c")));
    EXPECT_EQ(*parse_key_value("a="), (std::pair<std::string, std::string>("a", "")));
    EXPECT_FALSE(parse_key_value("a"));
    EXPECT_FALSE(parse_key_value("=b"));
}

TEST(Values, Unescapes) {
    EXPECT_EQ(*unescape("a\\tb\\n\\\\"), "a\tb\n\\");
    EXPECT_EQ(*unescape("\\x41\\"), "A\\");
    EXPECT_EQ(*unescape("\\0"), std::string(1, '\0'));
    for (const char* wrong : {"\\x0", "\\xZZ", "\\x", "\\q"}) {
        const Result<std::string> bytes = unescape(std::string("a") + wrong);
        ASSERT_FALSE(bytes) << wrong;
        EXPECT_TRUE(bytes.error().message.starts_with(fmt::format("'{}' is", wrong))) << bytes.error().message;
    }
}

}  // namespace
}  // namespace moldau::cli
