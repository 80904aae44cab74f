#pragma once
// The tables of settings, and the words in which their rows are written.

#include <array>
#include <string_view>

#include <moldau/metadata/config_def.h>

namespace moldau::metadata {

/// A key of a topic or group, and the broker's key that gives its default.
struct BrokerKey {
    std::string_view key;
    std::string_view broker_key;
};

// Each in order of name.
extern const std::array<ConfigDef, 97> coordinator_config_table;
extern const std::array<ConfigDef, 101> log_config_table;
extern const std::array<ConfigDef, 80> security_config_table;
extern const std::array<ConfigDef, 87> server_config_table;
extern const std::array<ConfigDef, 35> topic_config_table;
extern const std::array<ConfigDef, 17> group_config_table;
extern const std::array<ConfigDef, 3> client_metrics_config_table;
extern const std::array<BrokerKey, 29> topic_broker_keys;
extern const std::array<BrokerKey, 14> group_broker_keys;

namespace config_columns {

using enum ConfigType;
using enum Importance;
using enum Dynamic;
using enum Standing;
using Rule = ValidValues::Rule;

inline constexpr ValidValues any{};
inline constexpr ValidValues not_zero{.rule = Rule::not_zero};
inline constexpr ValidValues gzip_level{.rule = Rule::gzip_level};
inline constexpr ValidValues non_empty{.rule = Rule::non_empty};
inline constexpr ValidValues throttled_replicas{.rule = Rule::throttled_replicas};
inline constexpr ValidValues offset_reset{.rule = Rule::offset_reset};

constexpr ValidValues at_least(double min) {
    return {.rule = Rule::range, .min = min};
}
constexpr ValidValues between(double min, double max) {
    return {.rule = Rule::range, .min = min, .max = max};
}
constexpr ValidValues one_of(std::string_view choices) {
    return {.rule = Rule::one_of, .choices = choices};
}
constexpr ValidValues one_of_any_case(std::string_view choices) {
    return {.rule = Rule::one_of_any_case, .choices = choices};
}
constexpr ValidValues elements(std::string_view choices = {}) {
    return {.rule = Rule::elements, .choices = choices};
}
constexpr ValidValues non_empty_elements(std::string_view choices = {}) {
    return {.rule = Rule::non_empty_elements, .choices = choices};
}

}  // namespace config_columns

}  // namespace moldau::metadata
