#include <algorithm>
#include <utility>

#include <moldau/base/log.h>
#include <moldau/coordinator/group_machine.h>

#include "classic/classic_protocol.h"
#include "group_state.h"
#include "offsets.h"
#include "records.h"
#include "timers.h"
#include "utf16.h"

namespace moldau::coordinator {
namespace {

using protocol::ErrorCode;

/// A search for expired offsets writes no more in one turn; it goes on in the next.
constexpr std::size_t max_records_a_turn = 1000;
constexpr std::size_t max_timers_a_turn = 100;
/// OffsetCommit tells from this version on that there is no such group; before, that the generation is none of it.
constexpr std::int16_t first_commit_version_with_unknown_groups = 9;
constexpr std::int16_t first_describe_version_with_unknown_groups = 6;

constexpr std::string_view classic_type = "classic";

bool equal_ignoring_case(std::string_view a, std::string_view b) {
    const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
    return std::ranges::equal(a, b, {}, lower, lower);
}

std::string_view trimmed(std::string_view text) {
    const auto first = text.find_first_not_of(' ');
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(' ') - first + 1);
}

/// A new member's id is a name of its client's with a UUID behind it, and a text as well.
bool leaves_room_for_id(const protocol::JoinGroupRequest& request, const Caller& caller) {
    constexpr std::size_t max_prefix_bytes = protocol::max_text_bytes - classic::member_id_suffix_bytes;
    const std::size_t prefix_bytes =
        request.group_instance_id ? request.group_instance_id->size() : caller.client_id.size();
    return !request.member_id.empty() || prefix_bytes <= max_prefix_bytes;
}

}  // namespace

struct GroupMachine::State {
    GroupOptions options;
    Groups groups{};
    Timers timers{};
    std::string next_to_expire{};  ///< where the search for expired offsets goes on; empty: from the first

    Turn turn(const Context& context, GroupOutput& out) { return {options, timers, context, out}; }
    Group* find(std::string_view id) {
        const auto found = groups.find(id);
        return found == groups.end() ? nullptr : &found->second;
    }
    Group& find_or_add(std::string_view id) {
        return groups.try_emplace(std::string(id), Group{.id = std::string(id)}).first->second;
    }
    Group& create(std::string_view id, const Context& context) {
        Group& group = find_or_add(id);
        group.classic.set_state_since(context.wall_time);
        return group;
    }
    void expire_offsets(Turn& turn);
    void on_timer(Turn& turn, const TimerKey& key);
};

GroupMachine::GroupMachine(const GroupOptions& options) : state_(std::make_unique<State>(State{.options = options})) {}
GroupMachine::~GroupMachine() = default;

// Members

void GroupMachine::handle(Ticket ticket, const protocol::JoinGroupRequest& request, const Caller& caller,
                          const Context& context, GroupOutput& out) {
    const auto refuse = [&](ErrorCode error) {
        protocol::JoinGroupResponse response;
        response.error_code = error;
        response.protocol_name.reset();
        response.member_id = request.member_id.owned();
        out.answer(ticket, std::move(response));
    };
    if (request.group_id.empty()) return refuse(ErrorCode::invalid_group_id);
    if (request.session_timeout_ms < state_->options.min_session_timeout_ms ||
        request.session_timeout_ms > state_->options.max_session_timeout_ms)
        return refuse(ErrorCode::invalid_session_timeout);
    if (!is_within_member_bounds(request) || !leaves_room_for_id(request, caller))
        return refuse(ErrorCode::invalid_request);
    Group* group = state_->find(request.group_id);
    const bool is_new = group == nullptr;
    // Who brings an id comes from a group that is no more.
    if (is_new && !request.member_id.empty()) return refuse(ErrorCode::unknown_member_id);
    if (is_new) group = &state_->create(request.group_id, context);
    Turn turn = state_->turn(context, out);
    const Timestamp created_at = group->classic.state_since();
    classic::join(turn, *group, ticket, request, caller);
    // So that who commits to it, or lists groups, finds it after a change of coordinators, too.
    if (is_new && out.records.empty())
        out.records.push_back(write_group_metadata(group->id, StoredMetadata{.state_since = created_at}));
}

