#include "internal_topics.h"

#include <moldau/base/log.h>
#include <moldau/metadata/topic_name.h>

namespace moldau::api {

using protocol::CreateTopicsRequest;
using protocol::ErrorCode;

std::optional<CreateTopicsRequest::CreatableTopic> creatable_internal_topic(std::string_view name,
                                                                            const metadata::BrokerConfig& config) {
    if (name != metadata::consumer_offsets_topic) return std::nullopt;
    CreateTopicsRequest::CreatableTopic topic;
    topic.name = protocol::Text(std::string(name));
    topic.num_partitions = config.offsets_topic_num_partitions;
    topic.replication_factor = config.offsets_topic_replication_factor;
    const auto set = [&](std::string_view key, std::string value) {
        auto& setting = topic.configs.emplace_back();
        setting.name = protocol::Text(std::string(key));
        setting.value = protocol::Text(value);
    };
    set("compression.type", "producer");
    set("cleanup.policy", "compact");
    set("segment.bytes", std::to_string(config.offsets_topic_segment_bytes));
    return topic;
}

runtime::Task<ErrorCode> create_internal_topic(Call& call, std::string_view name) {
    auto topic = creatable_internal_topic(name, call.shell.node.config(call.image()).broker());
    if (!topic) co_return ErrorCode::coordinator_not_available;
    CreateTopicsRequest creation;
    creation.topics.push_back(std::move(*topic));
    const auto created =
        co_await call.shell.node.controller().call(call.shard(), creation, node::ControllerDriver::default_patience);
    if (!created) co_return ErrorCode::coordinator_not_available;
    const auto& result = created->topics.front();
    if (result.error_code == ErrorCode::none || result.error_code == ErrorCode::topic_already_exists)
        co_return ErrorCode::none;
    log::warn("{} cannot be made: {}", name,
              result.error_message ? result.error_message->str() : fmt::format("{}", result.error_code));
    co_return ErrorCode::coordinator_not_available;
}

}  // namespace moldau::api
