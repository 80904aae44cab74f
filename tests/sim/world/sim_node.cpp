#include "sim_node.h"

#include <moldau/base/assert.h>

namespace moldau::sim {

SimNode::SimNode(Simulation& simulation, Network& network, NodeOptions options)
    : simulation_(simulation),
      network_(network),
      options_(std::move(options)),
      disk_(simulation, options_.host, options_.disk),
      clock_(simulation) {}

SimNode::~SimNode() {
    if (is_running()) kill(End::process_killed);
}

void SimNode::start(const Boot& boot) {
    MOLDAU_ASSERT(!is_running());
    incarnation_ = simulation_.new_incarnation();
    simulation_.trace(EventKind::world, incarnation_, "start " + options_.host, options_.shards);
    for (unsigned i = 0; i < options_.shards; ++i) {
        shards_.push_back(std::make_unique<SimShard>(simulation_, incarnation_, i, clock_, options_.host));
        shard_pointers_.push_back(shards_.back().get());
    }
    transport_ = std::make_unique<SimTransport>(network_, options_.host);
    disk_.begin_life(incarnation_);
    network_.begin_life(options_.host, incarnation_);
    application_ = boot(world());
}

void SimNode::kill(End end, Survival survival) {
    MOLDAU_ASSERT(is_running());
    MOLDAU_ASSERT(simulation_.current_shard() == nullptr);
    const Incarnation ended = incarnation_;
    simulation_.trace(EventKind::world, ended, "end of " + options_.host, static_cast<std::uint64_t>(end));
    for (const auto& shard : shards_) shard->end();
    // Coroutines go before the objects that they refer to: those in ports and events first, the application last.
    network_.end_life(options_.host, ended, end == End::process_killed);
    simulation_.purge(ended);
    for (const auto& shard : shards_) shard->timers().clear();
    application_.reset();
    for (const auto& shard : shards_) shard->timers().clear();
    simulation_.purge(ended);
    disk_.end_life();
    transport_.reset();
    shard_pointers_.clear();
    shards_.clear();
    incarnation_ = no_incarnation;
    if (end == End::power_lost) disk_.crash(survival);
}

void SimNode::kill_at_disk_call(std::uint64_t count, Survival survival, std::function<void()> ended) {
    disk_.power_off_at(count, [this, survival, life = incarnation_, ended = std::move(ended)] {
        network_.silence(life);
        simulation_.run_next([this, survival, life, ended] {
            if (incarnation_ != life) return;
            kill(End::power_lost, survival);
            ended();
        });
    });
}

}  // namespace moldau::sim
