#pragma once
// Assignments of new partitions to brokers: made here or given by the request.

#include <expected>
#include <optional>
#include <vector>

#include <moldau/controller/controller.h>

#include "api_error.h"

namespace moldau::controller {

/// The most partitions that one request may create: its records are one batch.
inline constexpr std::int32_t max_partitions_per_request = 10'000;

/// Whether a replica list that a request gives may be used.
ApiError check_assignment(const metadata::Image& image, const std::vector<NodeId>& replicas,
                          std::optional<std::size_t> replication_factor);

/// A partition on these brokers, led by the first that is active; nothing when none is.
std::optional<metadata::Partition> new_partition(const metadata::Image& image, std::vector<NodeId> replicas);

/// Partitions on brokers that the placer chooses.
std::expected<std::vector<metadata::Partition>, ApiError> placed_partitions(const metadata::Image& image,
                                                                            std::int32_t count,
                                                                            std::int32_t replication_factor,
                                                                            const RandomBits& random);

}  // namespace moldau::controller
