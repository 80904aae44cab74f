#pragma once
// Virtual time: one seed, one history. Everything that happens in a simulated world is an event in one ordered map of
// (time, sequence); whoever runs it folds time, kind, owner and sizes into the trace hash. One OS thread.

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include <moldau/runtime/time.h>

#include "sim_random.h"

namespace moldau::sim {

class SimShard;

enum class EventKind : std::uint8_t { post, timer, disk, network, world };

/// One life of a node: what belongs to it ends with it. 0 is the world's own.
using Incarnation = std::uint32_t;
inline constexpr Incarnation no_incarnation = 0;

class Simulation {
 public:
    using Callback = std::move_only_function<void()>;

    struct EventId {
        TimePoint at{};
        std::uint64_t sequence = 0;  ///< 0 names no event
        friend auto operator<=>(const EventId&, const EventId&) = default;
    };

    /// Whose an event is, and the shard that it runs on, if on any.
    struct Owner {
        Incarnation incarnation = no_incarnation;
        SimShard* shard = nullptr;
    };

    enum class Outcome { reached, deadline, idle, too_many_events };

    explicit Simulation(std::uint64_t seed);
    ~Simulation();
    Simulation(const Simulation&) = delete;
    Simulation& operator=(const Simulation&) = delete;

    std::uint64_t seed() const { return seed_; }
    TimePoint now() const { return now_; }
    SimRandom split(std::string_view name) const;

    /// Runs `callback` once at `at`, or now when that has passed. Events of one time run in the order of their adding.
    EventId schedule(TimePoint at, EventKind kind, Owner owner, Callback callback);
    EventId schedule_after(Duration wait, EventKind kind, Owner owner, Callback callback) {
        return schedule(now_ + wait, kind, owner, std::move(callback));
    }
    bool cancel(EventId id);

    /// Destroys every event of a life that is over, those included that destroying adds.
    void purge(Incarnation incarnation);

    /// Runs after the current event, before any other: for a node that fails in the middle of one.
    void run_next(Callback callback) { urgent_.push_back(std::move(callback)); }

    /// Runs one event; false when there is none.
    bool step();

    /// Runs events until `reached` is true (looked at before every event), virtual time passes `deadline`, nothing is
    /// left to run, or `max_events` have run.
    Outcome run_until(const std::function<bool()>& reached, TimePoint deadline, std::uint64_t max_events = 50'000'000);
    /// Runs what happens within `wait` and moves time there.
    void run_for(Duration wait);

    /// Called after every event: invariants.
    void after_every_event(std::function<void()> check) { check_ = std::move(check); }

    /// Folds something observable into the trace hash; `what` names it for people.
    void trace(EventKind kind, Incarnation incarnation, std::string_view what, std::uint64_t a, std::uint64_t b = 0);
    std::uint64_t trace_hash() const { return trace_hash_; }
    std::uint64_t events_run() const { return events_run_; }
    /// Gets a line for every trace.
    void on_trace(std::function<void(std::string_view)> sink) { sink_ = std::move(sink); }

    /// The shard whose event is running; null outside of shards.
    SimShard* current_shard() const { return current_shard_; }

    Incarnation new_incarnation() { return ++last_incarnation_; }
    std::uint32_t new_shard_id() { return ++last_shard_id_; }

    /// Counts what a run has covered.
    void count(std::string_view name, std::uint64_t times = 1);
    const std::map<std::string, std::uint64_t, std::less<>>& counters() const { return counters_; }

 private:
    struct Event {
        EventKind kind;
        Owner owner;
        Callback callback;
    };
    void run_urgent();

    const std::uint64_t seed_;
    TimePoint now_{};
    std::uint64_t next_sequence_ = 1;
    std::uint64_t events_run_ = 0;
    std::uint64_t trace_hash_;
    Incarnation last_incarnation_ = no_incarnation;
    std::uint32_t last_shard_id_ = 0;
    SimShard* current_shard_ = nullptr;
    std::map<EventId, Event> events_;
    std::vector<Callback> urgent_;
    std::function<void()> check_;
    std::function<void(std::string_view)> sink_;
    std::map<std::string, std::uint64_t, std::less<>> counters_;
};

}  // namespace moldau::sim
