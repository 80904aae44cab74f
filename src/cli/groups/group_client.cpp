#include "groups/group_client.h"

#include <algorithm>

#include <fmt/format.h>

#include <moldau/protocol/messages/delete_groups.h>
#include <moldau/protocol/messages/describe_groups.h>
#include <moldau/protocol/messages/find_coordinator.h>
#include <moldau/protocol/messages/list_groups.h>
#include <moldau/protocol/messages/offset_commit.h>
#include <moldau/protocol/messages/offset_delete.h>
#include <moldau/protocol/messages/offset_fetch.h>

#include "groups/consumer_protocol.h"

namespace moldau::cli {

using protocol::ErrorCode;
using protocol::Text;
using runtime::Task;

namespace {

// Later ones name topics by ids, which deleted topics have no more.
constexpr std::int16_t last_offset_version_with_names = 9;
constexpr runtime::Duration back_off = std::chrono::milliseconds(100);

std::string quoted(const std::string& group) {
    return fmt::format("group '{}'", group);
}

MemberInfo info_of(const protocol::DescribeGroupsResponse::DescribedGroupMember& member, bool is_of_consumers) {
    MemberInfo info{member.member_id.str(), std::nullopt, member.client_id.str(), member.client_host.str(), {}};
    if (member.group_instance_id) info.instance_id = member.group_instance_id->str();
    if (is_of_consumers)
        info.partitions = read_assignment(member.member_assignment.view()).value_or(TopicPartitionSet());
    return info;
}

/// Topics with their partitions, as requests have them.
template <class Topics, class Partitions, class Fill>
void fill_topics(Topics& topics, const Partitions& partitions, Fill fill) {
    for (const auto& entry : partitions) {
        const TopicPartition* partition = nullptr;
        if constexpr (requires { entry.first; }) {
            partition = &entry.first;
        } else {
            partition = &entry;
        }
        if (topics.empty() || topics.back().name != partition->topic)
            topics.emplace_back().name = Text::borrow(partition->topic);
        auto& added = topics.back().partitions.emplace_back();
        added.partition_index = PartitionIndex(partition->partition);
        fill(added, entry);
    }
}

template <class Topics>
PartitionErrors errors_of(const Topics& topics) {
    PartitionErrors errors;
    for (const auto& topic : topics)
        for (const auto& partition : topic.partitions)
            errors[{topic.name.str(), partition.partition_index.value()}] = partition.error_code;
    return errors;
}

}  // namespace

bool is_for_another_try(ErrorCode error) {
    return error == ErrorCode::coordinator_not_available || error == ErrorCode::not_coordinator ||
           error == ErrorCode::coordinator_load_in_progress;
}

GroupClient::GroupClient(Session& session, Outage::Notify notice) : session_(session), outage_(session.shard()) {
    outage_.on_notice(std::move(notice));
}

Task<bool> GroupClient::may_try_again(Failure failure, runtime::TimePoint began) {
    outage_.failed(std::move(failure.message));
    runtime::Shard& shard = session_.shard();
    const runtime::TimePoint deadline = runtime::after(began, patience_.value_or(session_.timeout()));
    if (!failure.retriable || shard.now() >= deadline) {
        outage_.end();
        co_return false;
    }
    co_await runtime::sleep_until(shard, runtime::after(shard.now(), back_off));
    co_return true;
}

template <class Request, class ErrorOf>
Task<Outcome<Answer<typename Request::Response>>> GroupClient::ask_once(std::string group, const Request& request,
                                                                        ErrorOf error_of, CallOptions options) {
    CLI_CO_TRY(node, co_await coordinator(group));
    options.node = node;
    auto answer = co_await session_.call(request, options);
    const ErrorCode error = answer ? error_of(answer->message) : ErrorCode::none;
    if (!answer || is_for_another_try(error)) forget_coordinator(group);
    if (is_for_another_try(error)) co_return std::unexpected(failure_of(error, quoted(group)));
    co_return answer;
}

template <class Request, class ErrorOf>
Task<Outcome<Answer<typename Request::Response>>> GroupClient::ask(std::string group, const Request& request,
                                                                   ErrorOf error_of, CallOptions options) {
    const runtime::TimePoint began = session_.shard().now();
    while (true) {
        outage_.begin();
        auto answer = co_await ask_once(group, request, error_of, options);
        if (answer) outage_.succeeded();
        if (answer || !co_await may_try_again(answer.error(), began)) co_return answer;
    }
}

Task<Outcome<NodeId>> GroupClient::coordinator(std::string group) {
    if (const auto known = coordinators_.find(group); known != coordinators_.end()) co_return known->second;
    protocol::FindCoordinatorRequest request;
    request.key = Text::borrow(group);                        // up to version 3
    request.coordinator_keys.push_back(Text::borrow(group));  // from version 4
    CLI_CO_TRY(answer, co_await session_.call(request));
    NodeId node = answer->node_id;
    ErrorCode error = answer->error_code;
    if (!answer->coordinators.empty()) {
        node = answer->coordinators.front().node_id;
        error = answer->coordinators.front().error_code;
    }
    if (error != ErrorCode::none)
        co_return std::unexpected(failure_of(error, fmt::format("the coordinator of {}", quoted(group))));
    CLI_CO_CHECK(co_await refresh_brokers());
    coordinators_[group] = node;
    co_return node;
}

Task<Outcome<>> GroupClient::refresh_brokers() {
    std::vector<std::string> no_topics;
    co_return co_await session_.refresh(std::move(no_topics));
}

Task<Outcome<std::vector<ListedGroup>>> GroupClient::list(std::vector<std::string> states,
                                                          std::vector<std::string> types) {
    protocol::ListGroupsRequest request;
    for (const std::string& state : states) request.states_filter.push_back(Text::borrow(state));
    for (const std::string& type : types) request.types_filter.push_back(Text::borrow(type));
    const runtime::TimePoint began = session_.shard().now();
    while (true) {
        outage_.begin();
        auto groups = co_await list_once(request);
        if (groups) outage_.succeeded();
        if (groups || !co_await may_try_again(groups.error(), began)) co_return groups;
    }
}

Task<Outcome<std::vector<ListedGroup>>> GroupClient::list_once(const protocol::ListGroupsRequest& request) {
    CLI_CO_CHECK(co_await refresh_brokers());
    std::vector<NodeId> nodes;
    for (const auto& [node, broker] : session_.cluster().brokers) nodes.push_back(node);
    std::map<std::string, ListedGroup> groups;
    for (const NodeId node : nodes) {
        CallOptions options;
        options.node = node;
        CLI_CO_TRY(answer, co_await session_.call(request, options));
        if (answer->error_code != ErrorCode::none)
            co_return std::unexpected(failure_of(answer->error_code, fmt::format("the groups of broker {}", node)));
        for (const auto& group : answer->groups)
            groups[group.group_id.str()] = {group.group_id.str(), group.group_type.str(), group.group_state.str(),
                                            group.protocol_type.str()};
    }
    std::vector<ListedGroup> listed;
    for (auto& [id, group] : groups) listed.push_back(std::move(group));
    co_return listed;
}

Task<Outcome<GroupInfo>> GroupClient::describe(std::string group) {
    protocol::DescribeGroupsRequest request;
    request.groups.push_back(Text::borrow(group));
    const auto error_of = [](const protocol::DescribeGroupsResponse& response) {
        return response.groups.empty() ? ErrorCode::group_id_not_found : response.groups.front().error_code;
    };
    CLI_CO_TRY(answer, co_await ask(group, request, error_of));
    ErrorCode error = error_of(answer.message);
    // So brokers before version 6 say it.
    if (error == ErrorCode::none && answer->groups.front().group_state == "Dead") error = ErrorCode::group_id_not_found;
    if (error == ErrorCode::group_id_not_found)
        co_return std::unexpected(failure_of(error, quoted(group), Text("there is no such group")));
    const auto& described = answer->groups.front();
    if (error != ErrorCode::none) co_return std::unexpected(failure_of(error, quoted(group), described.error_message));
    GroupInfo info{group,
                   described.group_state.str(),
                   described.protocol_type.str(),
                   described.protocol_data.str(),
                   coordinators_[group],
                   {}};
    for (const auto& member : described.members)
        info.members.push_back(info_of(member, info.protocol_type == "consumer"));
    std::ranges::sort(info.members, {}, &MemberInfo::id);
    co_return info;
}

Task<Outcome<PartitionOffsets>> GroupClient::committed(std::string group) {
    protocol::OffsetFetchRequest request;
    request.group_id = Text::borrow(group);  // up to version 7
    request.topics = std::nullopt;
    auto& asked = request.groups.emplace_back();  // from version 8
    asked.group_id = Text::borrow(group);
    asked.topics = std::nullopt;
    const auto error_of = [](const protocol::OffsetFetchResponse& response) {
        return response.groups.empty() ? response.error_code : response.groups.front().error_code;
    };
    CallOptions options;
    options.max_version = last_offset_version_with_names;
    CLI_CO_TRY(answer, co_await ask(group, request, error_of, options));
    if (const ErrorCode error = error_of(answer.message); error == ErrorCode::group_id_not_found) {
        co_return PartitionOffsets();
    } else if (error != ErrorCode::none) {
        co_return std::unexpected(failure_of(error, quoted(group)));
    }
    PartitionOffsets offsets;
    std::optional<Failure> failure;
    const auto take = [&](const auto& topics) {
        for (const auto& topic : topics) {
            for (const auto& partition : topic.partitions) {
                const TopicPartition named{topic.name.str(), partition.partition_index.value()};
                if (partition.error_code != ErrorCode::none)
                    failure = failure_of(partition.error_code, to_text(named));
                else if (partition.committed_offset >= Offset(0))
                    offsets[named] = partition.committed_offset;
            }
        }
    };
    answer->groups.empty() ? take(answer->topics) : take(answer->groups.front().topics);
    if (failure) co_return std::unexpected(std::move(*failure));
    co_return offsets;
}

Task<Outcome<PartitionErrors>> GroupClient::commit(std::string group, Committer committer, PartitionOffsets offsets) {
    protocol::OffsetCommitRequest request;
    request.group_id = Text::borrow(group);
    request.member_id = Text::borrow(committer.member_id);
    request.generation_id_or_member_epoch = committer.generation;
    fill_topics(request.topics, offsets, [](auto& partition, const auto& entry) {
        partition.committed_offset = entry.second;
        partition.committed_metadata = Text("");
    });
    const auto error_of = [](const protocol::OffsetCommitResponse& response) {
        for (const auto& topic : response.topics)
            for (const auto& partition : topic.partitions)
                if (is_for_another_try(partition.error_code)) return partition.error_code;
        return ErrorCode::none;
    };
    CallOptions options;
    options.max_version = last_offset_version_with_names;
    CLI_CO_TRY(answer, co_await ask(group, request, error_of, options));
    co_return errors_of(answer->topics);
}

Task<Outcome<PartitionErrors>> GroupClient::delete_offsets(std::string group, TopicPartitionSet partitions) {
    protocol::OffsetDeleteRequest request;
    request.group_id = Text::borrow(group);
    fill_topics(request.topics, partitions, [](auto&, const auto&) {});
    const auto error_of = [](const protocol::OffsetDeleteResponse& response) { return response.error_code; };
    CLI_CO_TRY(answer, co_await ask(group, request, error_of));
    if (answer->error_code == ErrorCode::group_id_not_found)
        co_return std::unexpected(failure_of(answer->error_code, quoted(group), Text("there is no such group")));
    if (answer->error_code != ErrorCode::none) co_return std::unexpected(failure_of(answer->error_code, quoted(group)));
    co_return errors_of(answer->topics);
}

Task<Outcome<>> GroupClient::remove(std::string group) {
    protocol::DeleteGroupsRequest request;
    request.groups_names.push_back(Text::borrow(group));
    const auto error_of = [](const protocol::DeleteGroupsResponse& response) {
        return response.results.empty() ? ErrorCode::unknown_server_error : response.results.front().error_code;
    };
    CLI_CO_TRY(answer, co_await ask(group, request, error_of));
    const ErrorCode error = error_of(answer.message);
    if (error == ErrorCode::group_id_not_found)
        co_return std::unexpected(failure_of(error, quoted(group), Text("there is no such group")));
    if (error != ErrorCode::none) co_return std::unexpected(failure_of(error, quoted(group)));
    co_return Outcome<>();
}

}  // namespace moldau::cli
