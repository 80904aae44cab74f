#pragma once
// Connections as a port. posix has TCP; the simulator's network delays, cuts and reorders between connections.

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include <moldau/base/bytes.h>
#include <moldau/base/result.h>
#include <moldau/runtime/async.h>
#include <moldau/runtime/disk.h>

namespace moldau::runtime {

struct Endpoint {
    std::string host;  ///< an address for a peer; a name is allowed when connecting or listening
    std::uint16_t port = 0;
    friend auto operator<=>(const Endpoint&, const Endpoint&) = default;
};

/// A connected byte stream, owned by one shard. At most one wait to read and one to write at a time. close() completes
/// pending waits with Errc::closed; later operations fail with it.
class Stream {
 public:
    virtual ~Stream() = default;

    /// Reads what is there without waiting; 0 at the peer's end, Errc::would_block when there is nothing yet.
    virtual Result<std::size_t> try_read_some(MutableBytes into) = 0;

    /// Completes when there is something to read, the peer's end included, or with the error that the stream has. Who
    /// waits needs no buffer.
    virtual void async_wait_readable(Handler<Result<>> handler) = 0;

    /// Writes what fits without waiting, returns the bytes written (0 when nothing fits).
    virtual Result<std::size_t> try_write(std::span<const ByteView> parts) = 0;

    /// Completes when at least one more byte can be written, or with the error that the stream has.
    virtual void async_wait_writable(Handler<Result<>> handler) = 0;

    /// Sends a file's bytes without copying them through the process; returns the bytes sent (0 when nothing fits),
    /// Errc::unsupported where the stream cannot.
    virtual Result<std::size_t> try_send_file(const File& file, std::uint64_t position, std::size_t size) = 0;

    virtual void close() = 0;
    virtual const Endpoint& peer() const = 0;
    virtual const Endpoint& local() const = 0;

    auto wait_readable() {
        return async<Result<>>([this](Handler<Result<>> handler) { async_wait_readable(std::move(handler)); });
    }
    auto wait_writable() {
        return async<Result<>>([this](Handler<Result<>> handler) { async_wait_writable(std::move(handler)); });
    }
};

class Listener {
 public:
    virtual ~Listener() = default;
    /// Completes on the listening shard with the next connection, which `owner` owns: hand it over before touching it.
    /// Errc::closed after close(); other errors pass (descriptors are used up): wait a little and accept again.
    virtual void async_accept(Shard& owner, Handler<Result<std::unique_ptr<Stream>>> handler) = 0;
    virtual void close() = 0;
    virtual const Endpoint& local() const = 0;  ///< with the port that was given where 0 was asked for

    auto accept(Shard& owner) {
        return async<Result<std::unique_ptr<Stream>>>([this, &owner](Handler<Result<std::unique_ptr<Stream>>> handler) {
            async_accept(owner, std::move(handler));
        });
    }
};

class Transport {
 public:
    virtual ~Transport() = default;
    /// One listener an endpoint; it spreads its connections over shards by accept's `owner`. An empty host: every
    /// address of this machine.
    virtual Result<std::unique_ptr<Listener>> listen(Shard& shard, const Endpoint& endpoint) = 0;
    /// Completes with a stream that `shard`, the caller's, owns, or with Errc::timed_out at `deadline`.
    virtual void async_connect(Shard& shard, const Endpoint& endpoint, TimePoint deadline,
                               Handler<Result<std::unique_ptr<Stream>>> handler) = 0;

    auto connect(Shard& shard, const Endpoint& endpoint, TimePoint deadline) {
        return async<Result<std::unique_ptr<Stream>>>(
            [this, &shard, endpoint, deadline](Handler<Result<std::unique_ptr<Stream>>> handler) {
                async_connect(shard, endpoint, deadline, std::move(handler));
            });
    }
};

}  // namespace moldau::runtime
