#pragma once
// A run of the simulator: brokers, clients and faults drawn from a seed, then everything is healed and must converge.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <moldau/metadata/properties.h>

#include "world/sim_node.h"

namespace moldau::sim {

/// Of every broker. In it a partition has a directory of its name.
inline constexpr std::string_view data_directory = "/data";

/// How a broker's process ends by itself.
enum class Exit {
    clean,        ///< after an orderly stop: everything is durable
    unclean,      ///< after an orderly stop in which something could not be written
    not_started,  ///< it could not start
    failed,       ///< it could not go on
};

/// A running broker; destroying it is killing it.
class BrokerProcess {
 public:
    virtual ~BrokerProcess() = default;
    /// Asks for an orderly stop, at the end of which the process exits.
    virtual void stop() = 0;
};

struct BrokerStart {
    runtime::World world;
    runtime::Endpoint endpoint;  ///< where clients find it
    metadata::Properties settings;
    std::function<void(Exit)> exited;  ///< called once, on one of its shards; it may be destroyed soon after
};

struct BrokerProgram {
    std::function<std::shared_ptr<BrokerProcess>(const BrokerStart& start)> start;
    std::function<metadata::Properties(SimRandom& random)> draw_settings;
    bool bears_device_failures = false;  ///< syncs and reads that fail
    bool deletes_topics = false;
    bool configures_topics = false;  ///< retention included
    bool serves_groups = false;
};

struct RunOptions {
    std::uint64_t seed = 1;
    std::optional<unsigned> shards;  ///< of every broker; none: drawn, anew for each life
    std::function<void(std::string_view)> on_trace;
};

struct Report {
    std::string violation;  ///< empty: every promise held
    std::uint64_t trace_hash = 0;
    std::uint64_t disk_hash = 0;
    std::uint64_t events = 0;
    std::uint64_t operations = 0;
    Duration virtual_time{};
    std::map<std::string, std::uint64_t, std::less<>> counters;
};

class Scenario {
 public:
    virtual ~Scenario() = default;
    virtual std::string_view name() const = 0;
    virtual Report run(const RunOptions& options) = 0;
};

/// One broker under produce, fetch and admin load with every fault that a single node can promise to bear.
std::unique_ptr<Scenario> single_broker_scenario(BrokerProgram program);

}  // namespace moldau::sim
