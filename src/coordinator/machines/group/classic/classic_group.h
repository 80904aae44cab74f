#pragma once
// The members of a group and their round of the classic protocol: who has joined, who waits for what. Soft state: a new
// coordinator begins from the last GroupMetadata record. Pure; lives with its machine.

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <moldau/base/bytes.h>
#include <moldau/base/ids.h>
#include <moldau/coordinator/machine.h>
#include <moldau/protocol/error_code.h>
#include <moldau/protocol/messages/join_group.h>

namespace moldau::coordinator {

struct StoredMetadata;

enum class GroupState : std::uint8_t { empty, preparing_rebalance, completing_rebalance, stable };
inline constexpr std::array all_group_states = {GroupState::empty, GroupState::preparing_rebalance,
                                                GroupState::completing_rebalance, GroupState::stable};

/// As Kafka's tools show it: "Empty", "PreparingRebalance", …
std::string_view name_of(GroupState state);

/// A way to assign that a member offers, with what it says of itself in it.
struct MemberProtocol {
    std::string name;
    Bytes metadata;

    bool operator==(const MemberProtocol&) const = default;
};

std::vector<MemberProtocol> protocols_of(const protocol::JoinGroupRequest& request);

/// What its group counts (`protocols`, `joining`) changes through the group alone once the member is in it.
struct Member {
    std::string id{};
    std::optional<std::string> instance_id{};
    std::string client_id{};
    std::string client_host{};
    std::int32_t rebalance_timeout_ms = 0;
    std::int32_t session_timeout_ms = 0;
    std::vector<MemberProtocol> protocols{};  ///< what it prefers comes first
    std::optional<Ticket> joining{};          ///< its JoinGroup waits for the others
    std::optional<Ticket> syncing{};          ///< its SyncGroup waits for the leader's
    bool is_new = false;                      ///< it has no id yet that it could send heartbeats with

    /// Whether it says the same of itself as before.
    bool says(const protocol::JoinGroupRequest& request) const;
    /// Empty where it does not offer `protocol`.
    ByteView metadata_of(std::string_view protocol) const;
    /// A session that ends now does not end the membership.
    bool is_excused() const { return !is_new && (joining || syncing); }
};

class ClassicGroup {
 public:
    ClassicGroup() = default;
    /// As the log has it: empty, or stable with these members.
    explicit ClassicGroup(const StoredMetadata& stored);

    GroupState state() const { return state_; }
    bool is(GroupState state) const { return state_ == state; }
    /// Members have what the last generation was assigned, as long as no round after it was broken off.
    bool keeps_assignments() const { return keeps_assignments_; }
    /// Whether this round is the first since the group was empty.
    bool is_initial_round() const { return previous_ == GroupState::empty; }
    void move_to(GroupState state, Timestamp now);
    Timestamp state_since() const { return state_since_; }
    void set_state_since(Timestamp at) { state_since_ = at; }

    std::int32_t generation() const { return generation_; }
    void raise_generation(std::int32_t at_least) { generation_ = std::max(generation_, at_least); }
    const std::optional<std::string>& protocol_type() const { return protocol_type_; }
    const std::optional<std::string>& protocol() const { return protocol_; }
    const std::optional<std::string>& leader() const { return leader_; }
    bool leads(std::string_view member_id) const { return leader_ && *leader_ == member_id; }
    /// The members are consumers, and what they say of themselves can be read.
    bool is_of_consumers() const;
    const std::optional<std::set<std::string, std::less<>>>& subscribed_topics() const { return subscribed_topics_; }
    bool is_subscribed_to(std::string_view topic) const;

    // Members.

    const std::map<std::string, Member, std::less<>>& members() const { return members_; }
    bool has(std::string_view member_id) const { return members_.contains(member_id); }
    /// Null when there is none.
    Member* find(std::string_view member_id);
    const Member* find(std::string_view member_id) const;
    const std::string* find_static(std::string_view instance_id) const;
    /// none, UNKNOWN_MEMBER_ID, or FENCED_INSTANCE_ID where the instance has another member id.
    protocol::ErrorCode check_member(std::string_view member_id,
                                     const std::optional<protocol::Text>& instance_id) const;

    /// Requires: no such member.
    Member& add(Member member, std::string_view protocol_type);
    /// Also of those who were only promised an id; another member leads if this one did.
    void remove(std::string_view member_id);
    /// The static member gets a new id. Requires: `old_id` is a member, and nobody waits for an answer to it.
    Member& rename(std::string_view old_id, std::string new_id);
    /// In place of what the member offered. Requires: it is in the group.
    void set_protocols(Member& member, std::vector<MemberProtocol> protocols);
    /// Its JoinGroup waits, or waits no more. Requires: it is in the group.
    void set_joining(Member& member, std::optional<Ticket> joining);

    bool is_pending(std::string_view member_id) const { return pending_joins_.contains(member_id); }
    void add_pending(std::string member_id) { pending_joins_.insert(std::move(member_id)); }
    const std::set<std::string, std::less<>>& pending() const { return pending_joins_; }

    std::set<std::string, std::less<>>& awaited_syncs() { return awaited_syncs_; }

    std::size_t joining_count() const { return joining_count_; }
    bool has_all_joined() const { return joining_count_ == members_.size() && pending_joins_.empty(); }
    std::int32_t rebalance_timeout_ms() const;  ///< the longest of its members

    /// Whether somebody with these protocols can be a member.
    bool supports(const protocol::JoinGroupRequest& request) const;
    /// What most members prefer of what all offer; nothing when they have nothing in common.
    std::optional<std::string> elect_protocol() const;
    /// Where the leader has not joined, another who has leads; false when there is none.
    bool elect_joined_leader();

    /// All who are to be in the next generation have joined.
    void begin_generation(Timestamp now);

    /// The first members of a group are waited for; set when one more has come meanwhile.
    bool grew_in_initial_delay = false;
    std::int64_t initial_delay_ms = 0;       ///< the part that runs now
    std::int64_t initial_delay_left_ms = 0;  ///< how much longer it may become

 private:
    void compute_subscribed_topics();
    bool is_offered_by_all(std::string_view protocol) const;
    void count(const Member& member);
    void discount(const Member& member);

    GroupState state_ = GroupState::empty;
    std::optional<GroupState> previous_;
    bool keeps_assignments_ = true;
    Timestamp state_since_ = no_timestamp;
    std::optional<std::string> protocol_type_;
    std::int32_t generation_ = 0;
    std::optional<std::string> protocol_;
    std::optional<std::string> leader_;
    std::map<std::string, Member, std::less<>> members_;
    std::map<std::string, std::size_t, std::less<>> offering_;  ///< by protocol, how many members offer it; never zero
    std::size_t joining_count_ = 0;                             ///< of members whose JoinGroup waits
    std::map<std::string, std::string, std::less<>> static_members_;  ///< instance to member id
    std::set<std::string, std::less<>> pending_joins_;  ///< were promised an id, and have not come with it
    std::set<std::string, std::less<>> awaited_syncs_;  ///< have joined, and not sent SyncGroup yet
    std::optional<std::set<std::string, std::less<>>> subscribed_topics_;
};

}  // namespace moldau::coordinator