void GroupMachine::handle(Ticket ticket, const protocol::SyncGroupRequest& request, const Caller&,
                          const Context& context, GroupOutput& out) {
    Group* group = state_->find(request.group_id);
    if (request.group_id.empty() || group == nullptr) {
        protocol::SyncGroupResponse response;
        response.error_code = request.group_id.empty() ? ErrorCode::invalid_group_id : ErrorCode::unknown_member_id;
        return out.answer(ticket, std::move(response));
    }
    Turn turn = state_->turn(context, out);
    classic::sync(turn, *group, ticket, request);
}

void GroupMachine::handle(Ticket ticket, const protocol::HeartbeatRequest& request, const Caller&,
                          const Context& context, GroupOutput& out) {
    protocol::HeartbeatResponse response;
    if (Group* group = state_->find(request.group_id); request.group_id.empty()) {
        response.error_code = ErrorCode::invalid_group_id;
    } else if (group == nullptr) {
        response.error_code = ErrorCode::unknown_member_id;
    } else {
        Turn turn = state_->turn(context, out);
        response.error_code = classic::heartbeat(turn, *group, request);
    }
    // A disk that stalls must not have members miss their sessions.
    out.waits = false;
    out.answer(ticket, response);
}

void GroupMachine::handle(Ticket ticket, const protocol::LeaveGroupRequest& request, const Caller&,
                          const Context& context, GroupOutput& out) {
    protocol::LeaveGroupResponse response;
    if (Group* group = state_->find(request.group_id); request.group_id.empty()) {
        response.error_code = ErrorCode::invalid_group_id;
    } else if (group != nullptr) {
        Turn turn = state_->turn(context, out);
        classic::leave(turn, *group, request, response);
    } else {
        for (const auto& leaving : request.members) {
            auto& told = response.members.emplace_back();
            told.member_id = leaving.member_id.owned();
            told.group_instance_id = classic::owned(leaving.group_instance_id);
            told.error_code = ErrorCode::unknown_member_id;
        }
    }
    out.answer(ticket, std::move(response));
}

// Offsets

void GroupMachine::handle(Ticket ticket, const protocol::OffsetCommitRequest& request, const Caller& caller,
                          const Context& context, GroupOutput& out) {
    Group* group = state_->find(request.group_id);
    if (group == nullptr && request.generation_id_or_member_epoch >= 0) {
        const bool tells = caller.api_version >= first_commit_version_with_unknown_groups;
        return out.answer(ticket, offsets::refuse_commit(
                                      request, tells ? ErrorCode::group_id_not_found : ErrorCode::illegal_generation));
    }
    // An empty commit leaves no trace, and makes no group either.
    static const Group nobody;
    const Group& commits_to = group == nullptr ? nobody : *group;
    if (const ErrorCode error = classic::check_commit(commits_to, request); error != ErrorCode::none)
        return out.answer(ticket, offsets::refuse_commit(request, error));
    if (group == nullptr) group = &state_->create(request.group_id, context);
    Turn turn = state_->turn(context, out);
    if (!group->classic.is(GroupState::completing_rebalance)) classic::note_alive(turn, *group, request.member_id);
    out.answer(ticket, offsets::commit(turn, *group, request));
}

void GroupMachine::handle(Ticket ticket, const FetchOffsets& request, const Caller&, const Context&, GroupOutput& out) {
    out.answer(ticket, offsets::fetch(state_->find(request.group.group_id), request));
}

void GroupMachine::handle(Ticket ticket, const protocol::OffsetDeleteRequest& request, const Caller&,
                          const Context& context, GroupOutput& out) {
    protocol::OffsetDeleteResponse response;
    const Group* group = state_->find(request.group_id);
    if (request.group_id.empty()) {
        response.error_code = ErrorCode::invalid_group_id;
    } else if (group == nullptr) {
        response.error_code = ErrorCode::group_id_not_found;
    } else if (!group->classic.is(GroupState::empty) && !group->classic.is_of_consumers()) {
        response.error_code = ErrorCode::non_empty_group;
    } else {
        Turn turn = state_->turn(context, out);
        response = offsets::remove(turn, *group, request);
    }
    out.answer(ticket, std::move(response));
}

// Administration

