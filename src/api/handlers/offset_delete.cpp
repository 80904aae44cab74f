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
    AnsweredTopics answer(response.topics);
    keep_known_partitions(call, Operation::read, request.topics,
                          [&](const auto& topic, PartitionIndex partition, ErrorCode error) {
                              answer.entry_of(topic).partitions.push_back({partition, error});
                          });
    auto answered = co_await ask_group<protocol::OffsetDeleteResponse>(call, request.group_id, request);
    if (!answered || answered->error_code != ErrorCode::none) {
        response.topics.clear();
        response.error_code = answered ? answered->error_code : answered.error();
    } else {
        answer.append(std::move(answered->topics));
    }
    co_return response;
}

}  // namespace moldau::api
