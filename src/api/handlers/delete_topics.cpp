// DeleteTopics, by name or by id: decided by the controller.

#include <algorithm>
#include <iterator>

#include <moldau/protocol/messages/delete_topics.h>

#include "../handlers.h"
#include "refusals.h"

namespace moldau::api {
namespace {

using protocol::DeleteTopicsRequest;
using protocol::DeleteTopicsResponse;
using protocol::ErrorCode;

DeleteTopicsResponse::DeletableTopicResult refused(std::optional<protocol::Text> name, const TopicId& id,
                                                   ErrorCode error) {
    DeleteTopicsResponse::DeletableTopicResult told;
    told.name = std::move(name);
    told.topic_id = id;
    told.error_code = error;
    return told;
}

/// What the client may not see has no name in the answer.
std::optional<DeleteTopicsResponse::DeletableTopicResult> refusal_of(
    const Call& call, const metadata::Image& image, const DeleteTopicsRequest::DeleteTopicState& topic) {
    std::string name;
    if (topic.name) {
        name = topic.name->str();
    } else if (const auto known = image.find_topic(topic.topic_id)) {
        name = known->name;
        if (!call.allows(Operation::describe, ResourceType::topic, name))
            return refused(std::nullopt, topic.topic_id, ErrorCode::topic_authorization_failed);
    } else {
        return std::nullopt;  // the controller knows what to say of it
    }
    if (call.allows(Operation::remove, ResourceType::topic, name)) return std::nullopt;
    return refused(protocol::Text(name), topic.topic_id, ErrorCode::topic_authorization_failed);
}

}  // namespace

Answer<DeleteTopicsResponse> delete_topics(Call& call, DeleteTopicsRequest& request) {
    const auto image = call.shell.node.view(call.shard()).image;
    for (const protocol::Text& name : request.topic_names) request.topics.emplace_back().name = name;
    request.topic_names.clear();

    std::vector<DeleteTopicsResponse::DeletableTopicResult> not_allowed;
    std::erase_if(request.topics, [&](const auto& topic) {
        auto refusal = refusal_of(call, *image, topic);
        if (!refusal) return false;
        not_allowed.push_back(std::move(*refusal));
        return true;
    });
    auto answer = co_await call.shell.node.controller().call(call.shard(), request, patience_of(request.timeout_ms));
    DeleteTopicsResponse response;
    if (answer) {
        response = std::move(*answer);
    } else {
        for (const auto& topic : request.topics)
            response.responses.push_back(refused(topic.name, topic.topic_id, error_of(answer.error())));
    }
    std::ranges::move(not_allowed, std::back_inserter(response.responses));
    co_return response;
}

}  // namespace moldau::api
