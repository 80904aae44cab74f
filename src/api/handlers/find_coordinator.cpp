// FindCoordinator: which broker coordinates a group. The topic that groups are kept in is made when it is first asked
// for. Until there are transactions and share groups, nobody coordinates these.

#include <algorithm>
#include <chrono>

#include <moldau/base/log.h>
#include <moldau/node/brokers.h>
#include <moldau/protocol/messages/find_coordinator.h>

#include "../handlers.h"
#include "../internal_topics.h"
#include "group_call.h"

namespace moldau::api {
namespace {

using protocol::ErrorCode;
using protocol::FindCoordinatorResponse;
using Coordinator = FindCoordinatorResponse::Coordinator;

constexpr std::int8_t group_type = 0;
constexpr std::int8_t transaction_type = 1;
constexpr std::int8_t share_type = 2;
constexpr std::int16_t first_batched_version = 4;
constexpr std::int16_t first_version_with_types = 1;
/// A key may take a byte in the request and takes many in the answer. Clients ask again for what they were not told.
constexpr std::size_t max_answered_keys = 100'000;

void refuse(Coordinator& told, ErrorCode error, protocol::Text message = {}) {
    told.node_id = no_node;
    told.port = -1;
    told.error_code = error;
    told.error_message = std::move(message);
}

void tell_group_coordinator(const Call& call, std::string_view group_id, Coordinator& told) {
    const metadata::Image& image = call.image();
    const metadata::TopicPtr topic = image.find_topic(metadata::consumer_offsets_topic);
    if (topic == nullptr || topic->partitions.empty()) return refuse(told, ErrorCode::coordinator_not_available);
    const auto partitions = static_cast<std::int32_t>(topic->partitions.size());
    const metadata::Partition* partition = topic->partitions.find(coordinator::partition_of(group_id, partitions));
    const auto brokers = node::brokers_at(image, call.peer().listener, node::Fenced::left_out);
    const auto leader = std::ranges::find_if(
        brokers, [&](const auto& broker) { return partition != nullptr && broker.id == partition->leader; });
    if (leader == brokers.end()) return refuse(told, ErrorCode::coordinator_not_available);
    told.node_id = leader->id;
    told.host = protocol::Text(std::string(leader->host));
    told.port = leader->port;
}

/// Once a while, since clients ask several times a second.
void tell_of_transactions(const Call& call, std::string_view key) {
    constexpr runtime::Duration pause = std::chrono::minutes(1);
    const runtime::TimePoint now = call.shard().now();
    if (now < call.shell.no_coordinator_notice_before) return;
    call.shell.no_coordinator_notice_before = runtime::after(now, pause);
    const runtime::Endpoint& client = call.peer().address;
    log::warn(
        "{}:{} asks for the coordinator of transactional id '{}' (FindCoordinator): transactions are not there "
        "yet, and its producer will fail; producers without transactional.id get on",
        client.host, client.port, key);
}

void tell(const Call& call, std::int8_t type, std::string_view key, Coordinator& told) {
    switch (type) {
        case group_type:
            if (!call.allows(Operation::describe, ResourceType::group, key))
                return refuse(told, ErrorCode::group_authorization_failed);
            return tell_group_coordinator(call, key, told);
        case transaction_type:
            if (!call.allows(Operation::describe, ResourceType::transactional_id, key))
                return refuse(told, ErrorCode::transactional_id_authorization_failed);
            tell_of_transactions(call, key);
            // Not retriable: a producer that waited for transactions would wait forever.
            return refuse(told, ErrorCode::invalid_request,
                          "transactions are not supported by this version of the broker");
        case share_type:
            return refuse(told, ErrorCode::invalid_request,
                          "share groups are not supported by this version of the broker");
        default:
            return refuse(told, ErrorCode::invalid_request, "unknown coordinator type");
    }
}

/// Somebody who may ask has asked.
bool is_wanted(const Call& call, std::int8_t type, const std::vector<std::string_view>& keys) {
    return type == group_type && call.image().find_topic(metadata::consumer_offsets_topic) == nullptr &&
           std::ranges::any_of(
               keys, [&](std::string_view key) { return call.allows(Operation::describe, ResourceType::group, key); });
}

}  // namespace

Answer<FindCoordinatorResponse> find_coordinator(Call& call, protocol::FindCoordinatorRequest& request) {
    FindCoordinatorResponse response;
    const std::int8_t type = call.version() >= first_version_with_types ? request.key_type : group_type;
    const bool batched = call.version() >= first_batched_version;
    std::vector<std::string_view> keys;
    if (batched) {
        keys.assign(request.coordinator_keys.begin(), request.coordinator_keys.end());
    } else {
        keys.emplace_back(request.key);
    }
    if (is_wanted(call, type, keys)) co_await create_internal_topic(call, metadata::consumer_offsets_topic);
    for (const std::string_view key : keys) {
        if (response.coordinators.size() == max_answered_keys) break;
        auto& told = response.coordinators.emplace_back();
        told.key = protocol::Text::borrow(key);
        tell(call, type, key, told);
    }
    if (batched) co_return response;
    Coordinator& only = response.coordinators.front();
    response.error_code = only.error_code;
    response.error_message = std::move(only.error_message);
    if (only.error_code == ErrorCode::none) response.error_message = "NONE";
    response.node_id = only.node_id;
    response.host = std::move(only.host);
    response.port = only.port;
    response.coordinators.clear();
    co_return response;
}

}  // namespace moldau::api
