#pragma once
// What members of consumer groups tell each other through their coordinator: the topics that each wants to read, and
// the partitions that each has to. Pure.

#include <optional>
#include <string>
#include <vector>

#include <moldau/base/bytes.h>

#include "groups/topic_partition.h"

namespace moldau::cli {

/// Nothing where the bytes are no assignment. Of any version: each begins with what the first one has.
std::optional<TopicPartitionSet> read_assignment(ByteView bytes);
Bytes write_assignment(const TopicPartitionSet& partitions);

/// The topics that a member subscribes to; nothing where the bytes are no subscription. Of any version, too.
std::optional<std::vector<std::string>> read_subscription(ByteView bytes);
/// Of version 0, which all clients read. Owned partitions are for cooperative assignors alone.
Bytes write_subscription(const std::vector<std::string>& topics);

}  // namespace moldau::cli
