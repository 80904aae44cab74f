#pragma once
// The identifiers of Kafka's world, each a type of its own.

#include <cstdint>

#include <moldau/base/strong.h>
#include <moldau/base/uuid.h>

namespace moldau {

using Offset = Strong<struct OffsetTag, std::int64_t>;                  ///< of a record in a partition's log
using LeaderEpoch = Strong<struct LeaderEpochTag, std::int32_t>;        ///< of a partition or of the quorum
using NodeId = Strong<struct NodeIdTag, std::int32_t>;                  ///< broker or controller, node.id
using PartitionIndex = Strong<struct PartitionIndexTag, std::int32_t>;  ///< of a partition in its topic
using BrokerEpoch = Strong<struct BrokerEpochTag, std::int64_t>;        ///< offset of a broker's registration record
using ProducerId = Strong<struct ProducerIdTag, std::int64_t>;
using ProducerEpoch = Strong<struct ProducerEpochTag, std::int16_t>;

/// Milliseconds since 1970-01-01 UTC, Kafka's timestamps; −1: none.
using Timestamp = Strong<struct TimestampTag, std::int64_t>;

inline constexpr Offset no_offset{-1};
inline constexpr LeaderEpoch no_leader_epoch{-1};
inline constexpr NodeId no_node{-1};
inline constexpr BrokerEpoch no_broker_epoch{-1};
inline constexpr ProducerId no_producer_id{-1};
inline constexpr ProducerEpoch no_producer_epoch{-1};
inline constexpr Timestamp no_timestamp{-1};

using TopicId = Uuid;
using DirectoryId = Uuid;

}  // namespace moldau
