// OffsetCommit: how far a group has come.

#include "../handlers.h"
#include "group_call.h"
#include "known_partitions.h"

namespace moldau::api {
namespace {

using protocol::ErrorCode;
using protocol::OffsetCommitRequest;
using protocol::OffsetCommitResponse;

using Answered = AnsweredTopics<std::vector<OffsetCommitResponse::OffsetCommitResponseTopic>>;

void refuse_all(Answered& answer, const OffsetCommitRequest& request, ErrorCode error) {
    for (const auto& topic : request.topics)
        for (const auto& partition : topic.partitions)
            answer.entry_of(topic).partitions.push_back({partition.partition_index, error});
}

/// Gives topics their names; those that have none are refused.
void resolve_ids(const Call& call, OffsetCommitRequest& request, Answered& answer) {
    std::vector<OffsetCommitRequest::OffsetCommitRequestTopic> known;
    for (auto& topic : request.topics) {
        if (const metadata::TopicPtr found = call.image().find_topic(topic.topic_id)) {
            topic.name = protocol::Text(found->name);
            known.push_back(std::move(topic));
        } else {
            for (const auto& partition : topic.partitions)
                answer.entry_of(topic).partitions.push_back({partition.partition_index, ErrorCode::unknown_topic_id});
        }
    }
    request.topics = std::move(known);
}

/// Gives topics their ids, which are kept with the offsets. Requires: there are such topics.
void find_ids(const Call& call, OffsetCommitRequest& request) {
    for (auto& topic : request.topics)
        if (const metadata::TopicPtr found = call.image().find_topic(topic.name.view())) topic.topic_id = found->id;
}

/// An offset is too large for the topic as it stands.
ErrorCode commit_error(ErrorCode error) {
    return error == ErrorCode::unknown_server_error ? ErrorCode::invalid_commit_offset_size : error;
}

}  // namespace

Answer<OffsetCommitResponse> offset_commit(Call& call, OffsetCommitRequest& request) {
    OffsetCommitResponse response;
    const bool by_id = call.version() >= first_offsets_version_by_id;
    Answered answer(response.topics, by_id);
    if (!call.allows(Operation::read, ResourceType::group, request.group_id)) {
        refuse_all(answer, request, ErrorCode::group_authorization_failed);
        co_return response;
    }
    if (by_id) resolve_ids(call, request, answer);
    keep_known_partitions(call, Operation::read, request.topics,
                          [&](const auto& topic, PartitionIndex partition, ErrorCode error) {
                              answer.entry_of(topic).partitions.push_back({partition, error});
                          });
    if (request.topics.empty()) co_return response;
    if (!by_id) find_ids(call, request);
    auto answered = co_await ask_group<OffsetCommitResponse>(call, request.group_id, request);
    if (answered) {
        answer.append(std::move(answered->topics));
    } else {
        refuse_all(answer, request, commit_error(answered.error()));
    }
    co_return response;
}

}  // namespace moldau::api
