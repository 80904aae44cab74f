#include "config_control.h"

#include <algorithm>
#include <ranges>
#include <set>

#include <moldau/base/assert.h>
#include <moldau/metadata/image_builder.h>

namespace moldau::controller {

using metadata::ConfigResource;
using metadata::ResourceType;
using protocol::ErrorCode;

namespace {

std::string_view name_of(ConfigOperation operation) {
    return operation == ConfigOperation::append ? "APPEND" : "SUBTRACT";
}

protocol::MetadataRecord config_record(const ConfigResource& resource, const std::string& key,
                                       const std::optional<std::string>& value) {
    protocol::ConfigRecord record;
    record.resource_type = static_cast<std::int8_t>(resource.type);
    record.resource_name = resource.name;
    record.name = key;
    record.value = owned_text(value);
    return record;
}

/// Null when the key is no list.
const metadata::ConfigDef* find_list(ResourceType type, std::string_view key) {
    const metadata::ConfigDef* def = type == ResourceType::broker
                                         ? metadata::find_broker_config(key)
                                         : metadata::find_config(metadata::config_table(type), key);
    return def != nullptr && def->type == metadata::ConfigType::list ? def : nullptr;
}

/// As Kafka splits a list whose elements come and go: blanks stay, what is empty at the end does not.
std::vector<std::string> parts_of(std::string_view list) {
    std::vector<std::string> parts;
    for (const auto part : std::views::split(list, ',')) parts.emplace_back(part.begin(), part.end());
    if (parts.size() < 2) return {std::string(list)};
    while (!parts.empty() && parts.back().empty()) parts.pop_back();
    return parts;
}

/// Of a list without a value of its own Kafka changes the default, whatever is in force.
std::string changed_list(const metadata::ConfigDef& def, const std::optional<std::string>& current,
                         const ConfigChange& change) {
    const char* by_default = def.default_value == nullptr ? "" : def.default_value;
    std::vector<std::string> elements = parts_of(current ? *current : by_default);
    std::erase(elements, "");
    for (const std::string& element : parts_of(change.value)) {
        const auto found = std::ranges::find(elements, element);
        if (change.operation == ConfigOperation::append) {
            if (found == elements.end()) elements.push_back(element);
        } else if (found != elements.end()) {
            elements.erase(found);
        }
    }
    return fmt::format("{}", fmt::join(elements, ","));
}

ApiError check_exists(const metadata::Image& image, const ConfigResource& resource) {
    if (resource.type != ResourceType::topic || image.find_topic(std::string_view(resource.name)) != nullptr) return {};
    return {ErrorCode::unknown_topic_or_partition, fmt::format("The topic '{}' does not exist.", resource.name)};
}

std::map<std::string, std::string> settings_of(const metadata::Image& image, const ConfigResource& resource) {
    const metadata::ConfigMap& settings = image.configs_of(resource);
    return {settings.begin(), settings.end()};
}

/// All that is in force once `made` is.
ApiError check_together(const metadata::Image& image, const metadata::ConfigView& config,
                        const ConfigResource& resource, const Records& made) {
    if (resource.type != ResourceType::topic && resource.type != ResourceType::broker) return {};
    metadata::ImageBuilder builder(image);
    for (const VersionedRecord& each : made) {
        const auto replayed = builder.replay(each.record);
        MOLDAU_ASSERT(replayed.has_value());
    }
    const metadata::ConfigView after = config.at(builder.image());
    const bool topic = resource.type == ResourceType::topic;
    const auto errors = topic ? metadata::check_together(config, after, resource.name)
                              : metadata::check_together(after, metadata::Occasion::change);
    if (errors.empty()) return {};
    return {topic ? ErrorCode::invalid_config : ErrorCode::invalid_request, fmt::format("{}", fmt::join(errors, "; "))};
}

/// New values alone are checked by themselves for brokers: what is there may come from a newer node.
ApiError check_change(const metadata::Image& image, const metadata::ConfigView& config, const ConfigResource& resource,
                      const std::map<std::string, std::string>& after, const std::map<std::string, std::string>& set,
                      const Records& made, bool creating) {
    const bool broker = resource.type == ResourceType::broker;
    if (auto error = check_settings(config, resource, broker ? set : after); error.is_error()) return error;
    if (auto error = creating ? ApiError{} : check_exists(image, resource); error.is_error()) return error;
    return check_together(image, config, resource, made);
}

ApiError check_request(const auto& resource) {
    const auto type = static_cast<ResourceType>(resource.resource_type);
    if (metadata::config_table(type).empty()) {
        return {ErrorCode::invalid_request, fmt::format("Unknown resource type {}", resource.resource_type)};
    }
    std::set<std::string_view> keys;
    for (const auto& config : resource.configs) {
        if (!keys.insert(config.name.view()).second) {
            return {ErrorCode::invalid_request, "Error due to duplicate config keys"};
        }
    }
    return {};
}

ApiError null_value(std::string_view key) {
    return {ErrorCode::invalid_request, fmt::format("Null value not supported for : {}", key)};
}

ApiError alter(const metadata::Image& image, const metadata::ConfigView& config,
               const protocol::IncrementalAlterConfigsRequest::AlterConfigsResource& resource, Records& records) {
    if (static_cast<ResourceType>(resource.resource_type) == ResourceType::broker_logger) {
        const std::string_view logger = resource.configs.empty() ? "" : resource.configs.front().name.view();
        return {ErrorCode::invalid_config, fmt::format("Logger {} does not exist!", logger)};
    }
    if (auto error = check_request(resource); error.is_error()) return error;
    std::vector<ConfigChange> changes;
    for (const auto& from : resource.configs) {
        if (from.config_operation < 0 || from.config_operation > static_cast<int>(ConfigOperation::subtract)) {
            return {
                ErrorCode::invalid_request,
                fmt::format("Unknown operation {} for {}: it must be 0 (set), 1 (delete), 2 (append) or 3 (subtract)",
                            from.config_operation, from.name)};
        }
        const auto operation = static_cast<ConfigOperation>(from.config_operation);
        if (!from.value && operation != ConfigOperation::remove) return null_value(from.name);
        changes.push_back({from.name.str(), operation, from.value ? from.value->str() : ""});
    }
    return change_settings(image, config,
                           {static_cast<ResourceType>(resource.resource_type), resource.resource_name.str()}, changes,
                           false, records);
}

/// The older request: all settings that the resource has afterwards.
ApiError alter(const metadata::Image& image, const metadata::ConfigView& config,
               const protocol::AlterConfigsRequest::AlterConfigsResource& from, Records& records) {
    if (auto error = check_request(from); error.is_error()) return error;
    const ConfigResource resource{static_cast<ResourceType>(from.resource_type), from.resource_name.str()};
    const auto before = settings_of(image, resource);
    std::map<std::string, std::string> after;
    Records made;
    for (const auto& setting : from.configs) {
        if (!setting.value) return null_value(setting.name);
        const std::string key = setting.name.str();
        const std::string value = setting.value->str();
        after[key] = value;
        const auto current = before.find(key);
        if (current == before.end() || current->second != value || resource.type == ResourceType::broker) {
            made.push_back({config_record(resource, key, value), 0});
        }
    }
    for (const auto& [key, value] : before) {
        if (!after.contains(key)) made.push_back({config_record(resource, key, std::nullopt), 0});
    }
    if (auto error = check_change(image, config, resource, after, after, made, false); error.is_error()) return error;
    std::ranges::move(made, std::back_inserter(records));
    return {};
}

template <class Response, class Request>
Outcome<Response> alter_all(const metadata::Image& image, const metadata::ConfigView& config, const Request& request) {
    Outcome<Response> outcome;
    std::set<std::pair<std::int8_t, std::string_view>> resources;
    std::set<std::pair<std::int8_t, std::string_view>> twice;
    for (const auto& resource : request.resources) {
        const std::pair key{resource.resource_type, resource.resource_name.view()};
        if (!resources.insert(key).second) twice.insert(key);
    }
    for (const auto& resource : request.resources) {
        ApiError error{ErrorCode::invalid_request, "Each resource must appear at most once."};
        if (!twice.contains({resource.resource_type, resource.resource_name.view()})) {
            error = alter(image, config, resource, outcome.records);
        }
        auto& result = outcome.response.responses.emplace_back();
        result.error_code = error.code;
        result.error_message = error_text(error);
        result.resource_type = resource.resource_type;
        result.resource_name = resource.resource_name.owned();
    }
    if (request.validate_only) outcome.records.clear();
    return outcome;
}

}  // namespace

ApiError change_settings(const metadata::Image& image, const metadata::ConfigView& config,
                         const ConfigResource& resource, const std::vector<ConfigChange>& changes, bool creating,
                         Records& records) {
    auto after = settings_of(image, resource);
    std::map<std::string, std::string> set;
    Records made;
    for (const ConfigChange& change : changes) {
        const auto found = after.find(change.key);
        const std::optional<std::string> current =
            found == after.end() ? std::nullopt : std::optional<std::string>(found->second);
        std::optional<std::string> value;
        if (change.operation == ConfigOperation::set) {
            value = change.value;
        } else if (change.operation != ConfigOperation::remove) {
            const metadata::ConfigDef* list = find_list(resource.type, change.key);
            if (list == nullptr) {
                return {ErrorCode::invalid_config, fmt::format("Can't {} to key {} because its type is not LIST.",
                                                               name_of(change.operation), change.key)};
            }
            value = changed_list(*list, current, change);
        }
        if (value && value->size() > protocol::max_text_bytes) {
            return {ErrorCode::invalid_config, fmt::format("The value of {} has {} bytes; {} is the most.", change.key,
                                                           value->size(), protocol::max_text_bytes)};
        }
        // A broker reads its settings anew even when none changed: the files that they name may have.
        if (value == current && resource.type != ResourceType::broker) continue;
        made.push_back({config_record(resource, change.key, value), 0});
        if (value) {
            after[change.key] = *value;
            set[change.key] = *value;
        } else {
            after.erase(change.key);
        }
    }
    if (auto error = check_change(image, config, resource, after, set, made, creating); error.is_error()) return error;
    std::ranges::move(made, std::back_inserter(records));
    return {};
}

Outcome<protocol::IncrementalAlterConfigsResponse> alter_configs(
    const metadata::Image& image, const metadata::ConfigView& config,
    const protocol::IncrementalAlterConfigsRequest& request) {
    return alter_all<protocol::IncrementalAlterConfigsResponse>(image, config, request);
}

Outcome<protocol::AlterConfigsResponse> alter_configs(const metadata::Image& image, const metadata::ConfigView& config,
                                                      const protocol::AlterConfigsRequest& request) {
    return alter_all<protocol::AlterConfigsResponse>(image, config, request);
}

}  // namespace moldau::controller
