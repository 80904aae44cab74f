#include "io_pool.h"

#include <atomic>
#include <future>
#include <system_error>

#include <gtest/gtest.h>

namespace moldau::posix {
namespace {

constexpr std::chrono::seconds patience{20};

/// Counts itself; the last of `wanted` ends the wait.
struct Piece final : runtime::Work {
    Piece(std::atomic<int>& to_come, std::promise<void>& last) : left(to_come), all_ran(last) {}
    void run() override {
        if (--left == 0) all_ran.set_value();
    }
    void drop() override {}
    std::atomic<int>& left;
    std::promise<void>& all_ran;
};

TEST(IoPool, WithoutFurtherThreadsTheFirstDoesAll) {
    constexpr int count = 20;
    std::atomic<int> left = count;
    std::promise<void> all_ran;
    std::vector<Piece> pieces(count, Piece(left, all_ran));
    int asked = 0;
    IoPool pool("io", 4, [&asked](std::function<void()> body) {
        if (++asked > 1)
            throw std::system_error(std::make_error_code(std::errc::resource_unavailable_try_again), "thread");
        return std::thread(std::move(body));
    });
    EXPECT_EQ(asked, 1) << "the first is there before there is work";
    for (Piece& piece : pieces) pool.post(piece);
    EXPECT_GT(asked, 1);
    EXPECT_EQ(all_ran.get_future().wait_for(patience), std::future_status::ready);
}

TEST(IoPool, WithoutAnyThreadThereIsNoPool) {
    EXPECT_THROW(IoPool("io", 4,
                        [](const std::function<void()>&) -> std::thread {
                            throw std::system_error(std::make_error_code(std::errc::resource_unavailable_try_again),
                                                    "thread");
                        }),
                 std::system_error);
}

}  // namespace
}  // namespace moldau::posix
