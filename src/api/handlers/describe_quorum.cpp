// DescribeQuorum: leader, epoch, voters and observers of the metadata log.

#include <moldau/protocol/messages/describe_quorum.h>

#include "../handlers.h"

namespace moldau::api {

Answer<protocol::DescribeQuorumResponse> describe_quorum(Call& call, protocol::DescribeQuorumRequest& request) {
    using protocol::ErrorCode;
    if (!call.allows(Operation::describe, ResourceType::cluster, cluster_resource)) {
        protocol::DescribeQuorumResponse refused;
        refused.error_code = ErrorCode::cluster_authorization_failed;
        co_return refused;
    }
    co_return co_await call.shell.node.describe_quorum(call.shard(), request);
}

}  // namespace moldau::api
