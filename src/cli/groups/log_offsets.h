#pragma once
// Where the logs of partitions of several topics begin and end. On the command's shard.

#include "groups/topic_partition.h"
#include "output/outage.h"
#include "session.h"

namespace moldau::cli {

/// Asks for the topics of the partitions anew; those that there are are in the session then.
runtime::Task<Outcome<>> refresh_topics_of(Session& session, const TopicPartitionSet& partitions);

/// Whether there is such a partition, as the session knows it.
bool is_there(const Session& session, const TopicPartition& partition);

/// As list_offsets(), of several topics. Requires: they are all there.
runtime::Task<Outcome<PartitionOffsets>> log_offsets(Session& session, const TopicPartitionSet& partitions,
                                                     Timestamp time, Outage& outage);

}  // namespace moldau::cli
