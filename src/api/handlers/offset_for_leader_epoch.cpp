// OffsetForLeaderEpoch: where an epoch's records end, for truncation and for detecting lost records (KIP-320).

#include <moldau/protocol/messages/offset_for_leader_epoch.h>

#include "../handlers.h"
#include "partition_reads.h"

namespace moldau::api {

Answer<protocol::OffsetForLeaderEpochResponse> offset_for_leader_epoch(Call& call,
                                                                       protocol::OffsetForLeaderEpochRequest& request) {
    protocol::OffsetForLeaderEpochResponse response;
    for (const auto& topic : request.topics) {
        auto& told_topic = response.topics.emplace_back();
        told_topic.topic = topic.topic;
        for (const auto& wanted : topic.partitions) {
            replication::EpochEndOutcome outcome;
            auto [partition, error] = find_partition(call, topic.topic, wanted.partition, Operation::describe);
            if (partition) {
                outcome = co_await on_partition(
                    call, std::move(partition),
                    [current = wanted.current_leader_epoch, epoch = wanted.leader_epoch](
                        replication::Partition& there) { return there.epoch_end(current, epoch); });
            } else {
                outcome.error = error;
            }
            auto& told = told_topic.partitions.emplace_back();
            told.partition = wanted.partition;
            told.error_code = outcome.error;
            told.leader_epoch = outcome.leader_epoch;
            told.end_offset = outcome.end_offset;
        }
    }
    co_return response;
}

}  // namespace moldau::api
