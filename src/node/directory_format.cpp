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

Result<std::unique_ptr<storage::LogDirectory>> open_log_directory(runtime::Disk& disk, const std::string& directory,
                                                                  NodeId id) {
    MOLDAU_TRY(there, disk.exists(directory));
    const auto unformatted = [&] {
        return fail(Errc::not_found, fmt::format("{} is not formatted: `moldau storage format` does it. A lost mount looks "
                                                 "the same; check that first", directory));
    };
    if (!there) return unformatted();
    MOLDAU_TRY(opened, storage::LogDirectory::open(disk, directory));
    if (!opened->meta()) return unformatted();
    if (opened->meta()->node_id != id)
        return fail(Errc::invalid, fmt::format("{} belongs to node {}, but node.id is {}", directory,
                                               opened->meta()->node_id, id));
    if (!opened->meta()->directory_id)
        return fail(Errc::invalid, fmt::format("{}/meta.properties has no directory.id; Kafka 3.7 and later write it", directory));
    return opened;
}

}  // namespace moldau::node
