#pragma once
// The snapshots in the metadata log's directory, as files. All of it waits for the device; the raft driver runs it on
// the I/O pool, or before its shard turns.

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <moldau/base/bytes.h>
#include <moldau/base/result.h>
#include <moldau/raft/snapshot.h>
#include <moldau/runtime/disk.h>

namespace moldau::node {

struct LoadedSnapshot {
    raft::SnapshotId id;
    raft::SnapshotHeader header;
    Bytes content;  ///< whole and checked
};

/// Visits the data batches of a snapshot, whole in `content`. Errors: corrupt; of `visit`.
Result<raft::SnapshotHeader> walk_snapshot(ByteView content,
                                           const std::function<Result<>(const protocol::BatchView&)>& visit);

/// Finished snapshots, oldest first. What was left half written is removed.
Result<std::vector<raft::SnapshotId>> list_snapshots(runtime::Disk& disk, const std::string& directory);

struct NewestSnapshot {
    std::optional<LoadedSnapshot> whole;
    std::vector<std::string> damaged;  ///< paths of later ones, passed over
};

/// The newest that is whole, if any is. Damaged ones are logged.
Result<NewestSnapshot> load_newest_snapshot(runtime::Disk& disk, const std::string& directory);

/// So that they do not count among those that are kept: whole ones would go before them. For a log that opens without
/// them.
Result<> put_aside(runtime::Disk& disk, const std::vector<std::string>& damaged);

/// Writes a snapshot so that its name is there only when all of it is durable.
Result<> write_snapshot(runtime::Disk& disk, const std::string& directory, raft::SnapshotId id, ByteView content);

/// Removes those before the one before the newest: the newest may turn out to be damaged. Returns the oldest kept.
Result<std::optional<raft::SnapshotId>> remove_old_snapshots(runtime::Disk& disk, const std::string& directory);

}  // namespace moldau::node
