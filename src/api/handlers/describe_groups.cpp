// DescribeGroups: state and members of groups of the classic protocol.

#include "../authorized_operations.h"
#include "../handlers.h"
#include "group_call.h"

namespace moldau::api {

Answer<protocol::DescribeGroupsResponse> describe_groups(Call& call, protocol::DescribeGroupsRequest& request) {
    using protocol::ErrorCode;
    protocol::DescribeGroupsResponse response;
    const auto refuse = [&](const protocol::Text& id, ErrorCode error) {
        auto& refused = response.groups.emplace_back();
        refused.group_id = id.owned();
        refused.error_code = error;
        refused.authorized_operations = operations_not_asked;
    };
    for (const auto& id : request.groups)
        if (!call.allows(Operation::describe, ResourceType::group, id))
            refuse(id, ErrorCode::group_authorization_failed);
    for (const auto& id : request.groups) {
        if (!call.allows(Operation::describe, ResourceType::group, id)) continue;
        const coordinator::DescribeGroup wanted{id.str()};
        auto described = co_await ask_group<coordinator::DescribedGroup>(call, id, wanted);
        if (!described) {
            refuse(id, described.error());
            continue;
        }
        const bool tells_operations = request.include_authorized_operations && described->error_code == ErrorCode::none;
        described->authorized_operations =
            tells_operations ? authorized_operations(call, ResourceType::group, id) : operations_not_asked;
        response.groups.push_back(std::move(*described));
    }
    co_return response;
}

}  // namespace moldau::api
