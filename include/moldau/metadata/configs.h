#pragma once
// The settings in force: a topic's own, then those of this broker, then those of all brokers, then server.properties,
// then Kafka's defaults. ConfigView looks at one image and one node's file and lives no longer than both; BrokerConfig
// and TopicConfig are plain copies of the settings that are read often.

#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <moldau/metadata/config_def.h>
#include <moldau/metadata/image.h>
#include <moldau/metadata/properties.h>

namespace moldau::metadata {

/// The numbers of DescribeConfigs.
enum class ConfigSource : std::int8_t {
    unknown = 0,
    topic = 1,
    dynamic_broker = 2,
    dynamic_default_broker = 3,
    static_broker = 4,
    default_value = 5,
    dynamic_broker_logger = 6,
    client_metrics = 7,
    group = 8,
};

struct ConfigOrigin {
    std::string name;
    std::optional<std::string> value;  ///< nothing where it is a secret
    ConfigSource source;
};

/// A setting as DescribeConfigs tells it.
struct DescribedConfig {
    std::string name;
    std::optional<std::string> value;  ///< nothing where there is none, or where it is a secret
    bool read_only = false;
    ConfigSource source = ConfigSource::default_value;
    bool sensitive = false;
    ConfigType type = ConfigType::unknown;
    std::string_view help;
    std::vector<ConfigOrigin> synonyms;  ///< in order of precedence
};

enum class Durability : std::uint8_t { disk, page_cache };
enum class TimestampType : std::uint8_t { create_time, log_append_time };

/// A topic's settings as its partitions' logs and leaders read them.
struct TopicConfig {
    bool cleanup_delete = true;
    bool cleanup_compact = false;
    std::string compression_type = "producer";
    std::int32_t gzip_level = -1;
    std::int32_t lz4_level = 9;
    std::int32_t zstd_level = 3;
    std::int64_t delete_retention_ms = 86'400'000;
    std::int64_t file_delete_delay_ms = 60'000;
    std::int64_t flush_messages = INT64_MAX;
    std::int64_t flush_ms = INT64_MAX;
    std::int32_t index_interval_bytes = 4096;
    std::int64_t max_compaction_lag_ms = INT64_MAX;
    std::int32_t max_message_bytes = 1'048'588;
    std::int64_t timestamp_after_max_ms = 3'600'000;
    std::int64_t timestamp_before_max_ms = INT64_MAX;
    TimestampType timestamp_type = TimestampType::create_time;
    double min_cleanable_dirty_ratio = 0.5;
    std::int64_t min_compaction_lag_ms = 0;
    std::int32_t min_insync_replicas = 1;
    std::int64_t retention_bytes = -1;
    std::int64_t retention_ms = 604'800'000;
    std::int32_t segment_bytes = 1'073'741'824;
    std::int32_t segment_index_bytes = 10'485'760;
    std::int64_t segment_jitter_ms = 0;
    std::int64_t segment_ms = 604'800'000;
    bool unclean_leader_election = false;
    Durability durability = Durability::disk;

    bool operator==(const TopicConfig&) const = default;
};

/// A broker's settings that the controller's and the coordinators' decisions and the request path need.
struct BrokerConfig {
    std::int32_t num_partitions = 1;
    std::int16_t default_replication_factor = 1;
    bool auto_create_topics = true;
    bool delete_topic_enable = true;
    std::int64_t session_timeout_ms = 9'000;
    std::int64_t heartbeat_interval_ms = 2'000;
    std::int32_t offsets_topic_num_partitions = 50;
    std::int16_t offsets_topic_replication_factor = 3;
    std::int32_t offsets_topic_segment_bytes = 104'857'600;
    std::int32_t offsets_retention_minutes = 10'080;
    std::int64_t offsets_retention_check_interval_ms = 600'000;
    std::int32_t offset_metadata_max_bytes = 4'096;
    std::int32_t group_max_size = INT32_MAX;
    std::int32_t group_initial_rebalance_delay_ms = 3'000;
    std::int32_t group_min_session_timeout_ms = 6'000;
    std::int32_t group_max_session_timeout_ms = 1'800'000;
    std::int32_t transaction_topic_num_partitions = 50;
    std::int16_t transaction_topic_replication_factor = 3;
    std::int64_t connections_max_idle_ms = 600'000;
    std::int32_t max_connections = INT32_MAX;
    std::int32_t max_connections_per_ip = INT32_MAX;
    std::int32_t socket_request_max_bytes = 104'857'600;
    std::int32_t socket_send_buffer_bytes = 102'400;
    std::int32_t socket_receive_buffer_bytes = -1;
    std::int32_t socket_listen_backlog_size = 4'096;
    std::int32_t fetch_max_bytes = 57'671'680;
    std::int32_t fetch_session_slots = 1'000;
    std::int32_t max_request_partition_size_limit = 2'000;
    std::int64_t replica_lag_time_max_ms = 30'000;
    std::int64_t retention_check_interval_ms = 300'000;
    std::int64_t initial_task_delay_ms = 30'000;
    std::int64_t high_watermark_checkpoint_interval_ms = 5'000;
    bool cleaner_enabled = true;
    std::int64_t cleaner_backoff_ms = 15'000;
    std::int64_t cleaner_map_bytes = 134'217'728;
    double cleaner_map_load = 0.9;
    double cleaner_max_bytes_per_second = std::numeric_limits<double>::max();
    std::int32_t producer_id_expiration_ms = 86'400'000;
    std::int64_t metadata_max_bytes_between_snapshots = 20'971'520;
    std::int64_t metadata_max_snapshot_interval_ms = 3'600'000;
    std::int32_t metadata_max_idle_interval_ms = 500;

