// AlterConfigs (the whole set of a resource) and IncrementalAlterConfigs (single keys): decided by the controller.

#include <algorithm>
#include <iterator>
#include <optional>
#include <string>

#include <moldau/metadata/config_def.h>
#include <moldau/metadata/image.h>
#include <moldau/protocol/messages/alter_configs.h>
#include <moldau/protocol/messages/incremental_alter_configs.h>

#include "../handlers.h"
#include "refusals.h"

namespace moldau::api {
namespace {

using protocol::ErrorCode;

bool may_alter(const Call& call, std::int8_t resource_type, std::string_view name) {
    if (static_cast<metadata::ResourceType>(resource_type) == metadata::ResourceType::topic)
        return call.allows(Operation::alter_configs, ResourceType::topic, name);
    if (static_cast<metadata::ResourceType>(resource_type) == metadata::ResourceType::group)
        return call.allows(Operation::alter_configs, ResourceType::group, name);
    return call.allows(Operation::alter_configs, ResourceType::cluster, cluster_resource);
}

ErrorCode refusal_of(metadata::ResourceType type) {
    if (type == metadata::ResourceType::topic) return ErrorCode::topic_authorization_failed;
    if (type == metadata::ResourceType::group) return ErrorCode::group_authorization_failed;
    return ErrorCode::cluster_authorization_failed;
}

/// A broker's own settings are altered there: it alone knows its server.properties. Nothing: it may be altered here.
std::optional<std::string> wrong_broker(const Call& call, std::int8_t resource_type, std::string_view name) {
    if (static_cast<metadata::ResourceType>(resource_type) != metadata::ResourceType::broker || name.empty() ||
        call.shell.node.is_controller_listener(call.peer().listener))
        return std::nullopt;
    const NodeId self = call.shell.node.options().id;
    if (name == fmt::to_string(self.value())) return std::nullopt;
    return fmt::format("Unexpected broker id, expected {}, but received {}", self, name);
}

/// Nothing: all that is set takes effect, as what is read at a start does not. Other brokers' settings are not ours to
/// judge; those of all brokers are, where they may be set for all.
template <class Resource>
std::optional<std::string> without_effect(const Call& call, const Resource& resource) {
    const std::string_view name = resource.resource_name;
    if (static_cast<metadata::ResourceType>(resource.resource_type) != metadata::ResourceType::broker ||
        (!name.empty() && name != fmt::to_string(call.shell.node.options().id.value())))
        return std::nullopt;
    for (const auto& config : resource.configs) {
        if (!config.value || !metadata::is_read_at_start(config.name)) continue;  // without a value it is brought back
        const metadata::ConfigDef* def = metadata::find_broker_config(config.name);
        if (def == nullptr || (name.empty() && def->dynamic == metadata::Dynamic::per_broker)) continue;
        return fmt::format(
            "{} is read when the broker starts and cannot be changed in a running one yet: set it in server.properties "
            "and start the broker again",
            config.name);
    }
    return std::nullopt;
}

template <class Request>
Answer<typename Request::Response> alter(Call& call, Request& request) {
    typename Request::Response refused;
    const auto refuse = [&refused](const auto& resource, ErrorCode error, std::string_view message) {
        auto& told = refused.responses.emplace_back();
        told.resource_type = resource.resource_type;
        told.resource_name = resource.resource_name;
        told.error_code = error;
        told.error_message = protocol::error_text(message);
    };
    std::erase_if(request.resources, [&](const auto& resource) {
        if (may_alter(call, resource.resource_type, resource.resource_name)) {
            auto wrong = wrong_broker(call, resource.resource_type, resource.resource_name);
            if (!wrong) wrong = without_effect(call, resource);
            if (wrong) refuse(resource, ErrorCode::invalid_request, *wrong);
            return wrong.has_value();
        }
        refuse(resource, refusal_of(static_cast<metadata::ResourceType>(resource.resource_type)), "");
        return true;
    });
    auto answer =
        co_await call.shell.node.controller().call(call.shard(), request, node::ControllerDriver::default_patience);
    if (!answer) {
        for (const auto& resource : request.resources)
            refuse(resource, error_of(answer.error()), answer.error().message);
        co_return refused;
    }
    std::ranges::move(refused.responses, std::back_inserter(answer->responses));
    co_return std::move(*answer);
}

}  // namespace

Answer<protocol::AlterConfigsResponse> alter_configs(Call& call, protocol::AlterConfigsRequest& request) {
    return alter(call, request);
}

Answer<protocol::IncrementalAlterConfigsResponse> incremental_alter_configs(
    Call& call, protocol::IncrementalAlterConfigsRequest& request) {
    return alter(call, request);
}

}  // namespace moldau::api
