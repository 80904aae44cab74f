#pragma once
// What is known of a group: what the log says (hard state, made by replay alone), and its round of the classic
// protocol.

#include <map>
#include <optional>
#include <set>
#include <string>

#include <moldau/base/bytes.h>
#include <moldau/base/ids.h>

#include "classic/classic_group.h"

namespace moldau::coordinator {

/// A member as the last GroupMetadata record has it.
struct StoredMember {
    std::optional<std::string> instance_id{};
    std::string client_id{};
    std::string client_host{};
    std::int32_t rebalance_timeout_ms = 0;
    std::int32_t session_timeout_ms = 0;
    Bytes subscription{};  ///< for the group's protocol
    Bytes assignment{};
};

/// The last GroupMetadata record.
struct StoredMetadata {
    std::string protocol_type{};  ///< empty: none
    std::int32_t generation = 0;
    std::optional<std::string> protocol{};
    std::optional<std::string> leader{};
    Timestamp state_since = no_timestamp;
    std::map<std::string, StoredMember, std::less<>> members{};
};

/// The last OffsetCommit record of a partition.
struct CommittedOffset {
    Offset offset{0};
    LeaderEpoch leader_epoch = no_leader_epoch;
    std::string metadata{};
    Timestamp committed_at = no_timestamp;
    Timestamp expires_at = no_timestamp;  ///< asked for by old clients; none: the broker's retention counts
    TopicId topic_id{};                   ///< zero: not known
};

using OffsetsOfTopic = std::map<PartitionIndex, CommittedOffset>;
using OffsetsByTopic = std::map<std::string, OffsetsOfTopic, std::less<>>;

struct Group {
    std::string id{};
    std::optional<StoredMetadata> stored{};
    OffsetsByTopic offsets{};
    ClassicGroup classic{};

    const StoredMember* stored_member(std::string_view member_id) const {
        if (!stored) return nullptr;
        const auto found = stored->members.find(member_id);
        return found == stored->members.end() ? nullptr : &found->second;
    }
};

using Groups = std::map<std::string, Group, std::less<>>;

}  // namespace moldau::coordinator
