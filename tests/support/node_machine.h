#pragma once
// A whole node on a disk in memory, turned by hand: one life of it.

#include <array>
#include <chrono>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include <moldau/node/node.h>
#include <moldau/protocol/messages/create_topics.h>

#include "support/manual_shard.h"
#include "support/memory_disk.h"
#include "support/no_transport.h"

namespace moldau::node {

class NodeMachine {
 public:
    explicit NodeMachine(runtime::MemoryDisk& disk, metadata::Properties settings = {})
        : disk_(disk), node_({disk, transport_, shards_}, options_of(std::move(settings))) {
        node_.on_failure([this](const Error& error) { failure = error.message; });
    }
    ~NodeMachine() {
        if (started_) stop();
    }

    Result<> start() {
        auto outcome = run(node_.start());
        if (!outcome) return fail(Errc::timed_out, "the start waits for something");
        started_ = true;  // also where it failed: a stop releases what was begun
        return *outcome;
    }
    /// Whether the stop was clean.
    bool stop() {
        started_ = false;
        const auto clean = spawn(node_.stop());
        for (int i = 0; i < 200 && !*clean; ++i) advance(step);
        return clean->value_or(false);
    }
    /// The result, unless the task waits for time to pass.
    template <class T>
    std::optional<T> run(runtime::Task<T> task) {
        const auto result = spawn(std::move(task));
        settle();
        return std::move(*result);
    }
    /// All that need not wait for time to pass.
    void settle() {
        while (shard_.run_ready() || disk_.run_blocking_work()) {
        }
    }
    /// In steps, as time passes for who sets timers behind each other.
    void advance(runtime::Duration time) {
        for (runtime::Duration passed{}; passed < time; passed += step) {
            shard_.advance(step);
            settle();
        }
    }

    /// What the creation of a topic is answered with; nothing while there is no answer.
    std::optional<Result<protocol::CreateTopicsResponse>> create_topic(const std::string& name) {
        ask_for(name);
        return run(node_.controller().call(shard_, creation_, ControllerDriver::unbounded));
    }
    const metadata::Image& image() { return *node_.view(shard_).image; }
    Node& node() { return node_; }
    runtime::ManualShard& shard() { return shard_; }
    std::span<runtime::Shard* const> shards() { return shards_; }

    std::string failure;

 protected:
    static constexpr runtime::Duration step = std::chrono::milliseconds(100);

    static NodeOptions options_of(metadata::Properties settings) {
        NodeOptions options;
        options.log_dir = "/data";
        options.advertised = {{"PLAINTEXT", "localhost", 9092, 0}};
        options.controller_endpoints = {{"CONTROLLER", "localhost", 9093, 0}};
        options.file = std::move(settings);
        options.format_if_empty = true;
        return options;
    }
    void ask_for(const std::string& topic_name) {
        creation_ = {};
        auto& topic = creation_.topics.emplace_back();
        topic.name = protocol::Text(topic_name);
        topic.num_partitions = 1;
        topic.replication_factor = 1;
    }
    template <class T>
    std::shared_ptr<std::optional<T>> spawn(runtime::Task<T> task) {
        const auto result = std::make_shared<std::optional<T>>();
        runtime::spawn(shard_,
                       [](runtime::Task<T> awaited, std::shared_ptr<std::optional<T>> into) -> runtime::Task<void> {
                           into->emplace(co_await std::move(awaited));
                       }(std::move(task), result));
        return result;
    }

    runtime::MemoryDisk& disk_;
    runtime::NoTransport transport_;
    runtime::ManualShard shard_;
    std::array<runtime::Shard*, 1> shards_{&shard_};
    protocol::CreateTopicsRequest creation_;
    Node node_;
    bool started_ = false;
};

}  // namespace moldau::node
