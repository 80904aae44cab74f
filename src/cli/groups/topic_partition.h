#pragma once
// A partition by its topic's name, and offsets by it. Pure.

#include <compare>
#include <cstdint>
#include <map>
#include <set>
#include <string>

#include <fmt/format.h>

#include <moldau/base/ids.h>

namespace moldau::cli {

struct TopicPartition {
    std::string topic;
    std::int32_t partition = 0;
    friend auto operator<=>(const TopicPartition&, const TopicPartition&) = default;
};

using TopicPartitionSet = std::set<TopicPartition>;
using PartitionOffsets = std::map<TopicPartition, Offset>;

inline std::string to_text(const TopicPartition& partition) {
    return fmt::format("partition {} of topic '{}'", partition.partition, partition.topic);
}

}  // namespace moldau::cli
