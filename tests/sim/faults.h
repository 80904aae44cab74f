#pragma once
// What goes wrong in a run: drawn from the seed, on events of the world. Owned by the scenario.

#include <memory>
#include <vector>

#include "scenario.h"
#include "workload/model.h"
#include "world/sim_node.h"

namespace moldau::sim {

struct FaultPlan {
    unsigned crashes = 2;  ///< at least; of power, of the process, or of power within a disk call
    Duration shortest_gap = std::chrono::milliseconds(50);
    Duration longest_gap = std::chrono::seconds(2);
    Duration longest_downtime = std::chrono::seconds(3);
    bool device_failures = false;  ///< syncs and reads that fail, too
    bool draws_shards = true;      ///< a life after the first may have 1, 2 or 4 shards
};

class Faults {
 public:
    /// What is done to the process on a node.
    struct Control {
        std::function<void(SimNode& node)> start;
        std::function<void(SimNode& node)> stop;  ///< in good order
    };

    Faults(Simulation& simulation, Network& network, Model& model, std::vector<SimNode*> brokers,
           std::vector<std::string> hosts, FaultPlan plan, Control control);

    /// Lets faults happen until heal().
    void begin() { schedule_next(); }
    /// Mends everything, restarts what is down, and causes nothing more.
    void heal();
    unsigned crashes() const { return crashes_; }
    /// The process on `node` has ended by itself; it will be started again.
    void exited(SimNode& node, Incarnation life, Exit exit);
    /// Starts `node` if it is down.
    void restart(SimNode& node);

 private:
    void schedule_next();
    void strike();
    void crash(SimNode& node);
    /// Of one of its files, a range cannot be read for a while.
    void decay(SimNode& node);
    static void end_device_failure(SimNode& node);
    void ended(SimNode& node, Incarnation life, bool power_lost);
    void restart_later(SimNode& node);
    void mend_later(std::function<void()> mend);

    Simulation& simulation_;
    Network& network_;
    Model& model_;
    std::vector<SimNode*> brokers_;
    std::vector<std::string> hosts_;
    FaultPlan plan_;
    Control control_;
    SimRandom random_;
    unsigned crashes_ = 0;
    bool healed_ = false;
};

}  // namespace moldau::sim
