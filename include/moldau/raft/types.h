#pragma once
// What all of raft speaks in: the quorum's partition, replicas, points in time, snapshots' identities.

#include <compare>
#include <cstdint>
#include <string_view>

#include <moldau/base/ids.h>

namespace moldau::raft {

inline constexpr std::string_view metadata_topic_name = "__cluster_metadata";
inline constexpr TopicId metadata_topic_id = Uuid::from_halves(0, 1);

/// Milliseconds on a clock that never goes back, counted from anywhere.
using MonotonicMs = Strong<struct MonotonicMsTag, std::int64_t>;

/// The time of a call: the core has no clock.
struct Now {
    MonotonicMs monotonic;
    Timestamp wall;  ///< goes into batches
};

/// A replica of the metadata log: a node, and the directory that holds its copy (zero: not known, any).
struct ReplicaKey {
    NodeId id = no_node;
    DirectoryId directory_id{};

    friend auto operator<=>(const ReplicaKey&, const ReplicaKey&) = default;
};

/// Names a snapshot: it holds all below `end_offset`, whose last record was written in `epoch`.
struct SnapshotId {
    Offset end_offset{0};
    LeaderEpoch epoch{0};

    friend auto operator<=>(const SnapshotId&, const SnapshotId&) = default;
};

}  // namespace moldau::raft
