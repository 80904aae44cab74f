#include <algorithm>

#include <moldau/base/assert.h>
#include <moldau/metadata/configs.h>
#include <moldau/protocol/text.h>

namespace moldau::metadata {

namespace {

ConfigResource broker_resource(NodeId node) {
    return {ResourceType::broker, fmt::format("{}", node)};
}

const ConfigResource& all_brokers() {
    static const ConfigResource resource{ResourceType::broker, ""};
    return resource;
}

std::optional<std::string> shown(std::string value, bool sensitive) {
    if (sensitive) return std::nullopt;
    return value;
}

/// What a value as it was set comes to.
std::string in_force(const ConfigDef& def, std::string value) {
    if (def.type != ConfigType::list) return value;
    return fmt::format("{}", fmt::join(list_elements(def, value), ","));
}

/// What metadata bears, if this build can use it: another broker may have let pass what this one refuses. Of a list,
/// whoever reads it takes the elements that it knows: an unknown policy must not make another one delete records.
const std::string* usable(const ConfigDef* def, const std::string* value) {
    if (value == nullptr || def == nullptr || def->type == ConfigType::list || check_value(*def, *value)) return value;
    return nullptr;
}

}  // namespace

const std::string* ConfigView::dynamic_value(std::string_view key) const {
    const auto from = [&](const ConfigResource& resource) {
        const std::string* set = image_.find_config(resource, key);
        return set != nullptr ? usable(find_broker_config(key), set) : nullptr;
    };
    if (const std::string* own = from(broker_resource(node_))) return own;
    return from(all_brokers());
}

std::optional<std::string> ConfigView::broker_value(std::string_view key) const {
    for (const ConfigSynonym& synonym : broker_synonyms(key)) {
        std::optional<std::string> value;
        if (const std::string* dynamic = dynamic_value(synonym.name)) {
            value = trimmed(*dynamic);
        } else if (const auto in_file = file_.find(synonym.name); in_file != file_.end()) {
            value = trimmed(in_file->second);
        } else if (const ConfigDef* def = find_broker_config(synonym.name); def != nullptr && def->default_value) {
            value = def->default_value;
        }
        if (!value) continue;
        if (synonym.factor == 1) return value;
        const std::int64_t count = parse_integer(*value);
        return count < 0 ? "-1" : fmt::format("{}", count * synonym.factor);
    }
    return std::nullopt;
}

std::optional<std::string> ConfigView::topic_value(const ConfigMap& own, std::string_view key) const {
    const ConfigDef* def = find_config(topic_configs(), key);
    MOLDAU_ASSERT(def != nullptr);
    const std::string_view broker_key = broker_key_of_topic_key(key);
    std::optional<std::string> value;
    if (const std::string* set = usable(def, own.find(key))) {
        value = trimmed(*set);
    } else if (!broker_key.empty()) {
        value = broker_value(broker_key);
    } else if (def->default_value != nullptr) {
        value = def->default_value;
    }
    return value ? std::optional(in_force(*def, std::move(*value))) : std::nullopt;
}

std::optional<std::string> ConfigView::topic_value(const std::string& topic, std::string_view key) const {
    return topic_value(image_.configs_of({ResourceType::topic, topic}), key);
}

BrokerConfig ConfigView::broker() const {
    const auto text = [&](std::string_view key) {
        const auto value = broker_value(key);
        MOLDAU_ASSERT(value.has_value());
        return *value;
    };
    const auto set = [&]<class T>(T& to, std::string_view key) { to = static_cast<T>(parse_integer(text(key))); };
    BrokerConfig config;
    set(config.num_partitions, "num.partitions");
    set(config.default_replication_factor, "default.replication.factor");
    config.auto_create_topics = parse_boolean(text("auto.create.topics.enable"));
    config.delete_topic_enable = parse_boolean(text("delete.topic.enable"));
    set(config.session_timeout_ms, "broker.session.timeout.ms");
    set(config.heartbeat_interval_ms, "broker.heartbeat.interval.ms");
    set(config.offsets_topic_num_partitions, "offsets.topic.num.partitions");
    set(config.offsets_topic_replication_factor, "offsets.topic.replication.factor");
    set(config.offsets_topic_segment_bytes, "offsets.topic.segment.bytes");
    set(config.offsets_retention_minutes, "offsets.retention.minutes");
    set(config.offsets_retention_check_interval_ms, "offsets.retention.check.interval.ms");
    set(config.offset_metadata_max_bytes, "offset.metadata.max.bytes");
    set(config.group_max_size, "group.max.size");
    set(config.group_initial_rebalance_delay_ms, "group.initial.rebalance.delay.ms");
    set(config.group_min_session_timeout_ms, "group.min.session.timeout.ms");
    set(config.group_max_session_timeout_ms, "group.max.session.timeout.ms");
    set(config.transaction_topic_num_partitions, "transaction.state.log.num.partitions");
    set(config.transaction_topic_replication_factor, "transaction.state.log.replication.factor");
    set(config.connections_max_idle_ms, "connections.max.idle.ms");
    set(config.max_connections, "max.connections");
    set(config.max_connections_per_ip, "max.connections.per.ip");
    set(config.socket_request_max_bytes, "socket.request.max.bytes");
    set(config.socket_send_buffer_bytes, "socket.send.buffer.bytes");
    set(config.socket_receive_buffer_bytes, "socket.receive.buffer.bytes");
    set(config.socket_listen_backlog_size, "socket.listen.backlog.size");
    set(config.fetch_max_bytes, "fetch.max.bytes");
    set(config.fetch_session_slots, "max.incremental.fetch.session.cache.slots");
    set(config.max_request_partition_size_limit, "max.request.partition.size.limit");
    set(config.replica_lag_time_max_ms, "replica.lag.time.max.ms");
    set(config.retention_check_interval_ms, "log.retention.check.interval.ms");
    set(config.initial_task_delay_ms, "log.initial.task.delay.ms");
    set(config.high_watermark_checkpoint_interval_ms, "replica.high.watermark.checkpoint.interval.ms");
    config.cleaner_enabled = parse_boolean(text("log.cleaner.enable"));
    set(config.cleaner_backoff_ms, "log.cleaner.backoff.ms");
    set(config.cleaner_map_bytes, "log.cleaner.dedupe.buffer.size");
    config.cleaner_map_load = parse_real(text("log.cleaner.io.buffer.load.factor"));
    config.cleaner_max_bytes_per_second = parse_real(text("log.cleaner.io.max.bytes.per.second"));
    set(config.producer_id_expiration_ms, "producer.id.expiration.ms");
    set(config.metadata_max_bytes_between_snapshots, "metadata.log.max.record.bytes.between.snapshots");
    set(config.metadata_max_snapshot_interval_ms, "metadata.log.max.snapshot.interval.ms");
    set(config.metadata_max_idle_interval_ms, "metadata.max.idle.interval.ms");
    return config;
}

TopicConfig ConfigView::topic(std::string_view name) const {
    return topic(image_.configs_of({ResourceType::topic, std::string(name)}));
}

TopicConfig ConfigView::topic(const ConfigMap& own) const {
    const auto text = [&](std::string_view key) {
        const auto value = topic_value(own, key);
        MOLDAU_ASSERT(value.has_value());
        return *value;
    };
    const auto set = [&]<class T>(T& to, std::string_view key) { to = static_cast<T>(parse_integer(text(key))); };
    TopicConfig config;
    const std::vector<std::string> policies = parse_list(text("cleanup.policy"));
    config.cleanup_delete = std::ranges::count(policies, "delete") > 0;
    config.cleanup_compact = std::ranges::count(policies, "compact") > 0;
    config.compression_type = text("compression.type");
    set(config.gzip_level, "compression.gzip.level");
    set(config.lz4_level, "compression.lz4.level");
    set(config.zstd_level, "compression.zstd.level");
    set(config.delete_retention_ms, "delete.retention.ms");
    set(config.file_delete_delay_ms, "file.delete.delay.ms");
    set(config.flush_messages, "flush.messages");
    set(config.flush_ms, "flush.ms");
    set(config.index_interval_bytes, "index.interval.bytes");
    set(config.max_compaction_lag_ms, "max.compaction.lag.ms");
    set(config.max_message_bytes, "max.message.bytes");
    set(config.timestamp_after_max_ms, "message.timestamp.after.max.ms");
    set(config.timestamp_before_max_ms, "message.timestamp.before.max.ms");
    const bool append_time = text("message.timestamp.type") == "LogAppendTime";
    config.timestamp_type = append_time ? TimestampType::log_append_time : TimestampType::create_time;
    config.min_cleanable_dirty_ratio = parse_real(text("min.cleanable.dirty.ratio"));
    set(config.min_compaction_lag_ms, "min.compaction.lag.ms");
    set(config.min_insync_replicas, "min.insync.replicas");
    set(config.retention_bytes, "retention.bytes");
    set(config.retention_ms, "retention.ms");
    // For tests, below the lower bound of segment.bytes.
    const auto internal_segment_bytes = topic_value(own, "internal.segment.bytes");
    config.segment_bytes = static_cast<std::int32_t>(
        parse_integer(internal_segment_bytes ? *internal_segment_bytes : text("segment.bytes")));
    set(config.segment_index_bytes, "segment.index.bytes");
    set(config.segment_jitter_ms, "segment.jitter.ms");
    set(config.segment_ms, "segment.ms");
    config.unclean_leader_election = parse_boolean(text("unclean.leader.election.enable"));
    // What is not understood must not be the one that loses records.
    config.durability = text("moldau.durability") == "page-cache" ? Durability::page_cache : Durability::disk;
    return config;
}

std::vector<ConfigOrigin> ConfigView::origins(std::string_view broker_key, bool sensitive) const {
    const std::vector<ConfigSynonym> synonyms = broker_synonyms(broker_key);
    std::vector<ConfigOrigin> result;
    const auto add = [&](std::string_view name, std::string value, ConfigSource source) {
        result.push_back({std::string(name), shown(std::move(value), sensitive), source});
    };
    for (const auto& [name, factor] : synonyms) {
        if (const auto* value = usable(find_broker_config(name), image_.find_config(broker_resource(node_), name))) {
            add(name, *value, ConfigSource::dynamic_broker);
        }
    }
    for (const auto& [name, factor] : synonyms) {
        if (const auto* value = usable(find_broker_config(name), image_.find_config(all_brokers(), name))) {
            add(name, *value, ConfigSource::dynamic_default_broker);
        }
    }
    for (const auto& [name, factor] : synonyms) {
        if (const auto found = file_.find(name); found != file_.end()) {
            add(name, found->second, ConfigSource::static_broker);
        }
    }
    for (const auto& [name, factor] : synonyms) {
        const ConfigDef* def = find_broker_config(name);
        if (def != nullptr && def->default_value != nullptr) add(name, def->default_value, ConfigSource::default_value);
    }
    // Kafka tells only of what stands from the key's own first value on.
    const auto first = std::ranges::find(result, broker_key, &ConfigOrigin::name);
    result.erase(result.begin(), first);
    return result;
}

DescribedConfig ConfigView::described_broker_key(std::string_view name, const ConfigDef* def) const {
    DescribedConfig config;
    config.name = std::string(name);
    // What nobody knows may be a secret.
    config.sensitive = def == nullptr || def->sensitive();
    config.read_only = def == nullptr || def->dynamic == Dynamic::read_only;
    if (def != nullptr) {
        config.type = def->type;
        config.help = def->help;
    }
    config.synonyms = origins(name, config.sensitive);
    if (!config.synonyms.empty()) {
        config.source = config.synonyms.front().source;
        config.value = config.synonyms.front().value;
        if (def != nullptr && config.value) config.value = in_force(*def, std::move(*config.value));
    }
    return config;
}

std::vector<DescribedConfig> ConfigView::describe_broker() const {
    std::set<std::string, std::less<>> names;
    for (const ConfigDef& def : broker_configs()) {
        // Throttles are settings of brokers without being in server.properties: Kafka shows them when set.
        const bool throttle = def.name.ends_with(".replication.throttled.rate") ||
                              def.name == "replica.alter.log.dirs.io.max.bytes.per.second";
        if (def.standing != Standing::internal && !throttle) names.emplace(def.name);
    }
    for (const auto& [name, value] : file_) names.insert(name);
    for (const auto& [name, value] : image_.configs_of(all_brokers())) names.insert(name);
    for (const auto& [name, value] : image_.configs_of(broker_resource(node_))) names.insert(name);

    std::vector<DescribedConfig> result;
    result.reserve(names.size());
    for (const std::string& name : names) result.push_back(described_broker_key(name, find_broker_config(name)));
    return result;
}

std::vector<DescribedConfig> ConfigView::describe_default_broker() const {
    std::vector<DescribedConfig> result;
    for (const auto& [name, value] : image_.configs_of(all_brokers())) {
        DescribedConfig config = described_broker_key(name, find_broker_config(name));
        std::erase_if(config.synonyms,
                      [](const ConfigOrigin& origin) { return origin.source != ConfigSource::dynamic_default_broker; });
        config.source = ConfigSource::dynamic_default_broker;
        config.value = shown(value, config.sensitive);
        result.push_back(std::move(config));
    }
    return result;
}

std::vector<DescribedConfig> ConfigView::describe_topic(std::string_view name) const {
    return describe_topic(image_.configs_of({ResourceType::topic, std::string(name)}));
}

std::vector<DescribedConfig> ConfigView::describe_topic(const ConfigMap& own) const {
    std::vector<DescribedConfig> result;
    for (const ConfigDef& def : topic_configs()) {
        const std::string* value = usable(&def, own.find(def.name));
        if (def.standing == Standing::internal && value == nullptr) continue;
        DescribedConfig config;
        config.name = std::string(def.name);
        config.type = def.type;
        config.help = def.help;
        config.value = topic_value(own, def.name);
        const std::string_view broker_key = broker_key_of_topic_key(def.name);
        if (!broker_key.empty()) config.synonyms = origins(broker_key, false);
        if (value != nullptr)
            config.synonyms.insert(config.synonyms.begin(), {config.name, config.value, ConfigSource::topic});
        if (!config.synonyms.empty()) config.source = config.synonyms.front().source;
        result.push_back(std::move(config));
    }
    return result;
}

std::vector<DescribedConfig> ConfigView::describe_group(std::string_view name) const {
    const ConfigMap& own = image_.configs_of({ResourceType::group, std::string(name)});
    std::vector<DescribedConfig> result;
    for (const ConfigDef& def : group_configs()) {
        DescribedConfig config;
        config.name = std::string(def.name);
        config.type = def.type;
        config.help = def.help;
        const std::string_view broker_key = broker_key_of_group_key(def.name);
        if (!broker_key.empty()) config.synonyms = origins(broker_key, false);
        if (const std::string* value = own.find(def.name)) {
            config.synonyms.insert(config.synonyms.begin(), {config.name, *value, ConfigSource::group});
        }
        if (!config.synonyms.empty()) {
            config.source = config.synonyms.front().source;
            config.value = config.synonyms.front().value;
        } else if (def.default_value != nullptr) {
            config.value = def.default_value;
            config.synonyms.push_back({config.name, config.value, ConfigSource::default_value});
        }
        result.push_back(std::move(config));
    }
    return result;
}

std::vector<DescribedConfig> ConfigView::describe_client_metrics(std::string_view name) const {
    const ConfigMap& own = image_.configs_of({ResourceType::client_metrics, std::string(name)});
    std::vector<DescribedConfig> result;
    for (const ConfigDef& def : client_metrics_configs()) {
        DescribedConfig config;
        config.name = std::string(def.name);
        config.type = def.type;
        config.help = def.help;
        config.value = def.default_value;
        if (const std::string* value = own.find(def.name)) {
            config.value = *value;
            config.source = ConfigSource::client_metrics;
            config.synonyms.push_back({config.name, *value, ConfigSource::client_metrics});
        }
        result.push_back(std::move(config));
    }
    return result;
}

std::vector<std::string> unusable_configs(const Image& image, const ConfigResource& resource) {
    std::vector<std::string> result;
    if (resource.type != ResourceType::topic && resource.type != ResourceType::broker) return result;
    for (const auto& [name, value] : image.configs_of(resource)) {
        const ConfigDef* def =
            resource.type == ResourceType::topic ? find_config(topic_configs(), name) : find_broker_config(name);
        if (def == nullptr) continue;
        const auto checked = check_value(*def, value);
        if (!checked) result.push_back(def->sensitive() ? std::string(name) : checked.error().message);
    }
    return result;
}

PropertiesReview review_properties(const Properties& file) {
    PropertiesReview review;
    for (const auto& [name, value] : file) {
        if (name.size() > protocol::max_text_bytes || value.size() > protocol::max_text_bytes) {
            // It could not be told to whoever asks for the configuration.
            review.errors.push_back(fmt::format("{:.100}: it has {} bytes; {} is the most for a key and for its value",
                                                name, std::max(name.size(), value.size()), protocol::max_text_bytes));
            continue;
        }
        const ConfigDef* def = find_broker_config(name);
        if (def == nullptr) {
            const auto nearest = nearest_config(broker_configs(), name);
            review.warnings.push_back(nearest ? fmt::format("Unknown setting {}; did you mean {}?", name, *nearest)
                                              : fmt::format("Unknown setting {}", name));
            continue;
        }
        if (def->standing == Standing::ignored) review.ignored.push_back(name);
        if (def->standing == Standing::later) review.later.push_back(name);
        if (const auto checked = check_value(*def, value); !checked) review.errors.push_back(checked.error().message);
    }
    const auto several = file.find("log.dirs");
    const auto single = file.find("log.dir");
    if (several != file.end() && single != file.end())
        review.warnings.push_back(fmt::format("log.dir={} is passed over, since log.dirs={} is set",
                                              trimmed(single->second), trimmed(several->second)));
    if (review.errors.empty()) {
        const Image nothing_dynamic;
        review.errors = check_together(ConfigView(nothing_dynamic, no_node, file), Occasion::start);
    }
    return review;
}

void normalise(Properties& file) {
    for (auto& [name, value] : file) value = std::string(trimmed(value));
    const auto copy = [&](const char* from, const char* to) {
        const auto found = file.find(from);
        if (found != file.end()) file.try_emplace(to, found->second);
    };
    copy("node.id", "broker.id");
    copy("broker.id", "node.id");
}

}  // namespace moldau::metadata
