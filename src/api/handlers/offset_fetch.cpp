// OffsetFetch: how far groups have come; one group in old versions, several from 8 on.

#include <algorithm>
#include <set>
#include <string_view>

#include "../handlers.h"
#include "answer_room.h"
#include "group_call.h"
#include "known_partitions.h"

namespace moldau::api {
namespace {

using coordinator::OffsetsOfGroup;
using protocol::ErrorCode;
using protocol::OffsetFetchRequest;
using protocol::OffsetFetchResponse;
using GroupRequest = OffsetFetchRequest::OffsetFetchRequestGroup;
using TopicAnswer = protocol::offset_fetch_response::OffsetFetchResponseTopics;
using OffsetOfPartition = protocol::offset_fetch_response::OffsetFetchResponsePartitions;

constexpr std::int16_t first_version_with_groups = 8;
TopicAnswer refused(const protocol::Text& name, const TopicId& id, const std::vector<PartitionIndex>& partitions,
                    ErrorCode error) {
    TopicAnswer told;
    told.name = name.owned();
    told.topic_id = id;
    for (const PartitionIndex index : partitions) {
        auto& partition = told.partitions.emplace_back();
        partition.partition_index = index;
        partition.committed_offset = no_offset;
        partition.metadata = protocol::Text();
        partition.error_code = error;
    }
    return told;
}

/// Takes out of the request what the client may not see, or is not there, into `refusals`.
void filter(const Call& call, GroupRequest& group, std::vector<TopicAnswer>& refusals) {
    if (!group.topics) return;
    std::vector<protocol::offset_fetch_request::OffsetFetchRequestTopics> allowed;
    for (auto& topic : *group.topics) {
        if (call.version() >= first_offsets_version_by_id) {
            const metadata::TopicPtr found = call.image().find_topic(topic.topic_id);
            if (found == nullptr) {
                refusals.push_back(refused({}, topic.topic_id, topic.partition_indexes, ErrorCode::unknown_topic_id));
                continue;
            }
            topic.name = protocol::Text(found->name);
        } else if (const metadata::TopicPtr found = call.image().find_topic(topic.name.view())) {
            topic.topic_id = found->id;  // what was committed of an earlier topic of the name is not this one's
        }
        if (call.allows(Operation::describe, ResourceType::topic, topic.name)) {
            allowed.push_back(std::move(topic));
        } else {
            refusals.push_back(
                refused(topic.name, topic.topic_id, topic.partition_indexes, ErrorCode::topic_authorization_failed));
        }
    }
    group.topics = std::move(allowed);
}

std::size_t size_of(const std::vector<PartitionIndex>& partitions) {
    return partitions.size() * sizeof(OffsetOfPartition);
}

std::size_t size_of(const std::vector<OffsetOfPartition>& partitions) {
    std::size_t bytes = 0;
    for (const auto& partition : partitions)
        bytes += sizeof(partition) + (partition.metadata ? partition.metadata->size() : 0);
    return bytes;
}

/// What is told of the group takes so much, and the offsets' metadata on top of it.
std::size_t least_size_of_answer(const GroupRequest& group) {
    std::size_t bytes = sizeof(OffsetsOfGroup) + group.group_id.size();
    if (!group.topics) return bytes;
    for (const auto& topic : *group.topics)
        bytes += sizeof(TopicAnswer) + topic.name.size() + size_of(topic.partition_indexes);
    return bytes;
}

std::size_t size_of(const OffsetsOfGroup& group) {
    std::size_t bytes = sizeof(OffsetsOfGroup) + group.group_id.size();
    for (const TopicAnswer& topic : group.topics)
        bytes += sizeof(TopicAnswer) + topic.name.size() + size_of(topic.partitions);
    return bytes;
}

/// INVALID_REQUEST where there is no room for all of it.
runtime::Task<OffsetsOfGroup> fetch_group(Call& call, GroupRequest group, AnswerRoom& room) {
    OffsetsOfGroup response;
    response.group_id = group.group_id.owned();
    if (!call.allows(Operation::describe, ResourceType::group, group.group_id)) {
        response.error_code = ErrorCode::group_authorization_failed;
        co_return response;
    }
    if (least_size_of_answer(group) > room.left_bytes()) {
        response.error_code = ErrorCode::invalid_request;
        co_return response;
    }
    const bool all = !group.topics;
    std::vector<TopicAnswer> refusals;
    filter(call, group, refusals);
    const coordinator::FetchOffsets request{.group = std::move(group), .room_bytes = room.left_bytes()};
    auto answered = co_await ask_group<OffsetsOfGroup>(call, request.group.group_id, request);
    if (!answered) {
        response.error_code = answered.error();
        co_return response;
    }
    response = std::move(*answered);
    if (all) {
        std::erase_if(response.topics, [&](const TopicAnswer& topic) {
            return !call.allows(Operation::describe, ResourceType::topic, topic.name);
        });
        std::erase_if(response.topics, [&](TopicAnswer& topic) {
            const metadata::TopicPtr found = call.image().find_topic(topic.name.view());
            if (found == nullptr) return call.version() >= first_offsets_version_by_id;
            if (topic.topic_id != TopicId() && topic.topic_id != found->id) return true;
            topic.topic_id = found->id;
            return false;
        });
    }
    for (TopicAnswer& refusal : refusals) response.topics.push_back(std::move(refusal));
    room.take(size_of(response));
    co_return response;
}

GroupRequest only_group(OffsetFetchRequest& request) {
    GroupRequest group;
    group.group_id = request.group_id;
    group.topics.reset();
    if (!request.topics) return group;
    group.topics.emplace();
    for (auto& topic : *request.topics) {
        auto& wanted = group.topics->emplace_back();
        wanted.name = topic.name;
        wanted.partition_indexes = std::move(topic.partition_indexes);
    }
    return group;
}

/// Answers of these versions have one group, whose error also stands with each partition, as clients expect it there.
void tell_only_group(OffsetFetchResponse& response, const GroupRequest& asked, OffsetsOfGroup group,
                     std::int16_t version) {
    constexpr std::int16_t first_version_with_error = 2;
    response.error_code = group.error_code;
    const auto tell = [&](const protocol::Text& name) -> auto& {
        auto& topic = response.topics.emplace_back();
        topic.name = name.owned();
        return topic;
    };
    if (group.error_code != ErrorCode::none) {
        const bool is_told_by_itself = version >= first_version_with_error || !asked.topics;
        if (is_told_by_itself || least_size_of_answer(asked) > max_answer_bytes) return;
        for (const auto& topic : *asked.topics) {
            auto& told = tell(topic.name);
            for (const PartitionIndex index : topic.partition_indexes) {
                auto& partition = told.partitions.emplace_back();
                partition.partition_index = index;
                partition.committed_offset = no_offset;
                partition.metadata = protocol::Text();
                partition.error_code = group.error_code;
            }
        }
        return;
    }
    for (TopicAnswer& topic : group.topics) {
        auto& told = tell(topic.name);
        for (auto& partition : topic.partitions) {
            auto& copy = told.partitions.emplace_back();
            copy.partition_index = partition.partition_index;
            copy.committed_offset = partition.committed_offset;
            copy.committed_leader_epoch = partition.committed_leader_epoch;
            copy.metadata = std::move(partition.metadata);
            copy.error_code = partition.error_code;
        }
    }
}

}  // namespace

Answer<OffsetFetchResponse> offset_fetch(Call& call, OffsetFetchRequest& request) {
    OffsetFetchResponse response;
    AnswerRoom room;
    if (call.version() < first_version_with_groups) {
        const GroupRequest group = only_group(request);
        tell_only_group(response, group, co_await fetch_group(call, group, room), call.version());
        co_return response;
    }
    std::set<std::string_view> seen;
    for (GroupRequest& group : request.groups) {
        if (!seen.insert(group.group_id).second) continue;
        if (seen.size() % groups_a_turn == 0) co_await runtime::yield(call.shard());
        response.groups.push_back(co_await fetch_group(call, std::move(group), room));
    }
    co_return response;
}

}  // namespace moldau::api
