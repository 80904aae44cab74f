#pragma once
// Asking the coordinator of a group: finds it among this node's, hops to its shard.

#include <string>
#include <string_view>
#include <utility>

#include <moldau/coordinator/driver.h>
#include <moldau/coordinator/group_machine.h>
#include <moldau/metadata/topic_name.h>

#include "../call.h"

namespace moldau::api {

/// As Apache Kafka tells a client why a group's coordinator did not answer.
inline protocol::ErrorCode group_error(protocol::ErrorCode error) {
    using protocol::ErrorCode;
    switch (error) {
        case ErrorCode::unknown_topic_or_partition:
        case ErrorCode::not_enough_replicas:
        case ErrorCode::request_timed_out:
            return ErrorCode::coordinator_not_available;
        case ErrorCode::not_leader_or_follower:
        case ErrorCode::kafka_storage_error:
            return ErrorCode::not_coordinator;
        case ErrorCode::message_too_large:
        case ErrorCode::record_list_too_large:
        case ErrorCode::invalid_fetch_size:
            return ErrorCode::unknown_server_error;
        default:
            return error;
    }
}

/// Null where this node does not coordinate the group.
inline std::shared_ptr<node::GroupDriver> find_coordinator_of(const Call& call, std::string_view group_id) {
    const node::View& view = call.shell.node.view(call.shard());
    const metadata::TopicPtr topic = view.image->find_topic(metadata::consumer_offsets_topic);
    if (topic == nullptr || topic->partitions.empty()) return nullptr;
    const auto partitions = static_cast<std::int32_t>(topic->partitions.size());
    const auto* driver = view.groups.find(coordinator::partition_of(group_id, partitions));
    return driver == nullptr ? nullptr : *driver;
}

/// Asks it; the error is one to answer with. Requires: `request` outlives the call.
template <class Response, class Request>
runtime::Task<coordinator::Answered<Response>> ask_group(Call& call, std::string_view group_id,
                                                         const Request& request) {
    const auto driver = find_coordinator_of(call, group_id);
    if (!driver) co_return std::unexpected(protocol::ErrorCode::not_coordinator);
    const coordinator::Caller caller{
        .client_id = call.request.client_id, .host = call.peer().address.host, .api_version = call.version()};
    auto answered = co_await driver->template call<Response>(call.shard(), request, caller);
    if (!answered) co_return std::unexpected(group_error(answered.error()));
    co_return answered;
}

/// Of a request that is answered by the group's coordinator alone, and by its error code where there is none.
template <class Request>
runtime::Task<typename Request::Response> answer_by_group(Call& call, const Request& request) {
    using protocol::ErrorCode;
    using Response = typename Request::Response;
    Response refusal;
    if (!call.allows(Operation::read, ResourceType::group, request.group_id)) {
        refusal.error_code = ErrorCode::group_authorization_failed;
        co_return refusal;
    }
    auto answered = co_await ask_group<Response>(call, request.group_id, request);
    if (answered) co_return std::move(*answered);
    refusal.error_code = answered.error();
    co_return refusal;
}

}  // namespace moldau::api
