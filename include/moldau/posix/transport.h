#pragma once
// The real network: TCP over IPv4 and IPv6. Owned by main; used from every shard.

#include <moldau/runtime/transport.h>

namespace moldau::posix {

/// Of sockets that are listened on and of the connections that they accept.
struct SocketOptions {
    std::int32_t send_buffer_bytes = -1;     ///< as asked of the system, which keeps its own books beside; −1: its own
    std::int32_t receive_buffer_bytes = -1;  ///< likewise
    std::int32_t backlog = 4096;             ///< connections that wait to be accepted; the system caps it
};

/// The address of a host, as Stream::peer names it: of a name its first, IPv4 before IPv6. Waits for the name service:
/// for the start alone. Errc::invalid when it has none.
Result<std::string> address_of(const std::string& host);

/// Requires: every Shard given to it is one of posix::Shards.
class PosixTransport final : public runtime::Transport {
 public:
    /// Ignores SIGPIPE in this process: sendfile knows no other way to report a peer that is gone.
    explicit PosixTransport(const SocketOptions& options = {});

    Result<std::unique_ptr<runtime::Listener>> listen(runtime::Shard& shard,
                                                      const runtime::Endpoint& endpoint) override;
    void async_connect(runtime::Shard& shard, const runtime::Endpoint& endpoint, runtime::TimePoint deadline,
                       runtime::Handler<Result<std::unique_ptr<runtime::Stream>>> handler) override;

 private:
    SocketOptions options_;
};

}  // namespace moldau::posix
