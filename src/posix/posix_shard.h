#pragma once
// One real shard: the loop of one thread. Work comes through a local queue (own thread, no locks) or an intrusive
// lock-free mailbox (other threads); sockets and the timer come through the io_context. Owned by Shards.

#include <atomic>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <moldau/runtime/shard.h>

#include "posix_random.h"
#include "posix_time.h"

namespace moldau::posix {

class PosixShard final : public runtime::Shard {
 public:
    PosixShard(unsigned index, std::chrono::steady_clock::time_point start, runtime::Duration slow_turn_limit);
    ~PosixShard() override;

    using Shard::post;
    void post(runtime::Work& work) override;
    bool is_current() const override { return current_ == this; }
    unsigned index() const override { return index_; }
    runtime::Clock& clock() override { return clock_; }
    runtime::Random& random() override { return random_; }
    runtime::TimerQueue& timers() override { return timers_; }

    boost::asio::io_context& io() { return io_; }

    /// The thread's body: returns after stop().
    void run();
    void stop() { io_.stop(); }

    // The end, after the threads of all shards have ended: work posted from now on is dropped in place.
    void mark_ended() { ended_.store(true, std::memory_order_relaxed); }
    void drop_everything();

    /// Runs a completion of the io_context as a turn: long ones are logged.
    template <class F>
    void turn(F callable) {
        const runtime::TimePoint begin = clock_.now();
        std::move(callable)();
        end_turn(begin, 1);
    }

 private:
    /// io_context with a shutdown of its own, so that handlers can be destroyed while every shard still exists.
    class Context : public boost::asio::io_context {
     public:
        Context() : io_context(1) {}
        using io_context::shutdown;
    };

    void schedule_drain();
    void drain();
    void take_mailbox();
    void arm(runtime::TimePoint deadline);
    void fire_timers();
    void end_turn(runtime::TimePoint begin, unsigned pieces);

    static thread_local const PosixShard* current_;

    const unsigned index_;
    const runtime::Duration slow_turn_limit_;
    PosixClock clock_;
    PosixRandom random_;
    std::atomic<bool> ended_ = false;

    // Any thread: what others posted, newest first. Who finds it empty schedules a drain.
    alignas(64) std::atomic<runtime::Work*> mailbox_ = nullptr;

    // Own thread: what is next, oldest first.
    alignas(64) runtime::Work* first_ = nullptr;
    runtime::Work* last_ = nullptr;  // meaningless while first_ is null
    bool drain_scheduled_ = false;   // by this thread, or running now
    runtime::TimerQueue timers_;
    runtime::TimePoint armed_ = runtime::never;  // when timer_ will fire

    Context io_;
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> guard_;
    boost::asio::basic_waitable_timer<std::chrono::steady_clock, boost::asio::wait_traits<std::chrono::steady_clock>,
                                      boost::asio::io_context::executor_type>
        timer_;
};

}  // namespace moldau::posix
