#include <type_traits>

#include <gtest/gtest.h>

#include <moldau/base/ids.h>

namespace moldau {
namespace {

static_assert(!std::is_convertible_v<Offset, LeaderEpoch>);
static_assert(!std::is_convertible_v<std::int64_t, Offset>, "construction is explicit");

TEST(Uuid, PrintsAsKafkaDoes) {
    EXPECT_EQ(Uuid{}.to_string(), "AAAAAAAAAAAAAAAAAAAAAA");
    EXPECT_EQ(Uuid::from_halves(0, 1).to_string(), "AAAAAAAAAAAAAAAAAAAAAQ");  // __cluster_metadata
}

TEST(Uuid, ReadsWhatItPrints) {
    const Uuid id = Uuid::from_halves(0x0123456789abcdefU, 0xfedcba9876543210U);
    EXPECT_EQ(Uuid::parse(id.to_string()), id);
    EXPECT_EQ(Uuid::parse(id.to_string() + "=="), id);
    EXPECT_FALSE(Uuid::parse("too short"));
    EXPECT_FALSE(Uuid::parse("AAAAAAAAAAAAAAAAAAAAA+"));
}

TEST(Offset, CountsDistances) {
    EXPECT_EQ(Offset(7) - Offset(3), 4);
    EXPECT_EQ(Offset(7) + 3, Offset(10));
}

}  // namespace
}  // namespace moldau
