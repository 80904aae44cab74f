// DeleteGroups: empty groups go, with what they have committed.

#include <set>

#include "../handlers.h"
#include "group_call.h"

namespace moldau::api {

Answer<protocol::DeleteGroupsResponse> delete_groups(Call& call, protocol::DeleteGroupsRequest& request) {
    using protocol::ErrorCode;
    protocol::DeleteGroupsResponse response;
    const auto refuse = [&](const protocol::Text& id, ErrorCode error) {
        auto& refused = response.results.emplace_back();
        refused.group_id = id.owned();
        refused.error_code = error;
    };
    std::vector<protocol::Text> forbidden;
    std::set<std::string_view> seen;
    for (const auto& id : request.groups_names) {
        if (!seen.insert(id).second) continue;
        if (!call.allows(Operation::remove, ResourceType::group, id)) {
            forbidden.push_back(id);
            continue;
        }
        const coordinator::DeleteGroup wanted{id.str()};
        auto deleted = co_await ask_group<coordinator::DeletedGroup>(call, id, wanted);
        if (deleted) {
            response.results.push_back(std::move(*deleted));
        } else {
            refuse(id, deleted.error());
        }
    }
    for (const auto& id : forbidden) refuse(id, ErrorCode::group_authorization_failed);
    co_return response;
}

}  // namespace moldau::api
