#pragma once
// What a shard sees of the cluster and of this node's partitions: immutable, replaced as a whole, and only after the
// partitions that the image names are open.

#include <memory>
#include <utility>

#include <moldau/base/ids.h>
#include <moldau/metadata/image.h>
#include <moldau/metadata/persistent_map.h>
#include <moldau/replication/partition.h>

namespace moldau::node {

using PartitionTable =
    metadata::PersistentMap<std::pair<TopicId, PartitionIndex>, std::shared_ptr<replication::Partition>>;

struct View {
    std::shared_ptr<const metadata::Image> image = std::make_shared<metadata::Image>();
    PartitionTable partitions;  ///< of this node
    /// Finalised in the log's control records, not among the image's features.
    std::int16_t kraft_version = 0;

    /// Null when this node has no such partition.
    std::shared_ptr<replication::Partition> partition(const TopicId& topic, PartitionIndex index) const {
        const auto* found = partitions.find(std::pair(topic, index));
        return found == nullptr ? nullptr : *found;
    }
};

}  // namespace moldau::node
