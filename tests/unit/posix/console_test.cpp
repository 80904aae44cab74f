#include <csignal>
#include <future>
#include <unistd.h>

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

/// Standard output is a pipe as long as it lives.
struct PipedOutput {
    PipedOutput() {
        EXPECT_EQ(::pipe(ends), 0);
        ::dup2(ends[1], STDOUT_FILENO);
        ::close(ends[1]);
    }
    ~PipedOutput() {
        ::dup2(before, STDOUT_FILENO);
        ::close(before);
    }
    void close_reader() const { ::close(ends[0]); }

    int before = ::dup(STDOUT_FILENO);
    int ends[2] = {};
};

TEST(Console, TellsThatNobodyReadsItsOutputAnyMore) {
    const PipedOutput output;
    std::promise<void> called;
    Console console;
    console.on_output_closed([&called] { called.set_value(); });
    auto told = called.get_future();
    EXPECT_EQ(told.wait_for(std::chrono::seconds(0)), std::future_status::timeout);
    output.close_reader();
    told.get();
    console.end_listening();
}

TEST(Console, EndsWatchingAnOutputThatIsStillRead) {
    const PipedOutput output;
    Console console;
    console.on_interrupt([] {});
    console.on_output_closed([] { FAIL() << "its reader is there"; });
    console.end_listening();  // returns, while nobody has closed anything
    output.close_reader();
}

}  // namespace
}  // namespace moldau::posix
