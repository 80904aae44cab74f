#pragma once
// The list of roles, one file each. Not built: follower (observers, too) and what unattached, prospective, candidate
// and leader do about other voters.

#include "role.h"

namespace moldau::raft {

RolePtr unattached(const ElectionState& election);
RolePtr prospective(const ElectionState& election);
RolePtr candidate(LeaderEpoch epoch);
RolePtr leader(LeaderEpoch epoch, std::vector<NodeId> granting_voters);

enum class Standing {
    again,    ///< a leader that was restarted: must not vote in its epoch, but may lead a later one
    no_more,  ///< it is shutting down
};
RolePtr resigned(const ElectionState& election, Standing standing);

}  // namespace moldau::raft
