#include "round.h"

#include <algorithm>
#include <vector>

#include <moldau/base/log.h>

#include "../records.h"

namespace moldau::coordinator::classic {

using protocol::ErrorCode;
using protocol::Text;

namespace {

/// Members may give a round no time at all.
constexpr std::int32_t shortest_wait_ms = 1000;

std::optional<Text> owned_name(const std::optional<std::string>& text) {
    if (!text) return std::nullopt;
    return Text(*text);
}

/// Members who have not come again in time are out; static ones may be away for longer.
void remove_missing(Turn& turn, Group& group) {
    std::vector<std::string> missing;
    for (const auto& [id, member] : group.classic.members())
        if (!member.joining && !member.instance_id) missing.push_back(id);
    for (const std::string& id : missing) {
        log::info("group {}: member {} has not rejoined in time", group.id, id);
        group.classic.remove(id);
        turn.timers.cancel(session_key(group, id));
    }
}

void tell_generation(Turn& turn, Group& group) {
    for (const auto& [id, entry] : group.classic.members()) {
        Member& member = *group.classic.find(id);
        answer_join(turn, group.classic, member, current_generation(group, member));
        renew_session(turn, group, member);
        member.is_new = false;
        group.classic.awaited_syncs().insert(id);
    }
    turn.set_timer(sync_key(group), group.classic.rebalance_timeout_ms());
}

/// The first members of a group are given time to come together.
void begin_initial_delay(Turn& turn, Group& group) {
    ClassicGroup& classic = group.classic;
    classic.initial_delay_ms = turn.options.initial_rebalance_delay_ms;
    classic.initial_delay_left_ms =
        std::max<std::int64_t>(classic.rebalance_timeout_ms() - classic.initial_delay_ms, 0);
    turn.set_timer(join_key(group), classic.initial_delay_ms);
}

}  // namespace

void renew_session(Turn& turn, const Group& group, const Member& member) {
    turn.set_timer(session_key(group, member.id), member.session_timeout_ms);
}

void rebalance(Turn& turn, Group& group, std::string_view reason) {
    if (group.classic.is(GroupState::preparing_rebalance)) {
        end_join_if_complete(turn, group);
    } else {
        begin_round(turn, group, reason);
    }
}

void begin_round(Turn& turn, Group& group, std::string_view reason) {
    ClassicGroup& classic = group.classic;
    if (classic.is(GroupState::completing_rebalance)) {
        for (const auto& [id, entry] : classic.members()) {
            Member& member = *classic.find(id);
            if (!member.syncing) continue;
            answer_sync(turn, member, sync_refusal(ErrorCode::rebalance_in_progress));
            renew_session(turn, group, member);
        }
    }
    turn.timers.cancel(sync_key(group));
    const bool is_initial = classic.is(GroupState::empty);
    if (is_initial) begin_initial_delay(turn, group);
    classic.move_to(GroupState::preparing_rebalance, turn.context.wall_time);
    log::info("group {} rebalances after generation {}: {}", group.id, classic.generation(), reason);
    if (is_initial) return;
    if (classic.has_all_joined()) {
        end_join(turn, group);
    } else {
        turn.set_timer(join_key(group), classic.rebalance_timeout_ms());
    }
}

void end_join_if_complete(Turn& turn, Group& group) {
    const ClassicGroup& classic = group.classic;
    if (!classic.is(GroupState::preparing_rebalance) || classic.is_initial_round() || !classic.has_all_joined()) return;
    end_join(turn, group);
}

void end_join(Turn& turn, Group& group) {
    ClassicGroup& classic = group.classic;
    turn.timers.cancel(join_key(group));
    classic.initial_delay_left_ms = 0;
    remove_missing(turn, group);
    if (!classic.elect_joined_leader() && !classic.members().empty()) {
        // Static members alone, all of them away: their sessions decide, whatever time they give a round.
        log::warn("group {}: no member has rejoined in time", group.id);
        return turn.set_timer(join_key(group), std::max(classic.rebalance_timeout_ms(), shortest_wait_ms));
    }
    classic.begin_generation(turn.context.wall_time);
    if (classic.is(GroupState::empty)) {
        log::info("group {} is empty, in generation {}", group.id, classic.generation());
        turn.out.records.push_back(write_group_metadata(group.id, without_members(group)));
    } else {
        log::info("group {} has generation {} of {} members", group.id, classic.generation(), classic.members().size());
        tell_generation(turn, group);
    }
}

void on_join_timeout(Turn& turn, Group& group) {
    ClassicGroup& classic = group.classic;
    if (!classic.is(GroupState::preparing_rebalance)) return;
    if (classic.is_initial_round() && classic.grew_in_initial_delay && classic.initial_delay_left_ms != 0) {
        classic.grew_in_initial_delay = false;
        const std::int64_t ran_ms = classic.initial_delay_ms;
        classic.initial_delay_ms =
            std::min<std::int64_t>(turn.options.initial_rebalance_delay_ms, classic.initial_delay_left_ms);
        classic.initial_delay_left_ms = std::max<std::int64_t>(classic.initial_delay_left_ms - ran_ms, 0);
        turn.set_timer(join_key(group), classic.initial_delay_ms);
        return;
    }
    end_join(turn, group);
}

void on_sync_timeout(Turn& turn, Group& group) {
    ClassicGroup& classic = group.classic;
    if (!classic.is(GroupState::completing_rebalance) && !classic.is(GroupState::stable)) return;
    if (classic.awaited_syncs().empty()) return;
    const auto missing = classic.awaited_syncs();
    for (const std::string& id : missing) {
        log::info("group {}: member {} has not asked for its assignment in time", group.id, id);
        classic.remove(id);
        turn.timers.cancel(session_key(group, id));
    }
    begin_round(turn, group, "members have not asked for their assignments");
}

protocol::JoinGroupResponse current_generation(const Group& group, const Member& member) {
    const ClassicGroup& classic = group.classic;
    protocol::JoinGroupResponse response;
    response.generation_id = classic.generation();
    response.protocol_type = owned_name(classic.protocol_type());
    response.protocol_name = owned_name(classic.protocol());
    response.leader = Text(classic.leader().value_or(""));
    response.member_id = Text(member.id);
    if (!classic.leads(member.id)) return response;
    response.members.reserve(classic.members().size());
    for (const auto& [id, other] : classic.members()) {
        auto& told = response.members.emplace_back();
        told.member_id = Text(id);
        told.group_instance_id = owned_name(other.instance_id);
        const ByteView metadata = other.metadata_of(classic.protocol().value_or(""));
        told.metadata = protocol::Blob(Bytes(metadata.begin(), metadata.end()));
    }
    return response;
}

protocol::JoinGroupResponse join_refusal(ErrorCode error, std::string_view member_id) {
    protocol::JoinGroupResponse response;
    response.error_code = error;
    response.protocol_name.reset();
    response.member_id = Text(std::string(member_id));
    return response;
}

protocol::SyncGroupResponse sync_refusal(ErrorCode error) {
    protocol::SyncGroupResponse response;
    response.error_code = error;
    return response;
}

void answer_join(Turn& turn, ClassicGroup& group, Member& member, protocol::JoinGroupResponse response) {
    if (member.joining) turn.out.answer(*member.joining, std::move(response));
    group.set_joining(member, std::nullopt);
}

void answer_sync(Turn& turn, Member& member, protocol::SyncGroupResponse response) {
    if (member.syncing) turn.out.answer(*member.syncing, std::move(response));
    member.syncing.reset();
}

StoredMetadata without_members(const Group& group) {
    const ClassicGroup& classic = group.classic;
    return {.protocol_type = classic.protocol_type().value_or(""),
            .generation = classic.generation(),
            .protocol = classic.protocol(),
            .leader = classic.leader(),
            .state_since = classic.state_since()};
}

}  // namespace moldau::coordinator::classic
