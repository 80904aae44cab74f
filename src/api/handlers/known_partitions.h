#pragma once
// Of a request about a group's offsets: which topics and partitions the client may name, and which there are.

#include <map>
#include <string>
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

/// An answer's entries for topics, in which what is refused here and what the coordinator answers of a topic stand
/// together. Topics are told apart by their ids, or by their names.
template <class Topics>
class AnsweredTopics {
 public:
    explicit AnsweredTopics(Topics& topics, bool by_id = false) : topics_(topics), by_id_(by_id) {}

    template <class Topic>
    auto& entry_of(const Topic& topic) {
        const auto [at, is_new] = places_.try_emplace(key_of(topic), topics_.size());
        if (is_new) {
            auto& told = topics_.emplace_back();
            told.name = topic.name.owned();
            if constexpr (requires { told.topic_id; }) told.topic_id = topic.topic_id;
        }
        return topics_[at->second];
    }
    /// What the coordinator answers comes after all that was refused.
    void append(Topics answered) {
        if (topics_.empty()) {
            topics_ = std::move(answered);
            return;
        }
        for (auto& topic : answered) {
            auto& told = entry_of(topic).partitions;
            told.insert(told.end(), topic.partitions.begin(), topic.partitions.end());
        }
    }

 private:
    using Key = std::pair<std::string, TopicId>;

    template <class Topic>
    Key key_of(const Topic& topic) const {
        if constexpr (requires { topic.topic_id; })
            if (by_id_) return {{}, topic.topic_id};
        return {topic.name.str(), {}};
    }

    Topics& topics_;
    const bool by_id_;
    std::map<Key, std::size_t> places_;
};

}  // namespace moldau::api
