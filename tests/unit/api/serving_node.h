#pragma once
// A node that serves requests as connections bring them, turned by hand.

#include <memory>
#include <optional>
#include <string>

#include <gtest/gtest.h>

#include <moldau/api/api_service.h>
#include <moldau/coordinator/driver.h>
#include <moldau/coordinator/group_machine.h>
#include <moldau/protocol/api_table.h>
#include <moldau/protocol/reader.h>
#include <moldau/protocol/writer.h>

#include "support/node_machine.h"

namespace moldau::api {

class ServingNode {
 public:
    explicit ServingNode(Authorizer& authorizer) : services_(machine_.node(), machine_.shards(), authorizer) {
        peer_.listener = "PLAINTEXT";
    }

    void start_with_topic(const std::string& name) {
        const auto started = machine_.start();
        ASSERT_TRUE(started) << started.error().message;
        ASSERT_TRUE(machine_.create_topic(name));
    }
    void stop() { EXPECT_TRUE(machine_.stop()); }

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
        raw.budget.add(raw.frame.size());
        auto answer = std::make_shared<std::optional<net::Response>>();
        services_.on_shard(0).serve(std::move(raw),
                                    [answer](net::Response response) { *answer = std::move(response); });
        machine_.settle();
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

    /// What no client could say to the group's coordinator. Requires: the offsets' topic is there.
    template <class Response, class Request>
    void tell_coordinator(std::string_view group, const Request& request) {
        const auto& offsets = machine_.image().find_topic("__consumer_offsets")->partitions;
        const auto* driver =
            machine_.node()
                .view(machine_.shard())
                .groups.find(coordinator::partition_of(group, static_cast<std::int32_t>(offsets.size())));
        ASSERT_NE(driver, nullptr);
        runtime::spawn(machine_.shard(), [](auto on, Request what) -> runtime::Task<void> {
            const auto answered = co_await on->template call<Response>(on->shard(), what, {});
            EXPECT_TRUE(answered.has_value());
        }(*driver, request));
        machine_.settle();
    }
    /// Of requests that are not answered, and have not given their bytes back.
    std::size_t used_budget_bytes() const { return budget_.used_bytes(); }

    runtime::MemoryDisk& disk() { return disk_; }
    metadata::TopicPtr find_topic(std::string_view name) { return machine_.image().find_topic(name); }
    /// At once, so that a time-out is met to the millisecond.
    void advance(runtime::Duration time) {
        machine_.shard().advance(time);
        machine_.settle();
    }

 private:
    runtime::MemoryDisk disk_;
    node::NodeMachine machine_{disk_, {{"offsets.topic.replication.factor", "1"}}};
    ApiServices services_;
    net::Peer peer_;
    net::RequestBudget budget_{1 << 20};
    Answer last_;
};

}  // namespace moldau::api