void GroupMachine::handle(Ticket ticket, const DescribeGroup& request, const Caller& caller, const Context&,
                          GroupOutput& out) {
    if (const Group* group = state_->find(request.group_id)) {
        if (classic::described_bytes(*group) <= request.room_bytes)
            return out.answer(ticket, classic::describe(*group));
        DescribedGroup refused;
        refused.group_id = protocol::Text(request.group_id);
        refused.error_code = ErrorCode::invalid_request;
        return out.answer(ticket, std::move(refused));
    }
    DescribedGroup unknown;
    unknown.group_id = protocol::Text(request.group_id);
    unknown.group_state = "Dead";
    if (caller.api_version >= first_describe_version_with_unknown_groups) {
        unknown.error_code = ErrorCode::group_id_not_found;
        unknown.error_message = protocol::error_text(fmt::format("Group {} not found.", request.group_id));
    }
    out.answer(ticket, std::move(unknown));
}

void GroupMachine::handle(Ticket ticket, const ListGroups& request, const Caller&, const Context&, GroupOutput& out) {
    ListedGroups listed;
    if (!request.classic) return out.answer(ticket, std::move(listed));
    for (const auto& [id, group] : state_->groups) {
        const std::string_view state = name_of(group.classic.state());
        if (request.states && !request.states->contains(state)) continue;
        auto& told = listed.emplace_back();
        told.group_id = protocol::Text(id);
        told.protocol_type = protocol::Text(group.classic.protocol_type().value_or(""));
        told.group_state = protocol::Text(std::string(state));
        told.group_type = protocol::Text(std::string(classic_type));
    }
    out.answer(ticket, std::move(listed));
}

void GroupMachine::handle(Ticket ticket, const DeleteGroup& request, const Caller&, const Context& context,
                          GroupOutput& out) {
    DeletedGroup response;
    response.group_id = protocol::Text(request.group_id);
    if (const Group* group = state_->find(request.group_id); group == nullptr) {
        response.error_code = ErrorCode::group_id_not_found;
    } else if (!group->classic.is(GroupState::empty)) {
        response.error_code = ErrorCode::non_empty_group;
    } else {
        Turn turn = state_->turn(context, out);
        out.is_atomic = false;  // the group goes last: who is told that it could not be done asks again
        offsets::remove_all(turn, *group);
        out.records.push_back(group_tombstone(group->id));
    }
    out.answer(ticket, std::move(response));
}

void GroupMachine::handle(Ticket ticket, const ForgetTopics& request, const Caller&, const Context& context,
                          GroupOutput& out) {
    Turn turn = state_->turn(context, out);
    out.is_atomic = false;
    for (const auto& [id, group] : state_->groups) offsets::remove_topics(turn, group, request.topics);
    out.answer(ticket, Forgotten{});
}

// What the log says

Result<> GroupMachine::replay(Offset, const protocol::RecordView& record) {
    if (!record.key) return fail(Errc::corrupt, "a record without key");
    MOLDAU_TRY(key, read_key(*record.key));
    if (key.kind == GroupRecordKey::Kind::group_metadata) {
        if (record.value) {
            MOLDAU_TRY(stored, read_group_metadata(*record.value));
            state_->find_or_add(key.group).stored = std::move(stored);
        } else if (Group* group = state_->find(key.group)) {
            Context none;
            GroupOutput nobody;
            Turn turn = state_->turn(none, nobody);
            classic::forget(turn, *group);
            // Offsets have tombstones of their own: a group of Apache Kafka that becomes one of another kind keeps
            // them.
            group->stored.reset();
            group->classic = ClassicGroup();
            if (group->offsets.empty()) state_->groups.erase(group->id);
        }
    } else if (key.kind == GroupRecordKey::Kind::offset_commit) {
        if (record.value) {
            MOLDAU_TRY(offset, read_offset_commit(*record.value));
            state_->find_or_add(key.group).offsets[key.topic.str()].insert_or_assign(key.partition, std::move(offset));
        } else if (Group* group = state_->find(key.group)) {
            const auto topic = group->offsets.find(key.topic.view());
            if (topic == group->offsets.end()) return {};
            topic->second.erase(key.partition);
            if (topic->second.empty()) group->offsets.erase(topic);
        }
    }
    return {};
}

