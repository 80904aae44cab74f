// Heartbeat: a member is alive, and learns whether its group rebalances.

#include "../handlers.h"
#include "group_call.h"

namespace moldau::api {

Answer<protocol::HeartbeatResponse> heartbeat(Call& call, protocol::HeartbeatRequest& request) {
    using protocol::ErrorCode;
    protocol::HeartbeatResponse response = co_await answer_by_group(call, request);
    // Its session begins when the coordinator is there.
    if (response.error_code == ErrorCode::coordinator_load_in_progress) response.error_code = ErrorCode::none;
    co_return response;
}

}  // namespace moldau::api
