#pragma once
// Who reads what: the assignors that Moldau's consumers offer, as the leader of a group runs them. Pure.

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "groups/topic_partition.h"

namespace moldau::cli {

struct Subscription {
    std::string member_id;
    std::vector<std::string> topics;
};

/// By topic.
using PartitionCounts = std::map<std::string, std::int32_t>;
/// By member; each is there.
using Assignments = std::map<std::string, TopicPartitionSet>;

inline constexpr std::string_view range_assignor = "range";
inline constexpr std::string_view round_robin_assignor = "roundrobin";

/// Each topic is cut into as many ranges as there are members that subscribe to it; the first ones are longer by one
/// where they cannot be equal.
Assignments assign_ranges(const std::vector<Subscription>& members, const PartitionCounts& counts);

/// The partitions of all topics go round among the members, each to the next one that subscribes to its topic.
Assignments assign_round_robin(const std::vector<Subscription>& members, const PartitionCounts& counts);

}  // namespace moldau::cli
