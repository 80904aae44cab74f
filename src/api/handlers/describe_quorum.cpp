// DescribeQuorum: leader, epoch, voters and observers of the metadata log.

#include <moldau/protocol/messages/describe_quorum.h>

#include "../handlers.h"

namespace moldau::api {

Answer<protocol::DescribeQuorumResponse> describe_quorum(Call& call, protocol::DescribeQuorumRequest& request) {
    using protocol::ErrorCode;
    if (!call.allows(Operation::describe, ResourceType::cluster, cluster_resource)) {
        protocol::DescribeQuorumResponse refused;
        refused.error_code = ErrorCode::cluster_authorization_failed;
        co_return refused;
    }
    auto answer = co_await call.shell.node.describe_quorum(call.shard());
    const auto known = answer.topics.front();
    answer.topics.clear();
    bool asked_for_it = false;
    for (const auto& topic : request.topics) {
        auto& told = answer.topics.emplace_back();
        told.topic_name = topic.topic_name;
        for (const auto& partition : topic.partitions) {
            if (topic.topic_name == known.topic_name && partition.partition_index == PartitionIndex(0)) {
                told.partitions.push_back(known.partitions.front());
                asked_for_it = true;
                continue;
            }
            auto& unknown = told.partitions.emplace_back();
            unknown.partition_index = partition.partition_index;
            unknown.error_code = ErrorCode::unknown_topic_or_partition;
            unknown.error_message = "only __cluster_metadata-0 has a quorum";
        }
    }
    if (!asked_for_it) answer.nodes.clear();
    co_return answer;
}

}  // namespace moldau::api
