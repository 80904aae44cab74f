#pragma once
// The classic protocol over one group: members join, the round ends when all have (or time is up), the leader assigns,
// all get their part (KIP-62, KIP-345, KIP-394). As Apache Kafka's coordinator, whose states and error codes these are.

#include <optional>
#include <string_view>

#include "../group_state.h"
#include "../turn.h"

namespace moldau::coordinator::classic {

/// A new member's id is what its client calls itself, and so many bytes behind it.
inline constexpr std::size_t member_id_suffix_bytes = 37;

/// Requires: the request names a group and a session timeout that the broker allows; it is within the bounds of
/// members, and its member id, or that which a new member is given, is a text of the protocol.
void join(Turn& turn, Group& group, Ticket ticket, const protocol::JoinGroupRequest& request, const Caller& caller);
void sync(Turn& turn, Group& group, Ticket ticket, const protocol::SyncGroupRequest& request);
protocol::ErrorCode heartbeat(Turn& turn, Group& group, const protocol::HeartbeatRequest& request);
void leave(Turn& turn, Group& group, const protocol::LeaveGroupRequest& request,
           protocol::LeaveGroupResponse& response);

/// Whether offsets may be committed by who says this of itself.
protocol::ErrorCode check_commit(const Group& group, const protocol::OffsetCommitRequest& request);
/// A sign of life other than a heartbeat.
void note_alive(Turn& turn, const Group& group, std::string_view member_id);

void on_session_end(Turn& turn, Group& group, const std::string& member_id);
void on_join_timeout(Turn& turn, Group& group);
void on_sync_timeout(Turn& turn, Group& group);

/// The group is what the log says: sessions begin.
void on_loaded(Turn& turn, Group& group);
/// The group becomes what the log says, but for its generation, which never goes back, and all members join again; who
/// waits is told to come again.
void start_over(Turn& turn, Group& group);
/// The group is gone; nobody waits for it.
void forget(Turn& turn, const Group& group);

DescribedGroup describe(const Group& group);
/// What that takes in memory at most.
std::size_t described_bytes(const Group& group);

/// As it was asked, for an answer: none where there was none.
inline std::optional<protocol::Text> owned(const std::optional<protocol::Text>& text) {
    if (!text) return std::nullopt;
    return text->owned();
}

/// The group as it would be stored, without members.
StoredMetadata without_members(const Group& group);

}  // namespace moldau::coordinator::classic
