#pragma once
// What the connections of one shard share. Shared by them and the server; touched on its shard alone.

#include <map>

#include <moldau/net/server.h>
#include <moldau/net/service.h>
#include <moldau/runtime/async.h>

#include "connection_core.h"
#include "refusal_log.h"

namespace moldau::net {

class Connection;

struct ShardConnections {
    ShardConnections(runtime::Shard& on_shard, runtime::Disk& on_disk, Service& by_service, const ServerOptions& with,
                     std::size_t budget_bytes);

    /// Whether a frame is held back for want of budget.
    bool is_budget_wanted() const;

    runtime::Shard& shard;
    runtime::Disk& disk;
    Service& service;
    const ServerOptions options;
    const ConnectionLimits limits;
    RequestBudget budget;
    RefusalLog refusals;
    runtime::Gate gate;  // every connection holds it until it is destroyed

    /// Open ones, in the order of their ids.
    std::map<std::uint64_t, Connection*> open;

    // Bytes on their way between a system call and their owner: never kept over a wait, so one of each is enough.
    Buffer read_scratch;
    Buffer write_scratch;
};

}  // namespace moldau::net
