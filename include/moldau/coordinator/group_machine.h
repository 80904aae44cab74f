#pragma once
// The machine of a partition of __consumer_offsets: groups, their members and their committed offsets. Pure.

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <moldau/base/result.h>
#include <moldau/coordinator/machine.h>
#include <moldau/protocol/messages/delete_groups.h>
#include <moldau/protocol/messages/describe_groups.h>
#include <moldau/protocol/messages/heartbeat.h>
#include <moldau/protocol/messages/join_group.h>
#include <moldau/protocol/messages/leave_group.h>
#include <moldau/protocol/messages/list_groups.h>
#include <moldau/protocol/messages/offset_commit.h>
#include <moldau/protocol/messages/offset_delete.h>
#include <moldau/protocol/messages/offset_fetch.h>
#include <moldau/protocol/messages/sync_group.h>
#include <moldau/protocol/record.h>

namespace moldau::coordinator {

/// server.properties' `group.…` and `offsets.…`.
struct GroupOptions {
    std::int32_t max_size = INT32_MAX;                   ///< group.max.size
    std::int32_t initial_rebalance_delay_ms = 3000;      ///< group.initial.rebalance.delay.ms
    std::int32_t min_session_timeout_ms = 6000;          ///< group.min.session.timeout.ms
    std::int32_t max_session_timeout_ms = 1'800'000;     ///< group.max.session.timeout.ms
    std::int32_t max_offset_metadata_bytes = 4096;       ///< offset.metadata.max.bytes
    std::int64_t offsets_retention_ms = 604'800'000;     ///< offsets.retention.minutes
    std::int64_t retention_check_interval_ms = 600'000;  ///< offsets.retention.check.interval.ms
};

/// What a member may offer: protocols, and bytes of their names and metadata together. A JoinGroup with more is refused
/// with INVALID_REQUEST.
inline constexpr std::size_t max_member_protocols = 100;
inline constexpr std::size_t max_member_protocol_bytes = 4 << 20;
bool is_within_member_bounds(const protocol::JoinGroupRequest& request);

/// One group of an OffsetFetch; topics are named. INVALID_REQUEST when the answer would take more than `room_bytes`.
struct FetchOffsets {
    protocol::OffsetFetchRequest::OffsetFetchRequestGroup group;
    std::size_t room_bytes = SIZE_MAX;
};
/// One group of a DescribeGroups. INVALID_REQUEST when the answer would take more than `room_bytes`.
struct DescribeGroup {
    std::string group_id;
    std::size_t room_bytes = SIZE_MAX;
};
/// The groups of the partition that pass the filters.
struct ListGroups {
    /// As clients name them; empty filters pass all. What is no state or type passes nothing and is not kept.
    static ListGroups matching(std::span<const protocol::Text> states, std::span<const protocol::Text> types);

    std::optional<std::set<std::string_view>> states{};  ///< as answers name them; none: all
    bool classic = true;                                 ///< those of the classic protocol: all that there are
};
/// One group of a DeleteGroups.
struct DeleteGroup {
    std::string group_id;
};
/// Topics are gone, and what was committed of them goes, too; not what was of others with their names. The answer says
/// that it is done.
struct ForgetTopics {
    struct Topic {
        std::string name;
        TopicId id{};
    };
    std::vector<Topic> topics;
};
struct Forgotten {};

using OffsetsOfGroup = protocol::OffsetFetchResponse::OffsetFetchResponseGroup;
using DescribedGroup = protocol::DescribeGroupsResponse::DescribedGroup;
using ListedGroups = std::vector<protocol::ListGroupsResponse::ListedGroup>;
using DeletedGroup = protocol::DeleteGroupsResponse::DeletableGroupResult;

using GroupAnswer =
    std::variant<protocol::JoinGroupResponse, protocol::SyncGroupResponse, protocol::HeartbeatResponse,
                 protocol::LeaveGroupResponse, protocol::OffsetCommitResponse, protocol::OffsetDeleteResponse,
                 OffsetsOfGroup, DescribedGroup, ListedGroups, DeletedGroup, Forgotten>;
using GroupOutput = Output<GroupAnswer>;

class GroupMachine {
 public:
    using Answer = GroupAnswer;

    explicit GroupMachine(const GroupOptions& options);
    ~GroupMachine();

    void handle(Ticket ticket, const protocol::JoinGroupRequest& request, const Caller& caller, const Context& context,
                GroupOutput& out);
    void handle(Ticket ticket, const protocol::SyncGroupRequest& request, const Caller& caller, const Context& context,
                GroupOutput& out);
    void handle(Ticket ticket, const protocol::HeartbeatRequest& request, const Caller& caller, const Context& context,
                GroupOutput& out);
    void handle(Ticket ticket, const protocol::LeaveGroupRequest& request, const Caller& caller, const Context& context,
                GroupOutput& out);
    void handle(Ticket ticket, const protocol::OffsetCommitRequest& request, const Caller& caller,
                const Context& context, GroupOutput& out);
    void handle(Ticket ticket, const protocol::OffsetDeleteRequest& request, const Caller& caller,
                const Context& context, GroupOutput& out);
    void handle(Ticket ticket, const FetchOffsets& request, const Caller& caller, const Context& context,
                GroupOutput& out);
    void handle(Ticket ticket, const DescribeGroup& request, const Caller& caller, const Context& context,
                GroupOutput& out);
    void handle(Ticket ticket, const ListGroups& request, const Caller& caller, const Context& context,
                GroupOutput& out);
    void handle(Ticket ticket, const DeleteGroup& request, const Caller& caller, const Context& context,
                GroupOutput& out);
    void handle(Ticket ticket, const ForgetTopics& request, const Caller& caller, const Context& context,
                GroupOutput& out);

    /// Records of kinds that are not known yet are passed over. Errors: corrupt.
    Result<> replay(Offset offset, const protocol::RecordView& record);
    void on_loaded(const Context& context, GroupOutput& out);
    std::int64_t next_deadline_ms() const;
    void tick(const Context& context, GroupOutput& out);
    void on_append_failed(std::span<const Record> records, const Context& context, GroupOutput& out);

 private:
    struct State;
    std::unique_ptr<State> state_;
};

/// Which of the topic's `partitions` has the group: as Apache Kafka, by the hash of Java's strings.
PartitionIndex partition_of(std::string_view group_id, std::int32_t partitions);

}  // namespace moldau::coordinator
