#include "topic_control.h"

#include <algorithm>
#include <limits>

#include <moldau/metadata/image_writer.h>
#include <moldau/metadata/topic_name.h>

#include "api_error.h"
#include "assignment.h"
#include "config_control.h"

namespace moldau::controller {

using metadata::Partition;
using protocol::ErrorCode;

namespace {

using CreatableTopic = protocol::CreateTopicsRequest::CreatableTopic;
using CreatableTopicResult = protocol::CreateTopicsResponse::CreatableTopicResult;

const ApiError too_many_partitions{ErrorCode::policy_violation, "Excessively large number of partitions per request."};
const ApiError duplicate_name{ErrorCode::invalid_request, "Duplicate topic name."};

std::set<std::string_view> names_given_twice(const auto& topics, auto name_of) {
    std::set<std::string_view> seen;
    std::set<std::string_view> twice;
    for (const auto& topic : topics) {
        const std::string_view name = name_of(topic);
        if (!seen.insert(name).second) twice.insert(name);
    }
    return twice;
}

Uuid random_topic_id(const RandomBits& random) {
    // As Java's random ids: version 4, variant 1; Kafka keeps the ids 0 and 1 for itself.
    constexpr std::uint64_t version = 0x4000;
    constexpr std::uint64_t variant = std::uint64_t{1} << 63;
    for (;;) {
        const Uuid id = Uuid::from_halves((random() & ~std::uint64_t{0xf000}) | version,
                                          (random() & ~(std::uint64_t{3} << 62)) | variant);
        // Tools take a name that begins with '-' for an option.
        if (!id.to_string().starts_with('-')) return id;
    }
}

/// One topic of a request to create some.
class TopicCreation {
 public:
    TopicCreation(const TopicControl& control, const CreatableTopic& topic) : control_(control), topic_(topic) {}

    /// Appends the topic's records and fills the result; or tells why not, and appends nothing.
    ApiError create(Records& records, CreatableTopicResult& result) {
        if (auto error = check_name(); error.is_error()) return error;
        Records config_records;
        if (auto error = settle_configs(config_records); error.is_error()) return error;
        if (auto error = topic_.assignments.empty() ? place() : assign(); error.is_error()) return error;

        const TopicId id = random_topic_id(control_.context.random);
        protocol::TopicRecord record;
        record.name = topic_.name.owned();
        record.topic_id = id;
        records.push_back({std::move(record), 0});
        std::ranges::move(config_records, std::back_inserter(records));
        for (const auto& [index, partition] : partitions_) {
            records.push_back(metadata::versioned(metadata::partition_record(id, index, partition),
                                                  control_.image.metadata_version()));
        }
        describe(id, result);
        return {};
    }

 private:
    ApiError check_name() const {
        const std::string_view name = topic_.name;
        if (control_.image.find_topic(name) != nullptr) {
            return {ErrorCode::topic_already_exists, fmt::format("Topic '{}' already exists.", name)};
        }
        if (const auto valid = metadata::check_topic_name(name); !valid) {
            return {ErrorCode::invalid_topic_exception, valid.error().message};
        }
        if (!metadata::has_collision_characters(name)) return {};
        const auto similar = control_.similar_names.find(metadata::collision_key(name));
        if (similar == control_.similar_names.end()) return {};
        return {ErrorCode::invalid_topic_exception,
                fmt::format("Topic '{}' collides with existing topic: {}", name, *similar->second.begin())};
    }

    ApiError settle_configs(Records& records) {
        std::vector<std::string> without_value;
        std::vector<ConfigChange> changes;
        for (const auto& config : topic_.configs) {
            if (!config.value) {
                without_value.push_back(config.name.str());
                continue;
            }
            own_.set(config.name.str(), config.value->str());
        }
        if (!without_value.empty()) {
            return {ErrorCode::invalid_config,
                    fmt::format("Null value not supported for topic configs: {}", fmt::join(without_value, ","))};
        }
        for (const auto& [key, value] : own_) changes.push_back({key, ConfigOperation::set, value});
        if (changes.empty()) return {};  // under settings of the broker that are against each other, too
        return change_settings(control_.image, control_.config, {metadata::ResourceType::topic, topic_.name.str()},
                               changes, true, records);
    }

