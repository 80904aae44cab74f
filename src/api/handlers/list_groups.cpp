// ListGroups: the groups that this broker coordinates.

#include "../handlers.h"
#include "group_call.h"

namespace moldau::api {

Answer<protocol::ListGroupsResponse> list_groups(Call& call, protocol::ListGroupsRequest& request) {
    using protocol::ErrorCode;
    protocol::ListGroupsResponse response;
    const auto filter = coordinator::ListGroups::matching(request.states_filter, request.types_filter);
    const bool may_see_all = call.allows(Operation::describe, ResourceType::cluster, cluster_resource);
    const node::GroupTable coordinators = call.shell.node.view(call.shard()).groups;
    for (const auto& [index, driver] : coordinators) {
        auto listed = co_await driver->call<coordinator::ListedGroups>(call.shard(), filter, {});
        if (!listed) {
            // Whoever leads that partition now tells of its groups.
            if (listed.error() == ErrorCode::not_coordinator) continue;
            response.groups.clear();
            response.error_code = group_error(listed.error());
            co_return response;
        }
        for (auto& group : *listed)
            if (may_see_all || call.allows(Operation::describe, ResourceType::group, group.group_id))
                response.groups.push_back(std::move(group));
    }
    co_return response;
}

}  // namespace moldau::api
