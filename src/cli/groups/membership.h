#pragma once
// One member of a group of the classic protocol: joins, keeps its place by heartbeats, joins again when it is told to,
// commits, leaves. Its leader assigns by range or in turn, so that it shares groups with Java's clients and
// librdkafka's.
//
// outside → join() → member → (heartbeat: rebalance, or another generation) → must_rejoin → join() … → leave()
//
// Owned by the consume command; on its shard.

#include <functional>
#include <memory>
#include <set>
#include <string>

#include <moldau/protocol/messages/join_group.h>
#include <moldau/runtime/async.h>

#include "groups/assignor.h"
#include "groups/group_client.h"

namespace moldau::cli {

struct MembershipOptions {
    std::string group;
    std::string topic;
    std::int32_t session_timeout_ms = 45'000;
    std::int32_t rebalance_timeout_ms = 60'000;
    runtime::Duration heartbeat_interval = std::chrono::seconds(3);
    /// A coordinator answers when the slowest member has joined: those of Java have five minutes.
    runtime::Duration join_timeout = std::chrono::seconds(310);
    runtime::Duration back_off = std::chrono::milliseconds(100);
};

class Membership {
 public:
    /// Both outlive it.
    Membership(Session& session, GroupClient& groups, MembershipOptions options);
    Membership(const Membership&) = delete;
    Membership& operator=(const Membership&) = delete;

    /// Joins, or joins again; heartbeats go out from then on. Gives the partitions that are to be read, nothing after
    /// stop(). Goes on for ever once it was a member; before that until the session's timeout.
    runtime::Task<Outcome<std::optional<TopicPartitionSet>>> join();

    /// Whether the group is to assign anew; told to who listens once it is so.
    bool must_rejoin() const { return must_rejoin_; }
    void on_rejoin(std::function<void()> callback) { on_rejoin_ = std::move(callback); }

    /// As a member of this generation. Where the group has gone on without it, the partitions' next readers begin where
    /// they were committed before.
    runtime::Task<Outcome<>> commit(PartitionOffsets offsets);

    /// Lets join() end. From a signal's callback.
    void stop();

    /// Leaves the group, and waits until nothing of the membership runs any more. Closes the session's connections.
    runtime::Task<void> leave();

 private:
    using JoinAnswer = Answer<protocol::JoinGroupResponse>;

    /// One round; nothing where the next is to begin at once.
    runtime::Task<Outcome<std::optional<TopicPartitionSet>>> join_once();
    runtime::Task<Outcome<JoinAnswer>> send_join(NodeId coordinator);
    runtime::Task<Outcome<PartitionCounts>> count_partitions(std::set<std::string> topics);
    runtime::Task<Outcome<Assignments>> assign(const protocol::JoinGroupResponse& joined);
    runtime::Task<Outcome<std::optional<TopicPartitionSet>>> synchronise(NodeId coordinator, const JoinAnswer& joined);
    /// Takes in what an error says of this member; nothing where the round is to begin anew.
    Outcome<> take_error(protocol::ErrorCode error);
    runtime::Task<void> heartbeat_loop(std::int32_t generation, runtime::Gate::Hold hold);
    runtime::Task<Outcome<>> heartbeat();
    runtime::Task<void> look_for_partitions(std::int32_t generation);
    void ask_to_rejoin();

    Session& session_;
    runtime::Shard& shard_;
    GroupClient& groups_;
    MembershipOptions options_;
    std::unique_ptr<Session> joining_;  // over which a JoinGroup waits while heartbeats and commits go out
    std::string member_id_;             // empty: none yet, or it is not valid any more
    std::int32_t generation_ = -1;
    bool leads_ = false;                     // and has assigned, what follows:
    std::set<std::string> assigned_topics_;  // that a member subscribes to
    PartitionCounts assigned_counts_;
    bool was_member_ = false;
    bool must_rejoin_ = true;
    bool stopping_ = false;
    std::function<void()> on_rejoin_;
    runtime::Signal changed_;
    runtime::Gate gate_;  // holds what was spawned
};

}  // namespace moldau::cli
