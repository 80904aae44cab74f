#pragma once
// Writes an image as the records of a snapshot: the same, in the same order, as Kafka's image writers.

#include <vector>

#include <moldau/metadata/feature_levels.h>
#include <moldau/metadata/image.h>

namespace moldau::metadata {

/// Features first (metadata.version before all others), then brokers, controllers, topics, configs, quotas, producer
/// ids, ACLs, SCRAM credentials, delegation tokens. Replayed onto an empty image they give an equal one.
/// Some borrow their text from the image, which must outlive them.
std::vector<VersionedRecord> write_image(const Image& image);

/// The record that creates a partition as it is.
protocol::PartitionRecord partition_record(const TopicId& topic, PartitionIndex index, const Partition& partition);

}  // namespace moldau::metadata
