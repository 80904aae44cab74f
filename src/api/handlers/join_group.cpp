// JoinGroup: waits until the round's members have come together.

#include "../handlers.h"
#include "group_call.h"

namespace moldau::api {
namespace {

using protocol::JoinGroupRequest;

/// The frame goes before the wait, which may be minutes: what the group is told is ours then. Requires: the request is
/// within the bounds of members; what is beyond them is refused at once, and not copied for that.
void release_frame(Call& call, JoinGroupRequest& request) {
    request.group_id = request.group_id.owned();
    request.member_id = request.member_id.owned();
    if (request.group_instance_id) request.group_instance_id = request.group_instance_id->owned();
    request.protocol_type = request.protocol_type.owned();
    for (auto& offered : request.protocols) {
        offered.name = offered.name.owned();
        offered.metadata = offered.metadata.owned();
    }
    if (request.reason) request.reason = request.reason->owned();
    call.request.frame = {};
    call.request.budget.release();
}

}  // namespace

Answer<protocol::JoinGroupResponse> join_group(Call& call, JoinGroupRequest& request) {
    if (coordinator::is_within_member_bounds(request)) release_frame(call, request);
    protocol::JoinGroupResponse response = co_await answer_by_group(call, request);
    if (response.error_code != protocol::ErrorCode::none) response.protocol_name.reset();
    co_return response;
}

}  // namespace moldau::api
