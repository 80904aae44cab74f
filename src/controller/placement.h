#pragma once
// Where the replicas of new partitions go: striped over racks and, inside each, over brokers, as Kafka's default placer
// does; the first replica, the leader, on a broker that is alive.

#include <vector>

#include <moldau/base/result.h>
#include <moldau/controller/controller.h>

namespace moldau::controller {

/// One list of brokers a partition. Errc::invalid with the cause when the brokers are too few or none is alive.
Result<std::vector<std::vector<NodeId>>> place_replicas(const metadata::Image& image, std::int32_t partitions,
                                                        std::int32_t replication_factor, const RandomBits& random);

/// The directory of a new replica there: the only one, or what leaves the choice to the broker.
Uuid directory_of_new_replica(const metadata::Image& image, NodeId broker);

}  // namespace moldau::controller
