#include "offsets.h"

#include <algorithm>
#include <limits>
#include <ranges>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include "records.h"
#include "utf16.h"

namespace moldau::coordinator::offsets {
namespace {

using protocol::ErrorCode;
using protocol::OffsetCommitRequest;
using protocol::OffsetCommitResponse;
using protocol::Text;
using OffsetFetchGroup = protocol::OffsetFetchRequest::OffsetFetchRequestGroup;

/// Old clients say how long an offset is kept; −1: as the broker says.
constexpr std::int64_t default_retention = -1;

Timestamp expiry(const OffsetCommitRequest& request, Timestamp now) {
    if (request.retention_time_ms == default_retention) return no_timestamp;
    // Who asks for more than there is asks for ever.
    const std::int64_t most = std::numeric_limits<std::int64_t>::max() - now.value();
    return now + std::min(request.retention_time_ms, most);
}

CommittedOffset to_store(const Turn& turn, const OffsetCommitRequest& request, const TopicId& topic,
                         const OffsetCommitRequest::OffsetCommitRequestPartition& partition) {
    const Timestamp now = turn.context.wall_time;
    return {.offset = partition.committed_offset,
            .leader_epoch = partition.committed_leader_epoch,
            .metadata = partition.committed_metadata ? partition.committed_metadata->str() : std::string(),
            .committed_at = now,
            .expires_at = expiry(request, now),
            .topic_id = topic};
}

auto response_topic(const OffsetCommitRequest::OffsetCommitRequestTopic& topic, OffsetCommitResponse& response)
    -> OffsetCommitResponse::OffsetCommitResponseTopic& {
    auto& told = response.topics.emplace_back();
    told.name = topic.name.owned();
    told.topic_id = topic.topic_id;
    told.partitions.reserve(topic.partitions.size());
    return told;
}

void tell(protocol::offset_fetch_response::OffsetFetchResponseTopics& into, PartitionIndex index,
          const CommittedOffset* committed) {
    auto& told = into.partitions.emplace_back();
    told.partition_index = index;
    told.committed_offset = committed == nullptr ? no_offset : committed->offset;
    told.committed_leader_epoch = committed == nullptr ? no_leader_epoch : committed->leader_epoch;
    told.metadata = committed == nullptr ? Text() : Text(committed->metadata);
}

/// Kafka's limit counts characters as Java does.
std::size_t utf16_length(std::string_view text) {
    std::size_t units = 0;
    for_each_utf16_unit(text, [&](std::uint32_t) { ++units; });
    return units;
}

/// It was committed of another topic that had the same name.
bool is_of_another(const CommittedOffset& committed, const TopicId& asked) {
    return committed.topic_id != TopicId() && asked != TopicId() && committed.topic_id != asked;
}

const OffsetsOfTopic* find_topic(const Group* group, std::string_view topic) {
    if (group == nullptr) return nullptr;
    const auto found = group->offsets.find(topic);
    return found == group->offsets.end() ? nullptr : &found->second;
}

const CommittedOffset* find_offset(const OffsetsOfTopic* offsets, PartitionIndex index) {
    if (offsets == nullptr) return nullptr;
    const auto found = offsets->find(index);
    return found == offsets->end() ? nullptr : &found->second;
}

/// Calls `begin(topic, id)` for each topic that is asked for, and for each of its partitions `each(index, offset)`,
/// null where none is committed.
template <class Begin, class Each>
void for_each_asked(const Group* group, const OffsetFetchGroup& request, Begin begin, Each each) {
    if (request.topics) {
        for (const auto& topic : *request.topics) {
            begin(topic.name, topic.topic_id);
            const OffsetsOfTopic* committed = find_topic(group, topic.name);
            for (const PartitionIndex index : topic.partition_indexes) {
                const CommittedOffset* offset = find_offset(committed, index);
                if (offset != nullptr && is_of_another(*offset, topic.topic_id)) offset = nullptr;
                each(index, offset);
            }
        }
    } else if (group != nullptr) {
        for (const auto& [topic, committed] : group->offsets) {
            // Topics that had the name one after the other are told apart by their ids.
            const TopicId* told = nullptr;
            for (const auto& [index, offset] : committed) {
                if (told == nullptr || *told != offset.topic_id) begin(Text::borrow(topic), offset.topic_id);
                told = &offset.topic_id;
                each(index, &offset);
            }
        }
    }
}

/// What the answer takes in memory.
std::size_t answer_bytes(const Group* group, const OffsetFetchGroup& request) {
    using namespace protocol::offset_fetch_response;
    std::size_t bytes = sizeof(OffsetsOfGroup);
    for_each_asked(
        group, request,
        [&](const Text& topic, const TopicId&) { bytes += sizeof(OffsetFetchResponseTopics) + topic.size(); },
        [&](PartitionIndex, const CommittedOffset* offset) {
            bytes += sizeof(OffsetFetchResponsePartitions) + (offset == nullptr ? 0 : offset->metadata.size());
        });
    return bytes;
}

/// From when the retention of an offset counts; nothing: it does not expire as things stand.
std::optional<Timestamp> retained_from(const Group& group, const CommittedOffset& offset) {
    const ClassicGroup& classic = group.classic;
    if (!classic.protocol_type()) return offset.committed_at;
    if (classic.is(GroupState::empty))
        return classic.state_since() == no_timestamp ? offset.committed_at : classic.state_since();
    if (classic.is(GroupState::stable) && classic.is_of_consumers() && classic.subscribed_topics())
        return offset.committed_at;
    return std::nullopt;
}

bool has_expired(const Turn& turn, const Group& group, const CommittedOffset& offset) {
    const std::optional<Timestamp> from = retained_from(group, offset);
    if (!from) return false;
    if (offset.expires_at != no_timestamp) return turn.context.wall_time >= offset.expires_at;
    return turn.context.wall_time - *from >= turn.options.offsets_retention_ms;
}

struct Accepted {
    const OffsetCommitRequest::OffsetCommitRequestTopic* topic;
    const OffsetCommitRequest::OffsetCommitRequestPartition* partition;
};

/// More do not fit into a batch of a usual size. All of them are written, also those that others supersede, as Apache
/// Kafka does.
constexpr std::size_t most_offsets_as_asked = 10'000;

void keep_last_of_each(std::vector<Accepted>& accepted) {
    std::set<std::pair<std::string_view, PartitionIndex>> seen;
    std::vector<Accepted> kept;
    for (const Accepted& each : std::views::reverse(accepted))
        if (seen.emplace(each.topic->name.view(), each.partition->partition_index).second) kept.push_back(each);
    std::ranges::reverse(kept);
    accepted = std::move(kept);
}

}  // namespace

OffsetCommitResponse refuse_commit(const OffsetCommitRequest& request, ErrorCode error) {
    OffsetCommitResponse response;
    for (const auto& topic : request.topics) {
        auto& told = response_topic(topic, response);
        for (const auto& partition : topic.partitions) told.partitions.push_back({partition.partition_index, error});
    }
    return response;
}

OffsetCommitResponse commit(Turn& turn, const Group& group, const OffsetCommitRequest& request) {
    OffsetCommitResponse response;
    const auto limit = static_cast<std::size_t>(turn.options.max_offset_metadata_bytes);
    std::vector<Accepted> accepted;
    for (const auto& topic : request.topics) {
        auto& told = response_topic(topic, response);
        for (const auto& partition : topic.partitions) {
            const bool fits = !partition.committed_metadata || utf16_length(*partition.committed_metadata) <= limit;
            told.partitions.push_back(
                {partition.partition_index, fits ? ErrorCode::none : ErrorCode::offset_metadata_too_large});
            if (fits) accepted.push_back({&topic, &partition});
        }
    }
    if (accepted.size() > most_offsets_as_asked) keep_last_of_each(accepted);
    for (const auto& [topic, partition] : accepted)
        turn.out.records.push_back(write_offset_commit(group.id, topic->name, partition->partition_index,
                                                       to_store(turn, request, topic->topic_id, *partition)));
    return response;
}

OffsetsOfGroup fetch(const Group* group, const FetchOffsets& request) {
    OffsetsOfGroup response;
    response.group_id = request.group.group_id.owned();
    if (answer_bytes(group, request.group) > request.room_bytes) {
        response.error_code = ErrorCode::invalid_request;
        return response;
    }
    for_each_asked(
        group, request.group,
        [&](const Text& topic, const TopicId& id) {
            auto& told = response.topics.emplace_back();
            told.name = topic.owned();
            told.topic_id = id;
        },
        [&](PartitionIndex index, const CommittedOffset* offset) { tell(response.topics.back(), index, offset); });
    return response;
}

protocol::OffsetDeleteResponse remove(Turn& turn, const Group& group, const protocol::OffsetDeleteRequest& request) {
    protocol::OffsetDeleteResponse response;
    for (const auto& topic : request.topics) {
        auto& told = response.topics.emplace_back();
        told.name = topic.name.owned();
        const bool is_consumed = group.classic.is_subscribed_to(topic.name);
        const OffsetsOfTopic* committed = find_topic(&group, topic.name);
        for (const auto& partition : topic.partitions) {
            told.partitions.push_back(
                {partition.partition_index, is_consumed ? ErrorCode::group_subscribed_to_topic : ErrorCode::none});
            if (!is_consumed && committed != nullptr && committed->contains(partition.partition_index))
                turn.out.records.push_back(offset_tombstone(group.id, topic.name, partition.partition_index));
        }
    }
    return response;
}

void remove_all(Turn& turn, const Group& group) {
    for (const auto& [topic, committed] : group.offsets)
        for (const auto& [index, offset] : committed)
            turn.out.records.push_back(offset_tombstone(group.id, topic, index));
}

void remove_topics(Turn& turn, const Group& group, const std::vector<ForgetTopics::Topic>& topics) {
    for (const auto& [name, id] : topics) {
        const OffsetsOfTopic* committed = find_topic(&group, name);
        if (committed == nullptr) continue;
        for (const auto& [index, offset] : *committed)
            if (!is_of_another(offset, id)) turn.out.records.push_back(offset_tombstone(group.id, name, index));
    }
}

bool expire(Turn& turn, const Group& group) {
    bool nothing_left = true;
    for (const auto& [topic, committed] : group.offsets) {
        const bool is_consumed = group.classic.is_subscribed_to(topic);
        for (const auto& [index, offset] : committed) {
            if (!is_consumed && has_expired(turn, group, offset)) {
                turn.out.records.push_back(offset_tombstone(group.id, topic, index));
            } else {
                nothing_left = false;
            }
        }
    }
    return nothing_left;
}

}  // namespace moldau::coordinator::offsets
