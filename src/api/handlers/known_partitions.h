#pragma once
// Of a request about a group's offsets: which topics and partitions the client may name, and which there are.

#include <utility>
#include <vector>

#include "../call.h"

namespace moldau::api {

/// From here on OffsetCommit and OffsetFetch name topics by their ids alone.
inline constexpr std::int16_t first_offsets_version_by_id = 10;

/// Moves out of `topics` what is refused: without the right `operation`, or unknown. `refuse(topic, partition, error)`
/// is called for each partition of that.
template <class Topic, class Refuse>
void keep_known_partitions(const Call& call, Operation operation, std::vector<Topic>& topics, Refuse refuse) {
    using protocol::ErrorCode;
    const metadata::Image& image = call.image();
    std::vector<Topic> kept;
    for (Topic& topic : topics) {
        const bool allowed = call.allows(operation, ResourceType::topic, topic.name);
        const metadata::TopicPtr known = allowed ? image.find_topic(topic.name.view()) : nullptr;
        Topic rest = topic;
        rest.partitions.clear();
        for (auto& partition : topic.partitions) {
            if (known != nullptr && known->partitions.find(partition.partition_index) != nullptr) {
                rest.partitions.push_back(std::move(partition));
            } else {
                refuse(topic, partition.partition_index,
                       allowed ? ErrorCode::unknown_topic_or_partition : ErrorCode::topic_authorization_failed);
            }
        }
        if (!rest.partitions.empty()) kept.push_back(std::move(rest));
    }
    topics = std::move(kept);
}

/// The answer's entry for the topic: the last one where that is it, else a new one.
template <class Topics, class Topic>
auto& entry_of(Topics& topics, const Topic& topic) {
    if (topics.empty() || topics.back().name != topic.name) topics.emplace_back().name = topic.name.owned();
    return topics.back();
}

}  // namespace moldau::api
