#include <algorithm>

#include <moldau/node/brokers.h>
#include <moldau/node/view.h>

namespace moldau::node {

using protocol::ErrorCode;

FoundPartition View::find(const metadata::Topic& topic, PartitionIndex index, NodeId self) const {
    if (const auto* open = partitions.find(std::pair(topic.id, index))) return {*open, ErrorCode::none};
    const metadata::Partition* known = topic.partitions.find(index);
    if (known == nullptr) return {nullptr, ErrorCode::unknown_topic_or_partition};
    const bool is_replica = std::ranges::find(known->replicas, self) != known->replicas.end();
    return {nullptr, is_replica ? ErrorCode::kafka_storage_error : ErrorCode::not_leader_or_follower};
}

std::vector<NodeId> View::offline_replicas(const metadata::Topic& topic, PartitionIndex index, NodeId self) const {
    std::vector<NodeId> offline;
    for (const NodeId replica : topic.partitions.find(index)->replicas)
        if (!is_alive(*image, replica) ||
            (replica == self && find(topic, index, self).error == protocol::ErrorCode::kafka_storage_error))
            offline.push_back(replica);
    return offline;
}

}  // namespace moldau::node
