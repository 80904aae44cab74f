#pragma once
// Reading something of one partition for a client: finds it, checks the right to it, hops to its shard.

#include <memory>
#include <string_view>
#include <utility>

#include <moldau/replication/partition.h>

#include "../call.h"

namespace moldau::api {

/// Of a request's isolation_level.
inline replication::Isolation isolation_of(std::int8_t level) {
    return level == 1 ? replication::Isolation::read_committed : replication::Isolation::read_uncommitted;
}

/// By name. `operation` on the topic is what the client needs.
node::FoundPartition find_partition(const Call& call, std::string_view topic, PartitionIndex index,
                                    Operation operation);

/// Calls `read(partition)` on the partition's shard and brings what it returns home.
template <class Read>
auto on_partition(Call& call, std::shared_ptr<replication::Partition> partition, Read read)
    -> runtime::Task<std::invoke_result_t<Read&, replication::Partition&>> {
    runtime::Shard& there = partition->shard();
    return runtime::call_on(call.shard(), there, [partition = std::move(partition), read = std::move(read)]() mutable {
        return read(*partition);
    });
}

}  // namespace moldau::api
