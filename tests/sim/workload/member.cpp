// A member of a group, as clients of the classic protocol are, with some who fall silent and come back, and requests
// that are lost, late or doubled by the network. What it commits is a count that goes on from what its predecessor
// committed.

#include <fmt/format.h>

#include <moldau/protocol/messages/find_coordinator.h>
#include <moldau/protocol/messages/heartbeat.h>
#include <moldau/protocol/messages/join_group.h>
#include <moldau/protocol/messages/leave_group.h>
#include <moldau/protocol/messages/offset_commit.h>
#include <moldau/protocol/messages/offset_fetch.h>
#include <moldau/protocol/messages/sync_group.h>

#include "clients.h"

namespace moldau::sim {
namespace {

using protocol::ErrorCode;
using protocol::Text;
using runtime::Task;
using std::chrono::milliseconds;

constexpr std::int32_t session_ms = 1500;
constexpr std::int32_t rebalance_ms = 2500;
/// What a member may be told whom the group has left behind.
constexpr std::initializer_list<ErrorCode> left_behind = {ErrorCode::unknown_member_id, ErrorCode::illegal_generation,
                                                          ErrorCode::rebalance_in_progress,
                                                          ErrorCode::fenced_instance_id};
constexpr std::initializer_list<ErrorCode> left_behind_with_commit = {
    ErrorCode::unknown_member_id, ErrorCode::illegal_generation, ErrorCode::rebalance_in_progress,
    ErrorCode::fenced_instance_id, ErrorCode::group_id_not_found};

class Member {
 public:
    Member(Workload& workload, const runtime::World& world, MemberPlan plan, std::string name)
        : session_(workload, world, name, workload.simulation.split(name)),
          plan_(std::move(plan)),
          model_(workload.groups[plan_.group]) {}

    /// Until the workload converges, and then one round more, in which all that was promised must be there.
    Task<> run() {
        co_await find_coordinator();
        for (bool last_round = false; !last_round;) {
            last_round = session_.workload().converging;
            if (!co_await take_part()) continue;
            if (last_round) break;
            co_await live();
        }
        co_await leave();
    }

    /// The floors of all partitions hold.
    Task<> check_offsets() {
        co_await find_coordinator();
        for (std::int32_t partition = 0; partition < plan_.partitions; ++partition) owned_.insert(partition);
        while (!co_await fetch_offsets()) co_await session_.pause(milliseconds(1), milliseconds(100));
    }

 private:
    /// Sends to any broker: the only one coordinates.
    template <class Request>
    Task<std::optional<typename Request::Response>> ask(Request request, std::string_view what,
                                                        ErrorCode (*error_of)(const typename Request::Response&),
                                                        std::initializer_list<ErrorCode> bearable) {
        // Also tells the topic's id, which late versions name it by.
        const auto rpc = co_await session_.connect({plan_.topic, 0});
        auto answer = co_await session_.ask(rpc, std::move(request));
        if (!answer) co_return std::nullopt;
        const ErrorCode error = error_of(answer->message);
        const bool is_about_coordinator = error == ErrorCode::coordinator_load_in_progress ||
                                          error == ErrorCode::not_coordinator ||
                                          error == ErrorCode::coordinator_not_available;
        session_.workload().simulation.count(fmt::format("{} {}", what, protocol::name_of(error)));
        if (error != ErrorCode::none && !is_about_coordinator && std::ranges::find(bearable, error) == bearable.end())
            session_.model().broken(
                fmt::format("{} got {} for {}, for no reason", id_, protocol::name_of(error), what));
        frame_ = std::move(answer->frame);  // the message borrows from it
        co_return std::move(answer->message);
    }

