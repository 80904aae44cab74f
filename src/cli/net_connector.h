#pragma once
// Connections by net's client. Owned by one command; on its shard.

#include "connection.h"

namespace moldau::cli {

class NetConnector final : public Connector {
 public:
    NetConnector(runtime::Shard& shard, runtime::Transport& transport) : shard_(shard), transport_(transport) {}

    runtime::Task<Result<std::shared_ptr<Connection>>> connect(runtime::Endpoint endpoint,
                                                               runtime::TimePoint deadline) override;

 private:
    runtime::Shard& shard_;
    runtime::Transport& transport_;
};

}  // namespace moldau::cli