    bool operator==(const BrokerConfig&) const = default;
};

class ConfigView {
 public:
    /// `file`: what server.properties says, checked. Both must outlive the view.
    ConfigView(const Image& image, NodeId node, const Properties& file) : image_(image), node_(node), file_(file) {}

    /// Of a broker key: its value, with those of its synonyms where it has none (in its own unit). Nothing: no value.
    std::optional<std::string> broker_value(std::string_view key) const;
    /// Requires: a topic's key. Nothing: no value. `own`: the settings of a topic that is perhaps not there yet.
    std::optional<std::string> topic_value(const ConfigMap& own, std::string_view key) const;
    std::optional<std::string> topic_value(const std::string& topic, std::string_view key) const;

    /// The same node at another image, which must outlive the view.
    ConfigView at(const Image& image) const { return {image, node_, file_}; }

    BrokerConfig broker() const;
    TopicConfig topic(std::string_view name) const;
    TopicConfig topic(const ConfigMap& own) const;

    /// In order of name; internal keys only when set, secrets without value.
    std::vector<DescribedConfig> describe_broker() const;
    /// What is set for all brokers.
    std::vector<DescribedConfig> describe_default_broker() const;
    std::vector<DescribedConfig> describe_topic(std::string_view name) const;
    std::vector<DescribedConfig> describe_topic(const ConfigMap& own) const;
    std::vector<DescribedConfig> describe_group(std::string_view name) const;
    std::vector<DescribedConfig> describe_client_metrics(std::string_view name) const;

 private:
    std::vector<ConfigOrigin> origins(std::string_view broker_key, bool sensitive) const;
    DescribedConfig described_broker_key(std::string_view name, const ConfigDef* def) const;
    const std::string* dynamic_value(std::string_view key) const;

    const Image& image_;
    NodeId node_;
    const Properties& file_;
};

/// When a broker's settings are judged: Apache Kafka does not ask the same of both.
enum class Occasion : std::uint8_t { start, change };

/// What Apache Kafka asks of settings together: a message for each rule that is broken. Require: each value may be set
/// by itself. Of a broker:
std::vector<std::string> check_together(const ConfigView& broker, Occasion occasion);
/// Of a topic whose settings change, over those of the broker.
std::vector<std::string> check_together(const ConfigView& before, const ConfigView& after, const std::string& topic);

/// max.connections.per.ip.overrides: the most connections of each host, an address or a name. Errc::invalid as Kafka.
Result<std::map<std::string, std::int32_t>> parse_connection_overrides(std::string_view value);

/// What a start should say about server.properties.
struct PropertiesReview {
    /// Values that break a rule: the start must fail.
    std::vector<std::string> errors;
    /// Unknown keys, each with the nearest known one; keys that another passes over.
    std::vector<std::string> warnings;
    /// Keys known to Kafka that have no meaning here.
    std::vector<std::string> ignored;
    /// Keys that nothing here goes by yet.
    std::vector<std::string> later;
};
PropertiesReview review_properties(const Properties& file);

/// What metadata sets for a topic, a broker or all brokers and this build cannot use, told in words: the next nearest
/// source is in force.
std::vector<std::string> unusable_configs(const Image& image, const ConfigResource& resource);

/// Takes the blanks off the values and lets node.id and broker.id stand for each other, as Kafka does.
void normalise(Properties& file);

}  // namespace moldau::metadata
