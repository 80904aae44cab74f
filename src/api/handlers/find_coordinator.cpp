// FindCoordinator: until there are groups and transactions, nobody coordinates; nothing is created. Clients ask on for
// a group's coordinator and tell their users nothing: the log does.

#include <chrono>

#include <moldau/base/log.h>
#include <moldau/protocol/messages/find_coordinator.h>

#include "../handlers.h"

namespace moldau::api {
namespace {

using protocol::ErrorCode;

constexpr std::int8_t group_type = 0;
constexpr std::int8_t transaction_type = 1;
constexpr std::int8_t share_type = 2;
constexpr std::int16_t first_batched_version = 4;
constexpr std::int16_t first_version_with_types = 1;
/// A key may take a byte in the request and takes many in the answer. Clients ask again for what they were not told.
constexpr std::size_t max_answered_keys = 100'000;

struct Refusal {
    ErrorCode error;
    protocol::Text message;
};

Refusal refusal_of(const Call& call, std::int8_t type, std::string_view key) {
    switch (type) {
        case group_type:
            if (!call.allows(Operation::describe, ResourceType::group, key))
                return {ErrorCode::group_authorization_failed, ""};
            // Retriable: librdkafka asks on behalf of consumers that only assign partitions, and they work.
            return {ErrorCode::coordinator_not_available,
                    "consumer groups are not supported by this version of the broker"};
        case transaction_type:
            if (!call.allows(Operation::describe, ResourceType::transactional_id, key))
                return {ErrorCode::transactional_id_authorization_failed, ""};
            // Not retriable: a producer that waited for transactions would wait forever.
            return {ErrorCode::invalid_request, "transactions are not supported by this version of the broker"};
        case share_type:
            return {ErrorCode::invalid_request, "share groups are not supported by this version of the broker"};
        default:
            return {ErrorCode::invalid_request, "unknown coordinator type"};
    }
}

/// Once a while, since clients ask several times a second.
void tell_of(const Call& call, std::int8_t type, std::string_view key) {
    constexpr runtime::Duration pause = std::chrono::minutes(1);
    const runtime::TimePoint now = call.shard().now();
    if (now < call.shell.no_coordinator_notice_before) return;
    call.shell.no_coordinator_notice_before = runtime::after(now, pause);
    const runtime::Endpoint& client = call.peer().address;
    if (type == group_type) {
        log::warn(
            "{}:{} asks for the coordinator of group '{}' (FindCoordinator): consumer groups are not there yet, and "
            "its "
            "consumer will wait; consumers that assign partitions themselves and commit no offsets get on",
            client.host, client.port, key);
    } else if (type == transaction_type) {
        log::warn(
            "{}:{} asks for the coordinator of transactional id '{}' (FindCoordinator): transactions are not there "
            "yet, "
            "and its producer will fail; producers without transactional.id get on",
            client.host, client.port, key);
    }
}

}  // namespace

Answer<protocol::FindCoordinatorResponse> find_coordinator(Call& call, protocol::FindCoordinatorRequest& request) {
    protocol::FindCoordinatorResponse response;
    const std::int8_t type = call.version() >= first_version_with_types ? request.key_type : group_type;
    const bool batched = call.version() >= first_batched_version && !request.coordinator_keys.empty();
    if (type == group_type || type == transaction_type)
        tell_of(call, type, batched ? request.coordinator_keys.front() : request.key);
    if (call.version() < first_batched_version) {
        const Refusal refusal = refusal_of(call, type, request.key);
        response.error_code = refusal.error;
        response.error_message = refusal.message;
        response.node_id = no_node;
        response.port = -1;
        co_return response;
    }
    for (const protocol::Text& key : request.coordinator_keys) {
        if (response.coordinators.size() == max_answered_keys) break;
        const Refusal refusal = refusal_of(call, type, key);
        auto& told = response.coordinators.emplace_back();
        told.key = key;
        told.node_id = no_node;
        told.port = -1;
        told.error_code = refusal.error;
        told.error_message = refusal.message;
    }
    co_return response;
}

}  // namespace moldau::api
