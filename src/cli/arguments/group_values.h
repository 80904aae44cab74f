#pragma once
// Reads the values of flags that are about groups. Pure; errors name the value and the forms that are understood.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <moldau/base/result.h>

#include "plans.h"

namespace moldau::cli {

/// "orders", "orders:0", "orders:0,1,2". The partitions come sorted, each once.
Result<TopicPartitions> parse_topic_partitions(std::string_view text);

/// As other time spans, "90m", or of ISO 8601: "P7D", "PT1H30M", "P1DT0.5S"; in ms.
Result<std::int64_t> parse_age_ms(std::string_view text);

/// "stable,empty" as brokers write the states of groups, whatever the case.
Result<std::vector<std::string>> parse_group_states(std::string_view text);

/// "classic,consumer", the same for the types.
Result<std::vector<std::string>> parse_group_types(std::string_view text);

}  // namespace moldau::cli
