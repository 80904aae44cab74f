#pragma once
// What a fresh directory holds: exactly the files that `kafka-storage format --standalone` writes. Pure; the command
// line and a broker that formats itself write them, each synced, and then their directories.

#include <cstdint>
#include <string>
#include <vector>

#include <moldau/base/bytes.h>
#include <moldau/base/ids.h>
#include <moldau/raft/voter_set.h>

namespace moldau::raft {

inline constexpr std::string_view bootstrap_file_name = "bootstrap.checkpoint";

struct FormatOptions {
    std::string cluster_id;
    NodeId node_id;
    DirectoryId directory_id;
    /// The controller's listeners, which make it the one voter. None: the node joins a quorum that exists elsewhere, or
    /// the voters are static (kraft.version 0): no snapshot is written.
    std::vector<Endpoint> controller_endpoints;
    /// Framed metadata records for bootstrap.checkpoint: feature levels, metadata.version first, and SCRAM credentials.
    std::vector<Bytes> bootstrap_records;
    Timestamp now;
};

struct FileToWrite {
    std::string path;  ///< relative to the log directory
    Bytes content;
};

/// In the order in which to write them: meta.properties comes last, since it marks the directory as formatted.
/// Directories on the way are to be made.
std::vector<FileToWrite> format_plan(const FormatOptions& options);

/// meta.properties of a further log directory of the node, which gets nothing else.
FileToWrite meta_properties(const std::string& cluster_id, NodeId node_id, DirectoryId directory_id, Timestamp now);

}  // namespace moldau::raft
