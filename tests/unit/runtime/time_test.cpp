#include <cstdint>

#include <gtest/gtest.h>

#include <moldau/runtime/time.h>

namespace moldau::runtime {
namespace {

using namespace std::chrono_literals;

TEST(Time, MillisecondsThatNoDurationHoldsAreForEver) {
    constexpr TimePoint now{5min};
    EXPECT_EQ(duration_of_ms(1500), 1500ms);
    EXPECT_EQ(duration_of_ms(-1), -1ms);
    EXPECT_EQ(after(now, duration_of_ms(INT64_MAX)), never);
    EXPECT_EQ(after(now, duration_of_ms(INT64_MAX / 1'000'000 + 1)), never);
    EXPECT_LT(after(now, duration_of_ms(INT64_MIN)), now);
    EXPECT_LT(after(now, duration_of_ms(INT64_MAX / 2'000'000)), never);
}

}  // namespace
}  // namespace moldau::runtime
