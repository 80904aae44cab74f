#pragma once
// Image: what the metadata log says, up to one offset. A plain value whose parts share their structure, so that a copy
// costs a few pointers; published as std::shared_ptr<const Image> and read on any shard. Only replay (image_builder.h)
// changes one.

#include <compare>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <moldau/base/bytes.h>
#include <moldau/base/ids.h>
#include <moldau/base/uuid.h>
#include <moldau/metadata/persistent_map.h>

namespace moldau::metadata {

/// Which part of the log an image or snapshot stands for.
struct Provenance {
    Offset last_offset = no_offset;  ///< of the last record that is in it
    LeaderEpoch last_epoch = no_leader_epoch;
    Timestamp last_timestamp = no_timestamp;

    bool operator==(const Provenance&) const = default;
};

enum class LeaderRecoveryState : std::int8_t { recovered = 0, recovering = 1 };

struct Partition {
    std::vector<NodeId> replicas;   ///< the first is the preferred leader
    std::vector<Uuid> directories;  ///< one a replica, in their order
    std::vector<NodeId> isr;
    std::vector<NodeId> removing_replicas;
    std::vector<NodeId> adding_replicas;
    std::vector<NodeId> elr;             ///< eligible leader replicas (KIP-966)
    std::vector<NodeId> last_known_elr;  ///< (KIP-966)
    NodeId leader = no_node;             ///< no_node while there is none
    LeaderRecoveryState leader_recovery_state = LeaderRecoveryState::recovered;
    LeaderEpoch leader_epoch{0};
    std::int32_t partition_epoch = 0;  ///< grows with every change

    bool operator==(const Partition&) const = default;
};

/// Directory ids that stand for no directory (KIP-858).
inline constexpr Uuid unassigned_directory{};
inline constexpr Uuid lost_directory = Uuid::from_halves(0, 1);
inline constexpr Uuid migrating_directory = Uuid::from_halves(0, 2);

struct Topic {
    std::string name;
    TopicId id;
    PersistentMap<PartitionIndex, Partition> partitions;

    bool operator==(const Topic&) const = default;
};
using TopicPtr = std::shared_ptr<const Topic>;

struct Endpoint {
    std::string name;  ///< of the listener
    std::string host;
    std::uint16_t port = 0;
    std::int16_t security_protocol = 0;  ///< 0 PLAINTEXT, 1 SSL, 2 SASL_PLAINTEXT, 3 SASL_SSL

    bool operator==(const Endpoint&) const = default;
};

struct SupportedFeature {
    std::string name;
    std::int16_t min_version = 0;
    std::int16_t max_version = 0;

    bool operator==(const SupportedFeature&) const = default;
};

struct BrokerRegistration {
    NodeId id;
    BrokerEpoch epoch;
    Uuid incarnation_id;
    std::vector<Endpoint> endpoints;
    std::vector<SupportedFeature> features;
    std::optional<std::string> rack;
    bool fenced = true;
    bool in_controlled_shutdown = false;
    bool is_migrating_zk_broker = false;
    std::vector<Uuid> log_dirs;
    std::optional<std::vector<Uuid>> cordoned_log_dirs;  ///< nothing until the broker says which (from level 30)

    /// Alive, and not about to leave.
    bool active() const { return !fenced && !in_controlled_shutdown; }
    const Endpoint* find_endpoint(std::string_view listener) const;
    bool operator==(const BrokerRegistration&) const = default;
};

struct ControllerRegistration {
    NodeId id;
    Uuid incarnation_id;
    bool zk_migration_ready = false;
    std::vector<Endpoint> endpoints;
    std::vector<SupportedFeature> features;

    bool operator==(const ControllerRegistration&) const = default;
};

/// The numbers of Kafka's protocol.
enum class ResourceType : std::int8_t {
    unknown = 0,
    topic = 2,
    broker = 4,
    broker_logger = 8,
    client_metrics = 16,
    group = 32,
};

struct ConfigResource {
    ResourceType type = ResourceType::unknown;
    std::string name;  ///< of a broker: its id in decimal; empty: the defaults of all brokers

    friend auto operator<=>(const ConfigResource&, const ConfigResource&) = default;
};
using ConfigMap = PersistentMap<std::string, std::string>;

/// Records that only their own part of the broker understands, framed as in the log: snapshots write them back as they
/// came. The key tells which record replaces or removes which.
using RawRecords = PersistentMap<std::string, Bytes>;

struct Image {
    Provenance provenance;
    PersistentMap<std::string, std::int16_t> features;  ///< finalised levels above 0, metadata.version among them
    PersistentMap<NodeId, BrokerRegistration> brokers;
    PersistentMap<NodeId, ControllerRegistration> controllers;
    PersistentMap<std::string, TopicPtr> topics_by_name;  ///< the same topics as by id
    PersistentMap<TopicId, TopicPtr> topics_by_id;
    PersistentMap<ConfigResource, ConfigMap> configs;  ///< no empty maps
    ProducerId next_producer_id = no_producer_id;      ///< −1 before the first block was given away
    RawRecords client_quotas;
    RawRecords acls;
    RawRecords scram_credentials;
    RawRecords delegation_tokens;

    /// 0 when not finalised.
    std::int16_t feature_level(std::string_view name) const;
    std::int16_t metadata_version() const;

    /// Null when there is none.
    TopicPtr find_topic(std::string_view name) const;
    TopicPtr find_topic(const TopicId& id) const;
    const Partition* find_partition(const TopicId& id, PartitionIndex index) const;
    const BrokerRegistration* find_broker(NodeId id) const { return brokers.find(id); }
    /// Empty when nothing is set.
    const ConfigMap& configs_of(const ConfigResource& resource) const;
    /// Null when not set.
    const std::string* find_config(const ConfigResource& resource, std::string_view key) const;
};

/// Whether both say the same, whichever part of the log they stand for.
bool same_content(const Image& a, const Image& b);

}  // namespace moldau::metadata
