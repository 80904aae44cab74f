#include <support/manual_shard.h>

#include <gtest/gtest.h>

#include <moldau/runtime/async.h>

namespace moldau::runtime {
namespace {

using std::chrono::milliseconds;

Task<void> wait_for(Signal& signal, TimePoint deadline, std::optional<bool>& outcome) {
    outcome = co_await signal.wait(deadline);
}

TEST(Signal, WakesItsWaitersOnce) {
    ManualShard shard;
    Signal signal(shard);
    std::optional<bool> first;
    std::optional<bool> second;
    spawn(shard, wait_for(signal, never, first));
    spawn(shard, wait_for(signal, TimePoint(milliseconds(50)), second));
    shard.run_ready();
    EXPECT_FALSE(first || second);
    signal.notify_all();
    shard.run_ready();
    EXPECT_EQ(first, true);
    EXPECT_EQ(second, true);
    shard.advance(milliseconds(100));
    EXPECT_EQ(second, true) << "the deadline passed after the notification";
}

TEST(Signal, GivesUpAtTheDeadline) {
    ManualShard shard;
    Signal signal(shard);
    std::optional<bool> outcome;
    spawn(shard, wait_for(signal, TimePoint(milliseconds(50)), outcome));
    shard.advance(milliseconds(49));
    EXPECT_FALSE(outcome);
    shard.advance(milliseconds(1));
    EXPECT_EQ(outcome, false);
    EXPECT_FALSE(signal.has_waiters());
}

Task<void> wait_in_what_it_owns(std::shared_ptr<Signal> signal) {
    co_await signal->wait();
}

TEST(Signal, DoesNotKeepAWaiterThatOwnsItBeyondTheShard) {
    std::weak_ptr<Signal> left;
    {
        ManualShard shard;
        const auto signal = std::make_shared<Signal>(shard);
        left = signal;
        spawn(shard, wait_in_what_it_owns(signal));
        shard.run_ready();
        EXPECT_EQ(left.use_count(), 2);
    }
    EXPECT_TRUE(left.expired());
}

Task<void> hop(Shard& home, Shard& target, std::vector<unsigned>& visited) {
    const unsigned there = co_await call_on(home, target, [&] { return target.is_current() ? target.index() : 99U; });
    visited.push_back(there);
    visited.push_back(home.is_current() ? home.index() : 99U);
}

TEST(CallOn, RunsThereAndComesHome) {
    ManualShard home(0);
    ManualShard target(1);
    std::vector<unsigned> visited;
    spawn(home, hop(home, target, visited));
    while (home.run_ready() || target.run_ready()) {
    }
    EXPECT_EQ(visited, (std::vector{1U, 0U}));
}

Task<void> call_without_result(Shard& home, Shard& target, std::vector<unsigned>& visited) {
    co_await call_on(home, target, [&] { visited.push_back(target.is_current() ? target.index() : 99U); });
    visited.push_back(home.is_current() ? home.index() : 99U);
}

TEST(CallOn, NeedsNoResult) {
    ManualShard home(0);
    ManualShard target(1);
    std::vector<unsigned> visited;
    spawn(home, call_without_result(home, target, visited));
    while (home.run_ready() || target.run_ready()) {
    }
    EXPECT_EQ(visited, (std::vector{1U, 0U}));
}

TEST(CallOn, RunsAtOnceWhereItIs) {
    ManualShard home(7);
    std::vector<unsigned> visited;
    spawn(home, call_without_result(home, home, visited));
    spawn(home, hop(home, home, visited));
    home.run_ready();
    EXPECT_EQ(visited, (std::vector{7U, 7U, 7U, 7U}));
}

Task<int> answer(Shard& shard) {
    co_await sleep_until(shard, shard.now() + milliseconds(5));
    co_return shard.is_current() ? 42 : 0;
}

Task<void> ask(Shard& home, Shard& target, int& result) {
    result = co_await run_on(home, target, [&target] { return answer(target); });
    if (!home.is_current()) result = -1;
}

TEST(RunOn, RunsACoroutineThereAndComesHome) {
    ManualShard home(0);
    ManualShard target(1);
    int result = 0;
    spawn(home, ask(home, target, result));
    home.run_ready();
    target.advance(milliseconds(10));
    home.run_ready();
    EXPECT_EQ(result, 42);
}

Task<void> note(Shard& shard, std::vector<unsigned>& visited) {
    co_await sleep_until(shard, shard.now() + milliseconds(5));
    visited.push_back(shard.is_current() ? shard.index() : 99U);
}

Task<void> have_it_noted(Shard& home, Shard& target, std::vector<unsigned>& visited) {
    co_await run_on(home, target, [&target, &visited] { return note(target, visited); });
    visited.push_back(home.is_current() ? home.index() : 99U);
}

TEST(RunOn, NeedsNoResultAndRunsInPlaceWhereItIs) {
    ManualShard home(0);
    ManualShard target(1);
    std::vector<unsigned> visited;
    spawn(home, have_it_noted(home, target, visited));
    home.run_ready();
    target.advance(milliseconds(10));
    home.run_ready();
    EXPECT_EQ(visited, (std::vector{1U, 0U}));
    visited.clear();
    spawn(home, have_it_noted(home, home, visited));
    home.advance(milliseconds(10));
    EXPECT_EQ(visited, (std::vector{0U, 0U}));
}

TEST(RunOn, LeavesNothingBehindWhenTheShardEnds) {
    int result = 0;
    ManualShard home(0);
    {
        ManualShard target(1);
        spawn(home, ask(home, target, result));
        home.run_ready();
        target.run_ready();  // now it sleeps; leaks are the sanitizer's to find
    }
    home.run_ready();
    EXPECT_EQ(result, 0);
}

Task<void> close_gate(Gate& gate, bool& closed) {
    closed = co_await gate.close();
}

TEST(Gate, ClosesWhenAllHaveLeft) {
    ManualShard shard;
    Gate gate(shard);
    bool closed = false;
    {
        Gate::Hold hold = gate.enter();
        spawn(shard, close_gate(gate, closed));
        shard.run_ready();
        EXPECT_FALSE(closed);
        EXPECT_FALSE(gate.enter()) << "a closing gate lets nobody in";
    }
    shard.run_ready();
    EXPECT_TRUE(closed);
}

}  // namespace
}  // namespace moldau::runtime
