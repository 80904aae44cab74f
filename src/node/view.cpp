#include <algorithm>

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

}  // namespace moldau::node
