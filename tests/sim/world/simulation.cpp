#include "simulation.h"

#include <vector>

#include <fmt/format.h>

#include <moldau/base/assert.h>

#include "sim_shard.h"

namespace moldau::sim {

Simulation::Simulation(std::uint64_t seed) : seed_(seed), trace_hash_(mix(0, seed)) {}

Simulation::~Simulation() = default;

SimRandom Simulation::split(std::string_view name) const {
    return SimRandom(mix(mix(0x6d6f6c646175U, seed_), hash_of(name)));
}

Simulation::EventId Simulation::schedule(TimePoint at, EventKind kind, Owner owner, Callback callback) {
    const EventId id{std::max(at, now_), next_sequence_++};
    events_.emplace(id, Event{kind, owner, std::move(callback)});
    return id;
}

bool Simulation::cancel(EventId id) {
    return !events_.extract(id).empty();
}

void Simulation::purge(Incarnation incarnation) {
    MOLDAU_ASSERT(current_shard_ == nullptr);
    for (;;) {
        std::vector<Event> ended;
        for (auto next = events_.begin(); next != events_.end();) {
            const auto event = next++;
            if (event->second.owner.incarnation != incarnation) continue;
            ended.push_back(std::move(event->second));
            events_.erase(event);
        }
        if (ended.empty()) return;
    }
}

bool Simulation::step() {
    run_urgent();
    while (!events_.empty()) {
        auto node = events_.extract(events_.begin());
        SimShard* shard = node.mapped().owner.shard;
        if (shard != nullptr && shard->stalled_until() > node.key().at) {
            node.key().at = shard->stalled_until();
            events_.insert(std::move(node));
            continue;
        }
        now_ = node.key().at;
        ++events_run_;
        Event& event = node.mapped();
        trace(event.kind, event.owner.incarnation, "event", shard == nullptr ? 0 : shard->index() + 1);
        current_shard_ = shard;
        event.callback();
        // What the callback still holds may be of the shard's: destroy it as part of the event.
        event.callback = nullptr;
        current_shard_ = nullptr;
        run_urgent();
        if (check_) check_();
        return true;
    }
    return false;
}

void Simulation::run_urgent() {
    while (!urgent_.empty()) {
        Callback callback = std::move(urgent_.front());
        urgent_.erase(urgent_.begin());
        callback();
    }
}

Simulation::Outcome Simulation::run_until(const std::function<bool()>& reached, TimePoint deadline,
                                          std::uint64_t max_events) {
    const std::uint64_t last_event = events_run_ + max_events;
    for (;;) {
        run_urgent();
        if (reached()) return Outcome::reached;
        if (events_.empty()) return Outcome::idle;
        if (events_.begin()->first.at > deadline) {
            now_ = std::max(now_, deadline);
            return Outcome::deadline;
        }
        if (events_run_ >= last_event) return Outcome::too_many_events;
        step();
    }
}

void Simulation::run_for(Duration wait) {
    const TimePoint end = now_ + wait;
    const Outcome outcome = run_until([] { return false; }, end);
    MOLDAU_ASSERT(outcome != Outcome::too_many_events);
    now_ = std::max(now_, end);
}

void Simulation::trace(EventKind kind, Incarnation incarnation, std::string_view what, std::uint64_t a,
                       std::uint64_t b) {
    trace_hash_ = mix(trace_hash_, static_cast<std::uint64_t>(now_.time_since_epoch().count()));
    trace_hash_ = mix(trace_hash_, static_cast<std::uint64_t>(kind) << 32 | incarnation);
    trace_hash_ = mix(trace_hash_, a);
    trace_hash_ = mix(trace_hash_, b);
    if (sink_)
        sink_(fmt::format("{} {} of {}: {} {:x} {:x}", now_.time_since_epoch().count(), static_cast<int>(kind),
                          incarnation, what, a, b));
}

void Simulation::count(std::string_view name, std::uint64_t times) {
    const auto counter = counters_.find(name);
    if (counter == counters_.end())
        counters_.emplace(name, times);
    else
        counter->second += times;
}

}  // namespace moldau::sim
