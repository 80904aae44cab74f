#include "faults.h"

namespace moldau::sim {

using std::chrono::milliseconds;
using std::chrono::seconds;

Faults::Faults(Simulation& simulation, Network& network, Model& model, std::vector<SimNode*> brokers,
               std::vector<std::string> hosts, FaultPlan plan, Control control)
    : simulation_(simulation),
      network_(network),
      model_(model),
      brokers_(std::move(brokers)),
      hosts_(std::move(hosts)),
      plan_(plan),
      control_(std::move(control)),
      random_(simulation.split("faults")) {}

void Faults::schedule_next() {
    simulation_.schedule_after(random_.duration(plan_.shortest_gap, plan_.longest_gap), EventKind::world, {}, [this] {
        if (healed_) return;
        strike();
        schedule_next();
    });
}

void Faults::strike() {
    SimNode& node = *brokers_[random_.below(brokers_.size())];
    switch (random_.below(plan_.device_failures ? 12 : 10)) {
        case 0:
        case 1:
        case 2:
            return crash(node);
        case 3:
        case 4: {
            const auto connections = network_.connections();
            if (!connections.empty()) network_.cut(connections[random_.below(connections.size())]);
            return;
        }
        case 5: {
            const std::string& from = hosts_[random_.below(hosts_.size())];
            const std::string& to = hosts_[random_.below(hosts_.size())];
            if (from == to) return;
            network_.block(from, to);
            if (random_.coin()) network_.block(to, from);
            return mend_later([this] { network_.heal(); });
        }
        case 6:
            simulation_.count("slow disk");
            node.disk().slow_down(static_cast<unsigned>(random_.between(2, 50)));
            return mend_later([&node] { node.disk().slow_down(1); });
        case 7:
            simulation_.count("disk filled up");
            node.disk().set_capacity(node.disk().used_bytes() + random_.below(20'000));
            return mend_later([&node] { node.disk().set_capacity(std::uint64_t{1} << 30); });
        case 8:
            if (!node.is_running()) return;
            simulation_.count("orderly stop begun");
            return control_.stop(node);
        case 9:
            simulation_.count("wall clock jump");
            return node.clock().jump(milliseconds(static_cast<std::int64_t>(random_.below(20'000)) - 10'000));
        case 10:
            simulation_.count("syncs begin to fail");
            node.disk().fail_syncs(static_cast<unsigned>(random_.between(1, 3)));
            return mend_later([&node] { end_device_failure(node); });
        default:
            return decay(node);
    }
}

void Faults::decay(SimNode& node) {
    const std::vector<std::string> files = node.disk().files();
    if (files.empty()) return;
    simulation_.count("reads of a file begin to fail");
    const std::string& path = files[random_.below(files.size())];
    node.disk().fail_reads(path, random_.below(20'000), random_.between(1, 20'000));
    mend_later([&node] { end_device_failure(node); });
}

void Faults::end_device_failure(SimNode& node) {
    node.disk().fail_syncs(0);
    node.disk().clear_read_failures();
}

void Faults::mend_later(std::function<void()> mend) {
    simulation_.schedule_after(random_.duration(milliseconds(1), seconds(3)), EventKind::world, {}, std::move(mend));
}

void Faults::crash(SimNode& node) {
    if (!node.is_running()) return;
    const Incarnation life = node.incarnation();
    switch (random_.below(4)) {
        case 0:
            node.kill(SimNode::End::process_killed);
            return ended(node, life, false);
        case 1: {
            const auto survival = random_.coin() ? Survival::nothing : Survival::anything;
            node.kill(SimNode::End::power_lost, survival);
            return ended(node, life, true);
        }
        default:
            node.kill_at_disk_call(random_.between(1, 60), random_.chance(300) ? Survival::nothing : Survival::anything,
                                   [this, &node, life] { ended(node, life, true); });
    }
}

void Faults::ended(SimNode& node, Incarnation life, bool power_lost) {
    ++crashes_;
    simulation_.count(power_lost ? "crash: power lost" : "crash: process killed");
    if (power_lost) model_.data_may_be_lost(life);
    restart_later(node);
}

void Faults::exited(SimNode& node, Incarnation life, Exit exit) {
    static constexpr std::string_view names[] = {"exit: clean", "exit: unclean", "exit: not started", "exit: failed"};
    simulation_.count(names[static_cast<int>(exit)]);
    const SimDisk::Refusals refusals = node.disk().refusals(life);
    if (exit == Exit::failed && !refusals.as_failing)
        model_.broken("a broker did not go on, though its disk only was full or slow");
    if (exit == Exit::not_started && !refusals.any())
        model_.broken("a broker did not start, though its disk neither was full nor failed");
    node.stop();
    if (!healed_ && random_.chance(300)) {
        simulation_.count("power lost between two lives");
        node.disk().crash(random_.coin() ? Survival::nothing : Survival::anything);
        if (exit != Exit::clean) model_.data_may_be_lost(life);
    }
    restart_later(node);
}

void Faults::restart_later(SimNode& node) {
    simulation_.schedule_after(random_.duration(milliseconds(1), plan_.longest_downtime), EventKind::world, {},
                               [this, &node] { restart(node); });
}

void Faults::restart(SimNode& node) {
    if (node.is_running()) return;
    if (plan_.draws_shards) node.set_shard_count(1U << random_.below(3));
    control_.start(node);
}

void Faults::heal() {
    healed_ = true;
    network_.heal();
    for (SimNode* node : brokers_) {
        node->disk().slow_down(1);
        end_device_failure(*node);
        node->disk().set_capacity(std::uint64_t{1} << 30);
        node->disk().power_off_at(0, nullptr);
        restart(*node);
    }
}

}  // namespace moldau::sim
