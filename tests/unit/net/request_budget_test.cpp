#include <optional>

#include <gtest/gtest.h>

#include <moldau/net/request_budget.h>

namespace moldau::net {
namespace {

constexpr std::size_t large = 1'000'000;

TEST(RequestBudget, WhenSpentOnlyTheOldestStartedFrameReadsOn) {
    RequestBudget budget(100);
    const auto oldest = budget.start_frame();
    const auto younger = budget.start_frame();
    RequestBudget::Charge charge(budget);
    charge.add(99);
    EXPECT_TRUE(budget.may_read(oldest, large));
    EXPECT_TRUE(budget.may_read(younger, large));
    charge.add(1);
    EXPECT_TRUE(budget.may_read(oldest, large));
    EXPECT_FALSE(budget.may_read(younger, large));
    EXPECT_FALSE(budget.may_read(0, large)) << "one that has not begun";
    budget.end_frame(oldest);
    EXPECT_TRUE(budget.may_read(younger, large));
}

TEST(RequestBudget, SmallFramesPassByTheReserveUntilThatIsSpentToo) {
    RequestBudget budget(800);
    const auto oldest = budget.start_frame();
    const auto small = budget.start_frame();
    RequestBudget::Charge charge(budget);
    charge.add(800);
    EXPECT_TRUE(budget.may_read(small, 50));
    charge.add(100);
    EXPECT_FALSE(budget.may_read(small, 50));
    EXPECT_TRUE(budget.may_read(oldest, large));
}

TEST(RequestBudget, TellsOfEveryChangeThatMayLetAFrameOn) {
    RequestBudget budget(100);
    int told = 0;
    budget.on_change([&] { ++told; });
    const auto oldest = budget.start_frame();
    const auto younger = budget.start_frame();
    {
        RequestBudget::Charge charge(budget);
        charge.add(50);
        charge.release();
        EXPECT_EQ(told, 0) << "nobody was refused";
        charge.add(150);
        budget.end_frame(oldest);
        EXPECT_EQ(told, 1);
    }
    EXPECT_EQ(told, 2);
    EXPECT_EQ(budget.used_bytes(), 0U);
    budget.end_frame(younger);
}

TEST(RequestBudget, AMovedChargeIsCountedOnce) {
    RequestBudget budget(100);
    RequestBudget::Charge first(budget);
    first.add(10);
    RequestBudget::Charge second = std::move(first);
    EXPECT_EQ(budget.used_bytes(), 10U);
    EXPECT_EQ(second.bytes(), 10U);
    second.release();
    second.release();
    EXPECT_EQ(budget.used_bytes(), 0U);
}

TEST(RequestBudget, APartOfAChargeIsGivenBackOnItsOwnAndAlsoAfterTheBudget) {
    std::optional<RequestBudget> budget(std::in_place, 100);
    int told = 0;
    budget->on_change([&told] { ++told; });
    RequestBudget::Charge charge(*budget);
    charge.add(120);
    RequestBudget::Charge part = charge.split(30);
    charge.release();
    EXPECT_EQ(budget->used_bytes(), 30U);
    EXPECT_EQ(told, 1);
    part.add(90);
    budget.reset();
    part.release();
    EXPECT_EQ(told, 1);
}

}  // namespace
}  // namespace moldau::net
