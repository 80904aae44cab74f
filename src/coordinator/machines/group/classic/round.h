#pragma once
// A round of the classic protocol: from the first reason to rebalance until all have their assignments. For the files
// of this directory alone.

#include <string>

#include "classic_protocol.h"

namespace moldau::coordinator::classic {

inline TimerKey session_key(const Group& group, std::string_view member_id) {
    return {TimerKey::Kind::session, group.id, std::string(member_id)};
}
inline TimerKey join_key(const Group& group) {
    return {TimerKey::Kind::join, group.id, {}};
}
inline TimerKey sync_key(const Group& group) {
    return {TimerKey::Kind::sync, group.id, {}};
}

void renew_session(Turn& turn, const Group& group, const Member& member);

/// Begins a round where none runs; ends the one that runs where nobody is missing any more.
void rebalance(Turn& turn, Group& group, std::string_view reason);
/// Requires: none runs in which members are still to join.
void begin_round(Turn& turn, Group& group, std::string_view reason);
/// Ends the round's first part if nobody is missing; an initial one waits for its time.
void end_join_if_complete(Turn& turn, Group& group);
void end_join(Turn& turn, Group& group);

/// What a member is told of the current generation: all members if it leads.
protocol::JoinGroupResponse current_generation(const Group& group, const Member& member);
protocol::JoinGroupResponse join_refusal(protocol::ErrorCode error, std::string_view member_id);
protocol::SyncGroupResponse sync_refusal(protocol::ErrorCode error);

/// Answers the member's JoinGroup or SyncGroup if it waits. Requires: the member is in the group.
void answer_join(Turn& turn, ClassicGroup& group, Member& member, protocol::JoinGroupResponse response);
void answer_sync(Turn& turn, Member& member, protocol::SyncGroupResponse response);

/// What is to be stored of the group when `assignment_of(member)` gives what members have been assigned.
template <class AssignmentOf>
StoredMetadata to_store(const Group& group, AssignmentOf assignment_of) {
    StoredMetadata stored = without_members(group);
    for (const auto& [id, member] : group.classic.members()) {
        const ByteView subscription = member.metadata_of(stored.protocol.value_or(""));
        const ByteView assignment = assignment_of(member);
        stored.members.emplace(id, StoredMember{.instance_id = member.instance_id,
                                                .client_id = member.client_id,
                                                .client_host = member.client_host,
                                                .rebalance_timeout_ms = member.rebalance_timeout_ms,
                                                .session_timeout_ms = member.session_timeout_ms,
                                                .subscription = Bytes(subscription.begin(), subscription.end()),
                                                .assignment = Bytes(assignment.begin(), assignment.end())});
    }
    return stored;
}

}  // namespace moldau::coordinator::classic
