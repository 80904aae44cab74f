#pragma once
// What a server.properties says of a node's identity and directories: all that storage commands need of it.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <moldau/base/ids.h>
#include <moldau/raft/voter_set.h>
#include <moldau/runtime/disk.h>

#include "failure.h"

namespace moldau::cli {

struct NodeProperties {
    NodeId node_id = no_node;
    bool is_broker = false;
    bool is_controller = false;
    std::vector<std::string> log_dirs;  ///< as named, without duplicates; the metadata directory among them
    std::string metadata_dir;
    bool has_static_voters = false;  ///< controller.quorum.voters
    /// Where other nodes reach this controller: advertised where it is, else listeners.
    std::vector<raft::Endpoint> controller_endpoints;
};

/// Pure. `host_name` stands where a listener names no host.
Outcome<NodeProperties> read_node_properties(std::string_view text, const std::string& host_name);

/// The same from a file. ExitCode::not_found when there is none.
Outcome<NodeProperties> load_node_properties(runtime::Disk& disk, const std::string& path);

}  // namespace moldau::cli
