#include <algorithm>

#include <moldau/base/nearest.h>
#include <moldau/metadata/config_def.h>

#include "config_tables.h"

namespace moldau::metadata {

namespace {

std::vector<ConfigDef> joined_broker_tables() {
    std::vector<ConfigDef> all;
    all.insert(all.end(), coordinator_config_table.begin(), coordinator_config_table.end());
    all.insert(all.end(), log_config_table.begin(), log_config_table.end());
    all.insert(all.end(), security_config_table.begin(), security_config_table.end());
    all.insert(all.end(), server_config_table.begin(), server_config_table.end());
    std::ranges::sort(all, {}, &ConfigDef::name);
    return all;
}

std::string_view behind(std::span<const BrokerKey> table, std::string_view key) {
    const auto found = std::ranges::lower_bound(table, key, {}, &BrokerKey::key);
    return found == table.end() || found->key != key ? std::string_view{} : found->broker_key;
}

}  // namespace

std::string_view name_of(ConfigType type) {
    switch (type) {
        case ConfigType::boolean:
            return "BOOLEAN";
        case ConfigType::string:
            return "STRING";
        case ConfigType::integer:
            return "INT";
        case ConfigType::short_integer:
            return "SHORT";
        case ConfigType::long_integer:
            return "LONG";
        case ConfigType::real:
            return "DOUBLE";
        case ConfigType::list:
            return "LIST";
        case ConfigType::class_name:
            return "CLASS";
        case ConfigType::password:
            return "PASSWORD";
        case ConfigType::unknown:
            break;
    }
    return "UNKNOWN";
}

std::span<const ConfigDef> broker_configs() {
    static const std::vector<ConfigDef> all = joined_broker_tables();
    return all;
}

std::span<const ConfigDef> topic_configs() {
    return topic_config_table;
}
std::span<const ConfigDef> group_configs() {
    return group_config_table;
}
std::span<const ConfigDef> client_metrics_configs() {
    return client_metrics_config_table;
}

std::span<const ConfigDef> config_table(ResourceType type) {
    switch (type) {
        case ResourceType::topic:
            return topic_configs();
        case ResourceType::broker:
            return broker_configs();
        case ResourceType::client_metrics:
            return client_metrics_configs();
        case ResourceType::group:
            return group_configs();
        case ResourceType::unknown:
        case ResourceType::broker_logger:
            break;
    }
    return {};
}

const ConfigDef* find_config(std::span<const ConfigDef> table, std::string_view name) {
    const auto found = std::ranges::lower_bound(table, name, {}, &ConfigDef::name);
    return found == table.end() || found->name != name ? nullptr : &*found;
}

const ConfigDef* find_broker_config(std::string_view name) {
    constexpr std::string_view prefix = "listener.name.";
    if (!name.starts_with(prefix)) return find_config(broker_configs(), name);
    // What is left after the listener's name, and perhaps after the mechanism's.
    for (int level = 0; level < 2; ++level) {
        const std::size_t dot = name.find('.', level == 0 ? prefix.size() : 0);
        if (dot == std::string_view::npos) return nullptr;
        name.remove_prefix(dot + 1);
        if (const ConfigDef* found = find_config(broker_configs(), name)) return found;
    }
    return nullptr;
}

bool is_read_at_start(std::string_view name) {
    return name == "listeners" || name == "listener.security.protocol.map" || name.starts_with("listener.name.") ||
           name == "max.connection.creation.rate" || name.starts_with("max.connections");
}

bool is_altered_per_listener(const ConfigDef& def) {
    return def.dynamic == Dynamic::per_broker && (def.name.starts_with("ssl.") || def.name.starts_with("sasl."));
}

std::optional<std::string_view> nearest_config(std::span<const ConfigDef> table, std::string_view name) {
    std::vector<std::string_view> names;
    for (const ConfigDef& def : table) names.push_back(def.name);
    return nearest_name(names, name);
}

std::vector<ConfigSynonym> broker_synonyms(std::string_view key) {
    constexpr std::int64_t minute_ms = 60'000;
    constexpr std::int64_t hour_ms = 60 * minute_ms;
    static const std::vector<std::vector<ConfigSynonym>> families{
        {{"log.retention.ms", 1}, {"log.retention.minutes", minute_ms}, {"log.retention.hours", hour_ms}},
        {{"log.roll.ms", 1}, {"log.roll.hours", hour_ms}},
        {{"log.roll.jitter.ms", 1}, {"log.roll.jitter.hours", hour_ms}},
    };
    for (const auto& family : families) {
        if (std::ranges::count(family, key, &ConfigSynonym::name) > 0) return family;
    }
    if (key == "log.flush.interval.ms") return {{key, 1}, {"log.flush.scheduler.interval.ms", 1}};
    return {{key, 1}};
}

std::string_view broker_key_of_topic_key(std::string_view topic_key) {
    return behind(topic_broker_keys, topic_key);
}
std::string_view broker_key_of_group_key(std::string_view group_key) {
    return behind(group_broker_keys, group_key);
}

}  // namespace moldau::metadata
