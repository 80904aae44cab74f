#pragma once
// A shard in virtual time. Work runs after a drawn delay, in order for each poster, while what different posters send
// interleaves as drawn: as weak as runtime::Shard's contract allows.

#include <map>

#include <moldau/runtime/shard.h>

#include "simulation.h"

namespace moldau::sim {

/// A node's clocks: the monotonic one is the world's, the wall clock may jump.
class SimClock final : public runtime::Clock {
 public:
    explicit SimClock(const Simulation& simulation) : simulation_(simulation) {}
    TimePoint now() const override { return simulation_.now(); }
    Timestamp wall_time() const override;
    void jump(std::chrono::milliseconds by) { jumped_ += by; }

 private:
    const Simulation& simulation_;
    std::chrono::milliseconds jumped_{};
};

/// Owns work that waits inside an event: drops it when the event never runs.
class HeldWork {
 public:
    explicit HeldWork(runtime::Work& work) : work_(&work) {}
    HeldWork(HeldWork&& other) noexcept : work_(std::exchange(other.work_, nullptr)) {}
    HeldWork& operator=(HeldWork&&) = delete;
    ~HeldWork() {
        if (work_ != nullptr) work_->drop();
    }
    void operator()() { std::exchange(work_, nullptr)->run(); }

 private:
    runtime::Work* work_;
};

class SimShard final : public runtime::Shard {
 public:
    SimShard(Simulation& simulation, Incarnation incarnation, unsigned index, SimClock& clock, std::string_view name);
    ~SimShard() override;

    using Shard::post;
    void post(runtime::Work& work) override;
    bool is_current() const override { return simulation_.current_shard() == this; }
    unsigned index() const override { return index_; }
    runtime::Clock& clock() override { return clock_; }
    runtime::Random& random() override { return random_; }
    runtime::TimerQueue& timers() override { return timers_; }

    /// Runs `callback` on this shard after a small drawn delay: completions of ports.
    void complete(EventKind kind, Simulation::Callback callback);

    Incarnation incarnation() const { return incarnation_; }
    std::uint32_t id() const { return id_; }
    bool has_ended() const { return ended_; }

    /// Until then the shard is busy (a blocking call, a descheduled thread): nothing runs on it.
    TimePoint stalled_until() const { return stalled_until_; }
    void stall(Duration busy) { stalled_until_ = std::max(stalled_until_, simulation_.now()) + busy; }

    /// Drops whatever is posted from now on.
    void end() { ended_ = true; }

 private:
    void wake_at(TimePoint deadline);
    Simulation::Owner owner() { return {incarnation_, this}; }

    Simulation& simulation_;
    const Incarnation incarnation_;
    const std::uint32_t id_;
    const unsigned index_;
    SimClock& clock_;
    SimRandom random_;
    SimRandom delays_;
    runtime::TimerQueue timers_;
    std::map<std::uint32_t, TimePoint> last_from_;  ///< by the poster's id: when its last work runs
    Simulation::EventId wake_;
    TimePoint wake_deadline_ = runtime::never;  ///< what wake_ is for; never: there is none
    TimePoint stalled_until_{};
    bool ended_ = false;
};

}  // namespace moldau::sim
