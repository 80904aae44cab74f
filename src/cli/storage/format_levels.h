#pragma once
// Which feature levels a new node's metadata begins with. Pure.

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "failure.h"

namespace moldau::cli {

struct FormatLevels {
    std::int16_t metadata_version = 0;
    std::string metadata_version_name;             ///< "4.3-IV0"
    std::map<std::string, std::int16_t> features;  ///< without metadata.version and kraft.version; none of level 0
};

/// `release`: "4.3" or "4.3-IV0"; empty: the latest. `asked`: levels that the user names.
Outcome<FormatLevels> choose_levels(std::string_view release,
                                    const std::vector<std::pair<std::string, std::int16_t>>& asked);

/// As bootstrap.checkpoint holds them: metadata.version first.
std::vector<Bytes> bootstrap_records_of(const FormatLevels& levels);

}  // namespace moldau::cli