    template <class Request>
    Request of_member() const {
        Request request;
        request.group_id = Text(plan_.group);
        request.member_id = Text(id_);
        if (plan_.instance) request.group_instance_id = Text(*plan_.instance);
        return request;
    }
    protocol::SyncGroupRequest sync_request(std::int32_t generation) const {
        auto request = of_member<protocol::SyncGroupRequest>();
        request.generation_id = generation;
        request.protocol_type = "counting";
        request.protocol_name = "range";
        return request;
    }
    /// Of the topic, without partitions yet.
    protocol::OffsetCommitRequest commit_request(std::int32_t generation) const {
        auto request = of_member<protocol::OffsetCommitRequest>();
        request.generation_id_or_member_epoch = generation;
        auto& topic = request.topics.emplace_back();
        topic.name = Text(plan_.topic);
        topic.topic_id = session_.topic_id();
        return request;
    }

    Task<> find_coordinator() {
        for (;;) {
            protocol::FindCoordinatorRequest request;
            request.key = Text(plan_.group);
            request.coordinator_keys.emplace_back(plan_.group);
            const auto answer = co_await ask(std::move(request), "find coordinator",
                                             +[](const protocol::FindCoordinatorResponse& response) {
                                                 return response.coordinators.empty()
                                                            ? response.error_code
                                                            : response.coordinators.front().error_code;
                                             },
                                             {});
            const bool found =
                answer && (answer->coordinators.empty() ? answer->error_code
                                                        : answer->coordinators.front().error_code) == ErrorCode::none;
            if (found) co_return;
            co_await session_.pause(milliseconds(10), milliseconds(200));
        }
    }

    /// Joins and is assigned its part. False: to be tried again.
    Task<bool> take_part() {
        owned_.clear();
        std::vector<std::string> members;
        const std::int32_t former = generation_;
        if (!co_await join(members) || !co_await sync(members)) {
            co_await session_.pause(milliseconds(1), milliseconds(100));
            co_return false;
        }
        if (former >= 0 && former != generation_ && session_.random().chance(100)) {
            if (session_.random().coin()) {
                co_await commit_as_of(former);
            } else {
                co_await sync_as_of(former);
            }
        }
        co_return co_await fetch_offsets();
    }

    Task<bool> join(std::vector<std::string>& members) {
        auto request = of_member<protocol::JoinGroupRequest>();
        request.session_timeout_ms = session_ms;
        request.rebalance_timeout_ms = rebalance_ms;
        request.protocol_type = "counting";
        auto& offered = request.protocols.emplace_back();
        offered.name = "range";
        // What it says of itself is never the same: each JoinGroup begins a round.
        const bool group_lasts = model_.lasts();
        const std::string says = fmt::format("{} {}", plan_.id, ++joins_);
        offered.metadata = protocol::Blob(Bytes(says.begin(), says.end()));
        const auto answer =
            co_await ask(std::move(request), "join",
                         +[](const protocol::JoinGroupResponse& response) { return response.error_code; },
                         {ErrorCode::member_id_required, ErrorCode::unknown_member_id, ErrorCode::rebalance_in_progress,
                          ErrorCode::fenced_instance_id});
        if (!answer) co_return false;
        if (answer->error_code == ErrorCode::member_id_required) id_ = answer->member_id.str();
        if (answer->error_code == ErrorCode::unknown_member_id || answer->error_code == ErrorCode::fenced_instance_id)
            id_.clear();
        if (answer->error_code != ErrorCode::none) co_return false;
        id_ = answer->member_id.str();
        generation_ = answer->generation_id;
        round_ = {generation_, group_lasts ? "" : answer->leader.str()};
        for (const auto& member : answer->members) members.push_back(member.member_id.str());
        leads_ = answer->leader == answer->member_id;
        co_return true;
    }

    Task<bool> sync(const std::vector<std::string>& members) {
        protocol::SyncGroupRequest request = sync_request(generation_);
        if (leads_) {
            std::map<std::string, Bytes> parts;
            for (std::int32_t i = 0; i < plan_.partitions; ++i)
                parts[members[static_cast<std::size_t>(i) % members.size()]].push_back(static_cast<std::uint8_t>(i));
            for (const auto& [member, part] : parts) {
                auto& assigned = request.assignments.emplace_back();
                assigned.member_id = Text(member);
                assigned.assignment = protocol::Blob(part);
            }
        }
        const auto answer = co_await ask(
            std::move(request), "sync",
            +[](const protocol::SyncGroupResponse& response) { return response.error_code; }, left_behind);
        if (!answer || !is_ok(answer->error_code)) co_return false;
        for (const std::uint8_t partition : answer->assignment.view()) {
            owned_.insert(partition);
            // A static member that came anew has the place of its former self, which is fenced.
            if (auto broken = model_.assigned(round_, partition, plan_.instance.value_or(id_)); !broken.empty())
                session_.model().broken(std::move(broken));
        }
        session_.workload().simulation.count("a member was assigned its part");
        co_return true;
    }

