// JoinGroup: waits until the round's members have come together.

#include "../handlers.h"
#include "group_call.h"

namespace moldau::api {

Answer<protocol::JoinGroupResponse> join_group(Call& call, protocol::JoinGroupRequest& request) {
    protocol::JoinGroupResponse response = co_await answer_by_group(call, request);
    if (response.error_code != protocol::ErrorCode::none) response.protocol_name.reset();
    co_return response;
}

}  // namespace moldau::api
