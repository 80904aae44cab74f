// LeaveGroup: of one member, or of several, as administrators remove them.

#include "../handlers.h"
#include "group_call.h"

namespace moldau::api {

Answer<protocol::LeaveGroupResponse> leave_group(Call& call, protocol::LeaveGroupRequest& request) {
    using protocol::ErrorCode;
    constexpr std::int16_t first_version_with_members = 3;
    const bool of_one = call.version() < first_version_with_members;
    if (of_one) request.members.emplace_back().member_id = request.member_id;
    protocol::LeaveGroupResponse response = co_await answer_by_group(call, request);
    if (of_one && response.error_code == ErrorCode::none && !response.members.empty())
        response.error_code = response.members.front().error_code;
    co_return response;
}

}  // namespace moldau::api