    /// How far its partitions have come. False: to be tried again.
    Task<bool> fetch_offsets() {
        protocol::OffsetFetchRequest request;
        std::map<std::int32_t, std::int64_t> floors;
        std::vector<PartitionIndex> partitions;
        for (const std::int32_t partition : owned_) {
            partitions.emplace_back(partition);
            floors[partition] = model_.floor(partition);
        }
        request.group_id = Text(plan_.group);
        auto& old_topic = request.topics.emplace().emplace_back();
        old_topic.name = Text(plan_.topic);
        old_topic.partition_indexes = partitions;
        auto& group = request.groups.emplace_back();
        group.group_id = Text(plan_.group);
        auto& topic = group.topics.emplace().emplace_back();
        topic.name = Text(plan_.topic);
        topic.topic_id = session_.topic_id();
        topic.partition_indexes = partitions;
        const auto answer = co_await ask(std::move(request), "fetch offsets",
                                         +[](const protocol::OffsetFetchResponse& response) {
                                             if (!response.groups.empty()) return response.groups.front().error_code;
                                             if (response.error_code != ErrorCode::none || response.topics.empty())
                                                 return response.error_code;
                                             const auto& first = response.topics.front().partitions;
                                             return first.empty() ? ErrorCode::none : first.front().error_code;
                                         },
                                         {});
        if (!answer) co_return false;
        const auto told = [&](std::int32_t partition, std::int64_t offset) {
            next_[partition] = offset + 1;
            if (auto broken = model_.fetched(partition, offset, floors[partition]); !broken.empty())
                session_.model().broken(fmt::format("group {}: {}", plan_.group, broken));
        };
        if (!answer->groups.empty()) {
            if (!is_ok(answer->groups.front().error_code)) co_return false;
            for (const auto& each : answer->groups.front().topics)
                for (const auto& part : each.partitions) {
                    if (part.error_code != ErrorCode::none)
                        session_.model().broken(fmt::format("group {}: the offset of partition {} is told with {}",
                                                            plan_.group, part.partition_index,
                                                            protocol::name_of(part.error_code)));
                    told(part.partition_index.value(), part.committed_offset.value());
                }
        } else {
            if (!is_ok(answer->error_code)) co_return false;
            for (const auto& each : answer->topics)
                for (const auto& part : each.partitions) {
                    if (!is_ok(part.error_code)) co_return false;
                    told(part.partition_index.value(), part.committed_offset.value());
                }
        }
        co_return true;
    }

    /// Beats and commits until it is told to join again, or wants to.
    Task<> live() {
        const std::uint64_t steps = session_.random().between(3, 40);
        for (std::uint64_t i = 0; i < steps && !session_.workload().converging; ++i) {
            co_await session_.pause(milliseconds(1), milliseconds(300));
            // Silent for longer than its session: it comes back as a stranger, and must be told so.
            if (session_.random().chance(20))
                co_await session_.pause(milliseconds(session_ms), milliseconds(3 * session_ms));
            const bool goes_on = session_.random().chance(600) ? co_await beat() : co_await commit();
            if (!goes_on) co_return;
        }
        if (session_.random().chance(200)) co_await leave();
    }

    Task<bool> beat() {
        auto request = of_member<protocol::HeartbeatRequest>();
        request.generation_id = generation_;
        const auto answer = co_await ask(
            std::move(request), "heartbeat",
            +[](const protocol::HeartbeatResponse& response) { return response.error_code; }, left_behind);
        co_return !answer || is_ok(answer->error_code);
    }

