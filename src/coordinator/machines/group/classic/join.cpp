// JoinGroup: who may become a member, and what a member that joins again changes.

#include <fmt/format.h>

#include <moldau/base/log.h>

#include "../records.h"
#include "round.h"

namespace moldau::coordinator::classic {
namespace {

using protocol::ErrorCode;
using protocol::JoinGroupRequest;

/// From this version on members are promised an id first, and come again with it (KIP-394).
constexpr std::int16_t first_version_with_promised_ids = 4;
/// A leader is told that its assignment is known, and need not be made again (KIP-814).
constexpr std::int16_t first_version_that_skips_assignment = 9;
constexpr std::int16_t first_version_with_rebalance_timeout = 1;
/// A new member whose JoinGroup waits sends no heartbeats: after so long it is taken for gone.
constexpr std::int64_t new_member_timeout_ms = 300'000;

struct Joining {
    Turn& turn;
    Group& group;
    Ticket ticket;
    const JoinGroupRequest& request;
    const Caller& caller;

    void refuse(ErrorCode error, std::string_view member_id) {
        turn.out.answer(ticket, join_refusal(error, member_id));
    }
    std::string reason(std::string_view what, std::string_view member_id) const {
        const std::string_view why = request.reason ? request.reason->view() : std::string_view("not provided");
        return fmt::format("{} {} (reason: {})", what, member_id, why);
    }
};

std::string new_member_id(const Joining& join) {
    // As Apache Kafka's: a random UUID of version 4 in the usual form.
    const std::uint64_t most = (join.turn.context.random() & ~0xf000ULL) | 0x4000ULL;
    const std::uint64_t least = (join.turn.context.random() & ~(3ULL << 62)) | (2ULL << 62);
    const std::string_view prefix =
        join.request.group_instance_id ? join.request.group_instance_id->view() : join.caller.client_id;
    return fmt::format("{}-{:08x}-{:04x}-{:04x}-{:04x}-{:012x}", prefix, most >> 32, (most >> 16) & 0xffff,
                       most & 0xffff, least >> 48, least & 0xffff'ffff'ffffULL);
}

/// Counted as Apache Kafka counts, so that a limit that was lowered lets no more in.
bool has_room_for(const Joining& join) {
    const ClassicGroup& classic = join.group.classic;
    const auto limit = static_cast<std::size_t>(join.turn.options.max_size);
    const Member* member = classic.find(join.request.member_id);
    switch (classic.state()) {
        case GroupState::empty:
            return true;
        case GroupState::preparing_rebalance:
            return (member != nullptr && member->joining) || classic.joining_count() < limit;
        default:
            return member != nullptr || classic.members().size() < limit;
    }
}

/// What the member says of itself now, and that it waits for the round's end. Requires: it is in the group.
void update(const Joining& join, Member& member) {
    ClassicGroup& classic = join.group.classic;
    classic.set_protocols(member, protocols_of(join.request));
    member.session_timeout_ms = join.request.session_timeout_ms;
    member.rebalance_timeout_ms = join.caller.api_version >= first_version_with_rebalance_timeout
                                      ? join.request.rebalance_timeout_ms
                                      : join.request.session_timeout_ms;
    // Of two requests the later one is answered: the earlier one's connection is gone.
    answer_join(join.turn, classic, member, join_refusal(ErrorCode::rebalance_in_progress, member.id));
    classic.set_joining(member, join.ticket);
}

void add_member(const Joining& join, std::string member_id) {
    ClassicGroup& classic = join.group.classic;
    Member member{.id = std::move(member_id),
                  .client_id = std::string(join.caller.client_id),
                  .client_host = fmt::format("/{}", join.caller.host),
                  .is_new = true};
    if (join.request.group_instance_id) member.instance_id = join.request.group_instance_id->str();
    if (classic.is(GroupState::preparing_rebalance) && classic.is_initial_round()) classic.grew_in_initial_delay = true;
    Member& added = classic.add(std::move(member), join.request.protocol_type);
    update(join, added);
    join.turn.set_timer(session_key(join.group, added.id), new_member_timeout_ms);
    rebalance(join.turn, join.group, join.reason("new member", added.id));
}

void promise_id(Joining& join, std::string member_id) {
    join.turn.set_timer(session_key(join.group, member_id), join.request.session_timeout_ms);
    join.refuse(ErrorCode::member_id_required, member_id);
    join.group.classic.add_pending(std::move(member_id));
}

/// A static member that has been restarted: it takes the place, the assignment and the leadership of its former self.
void replace_static_member(Joining& join, const std::string& old_id, const std::string& new_id) {
    ClassicGroup& classic = join.group.classic;
    Turn& turn = join.turn;
    Member& former = *classic.find(old_id);
    answer_join(turn, classic, former, join_refusal(ErrorCode::fenced_instance_id, old_id));
    answer_sync(turn, former, sync_refusal(ErrorCode::fenced_instance_id));
    turn.timers.cancel(session_key(join.group, old_id));
    const std::optional<std::string> leader_before = classic.leader();
    Member& member = classic.rename(old_id, new_id);
    update(join, member);
    renew_session(turn, join.group, member);
    if (!classic.is(GroupState::stable)) {
        // Within a round the leader may know the old id already: it must see the new one.
        if (classic.is(GroupState::completing_rebalance)) {
            begin_round(turn, join.group, join.reason("a new id for static member", new_id));
        } else {
            end_join_if_complete(turn, join.group);
        }
        return;
    }
    if (classic.elect_protocol() != classic.protocol())
        return rebalance(turn, join.group, join.reason("another protocol by static member", new_id));
    turn.out.records.push_back(write_group_metadata(
        join.group.id, to_store(join.group, [&](const Member& each) -> ByteView {
            const StoredMember* stored = join.group.stored_member(each.id == new_id ? old_id : each.id);
            return stored == nullptr ? ByteView{} : ByteView(stored->assignment);
        })));
    protocol::JoinGroupResponse response = current_generation(join.group, member);
    if (join.caller.api_version >= first_version_that_skips_assignment) {
        response.skip_assignment = classic.leads(new_id);
    } else {
        // Told that somebody else leads, it does not assign anew.
        response.leader = protocol::Text(leader_before.value_or(""));
        response.members.clear();
    }
    answer_join(turn, classic, member, std::move(response));
}

void join_as_new(Joining& join) {
    const JoinGroupRequest& request = join.request;
    ClassicGroup& classic = join.group.classic;
    if (!classic.supports(request)) return join.refuse(ErrorCode::inconsistent_group_protocol, "");
    std::string id = new_member_id(join);
    if (request.group_instance_id) {
        if (const std::string* holder = classic.find_static(*request.group_instance_id))
            return replace_static_member(join, std::string(*holder), id);
        return add_member(join, std::move(id));
    }
    if (join.caller.api_version >= first_version_with_promised_ids) return promise_id(join, std::move(id));
    add_member(join, std::move(id));
}

void join_again(Joining& join) {
    const JoinGroupRequest& request = join.request;
    ClassicGroup& classic = join.group.classic;
    const std::string_view id = request.member_id;
    if (!classic.supports(request)) return join.refuse(ErrorCode::inconsistent_group_protocol, id);
    if (classic.is_pending(id)) {
        // Ids are promised to dynamic members alone.
        if (request.group_instance_id) return join.refuse(ErrorCode::unknown_member_id, id);
        return add_member(join, std::string(id));
    }
    if (const ErrorCode error = classic.check_member(id, request.group_instance_id); error != ErrorCode::none)
        return join.refuse(error, id);
    Member& member = *classic.find(id);
    const bool says_the_same = member.says(request);
    const auto update_and_rebalance = [&](std::string_view what) {
        update(join, member);
        rebalance(join.turn, join.group, join.reason(what, id));
    };
    switch (classic.state()) {
        case GroupState::preparing_rebalance:
            return update_and_rebalance("joining member");
        case GroupState::completing_rebalance:
            // What it was answered may not have reached it.
            if (says_the_same) return join.turn.out.answer(join.ticket, current_generation(join.group, member));
            return update_and_rebalance("changed member");
        case GroupState::stable: {
            // The leader joins again when what it assigns has changed.
            if (classic.leads(id)) return update_and_rebalance("leader joins again:");
            if (!says_the_same) return update_and_rebalance("changed member");
            return join.turn.out.answer(join.ticket, current_generation(join.group, member));
        }
        default:
            return join.refuse(ErrorCode::unknown_member_id, id);
    }
}

}  // namespace

void join(Turn& turn, Group& group, Ticket ticket, const JoinGroupRequest& request, const Caller& caller) {
    Joining joining{turn, group, ticket, request, caller};
    if (!has_room_for(joining)) {
        log::warn("group {} has {} members and takes no more (group.max.size)", group.id,
                  group.classic.members().size());
        group.classic.remove(request.member_id);
        return joining.refuse(ErrorCode::group_max_size_reached, "");
    }
    if (request.member_id.empty()) {
        join_as_new(joining);
    } else {
        join_again(joining);
    }
}

}  // namespace moldau::coordinator::classic
