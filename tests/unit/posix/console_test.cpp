#include <csignal>
#include <future>

#include <gtest/gtest.h>

#include <moldau/posix/console.h>

namespace moldau::posix {
namespace {

TEST(Console, TellsOfAnInterruptUntilNobodyListensAnyMore) {
    {
        std::promise<void> called;
        Console console;
        console.on_interrupt([&called] { called.set_value(); });
        std::raise(SIGTERM);
        called.get_future().get();
        console.end_listening();
    }
    for (int i = 0; i < 100; ++i) {
        // What it would count with goes with the block: a sanitizer sees who comes late.
        auto count = std::make_unique<std::atomic<int>>(0);
        Console console;
        console.on_interrupt([&there = *count] { ++there; });
        std::raise(SIGINT);
        console.end_listening();
        const int told = *count;
        EXPECT_LE(told, 1);
        count.reset();
    }
}

}  // namespace
}  // namespace moldau::posix
