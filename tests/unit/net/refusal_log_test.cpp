#include "refusal_log.h"

#include <gtest/gtest.h>

namespace moldau::net {
namespace {

using runtime::TimePoint;

TEST(RefusalLogTest, ListsAFewInAWindowAndThenCounts) {
    RefusalLog refusals;
    const TimePoint begin{};
    for (unsigned i = 0; i < RefusalLog::lines_a_window; ++i) EXPECT_EQ(refusals.admit(begin, "why"), "why");
    for (int i = 0; i < 25; ++i) EXPECT_FALSE(refusals.admit(begin + RefusalLog::window / 2, "why"));

    const auto later = refusals.admit(begin + RefusalLog::window, "why");
    ASSERT_TRUE(later);
    EXPECT_NE(later->find("25 refused"), std::string::npos) << *later;
    EXPECT_EQ(refusals.admit(begin + RefusalLog::window, "why"), "why") << "they are counted once";
}

}  // namespace
}  // namespace moldau::net
