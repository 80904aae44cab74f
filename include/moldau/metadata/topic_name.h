#pragma once
// Names of topics: which are allowed, and which look alike in metrics.

#include <string>
#include <string_view>

#include <moldau/base/result.h>

namespace moldau::metadata {

inline constexpr std::string_view cluster_metadata_topic = "__cluster_metadata";
inline constexpr std::string_view consumer_offsets_topic = "__consumer_offsets";
inline constexpr std::string_view transaction_state_topic = "__transaction_state";
inline constexpr std::string_view share_group_state_topic = "__share_group_state";

/// Errc::invalid with Kafka's message: empty, "." or "..", over 249 characters, or others than [a-zA-Z0-9._-].
Result<> check_topic_name(std::string_view name);

/// '.' and '_' look alike in metrics: two topics must not differ in these alone.
bool has_collision_characters(std::string_view name);
std::string collision_key(std::string_view name);

}  // namespace moldau::metadata
