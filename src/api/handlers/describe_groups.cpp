// DescribeGroups: state and members of groups of the classic protocol.

#include <set>
#include <string_view>

#include "../authorized_operations.h"
#include "../handlers.h"
#include "answer_room.h"
#include "group_call.h"

namespace moldau::api {
namespace {

using coordinator::DescribedGroup;

/// A name may take two bytes in the request and takes many in the answer. Clients ask again for what they were not
/// told.
constexpr std::size_t max_described_groups = 100'000;
constexpr std::int16_t first_version_with_messages = 6;

std::size_t size_of(const DescribedGroup& group) {
    std::size_t bytes = sizeof(DescribedGroup) + group.group_id.size();
    for (const auto& member : group.members) {
        bytes += sizeof(member) + member.member_id.size() + member.client_id.size() + member.client_host.size() +
                 (member.group_instance_id ? member.group_instance_id->size() : 0) + member.member_metadata.size() +
                 member.member_assignment.size();
    }
    return bytes;
}

}  // namespace

Answer<protocol::DescribeGroupsResponse> describe_groups(Call& call, protocol::DescribeGroupsRequest& request) {
    using protocol::ErrorCode;
    protocol::DescribeGroupsResponse response;
    const auto refuse = [&](std::string_view id, ErrorCode error) {
        auto& refused = response.groups.emplace_back();
        refused.group_id = protocol::Text(std::string(id));
        refused.error_code = error;
        refused.authorized_operations = operations_not_asked;
    };
    std::set<std::string_view> seen;
    std::vector<std::string_view> allowed;
    for (const auto& id : request.groups) {
        if (seen.size() == max_described_groups) break;
        if (!seen.insert(id).second) continue;
        if (call.allows(Operation::describe, ResourceType::group, id)) {
            allowed.push_back(id);
        } else {
            refuse(id, ErrorCode::group_authorization_failed);
        }
    }
    AnswerRoom room;
    unsigned asked_count = 0;
    for (const std::string_view id : allowed) {
        if (++asked_count % groups_a_turn == 0) co_await runtime::yield(call.shard());
        const coordinator::DescribeGroup wanted{.group_id = std::string(id), .room_bytes = room.left_bytes()};
        auto described = co_await ask_group<DescribedGroup>(call, id, wanted);
        if (!described) {
            refuse(id, described.error());
            continue;
        }
        if (described->error_code == ErrorCode::invalid_request && call.version() >= first_version_with_messages)
            described->error_message = "there is no room for it in the answer: ask for fewer groups at a time";
        room.take(size_of(*described));
        const bool tells_operations = request.include_authorized_operations && described->error_code == ErrorCode::none;
        described->authorized_operations =
            tells_operations ? authorized_operations(call, ResourceType::group, id) : operations_not_asked;
        response.groups.push_back(std::move(*described));
    }
    co_return response;
}

}  // namespace moldau::api
