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

/// A connected byte stream, owned by one shard. At most one read and one write at a time. Buffers must outlive the
/// operation. After close() pending operations complete with Errc::closed.
class Stream {
 public:
    virtual ~Stream() = default;

    /// Completes with the bytes read, 0 at the peer's end.
    virtual void async_read_some(MutableBytes into, Handler<Result<std::size_t>> handler) = 0;

    /// Reads what is there without waiting; Errc::would_block when there is nothing.
    virtual Result<std::size_t> try_read_some(MutableBytes into) = 0;

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

    auto read_some(MutableBytes into) {
        return async<Result<std::size_t>>(
            [this, into](Handler<Result<std::size_t>> handler) { async_read_some(into, std::move(handler)); });
    }
    auto wait_writable() {
        return async<Result<>>([this](Handler<Result<>> handler) { async_wait_writable(std::move(handler)); });
    }
};

class Listener {
 public:
    virtual ~Listener() = default;
    /// Completes with the next connection, owned by the listening shard; Errc::closed after close().
    virtual void async_accept(Handler<Result<std::unique_ptr<Stream>>> handler) = 0;
    virtual void close() = 0;
    virtual const Endpoint& local() const = 0;  ///< with the port that was given where 0 was asked for

    auto accept() {
        return async<Result<std::unique_ptr<Stream>>>(
            [this](Handler<Result<std::unique_ptr<Stream>>> handler) { async_accept(std::move(handler)); });
    }
};

class Transport {
 public:
    virtual ~Transport() = default;
    /// Several shards may listen on one endpoint; the system spreads connections among them.
    virtual Result<std::unique_ptr<Listener>> listen(Shard& shard, const Endpoint& endpoint) = 0;
    virtual void async_connect(Shard& shard, const Endpoint& endpoint,
                               Handler<Result<std::unique_ptr<Stream>>> handler) = 0;

    auto connect(Shard& shard, const Endpoint& endpoint) {
        return async<Result<std::unique_ptr<Stream>>>(
            [this, &shard, endpoint](Handler<Result<std::unique_ptr<Stream>>> handler) {
                async_connect(shard, endpoint, std::move(handler));
            });
    }
};

}  // namespace moldau::runtime