    ApiError assign() {
        if (topic_.replication_factor != -1) {
            return {ErrorCode::invalid_request,
                    "A manual partition assignment was specified, but replication factor was not set to -1."};
        }
        if (topic_.num_partitions != -1) {
            return {ErrorCode::invalid_request,
                    "A manual partition assignment was specified, but numPartitions was not set to -1."};
        }
        std::optional<std::size_t> replication_factor;
        for (const auto& assignment : topic_.assignments) {
            if (partitions_.contains(assignment.partition_index)) {
                return {ErrorCode::invalid_replica_assignment,
                        fmt::format("Found multiple manual partition assignments for partition {}",
                                    assignment.partition_index)};
            }
            if (auto error = check_assignment(control_.image, assignment.broker_ids, replication_factor);
                error.is_error()) {
                return error;
            }
            replication_factor = assignment.broker_ids.size();
            auto partition = new_partition(control_.image, assignment.broker_ids);
            if (!partition) {
                return {ErrorCode::invalid_replica_assignment,
                        fmt::format("All brokers specified in the manual partition assignment for partition {} are "
                                    "fenced or in controlled shutdown.",
                                    assignment.partition_index)};
            }
            partitions_[assignment.partition_index] = *std::move(partition);
        }
        if (partitions_.begin()->first != PartitionIndex(0) ||
            partitions_.rbegin()->first.value() != static_cast<std::int32_t>(partitions_.size()) - 1) {
            return {ErrorCode::invalid_replica_assignment,
                    "partitions should be a consecutive 0-based integer sequence"};
        }
        return {};
    }

    ApiError place() {
        if (topic_.replication_factor < -1 || topic_.replication_factor == 0) {
            return {ErrorCode::invalid_replication_factor,
                    "Replication factor must be larger than 0, or -1 to use the default value."};
        }
        if (topic_.num_partitions < -1 || topic_.num_partitions == 0) {
            return {ErrorCode::invalid_partitions, "Number of partitions was set to an invalid non-positive value."};
        }
        const metadata::BrokerConfig defaults = control_.config.broker();
        const std::int32_t count = topic_.num_partitions == -1 ? defaults.num_partitions : topic_.num_partitions;
        const std::int16_t factor =
            topic_.replication_factor == -1 ? defaults.default_replication_factor : topic_.replication_factor;
        auto placed = placed_partitions(control_.image, count, factor, control_.context.random);
        if (!placed) return std::move(placed).error();
        for (std::size_t i = 0; i < placed->size(); ++i) {
            partitions_[PartitionIndex(static_cast<std::int32_t>(i))] = std::move((*placed)[i]);
        }
        return {};
    }

    void describe(const TopicId& id, CreatableTopicResult& result) const {
        result.topic_id = id;
        result.num_partitions = static_cast<std::int32_t>(partitions_.size());
        result.replication_factor = static_cast<std::int16_t>(partitions_.begin()->second.replicas.size());
        result.configs.emplace();
        for (const metadata::DescribedConfig& config : control_.config.describe_topic(own_)) {
            auto& described = result.configs->emplace_back();
            described.name = config.name;
            described.value = owned_text(config.value);
            described.read_only = config.read_only;
            described.config_source = static_cast<std::int8_t>(config.source);
            described.is_sensitive = config.sensitive;
        }
    }

