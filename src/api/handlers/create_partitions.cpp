// CreatePartitions: decided by the controller.

#include <algorithm>
#include <iterator>

#include <moldau/protocol/messages/create_partitions.h>

#include "../handlers.h"
#include "refusals.h"

namespace moldau::api {

Answer<protocol::CreatePartitionsResponse> create_partitions(Call& call, protocol::CreatePartitionsRequest& request) {
    using protocol::ErrorCode;
    protocol::CreatePartitionsResponse refused;
    const auto refuse = [&refused](const protocol::Text& name, ErrorCode error) {
        auto& told = refused.results.emplace_back();
        told.name = name;
        told.error_code = error;
    };
    std::erase_if(request.topics, [&](const auto& topic) {
        if (call.allows(Operation::alter, ResourceType::topic, topic.name)) return false;
        refuse(topic.name, ErrorCode::topic_authorization_failed);
        return true;
    });
    auto answer = co_await call.shell.node.controller().call(call.shard(), request, patience_of(request.timeout_ms));
    if (!answer) {
        for (const auto& topic : request.topics) refuse(topic.name, error_of(answer.error()));
        co_return refused;
    }
    std::ranges::move(refused.results, std::back_inserter(answer->results));
    co_return std::move(*answer);
}

}  // namespace moldau::api