    /// A part of it that has not heard of the present generation still asks to be told its assignment.
    Task<> sync_as_of(std::int32_t generation) {
        const auto answer = co_await ask(
            sync_request(generation), "sync of an earlier generation",
            +[](const protocol::SyncGroupResponse& response) { return response.error_code; }, left_behind);
        if (answer && answer->error_code == ErrorCode::none)
            session_.model().broken(
                fmt::format("{} is assigned as of generation {} in {}", id_, generation, generation_));
    }

    /// Or commits what it has done.
    Task<> commit_as_of(std::int32_t generation) {
        protocol::OffsetCommitRequest request = commit_request(generation);
        auto& part = request.topics.front().partitions.emplace_back();
        part.committed_offset = Offset(0);
        const auto answer =
            co_await ask(std::move(request), "commit of an earlier generation", first_error, left_behind_with_commit);
        if (answer && first_error(*answer) == ErrorCode::none)
            session_.model().broken(fmt::format("{} commits as of generation {} in {}", id_, generation, generation_));
    }

    static ErrorCode first_error(const protocol::OffsetCommitResponse& response) {
        for (const auto& each : response.topics)
            for (const auto& part : each.partitions) return part.error_code;
        return ErrorCode::none;
    }

    /// False also where nobody told what became of it: a round ends what may still be under way.
    Task<bool> commit() {
        protocol::OffsetCommitRequest request = commit_request(generation_);
        auto& topic = request.topics.front();
        std::map<std::int32_t, std::int64_t> committing;
        for (const std::int32_t partition : owned_) {
            if (session_.random().coin()) continue;
            auto& part = topic.partitions.emplace_back();
            part.partition_index = PartitionIndex(partition);
            part.committed_offset = Offset(next_[partition]);
            model_.attempted(partition, next_[partition]);
            committing.emplace(partition, next_[partition]);
        }
        if (committing.empty()) co_return true;
        const auto answer = co_await ask(std::move(request), "commit", first_error, left_behind_with_commit);
        if (!answer) co_return false;
        for (const auto& each : answer->topics)
            for (const auto& part : each.partitions) {
                if (!is_ok(part.error_code)) co_return false;
                const std::int32_t partition = part.partition_index.value();
                model_.acknowledged(partition, committing[partition]);
                next_[partition] = committing[partition] + 1;
            }
        co_return true;
    }

    Task<> leave() {
        protocol::LeaveGroupRequest request;
        request.group_id = Text(plan_.group);
        request.member_id = Text(id_);
        auto& leaving = request.members.emplace_back();
        leaving.member_id = Text(id_);
        if (plan_.instance) leaving.group_instance_id = Text(*plan_.instance);
        co_await ask(std::move(request), "leave",
                     +[](const protocol::LeaveGroupResponse& response) { return response.error_code; },
                     {ErrorCode::unknown_member_id, ErrorCode::fenced_instance_id});
        id_.clear();
    }

    bool is_ok(ErrorCode error) {
        if (error == ErrorCode::unknown_member_id || error == ErrorCode::fenced_instance_id) id_.clear();
        return error == ErrorCode::none;
    }

    Session session_;
    MemberPlan plan_;
    GroupModel& model_;
    std::unique_ptr<Bytes> frame_;
    std::string id_;
    std::int32_t generation_ = -1;
    GroupModel::Round round_;
    bool leads_ = false;
    std::uint64_t joins_ = 0;
    std::set<std::int32_t> owned_;
    std::map<std::int32_t, std::int64_t> next_;  ///< to be committed, by partition
};

}  // namespace

Task<> be_member(Workload& workload, runtime::World world, MemberPlan plan, unsigned& done) {
    Member member(workload, world, plan, fmt::format("member{}", plan.id));
    co_await member.run();
    ++done;
}

Task<> check_committed_offsets(Workload& workload, runtime::World world, MemberPlan plan, unsigned& done) {
    Member member(workload, world, plan, fmt::format("checker{}", plan.id));
    co_await member.check_offsets();
    ++done;
}

}  // namespace moldau::sim
