// What happens to members after they have joined: SyncGroup, heartbeats, leaving, the end of a session.

#include <algorithm>
#include <map>

#include <moldau/base/log.h>

#include "../records.h"
#include "round.h"

namespace moldau::coordinator::classic {
namespace {

using protocol::ErrorCode;

ErrorCode check_sync(const ClassicGroup& classic, const protocol::SyncGroupRequest& request) {
    if (const ErrorCode error = classic.check_member(request.member_id, request.group_instance_id);
        error != ErrorCode::none)
        return error;
    if (request.generation_id != classic.generation()) return ErrorCode::illegal_generation;
    const auto differs = [](const std::optional<protocol::Text>& said, const std::optional<std::string>& is) {
        return said && (!is || *said != *is);
    };
    if (differs(request.protocol_type, classic.protocol_type()) || differs(request.protocol_name, classic.protocol()))
        return ErrorCode::inconsistent_group_protocol;
    return ErrorCode::none;
}

protocol::SyncGroupResponse assignment_answer(const ClassicGroup& classic, ByteView assignment) {
    protocol::SyncGroupResponse response;
    if (classic.protocol_type()) response.protocol_type = protocol::Text(*classic.protocol_type());
    if (classic.protocol()) response.protocol_name = protocol::Text(*classic.protocol());
    response.assignment = protocol::Blob(Bytes(assignment.begin(), assignment.end()));
    return response;
}

void note_synced(Turn& turn, Group& group, std::string_view member_id) {
    auto& awaited = group.classic.awaited_syncs();
    if (const auto at = awaited.find(member_id); at != awaited.end()) awaited.erase(at);
    if (awaited.empty()) turn.timers.cancel(sync_key(group));
}

/// The leader has assigned: the group is stable once that is noted.
void take_assignment(Turn& turn, Group& group, const protocol::SyncGroupRequest& request) {
    ClassicGroup& classic = group.classic;
    std::map<std::string_view, ByteView> assigned;
    for (const auto& part : request.assignments) assigned.insert_or_assign(part.member_id, part.assignment);
    const auto assignment_of = [&](const Member& member) {
        const auto found = assigned.find(member.id);
        return found == assigned.end() ? ByteView{} : found->second;
    };
    turn.out.records.push_back(write_group_metadata(group.id, to_store(group, assignment_of)));
    for (const auto& [id, entry] : classic.members()) {
        Member& member = *classic.find(id);
        if (!member.syncing) continue;
        answer_sync(turn, member, assignment_answer(classic, assignment_of(member)));
        // Sessions that ended while it waited were borne.
        renew_session(turn, group, member);
    }
    classic.move_to(GroupState::stable, turn.context.wall_time);
    log::info("group {}: {} has assigned generation {}", group.id, request.member_id, classic.generation());
}

/// Requires: it is a member.
void remove_member(Turn& turn, Group& group, const std::string& id) {
    Member& member = *group.classic.find(id);
    // Whoever is still there joins again.
    answer_join(turn, group.classic, member, join_refusal(ErrorCode::unknown_member_id, ""));
    answer_sync(turn, member, sync_refusal(ErrorCode::unknown_member_id));
    turn.timers.cancel(session_key(group, id));
    group.classic.remove(id);
}

ErrorCode leave_one(Turn& turn, Group& group, const protocol::LeaveGroupRequest::MemberIdentity& leaving) {
    ClassicGroup& classic = group.classic;
    std::string id = leaving.member_id.str();
    if (id.empty()) {
        // An administrator removes a static member by its instance.
        const std::string* holder =
            leaving.group_instance_id ? classic.find_static(*leaving.group_instance_id) : nullptr;
        if (holder == nullptr) return ErrorCode::unknown_member_id;
        id = *holder;
    } else if (classic.is_pending(id)) {
        classic.remove(id);
        turn.timers.cancel(session_key(group, id));
        return ErrorCode::none;
    } else if (const ErrorCode error = classic.check_member(id, leaving.group_instance_id); error != ErrorCode::none) {
        return error;
    }
    log::info("group {}: member {} leaves (reason: {})", group.id, id,
              leaving.reason ? leaving.reason->view() : std::string_view("not provided"));
    remove_member(turn, group, id);
    return ErrorCode::none;
}

}  // namespace

void sync(Turn& turn, Group& group, Ticket ticket, const protocol::SyncGroupRequest& request) {
    ClassicGroup& classic = group.classic;
    ErrorCode error = check_sync(classic, request);
    if (error == ErrorCode::none && classic.is(GroupState::preparing_rebalance))
        error = ErrorCode::rebalance_in_progress;
    if (error == ErrorCode::none && classic.is(GroupState::empty)) error = ErrorCode::unknown_member_id;
    if (error != ErrorCode::none) return turn.out.answer(ticket, sync_refusal(error));

    const std::string_view id = request.member_id;
    note_synced(turn, group, id);
    if (classic.is(GroupState::stable)) {
        const StoredMember* stored = group.stored_member(id);
        return turn.out.answer(
            ticket, assignment_answer(classic, stored == nullptr ? ByteView{} : ByteView(stored->assignment)));
    }
    Member& member = *classic.find(id);
    answer_sync(turn, member, sync_refusal(ErrorCode::rebalance_in_progress));  // an earlier request's
    member.syncing = ticket;
    if (classic.leads(id)) take_assignment(turn, group, request);
}

ErrorCode heartbeat(Turn& turn, Group& group, const protocol::HeartbeatRequest& request) {
    const ClassicGroup& classic = group.classic;
    if (const ErrorCode error = classic.check_member(request.member_id, request.group_instance_id);
        error != ErrorCode::none)
        return error;
    if (request.generation_id != classic.generation()) return ErrorCode::illegal_generation;
    if (classic.is(GroupState::empty)) return ErrorCode::unknown_member_id;
    note_alive(turn, group, request.member_id);
    return classic.is(GroupState::preparing_rebalance) ? ErrorCode::rebalance_in_progress : ErrorCode::none;
}

void leave(Turn& turn, Group& group, const protocol::LeaveGroupRequest& request,
           protocol::LeaveGroupResponse& response) {
    bool some_left = false;
    for (const auto& leaving : request.members) {
        auto& told = response.members.emplace_back();
        told.member_id = leaving.member_id.owned();
        told.group_instance_id = owned(leaving.group_instance_id);
        told.error_code = leave_one(turn, group, leaving);
        some_left = some_left || told.error_code == ErrorCode::none;
    }
    if (some_left && !group.classic.is(GroupState::empty)) rebalance(turn, group, "members have left");
}

ErrorCode check_commit(const Group& group, const protocol::OffsetCommitRequest& request) {
    const ClassicGroup& classic = group.classic;
    const std::int32_t generation = request.generation_id_or_member_epoch;
    // Whoever assigns partitions to itself, or administers, is no member: there must not be any.
    if (generation < 0 && classic.is(GroupState::empty)) return ErrorCode::none;
    if (generation < 0 && request.member_id.empty() && !request.group_instance_id) return ErrorCode::unknown_member_id;
    if (const ErrorCode error = classic.check_member(request.member_id, request.group_instance_id);
        error != ErrorCode::none)
        return error;
    if (generation != classic.generation()) return ErrorCode::illegal_generation;
    // It knows the generation, and not yet what it has been assigned.
    if (classic.is(GroupState::completing_rebalance)) return ErrorCode::rebalance_in_progress;
    return ErrorCode::none;
}

void note_alive(Turn& turn, const Group& group, std::string_view member_id) {
    if (const Member* member = group.classic.find(member_id)) renew_session(turn, group, *member);
}

void on_session_end(Turn& turn, Group& group, const std::string& member_id) {
    ClassicGroup& classic = group.classic;
    if (classic.is_pending(member_id)) {
        log::info("group {}: {} has not come with the id that it was given", group.id, member_id);
        classic.remove(member_id);
        if (classic.is(GroupState::preparing_rebalance) && classic.has_all_joined()) end_join(turn, group);
        return;
    }
    const Member* member = classic.find(member_id);
    if (member == nullptr || member->is_excused()) return;
    log::info("group {}: the session of member {} has ended", group.id, member_id);
    remove_member(turn, group, member_id);
    if (!classic.is(GroupState::preparing_rebalance)) {
        begin_round(turn, group, "the session of a member has ended");
    } else if (classic.has_all_joined()) {
        end_join(turn, group);
    }
}

void on_loaded(Turn& turn, Group& group) {
    for (const auto& [id, member] : group.classic.members()) renew_session(turn, group, member);
    if (group.classic.members().size() > static_cast<std::size_t>(turn.options.max_size))
        begin_round(turn, group, "it has more members than group.max.size");
}

void start_over(Turn& turn, Group& group) {
    const ClassicGroup former = std::move(group.classic);
    forget(turn, {.id = group.id, .classic = former});
    const auto come_again = ErrorCode::coordinator_not_available;
    for (const auto& [id, member] : former.members()) {
        if (member.joining) turn.out.answer(*member.joining, join_refusal(come_again, id));
        if (member.syncing) turn.out.answer(*member.syncing, sync_refusal(come_again));
    }
    group.classic = group.stored ? ClassicGroup(*group.stored) : ClassicGroup();
    group.classic.raise_generation(former.generation());
    on_loaded(turn, group);
    // The assignments that are noted are of an earlier generation: nobody may take them for this one's.
    if (group.classic.is(GroupState::stable)) begin_round(turn, group, "what was decided could not be written");
}

void forget(Turn& turn, const Group& group) {
    turn.timers.cancel(join_key(group));
    turn.timers.cancel(sync_key(group));
    for (const auto& [id, member] : group.classic.members()) turn.timers.cancel(session_key(group, id));
    for (const std::string& id : group.classic.pending()) turn.timers.cancel(session_key(group, id));
}

DescribedGroup describe(const Group& group) {
    const ClassicGroup& classic = group.classic;
    DescribedGroup described;
    described.group_id = protocol::Text(group.id);
    described.group_state = protocol::Text(std::string(name_of(classic.state())));
    described.protocol_type = protocol::Text(classic.protocol_type().value_or(""));
    const bool is_stable = classic.is(GroupState::stable);
    const bool has_assignments = is_stable || classic.keeps_assignments();
    if (is_stable) described.protocol_data = protocol::Text(classic.protocol().value_or(""));
    for (const auto& [id, member] : classic.members()) {
        auto& told = described.members.emplace_back();
        told.member_id = protocol::Text(id);
        if (member.instance_id) told.group_instance_id = protocol::Text(*member.instance_id);
        told.client_id = protocol::Text(member.client_id);
        told.client_host = protocol::Text(member.client_host);
        if (const StoredMember* stored = has_assignments ? group.stored_member(id) : nullptr)
            told.member_assignment = protocol::Blob(stored->assignment);
        if (!is_stable) continue;
        const ByteView metadata = member.metadata_of(classic.protocol().value_or(""));
        told.member_metadata = protocol::Blob(Bytes(metadata.begin(), metadata.end()));
    }
    return described;
}

std::size_t described_bytes(const Group& group) {
    const ClassicGroup& classic = group.classic;
    std::size_t bytes = sizeof(DescribedGroup);
    for (const auto& [id, member] : classic.members()) {
        const StoredMember* stored = group.stored_member(id);
        bytes += sizeof(protocol::DescribeGroupsResponse::DescribedGroupMember) + id.size() + member.client_id.size() +
                 member.client_host.size() + (member.instance_id ? member.instance_id->size() : 0) +
                 member.metadata_of(classic.protocol().value_or("")).size() +
                 (stored == nullptr ? 0 : stored->assignment.size());
    }
    return bytes;
}

}  // namespace moldau::coordinator::classic
