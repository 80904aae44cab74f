#include "assignment.h"

#include <algorithm>

#include "placement.h"

namespace moldau::controller {

using protocol::ErrorCode;

ApiError check_assignment(const metadata::Image& image, const std::vector<NodeId>& replicas,
                          std::optional<std::size_t> replication_factor) {
    const auto refuse = [](std::string message) {
        return ApiError{ErrorCode::invalid_replica_assignment, std::move(message)};
    };
    if (replicas.empty()) return refuse("The manual partition assignment includes an empty replica list.");
    std::vector<NodeId> sorted = replicas;
    std::ranges::sort(sorted);
    for (std::size_t i = 0; i < sorted.size(); ++i) {
        if (image.find_broker(sorted[i]) == nullptr) {
            return refuse(fmt::format(
                "The manual partition assignment includes broker {}, but no such broker is registered.", sorted[i]));
        }
        if (i > 0 && sorted[i] == sorted[i - 1]) {
            return refuse(
                fmt::format("The manual partition assignment includes the broker {} more than once.", sorted[i]));
        }
    }
    if (replication_factor && *replication_factor != replicas.size()) {
        return refuse(
            fmt::format("The manual partition assignment includes a partition with {} replica(s), but this is "
                        "not consistent with previous partitions, which have {} replica(s).",
                        replicas.size(), *replication_factor));
    }
    return {};
}

std::optional<metadata::Partition> new_partition(const metadata::Image& image, std::vector<NodeId> replicas) {
    metadata::Partition partition;
    for (const NodeId replica : replicas) {
        partition.directories.push_back(directory_of_new_replica(image, replica));
        const metadata::BrokerRegistration* broker = image.find_broker(replica);
        if (broker != nullptr && broker->active()) partition.isr.push_back(replica);
    }
    if (partition.isr.empty()) return std::nullopt;
    partition.leader = partition.isr.front();
    partition.replicas = std::move(replicas);
    return partition;
}

std::expected<std::vector<metadata::Partition>, ApiError> placed_partitions(const metadata::Image& image,
                                                                            std::int32_t count,
                                                                            std::int32_t replication_factor,
                                                                            const RandomBits& random) {
    const auto refuse = [&](std::string_view why) {
        return std::unexpected(
            ApiError{ErrorCode::invalid_replication_factor,
                     fmt::format("Unable to replicate the partition {} time(s): {}", replication_factor, why)});
    };
    auto placed = place_replicas(image, count, replication_factor, random);
    if (!placed) return refuse(placed.error().message);
    std::vector<metadata::Partition> partitions;
    for (std::vector<NodeId>& replicas : *placed) {
        auto partition = new_partition(image, std::move(replicas));
        if (!partition) return refuse("All brokers are currently fenced or in controlled shutdown.");
        partitions.push_back(*std::move(partition));
    }
    return partitions;
}

}  // namespace moldau::controller
