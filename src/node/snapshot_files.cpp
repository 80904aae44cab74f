#include "snapshot_files.h"

#include <algorithm>
#include <ranges>

#include <moldau/base/log.h>

namespace moldau::node {
namespace {

constexpr std::string_view damaged_suffix = ".damaged";

std::string path_of(const std::string& directory, raft::SnapshotId id) {
    return runtime::join_path(directory, raft::snapshot_file_name(id));
}

}  // namespace

Result<raft::SnapshotHeader> walk_snapshot(ByteView content,
                                           const std::function<Result<>(const protocol::BatchView&)>& visit) {
    raft::SnapshotReader reader;
    reader.feed(content);
    for (protocol::BatchView batch;;) {
        MOLDAU_TRY(more, reader.next(batch));
        if (!more) break;
        MOLDAU_CHECK(visit(batch));
    }
    MOLDAU_CHECK(reader.finish());
    return *reader.header();
}

Result<std::vector<raft::SnapshotId>> list_snapshots(runtime::Disk& disk, const std::string& directory) {
    std::vector<raft::SnapshotId> ids;
    // Ours and Apache Kafka's that were not finished, and those that it was about to delete.
    const std::string left_over = std::string(raft::snapshot_suffix) + ".";
    MOLDAU_TRY(entries, disk.list(directory));
    for (const auto& entry : entries) {
        if (entry.name.ends_with(damaged_suffix)) continue;
        if (entry.name.contains(left_over)) {
            MOLDAU_CHECK(disk.remove(runtime::join_path(directory, entry.name)));
        } else if (const auto id = raft::parse_snapshot_file_name(entry.name)) {
            ids.push_back(*id);
        }
    }
    std::ranges::sort(ids);
    return ids;
}

Result<std::optional<LoadedSnapshot>> load_newest_snapshot(runtime::Disk& disk, const std::string& directory) {
    MOLDAU_TRY(ids, list_snapshots(disk, directory));
    for (const auto& id : ids | std::views::reverse) {
        const std::string path = path_of(directory, id);
        MOLDAU_TRY(content, runtime::read_whole(disk, path));
        auto header = walk_snapshot(content, [](const protocol::BatchView&) -> Result<> { return {}; });
        if (header) return LoadedSnapshot{.id = id, .header = std::move(*header), .content = std::move(content)};
        // Not counted among those that are kept: the whole ones would go before it.
        log::error("{} is put aside as {}{}: {}", path, path, damaged_suffix, header.error().message);
        MOLDAU_CHECK(disk.rename(path, path + std::string(damaged_suffix)));
    }
    return std::nullopt;
}

Result<> write_snapshot(runtime::Disk& disk, const std::string& directory, raft::SnapshotId id, ByteView content) {
    return runtime::write_atomically(disk, path_of(directory, id), content);
}

Result<std::optional<raft::SnapshotId>> remove_old_snapshots(runtime::Disk& disk, const std::string& directory) {
    constexpr std::size_t kept = 2;
    MOLDAU_TRY(ids, list_snapshots(disk, directory));
    if (ids.empty()) return std::nullopt;
    const std::size_t first_kept = ids.size() > kept ? ids.size() - kept : 0;
    for (std::size_t i = 0; i < first_kept; ++i) MOLDAU_CHECK(disk.remove(path_of(directory, ids[i])));
    return ids[first_kept];
}

}  // namespace moldau::node
