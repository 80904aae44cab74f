#include "groups/assignor.h"

#include <algorithm>

namespace moldau::cli {

namespace {

using Subscribers = std::map<std::string, std::set<std::string>>;

/// The members of each topic that exists, in the order of their ids.
Subscribers subscribers_of(const std::vector<Subscription>& members, const PartitionCounts& counts) {
    Subscribers subscribers;
    for (const Subscription& member : members)
        for (const std::string& topic : member.topics)
            if (counts.contains(topic)) subscribers[topic].insert(member.member_id);
    return subscribers;
}

Assignments nothing_for(const std::vector<Subscription>& members) {
    Assignments assignments;
    for (const Subscription& member : members) assignments[member.member_id];
    return assignments;
}

}  // namespace

Assignments assign_ranges(const std::vector<Subscription>& members, const PartitionCounts& counts) {
    Assignments assignments = nothing_for(members);
    for (const auto& [topic, ids] : subscribers_of(members, counts)) {
        const std::int32_t count = counts.at(topic);
        const auto readers = static_cast<std::int32_t>(ids.size());
        std::int32_t next = 0;
        std::int32_t rank = 0;
        for (const std::string& id : ids) {
            const std::int32_t length = count / readers + (rank++ < count % readers ? 1 : 0);
            for (const std::int32_t end = next + length; next < end; ++next) assignments[id].insert({topic, next});
        }
    }
    return assignments;
}

Assignments assign_round_robin(const std::vector<Subscription>& members, const PartitionCounts& counts) {
    Assignments assignments = nothing_for(members);
    auto turn = assignments.begin();
    for (const auto& [topic, ids] : subscribers_of(members, counts)) {
        for (std::int32_t index = 0; index < counts.at(topic); ++index) {
            // Somebody subscribes to it, so that this ends.
            do {
                if (turn == assignments.end()) turn = assignments.begin();
            } while (!ids.contains((turn++)->first));
            std::prev(turn)->second.insert({topic, index});
        }
    }
    return assignments;
}

}  // namespace moldau::cli
