#include "producer_id_control.h"

#include <algorithm>

#include "cluster_control.h"

namespace moldau::controller {

Outcome<protocol::AllocateProducerIdsResponse> allocate_producer_ids(
    const metadata::Image& image, const protocol::AllocateProducerIdsRequest& request) {
    constexpr std::int32_t block_size = 1000;
    Outcome<protocol::AllocateProducerIdsResponse> outcome;
    outcome.response.error_code = check_broker_epoch(image, request.broker_id, request.broker_epoch);
    if (outcome.response.error_code != protocol::ErrorCode::none) return outcome;
    const ProducerId first = std::max(image.next_producer_id, ProducerId(0));
    if (first.value() > std::numeric_limits<std::int64_t>::max() - block_size) {
        outcome.response.error_code = protocol::ErrorCode::unknown_server_error;  // no ids are left
        return outcome;
    }
    protocol::ProducerIdsRecord record;
    record.broker_id = request.broker_id;
    record.broker_epoch = request.broker_epoch;
    record.next_producer_id = first + block_size;
    outcome.records.push_back({record, 0});
    outcome.response.producer_id_start = first;
    outcome.response.producer_id_len = block_size;
    return outcome;
}

}  // namespace moldau::controller