    const TopicControl& control_;
    const CreatableTopic& topic_;
    metadata::ConfigMap own_;
    std::map<PartitionIndex, Partition> partitions_;
};

std::int64_t partitions_asked_for(const protocol::CreateTopicsRequest& request, std::int32_t default_count) {
    std::int64_t total = 0;
    for (const CreatableTopic& topic : request.topics) {
        if (!topic.assignments.empty()) {
            total += static_cast<std::int64_t>(topic.assignments.size());
        } else {
            total += topic.num_partitions == -1 ? default_count : std::max(topic.num_partitions, 0);
        }
    }
    return total;
}

CreatableTopicResult& add_result(protocol::CreateTopicsResponse& response, std::string_view name,
                                 const ApiError& error) {
    CreatableTopicResult& result = response.topics.emplace_back();
    result.name = std::string(name);
    result.error_code = error.code;
    result.error_message = error_text(error);
    return result;
}

}  // namespace

Outcome<protocol::CreateTopicsResponse> TopicControl::create(const protocol::CreateTopicsRequest& request) const {
    Outcome<protocol::CreateTopicsResponse> outcome;
    const bool too_many = partitions_asked_for(request, config.broker().num_partitions) > max_partitions_per_request;
    const auto twice = names_given_twice(request.topics, [](const auto& topic) { return topic.name.view(); });
    for (const CreatableTopic& topic : request.topics) {
        if (twice.contains(topic.name)) continue;
        if (topic.name == metadata::cluster_metadata_topic) {
            add_result(
                outcome.response, topic.name,
                {ErrorCode::invalid_request, fmt::format("Creation of internal topic {} is prohibited.", topic.name)});
            continue;
        }
        CreatableTopicResult result;
        const ApiError error =
            too_many ? too_many_partitions : TopicCreation(*this, topic).create(outcome.records, result);
        if (error.is_error()) {
            add_result(outcome.response, topic.name, error);
            continue;
        }
        result.name = topic.name.owned();
        result.error_message.reset();
        outcome.response.topics.push_back(std::move(result));
    }
    for (const std::string_view name : twice) add_result(outcome.response, name, duplicate_name);
    if (request.validate_only) outcome.records.clear();
    return outcome;
}

Outcome<protocol::DeleteTopicsResponse> TopicControl::remove(const protocol::DeleteTopicsRequest& request) const {
    Outcome<protocol::DeleteTopicsResponse> outcome;
    const bool enabled = config.broker().delete_topic_enable;
    std::set<TopicId> deleted;
    const auto add = [&](std::optional<std::string> name, const TopicId& id, const ApiError& error) {
        auto& result = outcome.response.responses.emplace_back();
        result.name = owned_text(name);
        result.topic_id = id;
        result.error_code = error.code;
        result.error_message = error_text(error);
    };
    const auto remove_one = [&](const metadata::TopicPtr& topic) {
        if (!enabled) {
            return add(topic->name, topic->id, {ErrorCode::topic_deletion_disabled, "Topic deletion is disabled."});
        }
        if (!deleted.insert(topic->id).second) return add(topic->name, topic->id, duplicate_name);
        protocol::RemoveTopicRecord record;
        record.topic_id = topic->id;
        outcome.records.push_back({record, 0});
        add(topic->name, topic->id, {});
    };
    const auto remove_named = [&](std::string_view name) {
        const metadata::TopicPtr topic = image.find_topic(name);
        if (topic != nullptr) return remove_one(topic);
        add(std::string(name), {},
            {ErrorCode::unknown_topic_or_partition, "This server does not host this topic-partition."});
    };

    std::vector<std::string_view> names(request.topic_names.begin(), request.topic_names.end());
    for (const auto& topic : request.topics) {
        if (topic.name && topic.topic_id.is_zero()) names.push_back(*topic.name);
    }
    const auto twice = names_given_twice(names, [](std::string_view name) { return name; });
    for (const std::string_view name : names) {
        if (!twice.contains(name)) remove_named(name);
    }
    for (const std::string_view name : twice) add(std::string(name), {}, duplicate_name);

    for (const auto& topic : request.topics) {
        if (topic.name && !topic.topic_id.is_zero()) {
            add(topic.name->str(), topic.topic_id,
                {ErrorCode::invalid_request, "You may not specify both topic name and topic id."});
        } else if (!topic.name && topic.topic_id.is_zero()) {
            add(std::nullopt, {}, {ErrorCode::invalid_request, "Neither topic name nor id were specified."});
        } else if (!topic.name) {
            const metadata::TopicPtr found = image.find_topic(topic.topic_id);
            if (found != nullptr) {
                remove_one(found);
            } else {
                add(std::nullopt, topic.topic_id,
                    {ErrorCode::unknown_topic_id, "This server does not host this topic ID."});
            }
        }
    }
    return outcome;
}

namespace {

using CreatePartitionsTopic = protocol::CreatePartitionsRequest::CreatePartitionsTopic;

ApiError add_partitions_to(const TopicControl& control, const CreatePartitionsTopic& request, Records& records) {
    const metadata::TopicPtr topic = control.image.find_topic(request.name.view());
    if (topic == nullptr) return {ErrorCode::unknown_topic_or_partition, std::nullopt};
    if (metadata::is_internal_topic(topic->name)) {
        return {
            ErrorCode::invalid_partitions,
            fmt::format("What {} keeps is in the partition that a hash over their number names: with another number "
                        "nothing of it would be found again.",
                        topic->name)};
    }
    const auto before = static_cast<std::int32_t>(topic->partitions.size());
    if (request.count == before) {
        return {ErrorCode::invalid_partitions, fmt::format("Topic already has {} partition(s).", before)};
    }
    if (request.count < before) {
        return {ErrorCode::invalid_partitions,
                fmt::format("The topic {} currently has {} partition(s); {} would not be an increase.", topic->name,
                            before, request.count)};
    }
    const std::int32_t additional = request.count - before;
    if (additional > max_partitions_per_request) return too_many_partitions;
    const std::size_t replication_factor = topic->partitions.begin()->second.replicas.size();

    std::vector<Partition> partitions;
    if (request.assignments) {
        if (request.assignments->size() != static_cast<std::size_t>(additional)) {
            return {
                ErrorCode::invalid_replica_assignment,
                fmt::format("Attempted to add {} additional partition(s), but only {} assignment(s) were specified.",
                            additional, request.assignments->size())};
        }
        for (const auto& assignment : *request.assignments) {
            if (auto error = check_assignment(control.image, assignment.broker_ids, replication_factor);
                error.is_error()) {
                return error;
            }
            auto partition = new_partition(control.image, assignment.broker_ids);
            if (!partition) {
                return {ErrorCode::invalid_replica_assignment,
                        fmt::format("All brokers specified in the manual partition assignment for partition {} are "
                                    "fenced or in controlled shutdown.",
                                    before + static_cast<std::int32_t>(partitions.size()))};
            }
            partitions.push_back(*std::move(partition));
        }
    } else {
        auto placed = placed_partitions(control.image, additional, static_cast<std::int32_t>(replication_factor),
                                        control.context.random);
        if (!placed) return std::move(placed).error();
        partitions = *std::move(placed);
    }
    for (std::int32_t i = 0; i < additional; ++i) {
        records.push_back(metadata::versioned(
            metadata::partition_record(topic->id, PartitionIndex(before + i), partitions[static_cast<std::size_t>(i)]),
            control.image.metadata_version()));
    }
    return {};
}

}  // namespace

Outcome<protocol::CreatePartitionsResponse> TopicControl::add_partitions(
    const protocol::CreatePartitionsRequest& request) const {
    Outcome<protocol::CreatePartitionsResponse> outcome;
    const auto add = [&](std::string_view name, const ApiError& error) {
        auto& result = outcome.response.results.emplace_back();
        result.name = std::string(name);
        result.error_code = error.code;
        result.error_message = error_text(error);
    };
    const auto twice = names_given_twice(request.topics, [](const auto& topic) { return topic.name.view(); });
    for (const std::string_view name : twice) add(name, duplicate_name);
    for (const CreatePartitionsTopic& topic : request.topics) {
        if (twice.contains(topic.name)) continue;
        Records records;
        const ApiError error = outcome.records.size() > static_cast<std::size_t>(max_partitions_per_request)
                                   ? too_many_partitions
                                   : add_partitions_to(*this, topic, records);
        add(topic.name, error);
        if (!error.is_error()) std::ranges::move(records, std::back_inserter(outcome.records));
    }
    if (request.validate_only) outcome.records.clear();
    return outcome;
}

}  // namespace moldau::controller
