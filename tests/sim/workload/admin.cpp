#include <fmt/format.h>

#include <moldau/protocol/messages/create_topics.h>
#include <moldau/protocol/messages/delete_topics.h>

#include "clients.h"

namespace moldau::sim {

using protocol::ErrorCode;
using runtime::Task;
using std::chrono::milliseconds;

namespace {

/// Tries until the topic is there.
Task<> create(Session& session, TopicPlan plan) {
    for (bool again = false;; again = true) {
        const auto rpc = co_await session.connect({});
        protocol::CreateTopicsRequest request;
        request.timeout_ms = 3000;
        auto& topic = request.topics.emplace_back();
        topic.name = protocol::Text(plan.name);
        topic.num_partitions = plan.partitions;
        topic.replication_factor = plan.replication_factor;
        const std::string retention = plan.retention_bytes ? std::to_string(*plan.retention_bytes) : "";
        if (plan.retention_bytes) {
            auto& config = topic.configs.emplace_back();
            config.name = "retention.bytes";
            config.value = protocol::Text(retention);
        }
        if (plan.compacted) {
            auto& config = topic.configs.emplace_back();
            config.name = "cleanup.policy";
            config.value = protocol::Text("compact");
        }
        const auto answer = co_await session.ask(rpc, std::move(request));
        co_await session.pause(milliseconds(1), milliseconds(50));
        if (!answer || answer->message.topics.size() != 1) continue;
        const ErrorCode error = answer->message.topics[0].error_code;
        const bool exists = again && error == ErrorCode::topic_already_exists;
        if (!exists)
            session.judge("create topic", error, rpc->peer_life(),
                          {ErrorCode::not_controller, ErrorCode::request_timed_out});
        if (error != ErrorCode::none && !exists) continue;
        session.workload().topics.insert(plan.name);
        co_return;
    }
}

/// Tries until the topic is gone.
Task<> remove(Session& session, std::string name) {
    constexpr std::int16_t first_version_with_states = 6;
    session.workload().topics.erase(name);
    for (bool again = false;; again = true) {
        const auto rpc = co_await session.connect({});
        protocol::DeleteTopicsRequest request;
        request.timeout_ms = 3000;
        if (session.version_of<protocol::DeleteTopicsRequest>() >= first_version_with_states)
            request.topics.emplace_back().name = protocol::Text(name);
        else
            request.topic_names.emplace_back(name);
        const auto answer = co_await session.ask(rpc, std::move(request));
        co_await session.pause(milliseconds(1), milliseconds(50));
        if (!answer || answer->message.responses.size() != 1) continue;
        const ErrorCode error = answer->message.responses[0].error_code;
        const bool gone = again && error == ErrorCode::unknown_topic_or_partition;
        if (!gone)
            session.judge("delete topic", error, rpc->peer_life(),
                          {ErrorCode::not_controller, ErrorCode::request_timed_out});
        if (error == ErrorCode::none || gone) co_return;
    }
}

}  // namespace

Task<> create_topics(Workload& workload, runtime::World world, std::vector<TopicPlan> topics, unsigned& done) {
    Session session(workload, world, "admin", workload.simulation.split("admin"));
    for (const TopicPlan& topic : topics) co_await create(session, topic);
    ++done;
}

Task<> churn(Workload& workload, runtime::World world, ChurnPlan plan, unsigned& done) {
    const std::string name = fmt::format("churn{}", plan.id);
    Session session(workload, world, name, workload.simulation.split(name));
    const Model::Partition partition{name, 0};
    std::uint32_t id = plan.id;
    for (unsigned i = 0; i < plan.generations; ++i) {
        co_await create(session, {.name = name});
        workload.model.topic_created(name);
        unsigned finished = 0;
        co_await produce(workload, world,
                         {.id = id++,
                          .partitions = {partition},
                          .idempotent = session.random().coin(),
                          .batches = session.random().between(1, 20)},
                         finished);
        co_await verify(workload, world, {.id = id++, .partitions = {partition}}, finished);
        workload.model.topic_deleted(name);
        co_await remove(session, name);
        workload.simulation.count("topic deleted");
    }
    ++done;
}

}  // namespace moldau::sim