void GroupMachine::on_loaded(const Context& context, GroupOutput& out) {
    Turn turn = state_->turn(context, out);
    // What was committed to a group whose own record is gone needs no group.
    std::erase_if(state_->groups,
                  [](const auto& entry) { return !entry.second.stored && entry.second.offsets.empty(); });
    for (auto& [id, group] : state_->groups) {
        group.classic = group.stored ? ClassicGroup(*group.stored) : ClassicGroup();
        if (!group.stored) group.classic.set_state_since(context.wall_time);
        classic::on_loaded(turn, group);
    }
    turn.set_timer({TimerKey::Kind::retention, {}, {}}, state_->options.retention_check_interval_ms);
}

void GroupMachine::on_append_failed(std::span<const Record> records, const Context& context, GroupOutput& out) {
    Turn turn = state_->turn(context, out);
    for (const Record& record : records) {
        const auto key = read_key(record.key);
        if (!key) continue;
        Group* group = state_->find(key->group);
        if (group == nullptr) continue;
        if (key->kind == GroupRecordKey::Kind::group_metadata && record.value) classic::start_over(turn, *group);
        if (!group->stored && group->offsets.empty()) {
            classic::forget(turn, *group);
            state_->groups.erase(group->id);
        }
    }
}

// Time

std::int64_t GroupMachine::next_deadline_ms() const {
    return state_->timers.next_ms();
}

void GroupMachine::tick(const Context& context, GroupOutput& out) {
    Turn turn = state_->turn(context, out);
    // What is set meanwhile waits for the next tick, whatever its time; and so do the others once something is to be
    // written: groups have nothing to do with each other, and what cannot be written shall hold up none but its own.
    for (const TimerKey& key : state_->timers.due(context.now_ms, max_timers_a_turn)) {
        if (!out.records.empty()) return;
        if (state_->timers.take(key, context.now_ms)) state_->on_timer(turn, key);
    }
}

void GroupMachine::State::on_timer(Turn& turn, const TimerKey& key) {
    if (key.kind == TimerKey::Kind::retention) return expire_offsets(turn);
    Group* group = find(key.group);
    if (group == nullptr) return;
    switch (key.kind) {
        case TimerKey::Kind::session:
            return classic::on_session_end(turn, *group, key.member);
        case TimerKey::Kind::join:
            return classic::on_join_timeout(turn, *group);
        default:
            return classic::on_sync_timeout(turn, *group);
    }
}

void GroupMachine::State::expire_offsets(Turn& turn) {
    const TimerKey key{TimerKey::Kind::retention, {}, {}};
    turn.out.is_atomic = false;
    for (auto at = groups.lower_bound(next_to_expire); at != groups.end(); ++at) {
        const auto& [id, group] = *at;
        if (turn.out.records.size() >= max_records_a_turn) {
            next_to_expire = id;
            return turn.set_timer(key, 0);
        }
        if (offsets::expire(turn, group) && group.classic.is(GroupState::empty))
            turn.out.records.push_back(group_tombstone(id));
    }
    next_to_expire.clear();
    turn.set_timer(key, options.retention_check_interval_ms);
}

bool is_within_member_bounds(const protocol::JoinGroupRequest& request) {
    if (request.protocols.size() > max_member_protocols) return false;
    std::size_t bytes = 0;
    for (const auto& offered : request.protocols) bytes += offered.name.size() + offered.metadata.size();
    return bytes <= max_member_protocol_bytes;
}

ListGroups ListGroups::matching(std::span<const protocol::Text> states, std::span<const protocol::Text> types) {
    ListGroups result;
    if (!states.empty()) result.states.emplace();
    for (const protocol::Text& wanted : states) {
        const std::string_view state = trimmed(wanted);  // of states alone Apache Kafka takes spaces off
        for (const GroupState known : all_group_states)
            if (equal_ignoring_case(state, name_of(known))) result.states->insert(name_of(known));
    }
    if (!types.empty())
        result.classic = std::ranges::any_of(
            types, [](const protocol::Text& wanted) { return equal_ignoring_case(wanted, classic_type); });
    return result;
}

PartitionIndex partition_of(std::string_view group_id, std::int32_t partitions) {
    std::uint32_t hash = 0;
    for_each_utf16_unit(group_id, [&](std::uint32_t unit) { hash = 31 * hash + unit; });
    constexpr std::uint32_t smallest = 1U << 31;  // as a signed number; it has no absolute value
    if (hash == smallest) hash = 0;
    if (hash > smallest) hash = 0U - hash;
    return PartitionIndex(static_cast<std::int32_t>(hash) % partitions);
}

}  // namespace moldau::coordinator
