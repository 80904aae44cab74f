#pragma once
// Committed offsets: what is answered to commits, fetches and deletions, and which have expired. Functions over a
// group; offsets themselves change by replay alone.

#include <moldau/protocol/error_code.h>

#include "group_state.h"
#include "turn.h"

namespace moldau::coordinator::offsets {

/// Everything refused with one error.
protocol::OffsetCommitResponse refuse_commit(const protocol::OffsetCommitRequest& request, protocol::ErrorCode error);
/// Of a partition that is named several times the last offset counts. Requires: who asks may commit.
protocol::OffsetCommitResponse commit(Turn& turn, const Group& group, const protocol::OffsetCommitRequest& request);

/// `group` null: nothing is committed. Topics absent: all that is committed.
OffsetsOfGroup fetch(const Group* group, const FetchOffsets& request);

/// Offsets of topics that members consume stay.
protocol::OffsetDeleteResponse remove(Turn& turn, const Group& group, const protocol::OffsetDeleteRequest& request);
/// All of them.
void remove_all(Turn& turn, const Group& group);
void remove_topics(Turn& turn, const Group& group, const std::vector<ForgetTopics::Topic>& topics);

/// Tombstones for what has expired. Returns whether nothing is left then.
bool expire(Turn& turn, const Group& group);

}  // namespace moldau::coordinator::offsets
