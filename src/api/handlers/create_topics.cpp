// CreateTopics: decided by the controller; what the client may not create is taken out before.

#include <algorithm>
#include <iterator>

#include <moldau/protocol/messages/create_topics.h>

#include "../handlers.h"
#include "refusals.h"

namespace moldau::api {

Answer<protocol::CreateTopicsResponse> create_topics(Call& call, protocol::CreateTopicsRequest& request) {
    using protocol::ErrorCode;
    protocol::CreateTopicsResponse refused;
    const auto refuse = [&refused](const protocol::Text& name, ErrorCode error, std::string_view message) {
        auto& told = refused.topics.emplace_back();
        told.name = name;
        told.error_code = error;
        told.error_message = protocol::error_text(message);
        told.configs.emplace();
    };
    if (!call.allows(Operation::create, ResourceType::cluster, cluster_resource))
        std::erase_if(request.topics, [&](const auto& topic) {
            if (call.allows(Operation::create, ResourceType::topic, topic.name)) return false;
            refuse(topic.name, ErrorCode::topic_authorization_failed, "Authorization failed.");
            return true;
        });
    auto answer = co_await call.shell.node.controller().call(call.shard(), request, patience_of(request.timeout_ms));
    if (!answer) {
        for (const auto& topic : request.topics) refuse(topic.name, error_of(answer.error()), answer.error().message);
        co_return refused;
    }
    for (auto& topic : answer->topics)
        if (topic.error_code == ErrorCode::none &&
            !call.allows(Operation::describe_configs, ResourceType::topic, topic.name)) {
            topic.num_partitions = -1;
            topic.replication_factor = -1;
            topic.configs.emplace();
            topic.topic_config_error_code = ErrorCode::topic_authorization_failed;
        }
    std::ranges::move(refused.topics, std::back_inserter(answer->topics));
    co_return std::move(*answer);
}

}  // namespace moldau::api
