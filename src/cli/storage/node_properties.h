#pragma once
// What a server.properties says of a node's identity and directories: all that storage commands need of it.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <moldau/base/ids.h>
#include <moldau/cli/cli.h>
#include <moldau/raft/voter_set.h>

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
    std::string refusal;  ///< why no broker starts with them; empty: one does
};

/// Takes a line for the user: an unknown key, and what it may have been meant for.
using Warn = std::function<void(std::string_view line)>;

/// Pure. `host_name` stands where a listener names no host. Warns whether or not the properties will do.
Outcome<NodeProperties> read_node_properties(std::string_view text, const std::string& host_name, const Warn& warn);

/// The same from a file, warning on standard error. ExitCode::not_found when there is none.
Outcome<NodeProperties> load_node_properties(Environment& environment, const std::string& path);

}  // namespace moldau::cli
