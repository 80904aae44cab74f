#pragma once
// What the quorum's members say to each other: Kafka's own requests and answers, with whom they come from or go to.

#include <cstdint>
#include <variant>

#include <moldau/base/ids.h>
#include <moldau/protocol/messages/add_raft_voter.h>
#include <moldau/protocol/messages/begin_quorum_epoch.h>
#include <moldau/protocol/messages/end_quorum_epoch.h>
#include <moldau/protocol/messages/fetch.h>
#include <moldau/protocol/messages/fetch_snapshot.h>
#include <moldau/protocol/messages/remove_raft_voter.h>
#include <moldau/protocol/messages/update_raft_voter.h>
#include <moldau/protocol/messages/vote.h>

namespace moldau::raft {

using Request = std::variant<protocol::VoteRequest, protocol::BeginQuorumEpochRequest, protocol::EndQuorumEpochRequest,
                             protocol::FetchRequest, protocol::FetchSnapshotRequest, protocol::AddRaftVoterRequest,
                             protocol::RemoveRaftVoterRequest, protocol::UpdateRaftVoterRequest>;

using Response =
    std::variant<protocol::VoteResponse, protocol::BeginQuorumEpochResponse, protocol::EndQuorumEpochResponse,
                 protocol::FetchResponse, protocol::FetchSnapshotResponse, protocol::AddRaftVoterResponse,
                 protocol::RemoveRaftVoterResponse, protocol::UpdateRaftVoterResponse>;

struct Message {
    NodeId peer = no_node;          ///< sender of what comes, receiver of what goes; no_node: a client
    std::uint64_t correlation = 0;  ///< an answer carries its request's
    std::variant<Request, Response> body;
};

}  // namespace moldau::raft
