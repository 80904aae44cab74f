#include "real_broker.h"

#include <fmt/format.h>

#include <moldau/api/api_service.h>
#include <moldau/base/log.h>
#include <moldau/net/server.h>
#include <moldau/node/node.h>

namespace moldau::sim {
namespace {

using runtime::Task;

constexpr runtime::Duration drain_time = std::chrono::seconds(5);

class RealBroker final : public BrokerProcess {
 public:
    explicit RealBroker(const BrokerStart& start)
        : world_(start.world),
          endpoint_(start.endpoint),
          exited_(start.exited),
          node_(world_, options_of(start)),
          services_(node_, world_.shards, authorizer_),
          server_(world_, services(), {}),
          stop_(world_.shard(0)) {
        world_.shard(0).post([this] { runtime::spawn(world_.shard(0), live(*this)); });
    }

    void stop() override {
        world_.shard(0).post([this] { begin_stop(); });
    }

 private:
    static node::NodeOptions options_of(const BrokerStart& start) {
        node::NodeOptions options;
        options.id = NodeId(1);
        options.log_dir = data_directory;
        options.advertised = {{"PLAINTEXT", start.endpoint.host, start.endpoint.port, 0}};
        options.controller_endpoints = {{"CONTROLLER", start.endpoint.host, 9093, 0}};
        options.file = start.settings;
        options.format_if_empty = true;
        return options;
    }

    std::vector<net::Service*> services() {
        std::vector<net::Service*> all;
        all.reserve(world_.shards.size());
        for (unsigned i = 0; i < world_.shards.size(); ++i) all.push_back(&services_.on_shard(i));
        return all;
    }

    void begin_stop() {
        stopping_ = true;
        stop_.notify_all();
    }

    Task<Result<>> start() {
        if (auto started = co_await node_.start(); !started) co_return started;
        if (auto bound = server_.listen("PLAINTEXT", endpoint_); !bound)
            co_return std::unexpected(std::move(bound).error());
        co_return Result<>{};
    }

    static Task<> live(RealBroker& self) {
        self.node_.on_failure([&self](const Error& error) {
            log::error("the broker cannot go on: {}", error.message);
            self.failed_ = true;
            self.begin_stop();
        });
        if (const Result<> started = co_await self.start(); !started) {
            log::error("the broker does not start: {}", started.error().message);
            self.started_ = false;
            self.stopping_ = true;
        }
        while (!self.stopping_) co_await self.stop_.wait();
        co_await self.node_.stop_coordinating();
        co_await self.server_.stop(runtime::after(self.world_.shard(0).now(), drain_time));
        const bool clean = co_await self.node_.stop();
        self.exited_(!self.started_ ? Exit::not_started
                     : self.failed_ ? Exit::failed
                     : clean        ? Exit::clean
                                    : Exit::unclean);
    }

    runtime::World world_;
    const runtime::Endpoint endpoint_;
    std::function<void(Exit)> exited_;
    api::AllowAll authorizer_;
    node::Node node_;
    api::ApiServices services_;
    net::Server server_;
    runtime::Signal stop_;
    bool stopping_ = false;
    bool failed_ = false;
    bool started_ = true;
};

}  // namespace

metadata::Properties draw_settings(SimRandom& random) {
    metadata::Properties settings{{"node.id", "1"},
                                  {"process.roles", "broker,controller"},
                                  {"controller.listener.names", "CONTROLLER"},
                                  {"log.dirs", std::string(data_directory)},
                                  {"log.retention.ms", "-1"},
                                  {"moldau.durability", "disk"}};
    const auto set = [&](std::string_view key, std::uint64_t value) {
        settings[std::string(key)] = std::to_string(value);
    };
    set("log.segment.bytes", random.coin() ? random.between(4'000, 20'000) : random.between(20'000, 2'000'000));
    set("log.index.interval.bytes", random.coin() ? random.between(1, 500) : 4096);
    set("log.index.size.max.bytes", random.chance(200) ? 120 : 10'485'760);
    // Also what closes the segments of __consumer_offsets, so that they are compacted.
    if (random.chance(400)) set("log.roll.ms", random.between(200, 5'000));
    set("log.cleaner.backoff.ms", random.between(10, 2'000));
    set("log.cleaner.delete.retention.ms", random.coin() ? 0 : random.between(1, 5'000));
    settings["log.cleaner.min.cleanable.ratio"] = random.coin() ? "0" : "0.3";
    set("metadata.log.max.record.bytes.between.snapshots", random.coin() ? random.between(200, 3'000) : 20'971'520);
    set("replica.high.watermark.checkpoint.interval.ms", random.between(100, 5'000));
    set("log.retention.check.interval.ms", random.between(100, 5'000));
    set("log.initial.task.delay.ms", random.between(10, 2'000));
    settings["offsets.topic.replication.factor"] = "1";
    set("offsets.topic.num.partitions", random.between(1, 3));
    set("offsets.retention.check.interval.ms", random.between(100, 5'000));
    set("group.min.session.timeout.ms", 1);
    set("group.initial.rebalance.delay.ms", random.coin() ? 0 : random.between(1, 500));
    set("metadata.max.idle.interval.ms", random.coin() ? 500 : random.between(20, 500));
    return settings;
}

std::shared_ptr<BrokerProcess> start_real_broker(const BrokerStart& start) {
    return std::make_shared<RealBroker>(start);
}

}  // namespace moldau::sim
