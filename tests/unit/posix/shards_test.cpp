#include <future>
#include <mutex>
#include <set>
#include <support/running_shards.h>

#include <gtest/gtest.h>

#include <moldau/base/log.h>

namespace moldau::posix {
namespace {

using runtime::Shard;
using runtime::Task;
using std::chrono::milliseconds;

Task<unsigned> hop_around(Shard& home, Shard& target, unsigned times) {
    unsigned right = 0;
    for (unsigned i = 0; i < times; ++i) {
        const unsigned there =
            co_await runtime::call_on(home, target, [&target] { return target.is_current() ? 1U : 0U; });
        right += there;
        right += home.is_current() ? 1U : 0U;
    }
    co_return right;
}

TEST(Shards, HopsRunThereAndComeHome) {
    Shards shards({.count = 2});
    shards.start();
    EXPECT_EQ(run_to_end(shards[0], hop_around(shards[0], shards[1], 1000)), 2000U);
}

TEST(Shards, RunsWorkOfOnePosterInOrder) {
    Shards shards({.count = 2});
    shards.start();
    constexpr int count = 20'000;
    std::vector<int> seen;
    std::promise<void> finished;
    for (int i = 0; i < count; ++i) {
        shards[1].post([&, i] {
            seen.push_back(i);
            if (i + 1 == count) finished.set_value();
        });
    }
    ASSERT_EQ(finished.get_future().wait_for(test_patience), std::future_status::ready);
    EXPECT_TRUE(std::ranges::is_sorted(seen));
    EXPECT_EQ(seen.size(), static_cast<std::size_t>(count));
}

TEST(Shards, WorkThatPostsWorkForeverLetsTimersFire) {
    Shards shards({.count = 1});
    std::promise<void> fired;
    std::function<void()> again = [&] { shards[0].post([&] { again(); }); };
    shards[0].post([&] {
        again();
        shards[0].timers().add(shards[0].now() + milliseconds(1), [&] { fired.set_value(); });
    });
    shards.start();
    EXPECT_EQ(fired.get_future().wait_for(test_patience), std::future_status::ready);
    shards.stop();
    shards.join();
}

Task<bool> sleep_in_order(Shard& shard) {
    const auto begin = shard.now();
    co_await runtime::sleep_until(shard, begin + milliseconds(20));
    const bool late_enough = shard.now() >= begin + milliseconds(20);
    co_return late_enough;
}

TEST(Shards, AnEarlierTimerIsNotHeldBackByALaterOne) {
    Shards shards({.count = 1});
    shards[0].post([&] { shards[0].timers().add(shards[0].now() + std::chrono::hours(1), [] {}); });
    shards.start();
    EXPECT_TRUE(run_to_end(shards[0], sleep_in_order(shards[0])));
}

Task<void> hold_until_dropped(Shard& shard, std::shared_ptr<int> held) {
    co_await runtime::sleep_until(shard, shard.now() + std::chrono::hours(1));
    ++*held;
}

TEST(Shards, EndingDropsWhatIsQueuedAndWhatSleeps) {
    const auto held = std::make_shared<int>(0);
    {
        Shards shards({.count = 2});
        shards.start();
        runtime::spawn(shards[1], hold_until_dropped(shards[1], held));
        run_to_end(shards[0], hop_around(shards[0], shards[1], 1));
        shards.stop();
        shards.join();
        shards[0].post([held] { ++*held; });
        shards[1].post([held] { ++*held; });
        EXPECT_EQ(held.use_count(), 4);
    }
    EXPECT_EQ(held.use_count(), 1);
    EXPECT_EQ(*held, 0);
}

TEST(Shards, AWorkThatKeepsAShardTooLongIsLogged) {
    std::promise<std::string> warned;
    std::once_flag first;
    log::set_sink(
        [&](log::Level, std::string_view line) { std::call_once(first, [&] { warned.set_value(std::string(line)); }); },
        log::Level::warn);
    {
        Shards shards({.count = 1, .slow_turn_limit = milliseconds(1)});
        shards.start();
        shards[0].post([&] {
            for (const auto begin = shards[0].now(); shards[0].now() < begin + milliseconds(11);) {
            }
        });
        auto line = warned.get_future();
        ASSERT_EQ(line.wait_for(test_patience), std::future_status::ready);
        EXPECT_NE(line.get().find("shard 0"), std::string::npos);
    }
    log::set_sink([](log::Level, std::string_view) {}, log::Level::error);
}

TEST(Shards, RandomNumbersDoNotRepeat) {
    Shards shards({.count = 2});
    std::set<std::uint64_t> seen;
    for (int i = 0; i < 1000; ++i) {
        seen.insert(shards[0].random().next());
        seen.insert(shards[1].random().next());
    }
    EXPECT_EQ(seen.size(), 2000U);
}

TEST(Shards, WallTimeIsOfThisCentury) {
    Shards shards({.count = 1});
    EXPECT_GT(shards[0].clock().wall_time(), Timestamp(1'700'000'000'000));
    EXPECT_LT(shards[0].clock().wall_time(), Timestamp(4'200'000'000'000));
}

}  // namespace
}  // namespace moldau::posix
