#pragma once
// A shard that tests turn by hand, on virtual time.

#include <deque>

#include <moldau/runtime/async.h>

namespace moldau::runtime {

class ManualClock final : public Clock {
 public:
    TimePoint now() const override { return now_; }
    Timestamp wall_time() const override {
        return Timestamp(1'700'000'000'000 +
                         std::chrono::duration_cast<std::chrono::milliseconds>(now_.time_since_epoch()).count());
    }
    void set(TimePoint now) { now_ = now; }

 private:
    TimePoint now_{};
};

class ManualRandom final : public Random {
 public:
    explicit ManualRandom(std::uint64_t seed = 1) : state_(seed) {}
    std::uint64_t next() override {
        std::uint64_t z = (state_ += 0x9e3779b97f4a7c15U);
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
        return z ^ (z >> 31);
    }

 private:
    std::uint64_t state_;
};

class ManualShard final : public Shard {
 public:
    explicit ManualShard(unsigned index = 0) : index_(index) {}
    ~ManualShard() override {
        timers_.clear();
        while (!queue_.empty()) {
            Work* work = queue_.front();
            queue_.pop_front();
            work->drop();
        }
    }
    using Shard::post;
    void post(Work& work) override { queue_.push_back(&work); }
    bool is_current() const override { return running_; }
    unsigned index() const override { return index_; }
    Clock& clock() override { return clock_; }
    Random& random() override { return random_; }
    TimerQueue& timers() override { return timers_; }

    /// Runs what is queued, and what that queues, without moving time; false when there was nothing.
    bool run_ready() {
        bool any = false;
        running_ = true;
        while (!queue_.empty()) {
            Work* work = queue_.front();
            queue_.pop_front();
            work->run();
            any = true;
        }
        running_ = false;
        return any;
    }

    /// Moves time forward by `step`, firing timers at their deadlines.
    void advance(Duration step) {
        const TimePoint end = clock_.now() + step;
        run_ready();
        while (timers_.next_deadline() <= end) {
            clock_.set(timers_.next_deadline());
            running_ = true;
            timers_.fire(clock_.now());
            running_ = false;
            run_ready();
        }
        clock_.set(end);
    }

 private:
    unsigned index_;
    bool running_ = false;
    ManualClock clock_;
    ManualRandom random_;
    TimerQueue timers_;
    std::deque<Work*> queue_;
};

}  // namespace moldau::runtime
