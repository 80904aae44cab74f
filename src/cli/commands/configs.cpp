#include "commands/configs.h"

#include <algorithm>

#include <moldau/base/nearest.h>
#include <moldau/protocol/messages/describe_configs.h>
#include <moldau/protocol/messages/incremental_alter_configs.h>

namespace moldau::cli {

using protocol::ErrorCode;
using protocol::Text;
using runtime::Task;

namespace {

// Where a value comes from, as DescribeConfigs numbers it.
enum class Source : std::int8_t {
    unknown,
    topic,
    broker,
    brokers,
    startup,
    default_value,
    logger,
    client_metrics,
    group
};

std::string source_name(std::int8_t source) {
    switch (static_cast<Source>(source)) {
        case Source::topic:
            return "topic";
        case Source::broker:
            return "broker";
        case Source::brokers:
            return "brokers";
        case Source::startup:
            return "startup";
        case Source::default_value:
            return "default";
        default:
            return fmt::format("source {}", source);
    }
}

/// A single broker answers for itself alone; all others are answered by any.
CallOptions route(const ConfigEntity& entity) {
    CallOptions options;
    if (entity.kind == ConfigEntity::Kind::broker && !entity.name.empty())
        options.node = NodeId(std::stoi(entity.name));
    return options;
}

Task<Outcome<>> find_broker(Session& session, const ConfigEntity& entity) {
    const CallOptions options = route(entity);
    if (!options.node) co_return Outcome<>();
    if (Outcome<> known = co_await session.refresh(std::vector<std::string>()); !known)
        co_return std::unexpected(std::move(known).error());
    if (!session.cluster().brokers.contains(*options.node))
        co_return failed(ExitCode::not_found,
                         fmt::format("{} is not among the cluster's brokers; 'moldau cluster describe' shows them",
                                     name_of(entity)));
    co_return Outcome<>();
}

}  // namespace

std::string name_of(const ConfigEntity& entity) {
    if (entity.kind == ConfigEntity::Kind::topic) return fmt::format("topic '{}'", entity.name);
    return entity.name.empty() ? "the defaults of all brokers" : "broker " + entity.name;
}

std::string suggested(const UnknownKey& key) {
    return key.suggestion ? fmt::format("; did you mean {}?", *key.suggestion) : "";
}

std::unexpected<Failure> no_such_key(const ConfigEntity& entity, const UnknownKey& key) {
    const std::string flags = entity.kind == ConfigEntity::Kind::topic ? "--topic " + entity.name
                              : entity.name.empty()                    ? "--brokers"
                                                                       : "--broker " + entity.name;
    const std::string suggestion = suggested(key);
    return failed(ExitCode::not_found,
                  fmt::format("{} has no configuration '{}'{} 'moldau config describe {} --all' shows all",
                              name_of(entity), key.name, suggestion.empty() ? ";" : suggestion, flags));
}

Task<Outcome<std::vector<ConfigEntry>>> fetch_configs(Session& session, ConfigEntity entity,
                                                      std::vector<std::string> keys) {
    if (Outcome<> found = co_await find_broker(session, entity); !found)
        co_return std::unexpected(std::move(found).error());
    protocol::DescribeConfigsRequest request;
    auto& resource = request.resources.emplace_back();
    resource.resource_type = static_cast<std::int8_t>(entity.kind);
    resource.resource_name = Text::borrow(entity.name);
    resource.configuration_keys.reset();
    if (!keys.empty()) {
        resource.configuration_keys.emplace();
        for (const std::string& key : keys) resource.configuration_keys->push_back(Text::borrow(key));
    }
    CLI_CO_TRY(answer, co_await session.call(request, route(entity)));

    std::vector<ConfigEntry> entries;
    for (const auto& result : answer->results) {
        if (result.error_code != ErrorCode::none)
            co_return std::unexpected(failure_of(result.error_code, name_of(entity), result.error_message));
        for (const auto& config : result.configs) {
            ConfigEntry entry{config.name.str(),
                              std::nullopt,
                              source_name(config.config_source),
                              config.read_only,
                              static_cast<Source>(config.config_source) == Source::default_value,
                              config.is_sensitive};
            if (config.value) entry.value = config.value->str();
            entries.push_back(std::move(entry));
        }
    }
    std::ranges::sort(entries, {}, &ConfigEntry::name);
    co_return entries;
}

std::string shown(const ConfigEntry& config) {
    return config.value.value_or(config.is_sensitive ? "(hidden)" : "(not set)");
}

Task<Outcome<std::vector<UnknownKey>>> find_unknown_keys(Session& session, ConfigEntity entity,
                                                         std::vector<std::string> keys) {
    std::vector<UnknownKey> unknown;
    if (entity.kind == ConfigEntity::Kind::broker && entity.name.empty()) {  // of these only what is set is told
        if (Outcome<> known = co_await session.refresh(std::vector<std::string>()); !known)
            co_return std::unexpected(std::move(known).error());
        if (session.cluster().brokers.empty()) co_return unknown;
        entity.name = std::to_string(session.cluster().brokers.begin()->first.value());
    }
    CLI_CO_TRY(entries, co_await fetch_configs(session, entity, {}));
    std::vector<std::string_view> names;
    for (const ConfigEntry& entry : entries) names.push_back(entry.name);
    for (const std::string& key : keys) {
        if (std::ranges::find(names, key) != names.end()) continue;
        const auto nearest = nearest_name(names, key);
        unknown.push_back({key, nearest ? std::optional(std::string(*nearest)) : std::nullopt});
    }
    co_return unknown;
}

Task<Outcome<>> change_configs(Session& session, ConfigEntity entity, KeyValues add, std::vector<std::string> remove,
                               bool dry_run) {
    enum Operation : std::int8_t { set = 0, erase = 1 };
    if (Outcome<> found = co_await find_broker(session, entity); !found)
        co_return std::unexpected(std::move(found).error());
    if (!remove.empty()) {
        CLI_CO_TRY(unknown, co_await find_unknown_keys(session, entity, remove));
        if (!unknown.empty()) co_return no_such_key(entity, unknown.front());
    }
    protocol::IncrementalAlterConfigsRequest request;
    request.validate_only = dry_run;
    auto& resource = request.resources.emplace_back();
    resource.resource_type = static_cast<std::int8_t>(entity.kind);
    resource.resource_name = Text::borrow(entity.name);
    for (const auto& [key, value] : add) {
        auto& config = resource.configs.emplace_back();
        config.name = Text::borrow(key);
        config.config_operation = set;
        config.value = Text::borrow(value);
    }
    for (const std::string& key : remove) {
        auto& config = resource.configs.emplace_back();
        config.name = Text::borrow(key);
        config.config_operation = erase;
        config.value.reset();
    }
    CLI_CO_TRY(answer, co_await session.call(request, route(entity)));
    for (const auto& response : answer->responses)
        if (response.error_code != ErrorCode::none)
            co_return std::unexpected(failure_of(response.error_code, name_of(entity), response.error_message));
    co_return Outcome<>();
}

}  // namespace moldau::cli
