#include <fmt/format.h>

#include <moldau/base/assert.h>

#include "faults.h"
#include "scenario.h"
#include "workload/clients.h"

namespace moldau::sim {
namespace {

using runtime::World;
using std::chrono::milliseconds;
using std::chrono::minutes;

/// The least that a seed must have done to count.
constexpr std::uint64_t fewest_operations = 1000;
constexpr unsigned fewest_crashes = 2;
constexpr auto time_to_work = minutes(30);
constexpr auto time_to_converge = minutes(10);
/// For consumers, once nothing fails any more: to notice the last failure, and to read all.
constexpr auto time_to_catch_up = minutes(2);
constexpr std::uint64_t most_events = 20'000'000;

class Run {
 public:
    Run(const BrokerProgram& program, const RunOptions& options)
        : program_(program),
          options_(options),
          simulation_(options.seed),
          random_(simulation_.split("configuration")),
          network_(simulation_, draw_network()),
          broker_(simulation_, network_, {.host = "broker1", .shards = draw_shards(), .disk = draw_disk()}),
          workload_{.simulation = simulation_,
                    .model = model_,
                    .brokers = {{"broker1", 9092}},
                    .disk_refused =
                        [this](Model::Life life) {
                            const SimDisk::Refusals refusals = broker_.disk().refusals(life);
                            return refusals.any() || refusals.told_of_little_space;
                        },
                    .segment_bytes = [this](Model::Life life) { return segment_bytes_[life]; }},
          faults_(simulation_, network_, model_, {&broker_}, draw_hosts(), draw_faults(),
                  {.start = [this](SimNode& node) { start(node); }, .stop = [this](SimNode&) { process_->stop(); }}) {
        if (options.on_trace) simulation_.on_trace(options.on_trace);
        broker_.disk().before_crash([this] { note_unsynced(); });
    }

    Report run() {
        draw_clients();
        start(broker_);
        faults_.begin();
        until("the work is done", time_to_work,
              [this] { return done_ == expected_ && faults_.crashes() >= fewest_crashes && enough_operations(); });
        faults_.heal();
        catch_up();
        verify();
        return report();
    }

 private:
    NetworkOptions draw_network() {
        NetworkOptions options;
        if (random_.chance(300)) options.delay.spike_per_mille = 0;
        if (random_.chance(300)) options.largest_window_bytes = 8192;
        return options;
    }
    DiskOptions draw_disk() {
        DiskOptions options;
        if (random_.chance(300)) options.sync.longest = milliseconds(20);
        if (random_.chance(300)) options.would_block_per_mille = 600;
        if (random_.chance(300)) options.pool.longest = milliseconds(5);
        return options;
    }
    unsigned draw_shards() { return options_.shards ? *options_.shards : 1U << random_.below(3); }
    FaultPlan draw_faults() {
        FaultPlan plan;
        plan.device_failures = program_.bears_device_failures && random_.coin();
        plan.draws_shards = !options_.shards;
        if (random_.chance(300)) plan.longest_gap = milliseconds(300);
        return plan;
    }
    std::vector<std::string> draw_hosts() {
        std::vector<std::string> hosts{"broker1"};
        for (std::uint64_t i = 0, count = random_.between(2, 5); i < count; ++i)
            hosts.push_back(fmt::format("client{}", i));
        return hosts;
    }

    void note_unsynced() {
        for (const Model::Partition& partition : partitions_)
            model_.bytes_may_be_lost(
                partition, broker_.disk().unsynced_tail_bytes(
                               fmt::format("{}/{}-{}", data_directory, partition.topic, partition.index), ".log"));
    }

    void start(SimNode& node) {
        if (program_.draw_settings && (settings_.empty() || random_.chance(300)))
            settings_ = program_.draw_settings(random_);
        node.start([this, &node](const World& world) {
            const Incarnation life = node.incarnation();
            if (const auto bytes = settings_.find("log.segment.bytes"); bytes != settings_.end())
                segment_bytes_[life] = std::stoull(bytes->second);
            auto process = program_.start({.world = world,
                                           .endpoint = {node.host(), 9092},
                                           .settings = settings_,
                                           .exited = [this, &node, life](Exit exit) { exited(node, life, exit); }});
            process_ = process.get();
            return process;
        });
    }

