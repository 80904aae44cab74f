// FindCoordinator: until there are groups and transactions, nobody coordinates; nothing is created.

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

struct Refusal {
    ErrorCode error;
    protocol::Text message;
};

Refusal refusal_of(const Call& call, std::int8_t type, std::string_view key) {
    switch (type) {
        case group_type:
            if (!call.allows(Operation::describe, ResourceType::group, key))
                return {ErrorCode::group_authorization_failed, ""};
            return {ErrorCode::coordinator_not_available, ""};
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

}  // namespace

Answer<protocol::FindCoordinatorResponse> find_coordinator(Call& call, protocol::FindCoordinatorRequest& request) {
    protocol::FindCoordinatorResponse response;
    const std::int8_t type = call.version() >= first_version_with_types ? request.key_type : group_type;
    if (call.version() < first_batched_version) {
        const Refusal refusal = refusal_of(call, type, request.key);
        response.error_code = refusal.error;
        response.error_message = refusal.message;
        response.node_id = no_node;
        response.port = -1;
        co_return response;
    }
    for (const protocol::Text& key : request.coordinator_keys) {
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
