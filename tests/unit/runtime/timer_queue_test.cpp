#include <gtest/gtest.h>

#include <moldau/runtime/timer_queue.h>

namespace moldau::runtime {
namespace {

using std::chrono::milliseconds;

TimePoint at(int ms) {
    return TimePoint(milliseconds(ms));
}

TEST(TimerQueue, FiresInOrderOfDeadlineThenOfAdding) {
    TimerQueue timers;
    std::string order;
    timers.add(at(20), [&] { order += 'c'; });
    timers.add(at(10), [&] { order += 'a'; });
    timers.add(at(10), [&] { order += 'b'; });
    EXPECT_EQ(timers.next_deadline(), at(10));
    timers.fire(at(10));
    EXPECT_EQ(order, "ab");
    timers.fire(at(30));
    EXPECT_EQ(order, "abc");
    EXPECT_EQ(timers.next_deadline(), never);
}

TEST(TimerQueue, DoesNotFireWhatWasCancelled) {
    TimerQueue timers;
    bool fired = false;
    const auto id = timers.add(at(10), [&] { fired = true; });
    EXPECT_TRUE(timers.cancel(id));
    EXPECT_FALSE(timers.cancel(id));
    timers.fire(at(20));
    EXPECT_FALSE(fired);
}

TEST(TimerQueue, LeavesTimersAddedWhileFiringToTheNextTurn) {
    TimerQueue timers;
    int fired = 0;
    std::function<void()> again = [&] {
        ++fired;
        timers.add(at(5), [&] { again(); });
    };
    timers.add(at(5), [&] { again(); });
    timers.fire(at(10));
    EXPECT_EQ(fired, 1);
}

TEST(TimerQueue, TellsWhenATimerBecomesTheEarliest) {
    TimerQueue timers;
    std::vector<TimePoint> told;
    timers.on_earlier([&](TimePoint deadline) { told.push_back(deadline); });
    timers.add(at(20), [] {});
    timers.add(at(30), [] {});
    timers.add(at(10), [] {});
    EXPECT_EQ(told, (std::vector{at(20), at(10)}));
}

}  // namespace
}  // namespace moldau::runtime
