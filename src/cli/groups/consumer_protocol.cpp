#include "groups/consumer_protocol.h"

#include <moldau/protocol/reader.h>
#include <moldau/protocol/records/consumer_protocol_assignment.h>
#include <moldau/protocol/records/consumer_protocol_subscription.h>
#include <moldau/protocol/writer.h>

namespace moldau::cli {

namespace {

/// Whoever joins a group writes these bytes: memory for what they announce is bounded.
constexpr std::size_t max_array_bytes = std::size_t{64} << 20;
constexpr std::int16_t written_version = 0;

template <class Message>
Bytes write_message(const Message& message) {
    protocol::Writer writer;
    writer.integer(written_version);
    message.encode(writer, written_version);
    return writer.take();
}

}  // namespace

std::optional<TopicPartitionSet> read_assignment(ByteView bytes) {
    // Whoever has nothing to read may be given no bytes at all.
    if (bytes.empty()) return TopicPartitionSet();
    protocol::Reader reader(bytes, max_array_bytes);
    const auto version = reader.integer<std::int16_t>();
    const auto assignment = protocol::ConsumerProtocolAssignment::decode(reader, 0);
    if (!reader.ok() || version < 0) return std::nullopt;
    TopicPartitionSet partitions;
    for (const auto& topic : assignment.assigned_partitions)
        for (const PartitionIndex index : topic.partitions) partitions.insert({topic.topic.str(), index.value()});
    return partitions;
}

Bytes write_assignment(const TopicPartitionSet& partitions) {
    protocol::ConsumerProtocolAssignment assignment;
    auto& topics = assignment.assigned_partitions;
    for (const auto& [topic, index] : partitions) {
        if (topics.empty() || topics.back().topic != topic) topics.emplace_back().topic = protocol::Text(topic);
        topics.back().partitions.emplace_back(index);
    }
    return write_message(assignment);
}

std::optional<std::vector<std::string>> read_subscription(ByteView bytes) {
    protocol::Reader reader(bytes, max_array_bytes);
    const auto version = reader.integer<std::int16_t>();
    const auto subscription = protocol::ConsumerProtocolSubscription::decode(reader, 0);
    if (!reader.ok() || version < 0) return std::nullopt;
    std::vector<std::string> topics;
    for (const auto& topic : subscription.topics) topics.push_back(topic.str());
    return topics;
}

Bytes write_subscription(const std::vector<std::string>& topics) {
    protocol::ConsumerProtocolSubscription subscription;
    for (const std::string& topic : topics) subscription.topics.emplace_back(topic);
    return write_message(subscription);
}

}  // namespace moldau::cli
