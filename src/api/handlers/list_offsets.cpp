// ListOffsets: the offset of a time, or one of the special ones.

#include <map>
#include <utility>

#include <moldau/protocol/messages/list_offsets.h>

#include "../handlers.h"
#include "partition_reads.h"

namespace moldau::api {
namespace {

using protocol::ErrorCode;
using replication::OffsetOutcome;

/// Special timestamps, and the first version that knows each.
const std::map<std::int64_t, std::int16_t> special_since = {
    {-1, 1},   // latest
    {-2, 1},   // earliest
    {-3, 7},   // max timestamp
    {-4, 8},   // earliest local
    {-5, 9},   // latest tiered
    {-6, 11},  // earliest pending upload
};

/// Which knows OFFSET_NOT_AVAILABLE (KIP-207).
constexpr std::int16_t first_version_with_not_available = 5;

bool is_known(Timestamp timestamp, std::int16_t version) {
    if (timestamp.value() >= 0) return true;
    const auto special = special_since.find(timestamp.value());
    return special != special_since.end() && version >= special->second;
}

}  // namespace

Answer<protocol::ListOffsetsResponse> list_offsets(Call& call, protocol::ListOffsetsRequest& request) {
    // A partition that is named twice is refused and answered once, as in Kafka.
    std::map<std::pair<std::string_view, PartitionIndex>, int> named;
    for (const auto& topic : request.topics)
        for (const auto& partition : topic.partitions) ++named[{topic.name.view(), partition.partition_index}];

    protocol::ListOffsetsResponse response;
    for (const auto& topic : request.topics) {
        auto& told_topic = response.topics.emplace_back();
        told_topic.name = topic.name;
        for (const auto& wanted : topic.partitions) {
            int& times = named[{topic.name.view(), wanted.partition_index}];
            if (times == 0) continue;
            const bool twice = std::exchange(times, 0) > 1;
            OffsetOutcome outcome;
            auto [partition, error] = find_partition(call, topic.name, wanted.partition_index, Operation::describe);
            if (twice) {
                outcome.error = ErrorCode::invalid_request;
            } else if (error == ErrorCode::topic_authorization_failed) {
                outcome.error = error;
            } else if (!is_known(wanted.timestamp, call.version())) {
                outcome.error = ErrorCode::unsupported_version;
            } else if (error != ErrorCode::none) {
                outcome.error = error;
            } else {
                outcome = co_await on_partition(
                    call, std::move(partition),
                    [timestamp = wanted.timestamp, epoch = wanted.current_leader_epoch,
                     isolation = isolation_of(request.isolation_level)](replication::Partition& there) {
                        return there.find_offset(timestamp, epoch, isolation);
                    });
            }
            auto& told = told_topic.partitions.emplace_back();
            told.partition_index = wanted.partition_index;
            told.error_code = outcome.error;
            if (outcome.error == ErrorCode::offset_not_available && call.version() < first_version_with_not_available)
                told.error_code = ErrorCode::leader_not_available;
            told.timestamp = outcome.timestamp;
            told.offset = outcome.offset;
            told.leader_epoch = outcome.leader_epoch;
        }
    }
    co_return response;
}

}  // namespace moldau::api
