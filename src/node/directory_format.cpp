#include "directory_format.h"

#include <set>

#include <fmt/format.h>

#include <moldau/metadata/feature_levels.h>
#include <moldau/raft/format.h>

#include "metadata_records.h"
#include "snapshot_files.h"

namespace moldau::node {
namespace {

constexpr std::uint64_t max_bootstrap_bytes = 64 << 20;  // SCRAM credentials of very many users

/// Whether all that `directory` holds is of a formatting that did not come to its end: meta.properties, which is the
/// last, is not there, and nothing is that formatting does not write.
Result<bool> holds_only_what_formatting_writes(runtime::Disk& disk, const std::string& directory,
                                               const std::vector<raft::FileToWrite>& plan) {
    std::set<std::string> expected{runtime::join_path(directory, ".lock")};
    for (const raft::FileToWrite& file : plan) {
        const std::string path = runtime::join_path(directory, file.path);
        if (&file != &plan.back()) expected.insert(path);
        expected.insert(path + ".tmp");
        expected.insert(runtime::parent_path(path));
    }
    std::vector<std::string> directories{directory};
    while (!directories.empty()) {
        const std::string current = std::move(directories.back());
        directories.pop_back();
        MOLDAU_TRY(entries, disk.list(current));
        for (const runtime::DirectoryEntry& entry : entries) {
            const std::string path = runtime::join_path(current, entry.name);
            if (!expected.contains(path)) return false;
            if (entry.is_directory) directories.push_back(path);
        }
    }
    return true;
}

}  // namespace

Result<> format_if_empty(runtime::Disk& disk, const std::string& directory, const DirectoryIdentity& identity,
                         const std::vector<metadata::Endpoint>& controller_endpoints) {
    raft::FormatOptions options{.cluster_id = identity.cluster_id,
                                .node_id = identity.node_id,
                                .directory_id = identity.directory_id,
                                .controller_endpoints = {},
                                .bootstrap_records = encode_records(metadata::bootstrap_records()),
                                .now = identity.now};
    for (const auto& endpoint : controller_endpoints)
        options.controller_endpoints.push_back({endpoint.name, endpoint.host, endpoint.port});
    const std::vector<raft::FileToWrite> plan = raft::format_plan(options);
    if (const Result<> made = disk.create_directories(directory); !made)
        return fail(made.error().code, made.error().message + "; log.dirs names another directory");
    MOLDAU_TRY(lock, disk.lock(directory));  // another may be starting here too
    MOLDAU_TRY(ours, holds_only_what_formatting_writes(disk, directory, plan));
    if (!ours) return {};
    MOLDAU_CHECK(disk.sync_directory(runtime::parent_path(directory)));
    for (const raft::FileToWrite& file : plan)
        MOLDAU_CHECK(runtime::write_below(disk, directory, file.path, file.content));
    return {};
}

Result<std::unique_ptr<storage::LogDirectory>> open_log_directory(runtime::Disk& disk, const std::string& directory,
                                                                  NodeId id) {
    MOLDAU_TRY(there, disk.exists(directory));
    const auto unformatted = [&] {
        return fail(Errc::not_found,
                    fmt::format("{} is not formatted: `moldau storage format` does it. A lost mount looks "
                                "the same; check that first",
                                directory));
    };
    if (!there) return unformatted();
    MOLDAU_TRY(opened, storage::LogDirectory::open(disk, directory));
    if (!opened->meta()) return unformatted();
    if (opened->meta()->node_id != id)
        return fail(Errc::invalid,
                    fmt::format("{}/meta.properties says that the directory belongs to node {}, but node.id is {}",
                                directory, opened->meta()->node_id, id));
    if (!opened->meta()->directory_id)
        return fail(Errc::invalid,
                    fmt::format("{}/meta.properties has no directory.id; Kafka 3.7 and later write it", directory));
    return opened;
}

Result<metadata::Image> read_bootstrap(runtime::Disk& disk, const std::string& directory) {
    const std::string path = runtime::join_path(directory, raft::bootstrap_file_name);
    metadata::ImageBuilder builder;
    auto content = runtime::read_whole(disk, path, max_bootstrap_bytes);
    if (!content && content.error().code != Errc::not_found) return std::unexpected(std::move(content).error());
    if (content) {
        const auto replay = [&builder](const protocol::BatchView& batch) { return replay_batch(batch, builder); };
        if (auto read = walk_snapshot(*content, replay); !read)
            return std::unexpected(std::move(read).error().within(path));
        if (builder.stable_image().metadata_version() == 0)
            return fail(Errc::corrupt, fmt::format("{} names no metadata.version", path));
    } else {
        for (const auto& [record, version] : metadata::bootstrap_records()) MOLDAU_CHECK(builder.replay(record));
    }
    if (auto works = metadata::check_finalized_features(builder.stable_image()); !works)
        return std::unexpected(std::move(works).error().within(path));
    return builder.stable_image();
}

}  // namespace moldau::node
