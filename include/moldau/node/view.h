#pragma once
// What a shard sees of the cluster and of this node's partitions: immutable, replaced as a whole, and only after the
// partitions that the image names are open, or were found to be such as cannot be.

#include <memory>
#include <utility>

#include <moldau/base/ids.h>
#include <moldau/metadata/image.h>
#include <moldau/metadata/persistent_map.h>
#include <moldau/node/groups.h>
#include <moldau/protocol/error_code.h>
#include <moldau/replication/partition.h>

namespace moldau::node {

using PartitionTable =
    metadata::PersistentMap<std::pair<TopicId, PartitionIndex>, std::shared_ptr<replication::Partition>>;

/// A partition of this node, or what clients that ask for it are told.
struct FoundPartition {
    std::shared_ptr<replication::Partition> partition;
    protocol::ErrorCode error = protocol::ErrorCode::none;  ///< set when there is none
};

struct View {
    std::shared_ptr<const metadata::Image> image = std::make_shared<metadata::Image>();
    PartitionTable partitions;  ///< of this node
    GroupTable groups;          ///< of this node
    /// Finalised in the log's control records, not among the image's features.
    std::int16_t kraft_version = 0;

    /// A partition of `topic`, which is one of the image's. As in Kafka the error is KAFKA_STORAGE_ERROR where `self`
    /// has a replica that could not be opened, NOT_LEADER_OR_FOLLOWER where it has none, UNKNOWN_TOPIC_OR_PARTITION
    /// where the topic has no such partition.
    FoundPartition find(const metadata::Topic& topic, PartitionIndex index, NodeId self) const;

    /// Of a partition's replicas, those of brokers that are not alive, and `self` where it could not be opened.
    std::vector<NodeId> offline_replicas(const metadata::Topic& topic, PartitionIndex index, NodeId self) const;
};

}  // namespace moldau::node
