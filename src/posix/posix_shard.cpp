#include "posix_shard.h"

#include <boost/asio/post.hpp>

#include <moldau/base/log.h>

namespace moldau::posix {

using runtime::never;
using runtime::TimePoint;
using runtime::Work;

namespace {
/// After so long a drain gives sockets and timers a turn. The clock is read once in a few pieces of work.
constexpr runtime::Duration drain_limit = std::chrono::microseconds(500);
constexpr unsigned pieces_between_clock_reads = 8;
}  // namespace

thread_local const PosixShard* PosixShard::current_ = nullptr;

PosixShard::PosixShard(unsigned index, std::chrono::steady_clock::time_point start, runtime::Duration slow_turn_limit)
    : index_(index), slow_turn_limit_(slow_turn_limit), clock_(start), guard_(io_.get_executor()), timer_(io_) {
    timers_.on_earlier([this](TimePoint deadline) { arm(deadline); });
}

PosixShard::~PosixShard() = default;

void PosixShard::post(Work& work) {
    if (ended_.load(std::memory_order_relaxed)) return work.drop();
    if (is_current()) {
        work.next = nullptr;
        (first_ == nullptr ? first_ : last_->next) = &work;
        last_ = &work;
        if (!drain_scheduled_) schedule_drain();
        return;
    }
    Work* newest = mailbox_.load(std::memory_order_relaxed);
    do {
        work.next = newest;
    } while (!mailbox_.compare_exchange_weak(newest, &work, std::memory_order_release, std::memory_order_relaxed));
    if (newest == nullptr) boost::asio::post(io_, [this] { drain(); });
}

void PosixShard::schedule_drain() {
    drain_scheduled_ = true;
    boost::asio::post(io_, [this] { drain(); });
}

void PosixShard::take_mailbox() {
    Work* newest = mailbox_.exchange(nullptr, std::memory_order_acquire);
    if (newest == nullptr) return;
    Work* oldest = nullptr;
    for (Work* work = newest; work != nullptr;) {
        Work* const older = work->next;
        work->next = oldest;
        oldest = work;
        work = older;
    }
    (first_ == nullptr ? first_ : last_->next) = oldest;
    last_ = newest;
}

void PosixShard::drain() {
    const TimePoint begin = clock_.now();
    drain_scheduled_ = true;
    take_mailbox();
    unsigned pieces = 0;
    while (first_ != nullptr) {
        Work* const work = first_;
        first_ = work->next;
        work->run();
        if (++pieces % pieces_between_clock_reads == 0 && clock_.now() - begin > drain_limit) break;
    }
    drain_scheduled_ = false;
    if (first_ != nullptr) schedule_drain();
    end_turn(begin, pieces);
}

void PosixShard::arm(TimePoint deadline) {
    if (deadline >= armed_) return;
    armed_ = deadline;
    timer_.expires_at(clock_.to_steady(deadline));
    timer_.async_wait([this](boost::system::error_code error) {
        if (!error) fire_timers();
    });
}

void PosixShard::fire_timers() {
    const TimePoint begin = clock_.now();
    armed_ = TimePoint::min();  // nothing is earlier: the timer is set once, behind all callbacks
    timers_.fire(begin);
    armed_ = never;
    arm(timers_.next_deadline());
    end_turn(begin, 1);
}

void PosixShard::end_turn(TimePoint begin, unsigned pieces) {
    const runtime::Duration took = clock_.now() - begin;
    if (took <= slow_turn_limit_) return;
    log::at(took > 10 * slow_turn_limit_ ? log::Level::warn : log::Level::debug,
            "shard {} was kept from other work for {} ms by one turn of {} piece(s) of work", index_,
            std::chrono::duration_cast<std::chrono::milliseconds>(took).count(), pieces);
}

void PosixShard::run() {
    current_ = this;
    io_.run();
    current_ = nullptr;
}

void PosixShard::drop_everything() {
    take_mailbox();
    while (first_ != nullptr) {
        Work* const work = first_;
        first_ = work->next;
        work->drop();
    }
    timers_.clear();
    io_.shutdown();
}

}  // namespace moldau::posix
