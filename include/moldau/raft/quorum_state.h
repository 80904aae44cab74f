#pragma once
// The file `quorum-state` of the metadata partition: what a voter must not forget. One JSON object; data_version 0
// while kraft.version is 0, otherwise 1. Pure: the driver reads and replaces the file.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <moldau/base/ids.h>
#include <moldau/base/result.h>
#include <moldau/raft/types.h>

namespace moldau::raft {

inline constexpr std::string_view quorum_state_file_name = "quorum-state";

struct ElectionState {
    LeaderEpoch epoch{0};
    NodeId leader_id = no_node;       ///< no_node: not known
    std::optional<ReplicaKey> voted;  ///< for whom this replica voted in `epoch`

    friend bool operator==(const ElectionState&, const ElectionState&) = default;
};

/// The file's content. `voters` stand in data_version 0 alone, which has no directory ids.
std::string encode_quorum_state(const ElectionState& state, std::int16_t kraft_version,
                                const std::vector<NodeId>& voters);

/// Errc::corrupt when it is no such object, or of another data_version.
Result<ElectionState> decode_quorum_state(std::string_view content);

}  // namespace moldau::raft
