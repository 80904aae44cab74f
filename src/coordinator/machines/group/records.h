#pragma once
// The records of __consumer_offsets: which kind a key is of, and how groups and offsets are written. A key is the
// kind's number (i16) and the message, a value its version (i16) and the message, as Apache Kafka's.

#include <cstdint>
#include <span>
#include <string_view>

#include <moldau/base/result.h>
#include <moldau/coordinator/machine.h>
#include <moldau/protocol/record.h>
#include <moldau/protocol/records/group_metadata_key.h>
#include <moldau/protocol/records/offset_commit_key.h>

#include "group_state.h"

namespace moldau::coordinator {

/// What a key says. Borrows from the record.
struct GroupRecordKey {
    enum class Kind : std::uint8_t { offset_commit, group_metadata, other };
    Kind kind = Kind::other;
    protocol::Text group;
    protocol::Text topic;         ///< of offset_commit
    PartitionIndex partition{0};  ///< of offset_commit
};

/// Errors: corrupt.
Result<GroupRecordKey> read_key(ByteView key);
Result<StoredMetadata> read_group_metadata(ByteView value);
Result<CommittedOffset> read_offset_commit(ByteView value);

Record write_group_metadata(std::string_view group_id, const StoredMetadata& metadata);
Record group_tombstone(std::string_view group_id);
Record write_offset_commit(std::string_view group_id, std::string_view topic, PartitionIndex partition,
                           const CommittedOffset& offset);
Record offset_tombstone(std::string_view group_id, std::string_view topic, PartitionIndex partition);

}  // namespace moldau::coordinator
