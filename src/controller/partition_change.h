#pragma once
// Elections: what becomes of partitions' leaders and in-sync replicas when a broker goes or comes.

#include <functional>
#include <optional>

#include <moldau/controller/controller.h>

namespace moldau::controller {

/// The brokers that are about to change state, which the image does not show yet.
struct BrokerChange {
    NodeId leaves = no_node;   ///< leads nothing any more, and leaves the in-sync replicas
    NodeId arrives = no_node;  ///< may lead, although it still stands as fenced
};

/// Appends a PartitionChange for each partition that `concerned` picks and whose leader or in-sync replicas change.
/// The last in-sync replica stays one, without a leader, until it is back.
void add_partition_changes(const metadata::Image& image, const metadata::ConfigView& config, BrokerChange change,
                           const std::function<bool(const metadata::Partition&)>& concerned, Records& records);

bool leads_any_partition(const metadata::Image& image, NodeId broker);

}  // namespace moldau::controller
