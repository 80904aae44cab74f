#include "records.h"

#include <moldau/protocol/reader.h>
#include <moldau/protocol/records/group_metadata_value.h>
#include <moldau/protocol/records/offset_commit_value.h>
#include <moldau/protocol/writer.h>

namespace moldau::coordinator {
namespace {

using protocol::GroupMetadataKey;
using protocol::GroupMetadataValue;
using protocol::OffsetCommitKey;
using protocol::OffsetCommitValue;
using protocol::Text;

/// What Apache Kafka 4.3 writes. Version 1 of an offset alone has the time at which it expires.
constexpr std::int16_t group_metadata_version = 3;
constexpr std::int16_t offset_version = 4;
constexpr std::int16_t expiring_offset_version = 1;
/// Keys of kind 0 are offsets, too, as Kafka wrote them before 0.9; they have the same fields.
constexpr std::int16_t legacy_offset_kind = 0;

template <class Message>
Bytes encoded(std::int16_t prefix, const Message& message, std::int16_t version) {
    protocol::Writer writer;
    writer.integer(prefix);
    message.encode(writer, version);
    return writer.take();
}

Bytes group_key(std::string_view group_id) {
    GroupMetadataKey key;
    key.group = Text::borrow(group_id);
    return encoded(GroupMetadataKey::record_key, key, GroupMetadataKey::max_version);
}

Bytes offset_key(std::string_view group_id, std::string_view topic, PartitionIndex partition) {
    OffsetCommitKey key;
    key.group = Text::borrow(group_id);
    key.topic = Text::borrow(topic);
    key.partition = partition;
    return encoded(OffsetCommitKey::record_key, key, OffsetCommitKey::max_version);
}

template <class Message>
Result<Message> decoded(ByteView value) {
    protocol::Reader reader(value);
    const auto version = reader.integer<std::int16_t>();
    if (version < Message::min_version || version > Message::max_version)
        return fail(Errc::corrupt, fmt::format("{} of version {}", Message::message_name, version));
    Message message = Message::decode(reader, version);
    if (!reader.ok()) return fail(Errc::corrupt, fmt::format("{}: {}", Message::message_name, reader.error()));
    return message;
}

std::optional<std::string> owned(const std::optional<Text>& text) {
    if (!text) return std::nullopt;
    return text->str();
}

std::optional<Text> borrowed(const std::optional<std::string>& text) {
    if (!text) return std::nullopt;
    return Text::borrow(*text);
}

}  // namespace

Result<GroupRecordKey> read_key(ByteView bytes) {
    protocol::Reader reader(bytes);
    const auto kind = reader.integer<std::int16_t>();
    GroupRecordKey key;
    if (kind == GroupMetadataKey::record_key) {
        key.kind = GroupRecordKey::Kind::group_metadata;
        key.group = GroupMetadataKey::decode(reader, 0).group;
    } else if (kind == OffsetCommitKey::record_key || kind == legacy_offset_kind) {
        const auto offset = OffsetCommitKey::decode(reader, 0);
        key = {GroupRecordKey::Kind::offset_commit, offset.group, offset.topic, offset.partition};
    }
    if (!reader.ok()) return fail(Errc::corrupt, fmt::format("a key of kind {}: {}", kind, reader.error()));
    return key;
}

Result<StoredMetadata> read_group_metadata(ByteView bytes) {
    MOLDAU_TRY(value, decoded<GroupMetadataValue>(bytes));
    StoredMetadata stored{.protocol_type = value.protocol_type.str(),
                          .generation = value.generation,
                          .protocol = owned(value.protocol),
                          .leader = owned(value.leader),
                          .state_since = value.current_state_timestamp};
    for (const auto& member : value.members) {
        const bool has_rebalance_timeout = member.rebalance_timeout != -1;
        stored.members.insert_or_assign(
            member.member_id.str(),
            StoredMember{
                .instance_id = owned(member.group_instance_id),
                .client_id = member.client_id.str(),
                .client_host = member.client_host.str(),
                .rebalance_timeout_ms = has_rebalance_timeout ? member.rebalance_timeout : member.session_timeout,
                .session_timeout_ms = member.session_timeout,
                .subscription = member.subscription.copy(),
                .assignment = member.assignment.copy()});
    }
    return stored;
}

Result<CommittedOffset> read_offset_commit(ByteView bytes) {
    MOLDAU_TRY(value, decoded<OffsetCommitValue>(bytes));
    return CommittedOffset{.offset = value.offset,
                           .leader_epoch = value.leader_epoch,
                           .metadata = value.metadata.str(),
                           .committed_at = value.commit_timestamp,
                           .expires_at = value.expire_timestamp,
                           .topic_id = value.topic_id};
}

Record write_group_metadata(std::string_view group_id, const StoredMetadata& metadata) {
    GroupMetadataValue value;
    value.protocol_type = Text::borrow(metadata.protocol_type);
    value.generation = metadata.generation;
    value.protocol = borrowed(metadata.protocol);
    value.leader = borrowed(metadata.leader);
    value.current_state_timestamp = metadata.state_since;
    value.members.reserve(metadata.members.size());
    for (const auto& [id, stored] : metadata.members) {
        auto& member = value.members.emplace_back();
        member.member_id = Text::borrow(id);
        member.group_instance_id = borrowed(stored.instance_id);
        member.client_id = Text::borrow(stored.client_id);
        member.client_host = Text::borrow(stored.client_host);
        member.rebalance_timeout = stored.rebalance_timeout_ms;
        member.session_timeout = stored.session_timeout_ms;
        member.subscription = protocol::Blob::borrow(stored.subscription);
        member.assignment = protocol::Blob::borrow(stored.assignment);
    }
    return {group_key(group_id), encoded(group_metadata_version, value, group_metadata_version)};
}

Record group_tombstone(std::string_view group_id) {
    return {group_key(group_id), std::nullopt};
}

Record write_offset_commit(std::string_view group_id, std::string_view topic, PartitionIndex partition,
                           const CommittedOffset& offset) {
    OffsetCommitValue value;
    value.offset = offset.offset;
    value.leader_epoch = offset.leader_epoch;
    value.metadata = Text::borrow(offset.metadata);
    value.commit_timestamp = offset.committed_at;
    value.expire_timestamp = offset.expires_at;
    value.topic_id = offset.topic_id;
    const std::int16_t version = offset.expires_at == no_timestamp ? offset_version : expiring_offset_version;
    return {offset_key(group_id, topic, partition), encoded(version, value, version)};
}

Record offset_tombstone(std::string_view group_id, std::string_view topic, PartitionIndex partition) {
    return {offset_key(group_id, topic, partition), std::nullopt};
}

}  // namespace moldau::coordinator
