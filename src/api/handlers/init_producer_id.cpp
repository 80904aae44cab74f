// InitProducerId: an id for an idempotent producer. Transactional ids are refused until there are transactions.

#include <moldau/protocol/messages/init_producer_id.h>

#include "../handlers.h"

namespace moldau::api {

Answer<protocol::InitProducerIdResponse> init_producer_id(Call& call, protocol::InitProducerIdRequest& request) {
    using protocol::ErrorCode;
    protocol::InitProducerIdResponse response;
    response.producer_epoch = no_producer_epoch;
    if (request.transactional_id) {
        const std::string_view id = *request.transactional_id;
        if (!id.empty() && !call.allows(Operation::write, ResourceType::transactional_id, id)) {
            response.error_code = ErrorCode::transactional_id_authorization_failed;
        } else {
            // There is no message in this answer; FindCoordinator, which clients ask first, names the cause.
            response.error_code = ErrorCode::invalid_request;
        }
        co_return response;
    }
    // Who may write to some topic may do so idempotently (KIP-679).
    if (!call.allows(Operation::idempotent_write, ResourceType::cluster, cluster_resource) &&
        !call.allows_any(Operation::write, ResourceType::topic)) {
        response.error_code = ErrorCode::cluster_authorization_failed;
        co_return response;
    }
    if ((request.producer_id == no_producer_id) != (request.producer_epoch == no_producer_epoch)) {
        response.error_code = ErrorCode::invalid_request;
        co_return response;
    }
    const Result<ProducerId> id = co_await call.shell.node.next_producer_id(call.shard());
    if (!id) {
        response.error_code = ErrorCode::coordinator_load_in_progress;  // retriable: the ids are still being allocated
        co_return response;
    }
    response.producer_id = *id;
    response.producer_epoch = ProducerEpoch(0);
    co_return response;
}

}  // namespace moldau::api
