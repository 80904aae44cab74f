#pragma once
// What is in a node's log directories. Waits for the disk.

#include <optional>
#include <string>
#include <vector>

#include <moldau/base/ids.h>
#include <moldau/metadata/properties.h>
#include <moldau/runtime/disk.h>

#include "failure.h"

namespace moldau::cli {

struct LogDirectory {
    std::string path;
    bool exists = false;
    std::optional<metadata::Properties> meta;  ///< of meta.properties; none: not formatted
    std::string problem;                       ///< why meta.properties could not be read
    bool holds_metadata_log = false;           ///< a node has run on it, whatever meta.properties says
};

std::vector<LogDirectory> inspect(runtime::Disk& disk, const std::vector<std::string>& paths);

/// As `storage info` of node `self` prints them.
struct DirectoriesReport {
    std::string text;
    bool has_problems = false;
};
DirectoriesReport report_on(const std::vector<LogDirectory>& directories, NodeId self);

}  // namespace moldau::cli
