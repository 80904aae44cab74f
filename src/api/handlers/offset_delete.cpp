// OffsetDelete: what a group has committed of partitions that it does not consume goes.

#include "../handlers.h"
#include "group_call.h"
#include "known_partitions.h"

namespace moldau::api {

Answer<protocol::OffsetDeleteResponse> offset_delete(Call& call, protocol::OffsetDeleteRequest& request) {
    using protocol::ErrorCode;
    protocol::OffsetDeleteResponse response;
    if (!call.allows(Operation::remove, ResourceType::group, request.group_id)) {
        response.error_code = ErrorCode::group_authorization_failed;
        co_return response;
    }
    keep_known_partitions(call, Operation::read, request.topics,
                          [&](const auto& topic, PartitionIndex partition, ErrorCode error) {
                              entry_of(response.topics, topic).partitions.push_back({partition, error});
                          });
    auto answered = co_await ask_group<protocol::OffsetDeleteResponse>(call, request.group_id, request);
    if (!answered || answered->error_code != ErrorCode::none) {
        response.topics.clear();
        response.error_code = answered ? answered->error_code : answered.error();
    } else {
        for (auto& topic : answered->topics) response.topics.push_back(std::move(topic));
    }
    co_return response;
}

}  // namespace moldau::api
