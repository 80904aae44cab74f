#include "directory_format.h"

#include <moldau/metadata/feature_levels.h>
#include <moldau/raft/format.h>

#include "encode_records.h"

namespace moldau::node {

Result<> format_if_empty(runtime::Disk& disk, const std::string& directory, const DirectoryIdentity& identity,
                         const std::vector<metadata::Endpoint>& controller_endpoints) {
    MOLDAU_TRY(there, disk.exists(directory));
    if (there) {
        MOLDAU_TRY(entries, disk.list(directory));
        if (!entries.empty()) return {};
    }
    raft::FormatOptions options{.cluster_id = identity.cluster_id,
                                .node_id = identity.node_id,
                                .directory_id = identity.directory_id,
                                .controller_endpoints = {},
                                .bootstrap_records = encode_records(metadata::bootstrap_records()),
                                .now = identity.now};
    for (const auto& endpoint : controller_endpoints)
        options.controller_endpoints.push_back({endpoint.name, endpoint.host, endpoint.port});
    MOLDAU_CHECK(disk.create_directories(directory));
    MOLDAU_CHECK(disk.sync_directory(runtime::parent_path(directory)));
    for (const raft::FileToWrite& file : raft::format_plan(options)) {
        const std::string path = runtime::join_path(directory, file.path);
        MOLDAU_CHECK(disk.create_directories(runtime::parent_path(path)));
        MOLDAU_CHECK(runtime::write_atomically(disk, path, file.content));
        MOLDAU_CHECK(disk.sync_directory(directory));
    }
    return {};
}

}  // namespace moldau::node
