#pragma once
// A machine of the simulated world: a disk that stays, and one process after another on it. A process sees nothing but
// its runtime::World. It can be killed, or lose its power, between any two events and in the middle of a disk call.

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <moldau/runtime/world.h>

#include "network.h"
#include "sim_disk.h"

namespace moldau::sim {

struct NodeOptions {
    std::string host;  ///< its name and address
    unsigned shards = 1;
    DiskOptions disk = {};
};

class SimNode {
 public:
    /// Starts what runs on the node, as a process's main does before its shards turn. What it returns lives until the
    /// process stops or is killed; it must bear being destroyed at any moment, after its coroutines.
    using Boot = std::function<std::shared_ptr<void>(const runtime::World& world)>;

    enum class End {
        process_killed,  ///< the page cache and the machine stay
        power_lost,      ///< what was not synced is lost as the disk's model says, peers wait in vain
    };

    SimNode(Simulation& simulation, Network& network, NodeOptions options);
    ~SimNode();
    SimNode(const SimNode&) = delete;
    SimNode& operator=(const SimNode&) = delete;

    /// Begins a new life. Requires: not running.
    void start(const Boot& boot);

    /// Ends the life at once: coroutines, handlers, timers and work vanish. Requires: outside of shards' events.
    void kill(End end, Survival survival = Survival::anything);

    /// Takes the power in the middle of the `count`-th disk call from now that changes or syncs something; `ended` is
    /// called when the life is over. A life that ends before takes the order with it.
    void kill_at_disk_call(
        std::uint64_t count, Survival survival = Survival::anything, std::function<void()> ended = [] {});

    /// Ends the life and waits for nothing, as after a clean shutdown that the application has completed.
    void stop() { kill(End::process_killed); }

    bool is_running() const { return incarnation_ != no_incarnation; }
    Incarnation incarnation() const { return incarnation_; }
    const std::string& host() const { return options_.host; }
    unsigned shard_count() const { return options_.shards; }
    /// For the next life.
    void set_shard_count(unsigned shards) { options_.shards = shards; }
    SimDisk& disk() { return disk_; }
    SimClock& clock() { return clock_; }
    SimShard& shard(std::size_t index) { return *shards_[index]; }
    /// Requires: running.
    runtime::World world() { return {disk_, *transport_, shard_pointers_}; }

 private:
    Simulation& simulation_;
    Network& network_;
    NodeOptions options_;
    SimDisk disk_;
    SimClock clock_;
    Incarnation incarnation_ = no_incarnation;
    std::unique_ptr<SimTransport> transport_;
    std::vector<std::unique_ptr<SimShard>> shards_;
    std::vector<runtime::Shard*> shard_pointers_;
    std::shared_ptr<void> application_;
};

}  // namespace moldau::sim
