// SyncGroup: waits until the leader has assigned.

#include "../handlers.h"
#include "group_call.h"

namespace moldau::api {

Answer<protocol::SyncGroupResponse> sync_group(Call& call, protocol::SyncGroupRequest& request) {
    // Of these versions on a member says what it takes the group's protocol for.
    constexpr std::int16_t first_version_with_protocol = 5;
    if (call.version() >= first_version_with_protocol && (!request.protocol_type || !request.protocol_name)) {
        protocol::SyncGroupResponse refusal;
        refusal.error_code = protocol::ErrorCode::inconsistent_group_protocol;
        co_return refusal;
    }
    co_return co_await answer_by_group(call, request);
}

}  // namespace moldau::api
