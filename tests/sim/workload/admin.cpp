#include <moldau/protocol/messages/create_topics.h>

#include "clients.h"

namespace moldau::sim {

using protocol::ErrorCode;
using runtime::Task;
using std::chrono::milliseconds;

Task<> create_topics(Workload& workload, runtime::World world, std::vector<TopicPlan> topics, unsigned& done) {
    Session session(workload, world, "admin", workload.simulation.split("admin"));
    while (!topics.empty()) {
        const auto rpc = co_await session.connect({});
        protocol::CreateTopicsRequest request;
        request.timeout_ms = 3000;
        auto& topic = request.topics.emplace_back();
        topic.name = protocol::Text(topics.back().name);
        topic.num_partitions = topics.back().partitions;
        topic.replication_factor = topics.back().replication_factor;
        const auto answer = co_await session.ask(rpc, std::move(request));
        if (answer && answer->message.topics.size() == 1) {
            const ErrorCode error = answer->message.topics[0].error_code;
            if (error == ErrorCode::none || error == ErrorCode::topic_already_exists) topics.pop_back();
        }
        co_await session.pause(milliseconds(1), milliseconds(50));
    }
    ++done;
}

}  // namespace moldau::sim
