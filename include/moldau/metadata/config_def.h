#pragma once
// Definitions of settings: one table a kind of resource declares each key. From it come the parser, the checks of new
// values, what DescribeConfigs tells, and the reference. Constant data.

#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <moldau/base/result.h>
#include <moldau/metadata/image.h>

namespace moldau::metadata {

/// The numbers of DescribeConfigs.
enum class ConfigType : std::int8_t {
    unknown = 0,
    boolean = 1,
    string = 2,
    integer = 3,
    short_integer = 4,
    long_integer = 5,
    real = 6,
    list = 7,
    class_name = 8,
    password = 9,
};

/// Kafka's name of it, as messages have it: LONG.
std::string_view name_of(ConfigType type);

enum class Dynamic : std::uint8_t { read_only, per_broker, cluster_wide };
enum class Importance : std::uint8_t { high, medium, low };

/// What a key is for here.
enum class Standing : std::uint8_t {
    works,
    later,     ///< kept and told, but nothing here goes by it yet
    ignored,   ///< known to Kafka, without meaning here
    internal,  ///< works, but only shown when set
};

/// Which values are allowed beside what the type allows.
struct ValidValues {
    enum class Rule : std::uint8_t {
        any,
        range,               ///< min ≤ value ≤ max
        not_zero,            ///< at least 1, or negative for no limit
        gzip_level,          ///< 1 to 9, or −1
        one_of,              ///< of `choices`
        one_of_any_case,     ///< of `choices`, upper case or lower
        non_empty,           ///< text
        elements,            ///< a list; of `choices` if there are any
        non_empty_elements,  ///< the same with one element at least
        throttled_replicas,  ///< partition:broker, …, or *
        offset_reset,        ///< latest, earliest or by_duration:<ISO 8601>
    };

    Rule rule = Rule::any;
    double min = -std::numeric_limits<double>::infinity();
    double max = std::numeric_limits<double>::infinity();
    std::string_view choices{};  ///< separated by ", "
};

struct ConfigDef {
    std::string_view name;
    ConfigType type;
    const char* default_value;  ///< null when there is none
    ValidValues valid;
    Importance importance;
    Dynamic dynamic;  ///< of topics, groups and client metrics always cluster_wide
    Standing standing;
    std::string_view help;

    bool sensitive() const { return type == ConfigType::password; }
};

/// Each in order of name.
std::span<const ConfigDef> broker_configs();
std::span<const ConfigDef> topic_configs();
std::span<const ConfigDef> group_configs();
std::span<const ConfigDef> client_metrics_configs();

/// Those of a type of resource; empty for types without table.
std::span<const ConfigDef> config_table(ResourceType type);

/// Null when there is none of that name.
const ConfigDef* find_config(std::span<const ConfigDef> table, std::string_view name);
/// As find_config, also for a broker key behind "listener.name.<listener>." or that and "<mechanism>.".
const ConfigDef* find_broker_config(std::string_view name);

/// Whether a broker key is one that Kafka changes in a running broker and this one reads at its start alone.
bool is_read_at_start(std::string_view name);

/// Whether Kafka alters a broker's key only behind "listener.name.<listener>.", though it describes it as one that may
/// be altered.
bool is_altered_per_listener(const ConfigDef& def);

/// The known key that is most like `name`; nothing when none is near.
std::optional<std::string_view> nearest_config(std::span<const ConfigDef> table, std::string_view name);

/// A broker key that also stands for `name`, and how its unit compares.
struct ConfigSynonym {
    std::string_view name;
    std::int64_t factor = 1;  ///< of a value to one of the first key's: 3,600,000 for hours
};
/// Of a broker key or of a topic's: the broker keys that give its value, in order of precedence.
std::vector<ConfigSynonym> broker_synonyms(std::string_view broker_key);
/// The broker key behind a topic's key; empty when there is none.
std::string_view broker_key_of_topic_key(std::string_view topic_key);
/// The broker key behind a group's key; empty when there is none.
std::string_view broker_key_of_group_key(std::string_view group_key);

/// Without the blanks around it. Kafka takes them off every value, of whatever type, before it checks and reads it.
std::string_view trimmed(std::string_view value);

/// Whether `value` may be set: its type and its bounds. Errc::invalid with Kafka's message, which names key and value.
Result<> check_value(const ConfigDef& def, std::string_view value);

/// Parsed values. Require: a value that check_value passed.
bool parse_boolean(std::string_view value);
std::int64_t parse_integer(std::string_view value);
double parse_real(std::string_view value);
/// Each element once, in the order in which they first come.
std::vector<std::string> parse_list(std::string_view value);
/// As parse_list, where Kafka reads the key's list so; else with doubles.
std::vector<std::string> list_elements(const ConfigDef& def, std::string_view value);

}  // namespace moldau::metadata