    void exited(SimNode& node, Incarnation life, Exit exit) {
        simulation_.run_next([this, &node, life, exit] {
            if (node.incarnation() == life) faults_.exited(node, life, exit);
        });
    }

    /// Runs a client on a machine that nothing happens to.
    void add_client(const std::function<void(const World&)>& begin) {
        const std::string host = fmt::format("client{}", clients_.size());
        clients_.push_back(std::make_unique<SimNode>(simulation_, network_, NodeOptions{.host = host}));
        clients_.back()->start([&](const World& world) {
            begin(world);
            return nullptr;
        });
    }

    void draw_clients() {
        std::vector<TopicPlan> topics;
        for (std::uint64_t i = 0, count = random_.between(1, 3); i < count; ++i)
            topics.push_back({fmt::format("topic{}", i), static_cast<std::int32_t>(random_.between(1, 4)), 1});
        for (TopicPlan& topic : topics) {
            if (!program_.configures_topics) continue;
            topic.compacted = random_.chance(200);
            if (topic.compacted) model_.topic_compacts(topic.name);
            if (topic.compacted || !random_.chance(300)) continue;
            topic.retention_bytes = random_.between(1'000, 200'000);
            model_.topic_retains(topic.name, *topic.retention_bytes);
        }
        for (const TopicPlan& topic : topics)
            for (std::int32_t i = 0; i < topic.partitions; ++i) partitions_.push_back({topic.name, i});
        ++expected_;
        add_client([&](const World& world) {
            runtime::spawn(world.shard(0), create_topics(workload_, world, topics, done_));
        });
        std::uint32_t id = 1;
        for (std::uint64_t i = 0, count = random_.between(2, 5); i < count; ++i) {
            const ProducerPlan plan = draw_producer(id++);
            ++expected_;
            add_client(
                [&](const World& world) { runtime::spawn(world.shard(0), produce(workload_, world, plan, done_)); });
        }
        if (program_.deletes_topics && random_.coin()) {
            ++expected_;
            const ChurnPlan plan{.id = 10'000, .generations = static_cast<unsigned>(random_.between(2, 6))};
            add_client(
                [&](const World& world) { runtime::spawn(world.shard(0), churn(workload_, world, plan, done_)); });
        }
        if (program_.configures_topics && random_.coin()) {
            ++expected_;
            OperatorPlan plan;
            for (const TopicPlan& topic : topics) plan.topics.push_back(topic.name);
            add_client(
                [&](const World& world) { runtime::spawn(world.shard(0), operate(workload_, world, plan, done_)); });
        }
        for (const TopicPlan& topic : topics) draw_consumers(topic, id);
        if (program_.serves_groups && random_.coin()) draw_members(topics[random_.below(topics.size())]);
    }

    void draw_members(const TopicPlan& topic) {
        group_ = MemberPlan{.id = 20'000, .group = "counting", .topic = topic.name, .partitions = topic.partitions};
        for (std::uint64_t i = 0, count = random_.between(2, 4); i < count; ++i) {
            MemberPlan plan = *group_;
            plan.id += static_cast<std::uint32_t>(i) + 1;
            if (random_.chance(300)) plan.instance = fmt::format("instance{}", i);
            ++consumers_;
            add_client([&](const World& world) {
                runtime::spawn(world.shard(0), be_member(workload_, world, plan, caught_up_));
            });
        }
    }

    /// One for all partitions of the topic, one for each, or both.
    void draw_consumers(const TopicPlan& topic, std::uint32_t& next_id) {
        const std::uint64_t drawn = random_.below(3);
        const auto consume = [&](std::vector<Model::Partition> partitions) {
            ConsumerPlan plan{.id = next_id++, .partitions = std::move(partitions)};
            if (random_.chance(300)) plan.rewind_per_mille = 150;
            ++consumers_;
            add_client([&](const World& world) {
                runtime::spawn(world.shard(0), sim::consume(workload_, world, plan, caught_up_));
            });
        };
        if (drawn != 0) consume(partitions_of(topic.name));
        if (drawn == 1) return;
        for (const Model::Partition& partition : partitions_of(topic.name)) consume({partition});
    }

    std::vector<Model::Partition> partitions_of(std::string_view topic) const {
        std::vector<Model::Partition> found;
        for (const Model::Partition& partition : partitions_)
            if (partition.topic == topic) found.push_back(partition);
        return found;
    }

    ProducerPlan draw_producer(std::uint32_t id) {
        ProducerPlan plan;
        plan.id = id;
        const Model::Partition& partition = partitions_[random_.below(partitions_.size())];
        plan.partitions = random_.coin() ? partitions_of(partition.topic) : std::vector{partition};
        plan.batches = random_.between(100, 300);
        if (model_.compacts(partition.topic)) plan.keys = static_cast<std::uint32_t>(random_.between(1, 20));
        switch (random_.below(4)) {
            case 0:
                plan.acks = Acks::leader;
                plan.idempotent = false;
                break;
            case 1:
                plan.acks = random_.coin() ? Acks::all : Acks::none;
                plan.idempotent = false;
                break;
            default:
                plan.in_flight = static_cast<unsigned>(random_.between(1, 5));
        }
        return plan;
    }

    bool enough_operations() const { return workload_.operations >= fewest_operations; }

    void until(std::string_view what, Duration within, const std::function<bool()>& reached) {
        const auto outcome = simulation_.run_until([&] { return reached() || !model_.violation().empty(); },
                                                   simulation_.now() + within, most_events);
        if (outcome != Simulation::Outcome::reached)
            model_.broken(
                fmt::format("it did not come to pass that {}: {} of {} clients are done, {} of {} consumers, {} "
                            "operations, {} crashes",
                            what, done_, expected_, caught_up_, consumers_, workload_.operations, faults_.crashes()));
    }

    void catch_up() {
        workload_.converging = true;
        until("every consumer has read what is committed", time_to_catch_up,
              [this] { return caught_up_ == consumers_; });
    }

    void verify() {
        done_ = 0;
        expected_ = 0;
        std::uint32_t id = 1000;
        const auto verify = [&](std::vector<Model::Partition> partitions) {
            const ConsumerPlan plan{.id = id++, .partitions = std::move(partitions)};
            ++expected_;
            add_client([&](const World& world) {
                runtime::spawn(world.shard(0), sim::verify(workload_, world, plan, done_));
            });
        };
        for (const Model::Partition& partition : partitions_) {
            if (partition.index > 0) continue;
            if (random_.coin()) {
                verify(partitions_of(partition.topic));
            } else {
                for (const Model::Partition& each : partitions_of(partition.topic)) verify({each});
            }
        }
        if (group_) {
            ++expected_;
            add_client([&](const World& world) {
                runtime::spawn(world.shard(0), check_committed_offsets(workload_, world, *group_, done_));
            });
        }
        until("everything is read again", time_to_converge, [this] { return done_ == expected_; });
    }

    Report report() {
        Report report;
        report.violation = model_.violation();
        report.trace_hash = simulation_.trace_hash();
        report.disk_hash = broker_.disk().state_hash();
        report.events = simulation_.events_run();
        report.operations = workload_.operations;
        report.virtual_time = simulation_.now().time_since_epoch();
        report.counters = simulation_.counters();
        report.counters["client operations"] = workload_.operations;
        report.counters["records sent"] = model_.records_sent();
        report.counters["records acknowledged"] = model_.records_acknowledged();
        report.counters["records read"] = model_.records_observed();
        return report;
    }

    const BrokerProgram& program_;
    const RunOptions& options_;
    Simulation simulation_;
    SimRandom random_;
    Network network_;
    Model model_;
    SimNode broker_;
    BrokerProcess* process_ = nullptr;  ///< while the node runs
    metadata::Properties settings_;
    std::map<Model::Life, std::uint64_t> segment_bytes_;
    Workload workload_;
    Faults faults_;
    std::vector<Model::Partition> partitions_;
    unsigned done_ = 0;
    unsigned expected_ = 0;
    unsigned consumers_ = 0;
    unsigned caught_up_ = 0;  ///< of them
    std::optional<MemberPlan> group_;
    std::vector<std::unique_ptr<SimNode>> clients_;
};

class SingleBroker final : public Scenario {
 public:
    explicit SingleBroker(BrokerProgram program) : program_(std::move(program)) {}
    std::string_view name() const override { return "single-broker"; }
    Report run(const RunOptions& options) override { return Run(program_, options).run(); }

 private:
    BrokerProgram program_;
};

}  // namespace

std::unique_ptr<Scenario> single_broker_scenario(BrokerProgram program) {
    return std::make_unique<SingleBroker>(std::move(program));
}

}  // namespace moldau::sim
