#pragma once
// A broker without configuration formats its directory itself (a start with --config never does). Waits for the disk.

#include <string>
#include <vector>

#include <moldau/base/ids.h>
#include <moldau/base/result.h>
#include <moldau/metadata/image.h>
#include <moldau/runtime/disk.h>
#include <moldau/storage/log_directory.h>

namespace moldau::node {

struct DirectoryIdentity {
    std::string cluster_id;
    NodeId node_id;
    DirectoryId directory_id;
    Timestamp now;
};

/// Formats `directory` when it is absent, empty, or holds what a formatting left that did not come to its end, as the
/// only voter of a new cluster; leaves any other alone.
Result<> format_if_empty(runtime::Disk& disk, const std::string& directory, const DirectoryIdentity& identity,
                         const std::vector<metadata::Endpoint>& controller_endpoints);

/// Opens a formatted directory of node `id`. Errors: not_found when it was not formatted, invalid when it is another
/// node's, exists when another process has it.
Result<std::unique_ptr<storage::LogDirectory>> open_log_directory(runtime::Disk& disk, const std::string& directory,
                                                                  NodeId id);

/// What the first leader of the quorum finalises, as bootstrap.checkpoint has it, which formatting wrote; without the
/// file what formatting would write. Errors: corrupt, naming the file; unsupported when that does not work here.
Result<metadata::Image> read_bootstrap(runtime::Disk& disk, const std::string& directory);

}  // namespace moldau::node
