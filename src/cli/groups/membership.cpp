#include "groups/membership.h"

#include <algorithm>

#include <fmt/format.h>

#include <moldau/protocol/messages/heartbeat.h>
#include <moldau/protocol/messages/leave_group.h>
#include <moldau/protocol/messages/sync_group.h>

#include "groups/consumer_protocol.h"

namespace moldau::cli {

using protocol::Blob;
using protocol::ErrorCode;
using protocol::Text;
using runtime::Task;

namespace {

/// What is answered at once elsewhere is not waited for longer.
constexpr runtime::Duration heartbeat_timeout = std::chrono::seconds(10);
constexpr runtime::Duration leave_timeout = std::chrono::seconds(5);

std::vector<Subscription> subscriptions_of(const protocol::JoinGroupResponse& joined) {
    std::vector<Subscription> members;
    members.reserve(joined.members.size());
    for (const auto& member : joined.members)
        members.push_back(
            {member.member_id.str(), read_subscription(member.metadata.view()).value_or(std::vector<std::string>())});
    return members;
}

}  // namespace

Membership::Membership(Session& session, GroupClient& groups, MembershipOptions options)
    : session_(session),
      shard_(session.shard()),
      groups_(groups),
      options_(std::move(options)),
      joining_(session.another()),
      changed_(shard_),
      gate_(shard_) {}

Task<Outcome<std::optional<TopicPartitionSet>>> Membership::join() {
    const runtime::TimePoint deadline = session_.deadline();
    Outage& outage = groups_.outage();
    generation_ = -1;
    changed_.notify_all();  // the heartbeats of the last generation end
    while (!stopping_) {
        outage.begin();
        auto joined = co_await join_once();
        if (stopping_) break;
        if (joined) {
            outage.succeeded();
            if (!*joined) continue;
            was_member_ = true;
            must_rejoin_ = false;
            runtime::spawn(shard_, heartbeat_loop(generation_, gate_.enter()));
            co_return joined;
        }
        outage.failed(joined.error().message);
        const bool is_late = !was_member_ && shard_.now() >= deadline;
        if (!joined.error().retriable || is_late) co_return std::unexpected(std::move(joined).error());
        groups_.forget_coordinator(options_.group);
        const runtime::TimePoint until = runtime::after(shard_.now(), options_.back_off);
        while (!stopping_ && shard_.now() < until) co_await changed_.wait(until);
    }
    outage.end();
    co_return std::optional<TopicPartitionSet>();
}

Task<Outcome<std::optional<TopicPartitionSet>>> Membership::join_once() {
    CLI_CO_TRY(coordinator, co_await groups_.coordinator(options_.group));
    CLI_CO_TRY(joined, co_await send_join(coordinator));
    if (joined->error_code == ErrorCode::member_id_required) {
        member_id_ = joined->member_id.str();
        co_return std::optional<TopicPartitionSet>();
    }
    if (joined->error_code != ErrorCode::none) {
        CLI_CO_CHECK(take_error(joined->error_code));
        co_return std::optional<TopicPartitionSet>();
    }
    member_id_ = joined->member_id.str();
    generation_ = joined->generation_id;
    co_return co_await synchronise(coordinator, joined);
}

Task<Outcome<Membership::JoinAnswer>> Membership::send_join(NodeId coordinator) {
    const Bytes subscription = write_subscription({options_.topic});
    protocol::JoinGroupRequest request;
    request.group_id = Text::borrow(options_.group);
    request.session_timeout_ms = options_.session_timeout_ms;
    request.rebalance_timeout_ms = options_.rebalance_timeout_ms;
    request.member_id = Text::borrow(member_id_);
    request.protocol_type = Text("consumer");
    for (const std::string_view assignor : {range_assignor, round_robin_assignor}) {
        auto& offered = request.protocols.emplace_back();
        offered.name = Text::borrow(assignor);
        offered.metadata = Blob::borrow(subscription);
    }
    // The coordinator may have moved to a node that this session has not heard of.
    std::vector<std::string> no_topics;
    CLI_CO_CHECK(co_await joining_->refresh(std::move(no_topics)));
    CallOptions options;
    options.node = coordinator;
    options.timeout = options_.join_timeout;
    groups_.outage().waits_for(
        "the group waits until its other members have joined again, or their sessions have ended");
    co_return co_await joining_->call(request, options);
}

Outcome<> Membership::take_error(ErrorCode error) {
    switch (error) {
        case ErrorCode::unknown_member_id:
        case ErrorCode::fenced_instance_id:
            member_id_.clear();
            return {};
        case ErrorCode::illegal_generation:
        case ErrorCode::rebalance_in_progress:
            return {};
        case ErrorCode::inconsistent_group_protocol:
            return failed(ExitCode::failed,
                          fmt::format("group '{}': its members agree on none of the assignors {} and {}: they use "
                                      "another one, or are no consumers",
                                      options_.group, range_assignor, round_robin_assignor));
        default:
            return std::unexpected(failure_of(error, fmt::format("group '{}'", options_.group)));
    }
}

Task<Outcome<PartitionCounts>> Membership::count_partitions(std::set<std::string> topics) {
    std::vector<std::string> names(topics.begin(), topics.end());
    CLI_CO_CHECK(co_await session_.refresh(std::move(names)));
    PartitionCounts counts;
    for (const std::string& name : topics) {
        const TopicInfo* topic = session_.topic(name);
        if (topic != nullptr && topic->error == ErrorCode::none)
            counts[name] = static_cast<std::int32_t>(topic->partitions.size());
    }
    co_return counts;
}

Task<Outcome<Assignments>> Membership::assign(const protocol::JoinGroupResponse& joined) {
    const std::vector<Subscription> members = subscriptions_of(joined);
    assigned_topics_.clear();
    for (const Subscription& member : members) assigned_topics_.insert(member.topics.begin(), member.topics.end());
    CLI_CO_TRY(counts, co_await count_partitions(assigned_topics_));
    assigned_counts_ = counts;
    const bool in_turn = joined.protocol_name && *joined.protocol_name == round_robin_assignor;
    co_return in_turn ? assign_round_robin(members, counts) : assign_ranges(members, counts);
}

Task<Outcome<std::optional<TopicPartitionSet>>> Membership::synchronise(NodeId coordinator, const JoinAnswer& joined) {
    protocol::SyncGroupRequest request;
    request.group_id = Text::borrow(options_.group);
    request.generation_id = generation_;
    request.member_id = Text::borrow(member_id_);
    request.protocol_type = Text("consumer");
    request.protocol_name = joined.message.protocol_name;
    leads_ = joined.message.leader == member_id_ && !joined.message.skip_assignment;
    if (leads_) {
        CLI_CO_TRY(assignments, co_await assign(joined.message));
        for (const auto& [id, partitions] : assignments) {
            auto& assigned = request.assignments.emplace_back();
            assigned.member_id = Text(id);
            assigned.assignment = Blob(write_assignment(partitions));
        }
    }
    CallOptions options;
    options.node = coordinator;
    options.timeout = options_.join_timeout;
    CLI_CO_TRY(answer, co_await joining_->call(request, options));
    if (answer->error_code != ErrorCode::none) {
        CLI_CO_CHECK(take_error(answer->error_code));
        co_return std::optional<TopicPartitionSet>();
    }
    auto assigned = read_assignment(answer->assignment.view());
    if (!assigned)
        co_return failed(ExitCode::failed,
                         fmt::format("group '{}': what its leader assigned cannot be read", options_.group));
    co_return assigned;
}

Task<void> Membership::heartbeat_loop(std::int32_t generation, [[maybe_unused]] runtime::Gate::Hold hold) {
    runtime::Duration pause = options_.heartbeat_interval;
    while (true) {
        const runtime::TimePoint until = runtime::after(shard_.now(), pause);
        while (generation_ == generation && !must_rejoin_ && shard_.now() < until) co_await changed_.wait(until);
        if (generation_ != generation || must_rejoin_) co_return;
        groups_.outage().begin();
        const Outcome<> beaten = co_await heartbeat();
        if (beaten) {
            groups_.outage().succeeded();
            co_await look_for_partitions(generation);
        } else {
            groups_.outage().failed(beaten.error().message);
            groups_.forget_coordinator(options_.group);
        }
        pause = beaten ? options_.heartbeat_interval : std::min(options_.heartbeat_interval, 10 * options_.back_off);
    }
}

/// The leader has the group assign anew when the topics have got partitions, or lost them.
Task<void> Membership::look_for_partitions(std::int32_t generation) {
    if (!leads_ || generation_ != generation || must_rejoin_) co_return;
    const auto counts = co_await count_partitions(assigned_topics_);
    if (counts && generation_ == generation && *counts != assigned_counts_) ask_to_rejoin();
}

Task<Outcome<>> Membership::heartbeat() {
    const std::int32_t generation = generation_;
    CLI_CO_TRY(coordinator, co_await groups_.coordinator(options_.group));
    protocol::HeartbeatRequest request;
    request.group_id = Text::borrow(options_.group);
    request.generation_id = generation;
    request.member_id = Text::borrow(member_id_);
    CallOptions options;
    options.node = coordinator;
    options.timeout = heartbeat_timeout;
    CLI_CO_TRY(answer, co_await session_.call(request, options));
    if (generation_ != generation || answer->error_code == ErrorCode::none) co_return Outcome<>();
    const Failure failure = failure_of(answer->error_code, fmt::format("group '{}'", options_.group));
    if (is_for_another_try(answer->error_code)) co_return std::unexpected(failure);
    // What is wrong for good is what joining fails with, too.
    (void)take_error(answer->error_code);
    ask_to_rejoin();
    co_return Outcome<>();
}

void Membership::ask_to_rejoin() {
    if (std::exchange(must_rejoin_, true)) return;
    changed_.notify_all();
    if (on_rejoin_) on_rejoin_();
}

Task<Outcome<>> Membership::commit(PartitionOffsets offsets) {
    CLI_CO_TRY(errors, co_await groups_.commit(options_.group, {member_id_, generation_}, std::move(offsets)));
    for (const auto& [partition, error] : errors) {
        if (error == ErrorCode::none) continue;
        Failure failure = failure_of(error, to_text(partition));
        const bool is_out = take_error(error).has_value();
        if (is_out) ask_to_rejoin();
        co_return std::unexpected(std::move(failure));
    }
    co_return Outcome<>();
}

void Membership::stop() {
    stopping_ = true;
    joining_->close();
    changed_.notify_all();
}

Task<void> Membership::leave() {
    stop();
    must_rejoin_ = true;
    if (!member_id_.empty()) {
        if (const auto coordinator = co_await groups_.coordinator(options_.group)) {
            protocol::LeaveGroupRequest request;
            request.group_id = Text::borrow(options_.group);
            request.member_id = Text::borrow(member_id_);                         // up to version 2
            request.members.emplace_back().member_id = Text::borrow(member_id_);  // from version 3
            CallOptions options;
            options.node = *coordinator;
            options.timeout = leave_timeout;
            // Who is not heard is taken for gone after the session's timeout.
            (void)co_await session_.call(request, options);
        }
    }
    groups_.outage().end();
    session_.close();
    co_await gate_.close();
}

}  // namespace moldau::cli
