#pragma once
// A whole node on a disk in memory, turned by hand, that serves requests as connections bring them.

#include <array>
#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include <gtest/gtest.h>

#include <moldau/api/api_service.h>
#include <moldau/node/node.h>
#include <moldau/protocol/api_table.h>
#include <moldau/protocol/messages/create_topics.h>
#include <moldau/protocol/reader.h>
#include <moldau/protocol/writer.h>

#include "support/manual_shard.h"
#include "support/memory_disk.h"
#include "support/no_transport.h"

namespace moldau::api {

class ServingNode {
 public:
    explicit ServingNode(Authorizer& authorizer) : services_(node_, shards_, authorizer) {
        peer_.listener = "PLAINTEXT";
    }

    void start_with_topic(const std::string& name) {
        const auto started = run(node_.start());
        ASSERT_TRUE(started) << started.error().message;
        protocol::CreateTopicsRequest creation;
        auto& topic = creation.topics.emplace_back();
        topic.name = protocol::Text(name);
        topic.num_partitions = 1;
        topic.replication_factor = 1;
        ASSERT_TRUE(run(node_.controller().call(shard_, creation, node::ControllerDriver::unbounded)));
    }
    void stop() { EXPECT_TRUE(run(node_.stop())); }

    /// Nothing while there is no answer.
    using Answer = std::shared_ptr<std::optional<net::Response>>;
    template <class Request>
    Answer begin(const Request& request, std::int16_t version) {
        protocol::Writer writer;
        request.encode(writer, version);
        net::Request raw;
        raw.frame = Buffer(writer.view());
        raw.api_key = Request::api_key;
        raw.api_version = version;
        raw.peer = &peer_;
        raw.budget = net::RequestBudget::Charge(budget_);
        auto answer = std::make_shared<std::optional<net::Response>>();
        services_.on_shard(0).serve(std::move(raw),
                                    [answer](net::Response response) { *answer = std::move(response); });
        settle();
        return answer;
    }
    /// The message, which borrows from the answer until the next call. Requires: its records, if any, are empty.
    template <class Request>
    typename Request::Response read(const Answer& answer, std::int16_t version) {
        if (!*answer || (*answer)->pieces.size() != 1) {
            ADD_FAILURE() << Request::message_name << " has no answer " << (*answer ? (*answer)->close_reason : "");
            return {};
        }
        constexpr std::size_t size_and_correlation_bytes = 8;
        const bool has_tags = protocol::response_header_version(Request::api_key, version) >= 1;
        protocol::Reader reader(
            ByteView(std::get<Bytes>((*answer)->pieces[0])).subspan(size_and_correlation_bytes + (has_tags ? 1 : 0)));
        auto response = Request::Response::decode(reader, version);
        EXPECT_TRUE(reader.ok()) << reader.error();
        last_ = answer;
        return response;
    }
    template <class Request>
    typename Request::Response ask(const Request& request, std::int16_t version) {
        return read<Request>(begin(request, version), version);
    }

    metadata::TopicPtr find_topic(std::string_view name) { return node_.view(shard_).image->find_topic(name); }
    void advance(runtime::Duration time) {
        shard_.advance(time);
        settle();
    }

 private:
    template <class T>
    T run(runtime::Task<T> task) {
        std::optional<T> result;
        runtime::spawn(shard_, [](runtime::Task<T> awaited, std::optional<T>& into) -> runtime::Task<void> {
            into.emplace(co_await std::move(awaited));
        }(std::move(task), result));
        for (int i = 0; i < 100 && !result; ++i) {
            settle();
            shard_.advance(std::chrono::milliseconds(100));
        }
        MOLDAU_ASSERT(result.has_value());
        return std::move(*result);
    }
    void settle() {
        while (shard_.run_ready() || disk_.run_blocking_work()) {
        }
    }
    static node::NodeOptions options() {
        node::NodeOptions options;
        options.log_dir = "/data";
        options.advertised = {{"PLAINTEXT", "localhost", 9092, 0}};
        options.controller_endpoints = {{"CONTROLLER", "localhost", 9093, 0}};
        options.format_if_empty = true;
        return options;
    }

    runtime::MemoryDisk disk_;
    runtime::NoTransport transport_;
    runtime::ManualShard shard_;
    std::array<runtime::Shard*, 1> shards_{&shard_};
    node::Node node_{{disk_, transport_, shards_}, options()};
    ApiServices services_;
    net::Peer peer_;
    net::RequestBudget budget_{1 << 20};
    Answer last_;
};

}  // namespace moldau::api
