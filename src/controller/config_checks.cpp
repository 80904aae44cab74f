// Which settings a resource may have, with Kafka's codes and messages.
#include <algorithm>

#include <moldau/metadata/topic_name.h>

#include "config_control.h"

namespace moldau::controller {

using metadata::ConfigDef;
using metadata::Dynamic;
using metadata::ResourceType;
using protocol::ErrorCode;

namespace {

using Settings = std::map<std::string, std::string>;

/// With the key that may have been meant.
std::string unknown_key(std::string_view what, std::span<const ConfigDef> table, std::string_view key) {
    std::string message = fmt::format("Unknown {}: {}", what, key);
    if (const auto nearest = metadata::nearest_config(table, key))
        message += fmt::format("; did you mean {}?", *nearest);
    return message;
}

ApiError check_topic(const std::string& name, const Settings& settings) {
    if (const auto valid = metadata::check_topic_name(name); !valid) {
        return {ErrorCode::invalid_topic_exception, valid.error().message};
    }
    for (const auto& [key, value] : settings) {
        const ConfigDef* def = metadata::find_config(metadata::topic_configs(), key);
        if (def == nullptr)
            return {ErrorCode::invalid_config, unknown_key("topic config name", metadata::topic_configs(), key)};
        if (const auto valid = metadata::check_value(*def, value); !valid) {
            return {ErrorCode::invalid_config, valid.error().message};
        }
    }
    return {};
}

ApiError refused_keys(std::string_view why, const std::vector<std::string>& keys) {
    if (keys.empty()) return {};
    return {ErrorCode::invalid_request, fmt::format("{}: [{}]", why, fmt::join(keys, ", "))};
}

ApiError check_broker(const std::string& name, const Settings& settings) {
    const bool all_brokers = name.empty();
    if (!all_brokers && !std::ranges::all_of(name, [](char c) { return c >= '0' && c <= '9'; })) {
        return {ErrorCode::invalid_request, fmt::format("Node id must be an integer, but it is: {}", name)};
    }
    std::vector<std::string> read_only;
    std::vector<std::string> without_listener;
    std::vector<std::string> per_broker;
    for (const auto& [key, value] : settings) {
        const ConfigDef* def = metadata::find_broker_config(key);
        if (def == nullptr && key.starts_with("moldau."))
            return {ErrorCode::invalid_config, unknown_key("broker config name", metadata::broker_configs(), key)};
        if (def == nullptr) continue;  // other nodes may know it
        const bool of_listener = key.starts_with("listener.name.");
        if (def->dynamic == Dynamic::read_only) read_only.push_back(key);
        if (def->dynamic != Dynamic::per_broker) continue;
        per_broker.push_back(key);
        if (!of_listener && metadata::is_altered_per_listener(*def)) without_listener.push_back(key);
    }
    if (auto error = refused_keys("Cannot update these configs dynamically", read_only); error.is_error()) return error;
    if (auto error = refused_keys("These security configs can be dynamically updated only per-listener using the "
                                  "listener prefix",
                                  without_listener);
        error.is_error()) {
        return error;
    }
    for (const auto& [key, value] : settings) {
        const ConfigDef* def = metadata::find_broker_config(key);
        if (def == nullptr) continue;
        if (const auto valid = metadata::check_value(*def, value); !valid) {
            return {ErrorCode::invalid_request, valid.error().message};
        }
    }
    if (!all_brokers) return {};
    return refused_keys("Cannot update these configs at default cluster level, broker id must be specified",
                        per_broker);
}

ApiError check_client_metrics(const std::string& name, const Settings& settings) {
    if (name.empty()) return {ErrorCode::invalid_request, "Subscription name can't be empty"};
    for (const auto& [key, value] : settings) {
        const ConfigDef* def = metadata::find_config(metadata::client_metrics_configs(), key);
        if (def == nullptr) {
            return {ErrorCode::invalid_request,
                    unknown_key("client metrics configuration", metadata::client_metrics_configs(), key)};
        }
        if (const auto valid = metadata::check_value(*def, value); !valid) {
            return {ErrorCode::invalid_request, valid.error().message};
        }
        constexpr std::int64_t min_ms = 100;
        constexpr std::int64_t max_ms = 3'600'000;
        if (key != "interval.ms") continue;
        if (const std::int64_t interval = metadata::parse_integer(value); interval < min_ms || interval > max_ms) {
            return {ErrorCode::invalid_request,
                    fmt::format("Invalid value {} for interval.ms, interval must be between {} and {} (1 hour)", value,
                                min_ms, max_ms)};
        }
    }
    return {};
}

/// "group.consumer.session.timeout.ms" → "group.consumer.min.session.timeout.ms".
std::string bound_key(std::string_view broker_key, std::string_view bound) {
    const std::size_t kind_end = broker_key.find('.', std::string_view("group.").size());
    std::string_view rest = broker_key.substr(kind_end + 1);
    if (rest.starts_with("num.")) rest.remove_prefix(std::string_view("num.").size());
    return fmt::format("{}.{}.{}", broker_key.substr(0, kind_end), bound, rest);
}

ApiError check_group(const metadata::ConfigView& config, const std::string& name, const Settings& settings) {
    if (name.empty()) return {ErrorCode::invalid_request, "Group name must not be empty"};
    for (const auto& [key, value] : settings) {
        const ConfigDef* def = metadata::find_config(metadata::group_configs(), key);
        if (def == nullptr)
            return {ErrorCode::invalid_config, unknown_key("group config name", metadata::group_configs(), key)};
        if (const auto valid = metadata::check_value(*def, value); !valid) {
            return {ErrorCode::invalid_config, valid.error().message};
        }
        const std::string_view broker_key = metadata::broker_key_of_group_key(key);
        if (broker_key.empty()) continue;
        const std::int64_t number = metadata::parse_integer(value);
        const std::string min_key = bound_key(broker_key, "min");
        const std::string max_key = bound_key(broker_key, "max");
        if (metadata::find_broker_config(min_key) != nullptr &&
            number < metadata::parse_integer(*config.broker_value(min_key))) {
            return {ErrorCode::invalid_config, fmt::format("{} must be greater than or equal to {}", key, min_key)};
        }
        if (metadata::find_broker_config(max_key) != nullptr &&
            number > metadata::parse_integer(*config.broker_value(max_key))) {
            return {ErrorCode::invalid_config, fmt::format("{} must be less than or equal to {}", key, max_key)};
        }
    }
    return {};
}

}  // namespace

ApiError check_settings(const metadata::ConfigView& config, const metadata::ConfigResource& resource,
                        const Settings& settings) {
    switch (resource.type) {
        case ResourceType::topic:
            return check_topic(resource.name, settings);
        case ResourceType::broker:
            return check_broker(resource.name, settings);
        case ResourceType::client_metrics:
            return check_client_metrics(resource.name, settings);
        case ResourceType::group:
            return check_group(config, resource.name, settings);
        case ResourceType::broker_logger:
        case ResourceType::unknown:
            break;
    }
    return {ErrorCode::invalid_request, fmt::format("Unknown resource type {}", static_cast<int>(resource.type))};
}

}  // namespace moldau::controller
