// DescribeConfigs: the settings in force of topics, brokers, groups and client metrics, with where each comes from.

#include <optional>
#include <set>
#include <utility>

#include <moldau/base/number.h>
#include <moldau/metadata/configs.h>
#include <moldau/metadata/topic_name.h>
#include <moldau/protocol/messages/describe_configs.h>

#include "../handlers.h"
#include "answer_room.h"

namespace moldau::api {
namespace {

using metadata::DescribedConfig;
using protocol::DescribeConfigsRequest;
using protocol::DescribeConfigsResponse;
using protocol::ErrorCode;
using Told = DescribeConfigsResponse::DescribeConfigsResult;

/// A broker's description takes a millisecond: after so many others have their turn.
constexpr unsigned resources_a_turn = 8;

/// A refusal, or the settings.
struct Described {
    ErrorCode error = ErrorCode::none;
    std::string message{};
    std::vector<DescribedConfig> configs{};
};

Described no_room() {
    return {ErrorCode::invalid_request, "there is no room for it in the answer: ask for fewer resources at a time", {}};
}

Described describe_broker(const Call& call, const metadata::ConfigView& view, std::string_view name) {
    if (name.empty()) return {.configs = view.describe_default_broker()};
    const auto id = parse_number<std::int32_t>(name);
    if (!id) return {ErrorCode::invalid_request, fmt::format("Broker id must be an integer, but it is: {}", name), {}};
    if (NodeId(*id) != call.shell.node.options().id)
        return {ErrorCode::invalid_request,
                fmt::format("Unexpected broker id, expected {} or empty string, but received {}",
                            call.shell.node.options().id, name),
                {}};
    return {.configs = view.describe_broker()};
}

Described describe(const Call& call, const metadata::Image& image,
                   const DescribeConfigsRequest::DescribeConfigsResource& resource) {
    const metadata::ConfigView view = call.shell.node.config(image);
    const std::string_view name = resource.resource_name;
    switch (static_cast<metadata::ResourceType>(resource.resource_type)) {
        case metadata::ResourceType::topic:
            if (!call.allows(Operation::describe_configs, ResourceType::topic, name))
                return {ErrorCode::topic_authorization_failed, "", {}};
            if (const auto valid = metadata::check_topic_name(name); !valid)
                return {ErrorCode::invalid_topic_exception, valid.error().message, {}};
            if (!image.find_topic(name)) return {ErrorCode::unknown_topic_or_partition, "", {}};
            return {.configs = view.describe_topic(name)};
        case metadata::ResourceType::broker:
            if (!call.allows(Operation::describe_configs, ResourceType::cluster, cluster_resource))
                return {ErrorCode::cluster_authorization_failed, "", {}};
            return describe_broker(call, view, name);
        case metadata::ResourceType::broker_logger:
            return {ErrorCode::invalid_request, "this broker has no loggers whose level could be set", {}};
        case metadata::ResourceType::client_metrics:
            if (!call.allows(Operation::describe_configs, ResourceType::cluster, cluster_resource))
                return {ErrorCode::cluster_authorization_failed, "", {}};
            return {.configs = view.describe_client_metrics(name)};
        case metadata::ResourceType::group:
            if (!call.allows(Operation::describe_configs, ResourceType::group, name))
                return {ErrorCode::group_authorization_failed, "", {}};
            if (name.empty()) return {ErrorCode::invalid_request, "Group name must not be empty", {}};
            return {.configs = view.describe_group(name)};
        case metadata::ResourceType::unknown:
            break;
    }
    return {ErrorCode::invalid_request, fmt::format("Unsupported resource type: {}", resource.resource_type), {}};
}

std::optional<protocol::Text> text_or_null(const std::optional<std::string>& value) {
    return value ? std::optional(protocol::Text(*value)) : std::nullopt;
}

void tell(const DescribedConfig& config, const DescribeConfigsRequest& request, Told& result) {
    auto& told = result.configs.emplace_back();
    told.name = protocol::Text(config.name);
    told.value = text_or_null(config.value);
    told.read_only = config.read_only;
    told.config_source = static_cast<std::int8_t>(config.source);
    told.is_sensitive = config.sensitive;
    told.config_type = static_cast<std::int8_t>(config.type);
    told.documentation.reset();
    if (request.include_documentation) told.documentation = protocol::Text(std::string(config.help));
    if (!request.include_synonyms) return;
    for (const metadata::ConfigOrigin& origin : config.synonyms) {
        auto& synonym = told.synonyms.emplace_back();
        synonym.name = protocol::Text(origin.name);
        synonym.value = text_or_null(origin.value);
        synonym.source = static_cast<std::int8_t>(origin.source);
    }
}

/// What a result takes in an answer, roughly.
std::size_t size_of(const Told& result) {
    constexpr std::size_t around_strings = 16;
    std::size_t size = around_strings + result.resource_name.size();
    for (const auto& config : result.configs) {
        size += around_strings + config.name.size() + (config.value ? config.value->size() : 0) +
                (config.documentation ? config.documentation->size() : 0);
        for (const auto& synonym : config.synonyms)
            size += around_strings + synonym.name.size() + (synonym.value ? synonym.value->size() : 0);
    }
    return size;
}

}  // namespace

Answer<DescribeConfigsResponse> describe_configs(Call& call, DescribeConfigsRequest& request) {
    const auto image = call.shell.node.view(call.shard()).image;
    DescribeConfigsResponse response;
    std::set<std::pair<std::int8_t, std::string_view>> known;
    AnswerRoom room;
    unsigned described_count = 0;
    for (const auto& resource : request.resources) {
        if (!known.emplace(resource.resource_type, resource.resource_name.view()).second) continue;
        if (++described_count % resources_a_turn == 0) co_await runtime::yield(call.shard());
        const Described described = room.is_spent() ? no_room() : describe(call, *image, resource);
        auto& result = response.results.emplace_back();
        result.resource_type = resource.resource_type;
        result.resource_name = resource.resource_name;
        result.error_code = described.error;
        result.error_message = protocol::error_text(described.message);
        // No keys, like null, are all.
        std::optional<std::set<std::string_view>> keys;
        if (resource.configuration_keys && !resource.configuration_keys->empty()) {
            keys.emplace();
            for (const protocol::Text& key : *resource.configuration_keys) keys->insert(key.view());
        }
        result.configs.reserve(keys ? 0 : described.configs.size());
        for (const DescribedConfig& config : described.configs)
            if (!keys || keys->contains(config.name)) tell(config, request, result);
        room.take(size_of(result));
    }
    co_return response;
}

}  // namespace moldau::api
