#include "groups/log_offsets.h"

#include "consume/offsets.h"

namespace moldau::cli {

using runtime::Task;

Task<Outcome<>> refresh_topics_of(Session& session, const TopicPartitionSet& partitions) {
    std::vector<std::string> topics;
    for (const auto& [topic, index] : partitions)
        if (topics.empty() || topics.back() != topic) topics.push_back(topic);
    co_return co_await session.refresh(std::move(topics));
}

bool is_there(const Session& session, const TopicPartition& partition) {
    const TopicInfo* topic = session.topic(partition.topic);
    return topic != nullptr && topic->error == protocol::ErrorCode::none &&
           topic->partitions.contains(partition.partition);
}

Task<Outcome<PartitionOffsets>> log_offsets(Session& session, const TopicPartitionSet& partitions, Timestamp time,
                                            Outage& outage) {
    std::map<std::string, std::vector<std::int32_t>> by_topic;
    for (const auto& [topic, index] : partitions) by_topic[topic].push_back(index);
    PartitionOffsets offsets;
    for (const auto& [topic, indexes] : by_topic) {
        CLI_CO_TRY(of_topic, co_await list_offsets(session, topic, indexes, time, false, outage));
        for (const auto& [index, offset] : of_topic) offsets[{topic, index}] = offset;
    }
    co_return offsets;
}

}  // namespace moldau::cli
