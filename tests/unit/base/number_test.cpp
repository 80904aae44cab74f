#include <gtest/gtest.h>

#include <moldau/base/number.h>

namespace moldau {
namespace {

TEST(ParseNumber, TakesTheWholeTextOrNothing) {
    EXPECT_EQ(parse_number<std::int64_t>("-42"), -42);
    EXPECT_EQ(parse_number<double>("0.5"), 0.5);
    for (const auto* text : {"", "-", "4 2", " 42", "42 ", "+42", "0x2a", "4.2"})
        EXPECT_FALSE(parse_number<std::int64_t>(text)) << text;
}

TEST(ParseNumber, TakesWhatFits) {
    EXPECT_EQ(parse_number<std::uint16_t>("65535"), 65535);
    EXPECT_FALSE(parse_number<std::uint16_t>("65536"));
    EXPECT_FALSE(parse_number<std::uint16_t>("-1"));
}

}  // namespace
}  // namespace moldau
