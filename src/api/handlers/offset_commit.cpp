// OffsetCommit: how far a group has come.

#include "../handlers.h"
#include "group_call.h"
#include "known_partitions.h"

namespace moldau::api {
namespace {

using protocol::ErrorCode;
using protocol::OffsetCommitRequest;
using protocol::OffsetCommitResponse;

void refuse_partition(OffsetCommitResponse& response, const OffsetCommitRequest::OffsetCommitRequestTopic& topic,
                      PartitionIndex partition, ErrorCode error) {
    if (response.topics.empty() || response.topics.back().name != topic.name ||
        response.topics.back().topic_id != topic.topic_id) {
        auto& told = response.topics.emplace_back();
        told.name = topic.name.owned();
        told.topic_id = topic.topic_id;
    }
    response.topics.back().partitions.push_back({partition, error});
}

void refuse_all(OffsetCommitResponse& response, const OffsetCommitRequest& request, ErrorCode error) {
    for (const auto& topic : request.topics)
        for (const auto& partition : topic.partitions)
            refuse_partition(response, topic, partition.partition_index, error);
}

/// Gives topics their names; those that have none are refused.
void resolve_ids(const Call& call, OffsetCommitRequest& request, OffsetCommitResponse& response) {
    std::vector<OffsetCommitRequest::OffsetCommitRequestTopic> known;
    for (auto& topic : request.topics) {
        if (const metadata::TopicPtr found = call.image().find_topic(topic.topic_id)) {
            topic.name = protocol::Text(found->name);
            known.push_back(std::move(topic));
        } else {
            for (const auto& partition : topic.partitions)
                refuse_partition(response, topic, partition.partition_index, ErrorCode::unknown_topic_id);
        }
    }
    request.topics = std::move(known);
}

/// An offset is too large for the topic as it stands.
ErrorCode commit_error(ErrorCode error) {
    return error == ErrorCode::unknown_server_error ? ErrorCode::invalid_commit_offset_size : error;
}

}  // namespace

Answer<OffsetCommitResponse> offset_commit(Call& call, OffsetCommitRequest& request) {
    OffsetCommitResponse response;
    if (!call.allows(Operation::read, ResourceType::group, request.group_id)) {
        refuse_all(response, request, ErrorCode::group_authorization_failed);
        co_return response;
    }
    if (call.version() >= first_offsets_version_by_id) resolve_ids(call, request, response);
    keep_known_partitions(call, Operation::read, request.topics,
                          [&](const auto& topic, PartitionIndex partition, ErrorCode error) {
                              refuse_partition(response, topic, partition, error);
                          });
    if (request.topics.empty()) co_return response;
    auto answered = co_await ask_group<OffsetCommitResponse>(call, request.group_id, request);
    if (!answered) {
        refuse_all(response, request, commit_error(answered.error()));
    } else {
        for (auto& topic : answered->topics) response.topics.push_back(std::move(topic));
    }
    co_return response;
}

}  // namespace moldau::api
