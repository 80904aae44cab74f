#include "sim_shard.h"

#include <fmt/format.h>

namespace moldau::sim {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;

constexpr Latency own_post{.shortest = nanoseconds(1), .longest = nanoseconds(500)};
constexpr Latency foreign_post{
    .shortest = nanoseconds(200), .longest = microseconds(10), .spike = milliseconds(2), .spike_per_mille = 5};
constexpr Latency timer_lateness{
    .shortest = nanoseconds(0), .longest = microseconds(100), .spike = milliseconds(5), .spike_per_mille = 5};
constexpr Latency completion{.shortest = nanoseconds(100), .longest = microseconds(5)};

}  // namespace

Timestamp SimClock::wall_time() const {
    const auto elapsed = std::chrono::duration_cast<milliseconds>(now().time_since_epoch()) + jumped_;
    return Timestamp(1'700'000'000'000 + elapsed.count());
}

SimShard::SimShard(Simulation& simulation, Incarnation incarnation, unsigned index, SimClock& clock,
                   std::string_view name)
    : simulation_(simulation),
      incarnation_(incarnation),
      id_(simulation.new_shard_id()),
      index_(index),
      clock_(clock),
      random_(simulation.split(fmt::format("{}/life{}/shard{}", name, incarnation, index))),
      delays_(simulation.split(fmt::format("{}/life{}/shard{}/delays", name, incarnation, index))) {
    timers_.on_earlier([this](TimePoint deadline) { wake_at(deadline); });
}

SimShard::~SimShard() {
    ended_ = true;
}

void SimShard::post(runtime::Work& work) {
    if (ended_) {
        work.drop();
        return;
    }
    const SimShard* poster = simulation_.current_shard();
    const Latency& latency = poster == this ? own_post : foreign_post;
    TimePoint& last = last_from_[poster == nullptr ? 0 : poster->id()];
    last = std::max(last, simulation_.now() + latency.draw(delays_));
    simulation_.schedule(last, EventKind::post, owner(), HeldWork(work));
}

void SimShard::complete(EventKind kind, Simulation::Callback callback) {
    if (ended_) return;
    simulation_.schedule_after(completion.draw(delays_), kind, owner(), std::move(callback));
}

void SimShard::wake_at(TimePoint deadline) {
    if (ended_ || deadline >= wake_deadline_ || deadline == runtime::never) return;
    if (wake_deadline_ != runtime::never) simulation_.cancel(wake_);
    wake_deadline_ = deadline;
    const TimePoint at = std::max(deadline, simulation_.now() + nanoseconds(1));
    wake_ = simulation_.schedule(at + timer_lateness.draw(delays_), EventKind::timer, owner(), [this] {
        wake_deadline_ = runtime::never;
        timers_.fire(simulation_.now());
        wake_at(timers_.next_deadline());
    });
}

}  // namespace moldau::sim
