#pragma once
// KRaft as a pure state machine: time, messages and proposals go in; what to write, to send and to apply comes out. It
// does no I/O, and knows neither clock nor chance. Owned by the metadata log's driver, on its shard.
//
// After each call the driver takes the output. It appends and saves what `persist` says, in any order, tells
// on_persisted() what has become durable, sends `send_now` at once and `send_after_persist` once that output's
// `persist` is durable. `apply` is a range of the log that is committed from now on.
//
// Built so far: a quorum whose only voter is this replica. open() refuses any other, and requests of other replicas are
// answered UNSUPPORTED_VERSION. The followers' role, elections with timeouts and votes join as roles of their own.

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include <moldau/base/bytes.h>
#include <moldau/base/ids.h>
#include <moldau/base/result.h>
#include <moldau/protocol/messages/describe_quorum.h>
#include <moldau/raft/messages.h>
#include <moldau/raft/quorum_state.h>
#include <moldau/raft/types.h>
#include <moldau/raft/voter_set.h>

namespace moldau::raft {

struct Options {
    ReplicaKey self;
    std::size_t max_batch_bytes = 8 * 1024 * 1024;  ///< Kafka's bound for a batch of the metadata log
};

/// What the driver found on disk.
struct Recovered {
    ElectionState election;     ///< of quorum-state; as constructed when there is no file
    Offset applied_end{0};      ///< the snapshot's end, or 0
    Offset log_end{0};          ///< where the log ends; the snapshot's end when that is behind it
    Offset durable_end{0};      ///< of which this much is on disk for certain
    LeaderEpoch last_epoch{0};  ///< of the log's last record, or of the snapshot
    ControlHistory control;     ///< over snapshot and log
};

/// Batches to append at the log's end.
struct Append {
    Offset base_offset;
    Offset end_offset;
    LeaderEpoch epoch;
    Bytes batches;  ///< offsets and epoch are in place
};

/// Replaces the content of the file quorum-state.
struct StateToSave {
    ElectionState state;
    std::string content;
};

struct Persist {
    std::optional<StateToSave> state;
    std::vector<Append> appends;  ///< consecutive

    bool empty() const { return !state && appends.empty(); }
};

/// Records of [begin, end) are committed.
struct CommittedRange {
    Offset begin;
    Offset end;

    friend bool operator==(const CommittedRange&, const CommittedRange&) = default;
};

struct Leadership {
    LeaderEpoch epoch;
    NodeId leader_id;    ///< no_node: not known
    Offset epoch_start;  ///< where its records begin, when this replica leads; else no_offset

    friend bool operator==(const Leadership&, const Leadership&) = default;
};

struct Output {
    Persist persist;
    std::vector<Message> send_now;
    std::vector<Message> send_after_persist;
    std::optional<CommittedRange> apply;       ///< before `leadership` is told
    std::optional<Leadership> leadership;      ///< set when it changed
    std::optional<MonotonicMs> next_deadline;  ///< when to tick() at the latest; nothing: only upon other calls
};

struct Persisted {
    Offset durable_end;                  ///< all of the log below it is on disk
    std::optional<ElectionState> state;  ///< the last state saved, when one was
};

enum class Grouping : std::uint8_t {
    one_batch,     ///< committed as a whole or not at all
    many_batches,  ///< in order, as many as it takes: a failure may leave the first of them
};

enum class ProposeRefusal {
    not_leader,  ///< this replica does not lead in that epoch
    too_large,   ///< the records do not fit into one batch, or one of them does not
};

enum class RoleKind : std::uint8_t { unattached, prospective, candidate, leader, follower, resigned };

std::string_view to_string(RoleKind role);

struct Transition {
    RoleKind from;
    RoleKind to;
    std::string_view when;
};

/// All changes of role. An observer is unattached or a follower, and has no others of these. Unattached includes having
/// voted. To stay in a role in a higher epoch is a transition, too.
inline constexpr std::array transitions{
    Transition{RoleKind::unattached, RoleKind::unattached, "a higher epoch is heard of, or a vote is given"},
    Transition{RoleKind::unattached, RoleKind::prospective, "the election timeout expires; at once as the only voter"},
    Transition{RoleKind::unattached, RoleKind::follower, "a leader of this or a higher epoch is heard of"},
    Transition{RoleKind::prospective, RoleKind::unattached, "a higher epoch is heard of, or the pre-vote fails"},
    Transition{RoleKind::prospective, RoleKind::candidate, "a majority would vote for this replica"},
    Transition{RoleKind::prospective, RoleKind::follower, "a leader is heard of, or the former one still leads"},
    Transition{RoleKind::candidate, RoleKind::unattached, "a higher epoch is heard of"},
    Transition{RoleKind::candidate, RoleKind::prospective, "the election is lost, or its timeout expires"},
    Transition{RoleKind::candidate, RoleKind::leader, "a majority voted for this replica"},
    Transition{RoleKind::candidate, RoleKind::follower, "a leader of this or a higher epoch is heard of"},
    Transition{RoleKind::leader, RoleKind::unattached, "a higher epoch is heard of"},
    Transition{RoleKind::leader, RoleKind::resigned, "it shuts down, or lost touch with the majority"},
    Transition{RoleKind::follower, RoleKind::unattached, "a higher epoch is heard of"},
    Transition{RoleKind::follower, RoleKind::prospective, "the fetch timeout expires"},
    Transition{RoleKind::follower, RoleKind::follower, "a leader of a higher epoch is heard of"},
    Transition{RoleKind::resigned, RoleKind::unattached, "a higher epoch is heard of, or the election timeout expires"},
    Transition{RoleKind::resigned, RoleKind::prospective, "a restarted leader is the only voter"},
    Transition{RoleKind::resigned, RoleKind::follower, "a leader of a higher epoch is heard of"},
};

class Context;
class Role;

class Core {
 public:
    /// Begins in the role that the saved state tells. Errc::unsupported when this replica is not the only voter.
    /// Requires: applied_end <= durable_end <= log_end.
    static Result<Core> open(Options options, Recovered recovered);

    Core(Core&&) noexcept;
    Core& operator=(Core&&) noexcept;
    ~Core();

    /// Call once after open(), at next_deadline, and whenever it suits.
    void tick(Now now);

    /// A request or an answer has come in.
    void step(const Message& message, Now now);

    /// Writes values as records without keys. Returns the offset of the last; committed when `apply` has passed it.
    /// Nothing is written when it is refused. Requires: at least one.
    std::expected<Offset, ProposeRefusal> propose(LeaderEpoch epoch, std::span<const Bytes> values, Now now,
                                                  Grouping grouping = Grouping::one_batch);

    /// A leader leads no more, and stands for no election until it is opened again; others stay what they are.
    void resign(Now now);

    /// Calls may be merged or late, but `durable_end` never goes back.
    void on_persisted(const Persisted& persisted);

    Output take_output();

    RoleKind role() const;
    LeaderEpoch epoch() const;
    /// no_node when it is not known.
    NodeId leader_id() const;
    Offset log_end() const;
    Offset high_watermark() const;
    std::int16_t kraft_version() const;
    const VoterSet& voters() const;

    /// The answer to DescribeQuorum about the metadata partition.
    protocol::DescribeQuorumResponse describe_quorum(Now now) const;

 private:
    Core(std::unique_ptr<Context> context, std::unique_ptr<Role> role);
    void settle(std::unique_ptr<Role> next, Now now);

    std::unique_ptr<Context> context_;
    std::unique_ptr<Role> role_;
};

}  // namespace moldau::raft
