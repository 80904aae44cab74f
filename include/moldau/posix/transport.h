#pragma once
// The real network: TCP over IPv4 and IPv6. Owned by main; used from every shard.

#include <moldau/runtime/transport.h>

namespace moldau::posix {

/// Requires: every Shard given to it is one of posix::Shards.
class PosixTransport final : public runtime::Transport {
 public:
    /// Ignores SIGPIPE in this process: sendfile knows no other way to report a peer that is gone.
    PosixTransport();

    Result<std::unique_ptr<runtime::Listener>> listen(runtime::Shard& shard,
                                                      const runtime::Endpoint& endpoint) override;
    void async_connect(runtime::Shard& shard, const runtime::Endpoint& endpoint, runtime::TimePoint deadline,
                       runtime::Handler<Result<std::unique_ptr<runtime::Stream>>> handler) override;
};

}  // namespace moldau::posix
