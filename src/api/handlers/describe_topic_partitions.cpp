// DescribeTopicPartitions: topics page by page, in order of name (KIP-966).

#include <algorithm>
#include <optional>
#include <set>
#include <string>

#include <moldau/metadata/topic_name.h>
#include <moldau/node/brokers.h>
#include <moldau/protocol/messages/describe_topic_partitions.h>

#include "../authorized_operations.h"
#include "../handlers.h"

namespace moldau::api {
namespace {

using protocol::DescribeTopicPartitionsRequest;
using protocol::DescribeTopicPartitionsResponse;
using protocol::ErrorCode;
using Topic = DescribeTopicPartitionsResponse::DescribeTopicPartitionsResponseTopic;

/// Adds partitions from `first` on while `left` allows; returns the first one that found no room.
std::optional<PartitionIndex> add_partitions(const Call& call, const node::View& view, const metadata::Topic& topic,
                                             PartitionIndex first, std::int32_t& left, Topic& told) {
    for (auto it = topic.partitions.lower_bound(first); it != topic.partitions.end(); ++it) {
        if (left == 0) return it->first;
        --left;
        const auto& partition = it->second;
        auto& out = told.partitions.emplace_back();
        out.partition_index = it->first;
        out.leader_id = partition.leader;
        out.leader_epoch = partition.leader_epoch;
        out.replica_nodes = partition.replicas;
        out.isr_nodes = partition.isr;
        out.eligible_leader_replicas = partition.elr;
        out.last_known_elr = partition.last_known_elr;
        out.offline_replicas = view.offline_replicas(topic, it->first, call.shell.node.options().id);
        if (partition.leader == no_node) out.error_code = ErrorCode::leader_not_available;
    }
    return std::nullopt;
}

DescribeTopicPartitionsResponse bad_cursor(const DescribeTopicPartitionsRequest& request) {
    DescribeTopicPartitionsResponse response;
    for (const auto& topic : request.topics) {
        auto& told = response.topics.emplace_back();
        told.name = topic.name;
        told.error_code = ErrorCode::invalid_request;
    }
    return response;
}

}  // namespace

Answer<DescribeTopicPartitionsResponse> describe_topic_partitions(Call& call, DescribeTopicPartitionsRequest& request) {
    if (request.cursor && request.cursor->partition_index.value() < 0) co_return bad_cursor(request);
    const node::View view = call.shell.node.view(call.shard());
    const auto& image = view.image;
    std::set<std::string, std::less<>> names;
    if (request.topics.empty()) {
        for (const auto& [name, topic] : image->topics_by_name) names.insert(name);
    } else {
        for (const auto& topic : request.topics) names.insert(topic.name.str());
    }
    const std::string_view start = request.cursor ? request.cursor->topic_name.view() : std::string_view();
    std::int32_t left = std::clamp(request.response_partition_limit, 1, call.shell.limits.max_described_partitions);

    DescribeTopicPartitionsResponse response;
    for (auto name = names.lower_bound(start); name != names.end(); ++name) {
        if (!call.allows(Operation::describe, ResourceType::topic, *name)) {
            if (request.topics.empty()) continue;  // not to be seen at all
            response.topics.emplace_back().name = protocol::Text(*name);
            response.topics.back().error_code = ErrorCode::topic_authorization_failed;
            continue;
        }
        const metadata::TopicPtr known = image->find_topic(std::string_view(*name));
        if (known && left == 0) {
            response.next_cursor = {.topic_name = protocol::Text(*name), .partition_index = PartitionIndex(0)};
            break;
        }
        auto& told = response.topics.emplace_back();
        told.name = protocol::Text(*name);
        told.is_internal = metadata::is_internal_topic(*name);
        told.topic_authorized_operations = authorized_operations(call, ResourceType::topic, *name);
        if (!known) {
            told.error_code = metadata::check_topic_name(*name) ? ErrorCode::unknown_topic_or_partition
                                                                : ErrorCode::invalid_topic_exception;
            continue;
        }
        told.topic_id = known->id;
        const bool continued = request.cursor && *name == start;
        const auto next = add_partitions(call, view, *known,
                                         continued ? request.cursor->partition_index : PartitionIndex(0), left, told);
        if (next) {
            response.next_cursor = {.topic_name = protocol::Text(*name), .partition_index = *next};
            break;
        }
    }
    co_return response;
}

}  // namespace moldau::api
