#pragma once
// What the user asked for, as data: the command line is parsed to one of these, and each is executed by a function of
// its own. Nothing here knows the parser.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <moldau/protocol/compression.h>
#include <moldau/runtime/time.h>
#include <moldau/runtime/transport.h>

namespace moldau::cli {

enum class OutputFormat { table, json };

using KeyValues = std::vector<std::pair<std::string, std::string>>;

struct ConnectOptions {
    std::vector<runtime::Endpoint> bootstrap;
    runtime::Duration timeout = std::chrono::seconds(30);
    OutputFormat output = OutputFormat::table;
};

struct TopicCreate {
    std::vector<std::string> names;
    std::int32_t partitions = -1;          ///< −1: the cluster's default
    std::int16_t replication_factor = -1;  ///< −1: the cluster's default
    KeyValues configs;
    bool if_not_exists = false;
    bool dry_run = false;
};

struct TopicList {
    bool exclude_internal = false;  ///< not those that the cluster keeps for itself
};

struct TopicDescribe {
    std::vector<std::string> names;  ///< none: all
    bool exclude_internal = false;   ///< as of TopicList
};

struct TopicAlter {
    std::string name;
    std::optional<std::int32_t> partitions;  ///< the new count
    KeyValues add;
    std::vector<std::string> remove;
    bool dry_run = false;
};

struct TopicDelete {
    std::vector<std::string> names;
    bool if_exists = false;
    bool internal = false;
};

/// What a configuration belongs to.
struct ConfigEntity {
    enum class Kind : std::int8_t { topic = 2, broker = 4 };
    Kind kind = Kind::topic;
    std::string name;  ///< a topic's, or a broker's id; empty: the defaults of all brokers
};

struct ConfigDescribe {
    ConfigEntity entity;
    bool all = false;               ///< defaults too
    std::vector<std::string> keys;  ///< none: all keys
};

struct ConfigAlter {
    ConfigEntity entity;
    KeyValues add;
    std::vector<std::string> remove;
    bool dry_run = false;
};

struct ClusterId {};
struct ClusterDescribe {};
struct ClusterQuorum {};
struct ClusterFeatures {};

/// Partitions of a topic.
struct TopicPartitions {
    std::string topic;
    std::vector<std::int32_t> partitions;  ///< none: all
    friend bool operator==(const TopicPartitions&, const TopicPartitions&) = default;
};

struct GroupList {
    std::vector<std::string> states;  ///< none: all, as brokers name them
    std::vector<std::string> types;   ///< none: all
};

struct GroupDescribe {
    enum class View { offsets, members, state };
    std::vector<std::string> groups;  ///< none: all
    View view = View::offsets;
    bool verbose = false;  ///< members with their partitions
};

/// Where the offsets of a group are to be.
struct ResetTarget {
    enum class Kind { earliest, latest, current, offset, shift, time, ago, file };
    Kind kind = Kind::latest;
    std::int64_t value = 0;  ///< an offset, a distance, ms since 1970, or ms before now
    friend bool operator==(const ResetTarget&, const ResetTarget&) = default;
};

struct GroupReset {
    std::string group;
    std::vector<TopicPartitions> topics;  ///< none: those that it has offsets of
    ResetTarget target;
    std::string file;         ///< for Kind::file: "topic,partition,offset" a line
    bool execute = false;     ///< else the plan is shown alone
    bool export_csv = false;  ///< as --from-file reads it
};

struct GroupDelete {
    std::vector<std::string> groups;
};

struct GroupDeleteOffsets {
    std::string group;
    std::vector<TopicPartitions> topics;
};

struct StorageRandomUuid {};

struct StorageInfo {
    std::string config;
};

struct StorageFormat {
    std::string config;
    std::string cluster_id;
    bool standalone = false;
    bool no_initial_controllers = false;
    std::string initial_controllers;
    std::string release_version;
    std::vector<std::pair<std::string, std::int16_t>> features;
    bool ignore_formatted = false;
};

struct Produce {
    std::string topic;
    std::optional<std::int32_t> partition;  ///< none: by key, or sticky
    std::optional<std::string> key_separator;
    std::optional<std::string> header_separator;  ///< "k=v,k=v" before it
    KeyValues headers;                            ///< for every record
    std::optional<std::string> null_marker;
    protocol::Codec codec = protocol::Codec::none;
    std::int16_t acks = -1;  ///< −1: all
    bool idempotent = false;
    std::size_t batch_size_bytes = std::size_t{512} << 10;
    runtime::Duration linger = std::chrono::milliseconds(5);
    runtime::Duration delivery_timeout = std::chrono::seconds(120);
};

/// Where a consumer begins in each partition.
struct StartPosition {
    enum class Kind { latest, earliest, offset, before_end, time };
    Kind kind = Kind::latest;
    std::int64_t value = 0;  ///< an offset, a count of records before the end, or ms since 1970
    friend bool operator==(const StartPosition&, const StartPosition&) = default;
};

struct Consume {
    std::string topic;
    StartPosition start;
    std::string group;                      ///< none: alone
    std::vector<std::int32_t> partitions;   ///< none: all
    std::optional<std::int64_t> max_count;  ///< records to print
    bool exit_at_end = false;               ///< at the end that the partitions had at the start
    std::string format;                     ///< empty: the value and a newline
    bool json = false;                      ///< an object a line instead
    std::string null_text;                  ///< stands for a null key or value
    bool read_committed = false;
};

using Command =
    std::variant<TopicCreate, TopicList, TopicDescribe, TopicAlter, TopicDelete, ConfigDescribe, ConfigAlter, ClusterId,
                 ClusterDescribe, ClusterQuorum, ClusterFeatures, GroupList, GroupDescribe, GroupReset, GroupDelete,
                 GroupDeleteOffsets, StorageRandomUuid, StorageInfo, StorageFormat, Produce, Consume>;

struct Plan {
    ConnectOptions connect;
    Command command;
};

}  // namespace moldau::cli
