#include "snapshot_files.h"

#include <algorithm>
#include <ranges>

#include <fmt/format.h>

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

Result<NewestSnapshot> load_newest_snapshot(runtime::Disk& disk, const std::string& directory) {
    MOLDAU_TRY(ids, list_snapshots(disk, directory));
    NewestSnapshot newest;
    for (const auto& id : ids | std::views::reverse) {
        const std::string path = path_of(directory, id);
        MOLDAU_TRY(content, runtime::read_whole(disk, path));
        auto header = walk_snapshot(content, [](const protocol::BatchView&) -> Result<> { return {}; });
        if (header) {
            newest.whole = {.id = id, .header = std::move(*header), .content = std::move(content)};
            break;
        }
        log::error("{} is passed over: {}", path, header.error().message);
        newest.damaged.push_back(path);
    }
    return newest;
}

Result<> put_aside(runtime::Disk& disk, const std::vector<std::string>& damaged) {
    for (const std::string& path : damaged) MOLDAU_CHECK(disk.rename(path, fmt::format("{}{}", path, damaged_suffix)));
    return {};
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
