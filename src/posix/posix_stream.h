#pragma once
// A TCP connection of one shard. Bytes move by plain system calls; Asio only waits.

#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <moldau/runtime/transport.h>

#include "posix_shard.h"

namespace moldau::posix {

using Socket = boost::asio::basic_stream_socket<boost::asio::ip::tcp, boost::asio::io_context::executor_type>;

/// An IPv4 address that came through an IPv6 socket is shown as IPv4.
runtime::Endpoint to_endpoint(const boost::asio::ip::tcp::endpoint& endpoint);

class PosixStream final : public runtime::Stream {
 public:
    /// Takes a connected socket of `shard`'s io_context; sets its options.
    PosixStream(PosixShard& shard, Socket socket);

    Result<std::size_t> try_read_some(MutableBytes into) override;
    void async_wait_readable(runtime::Handler<Result<>> handler) override;
    Result<std::size_t> try_write(std::span<const ByteView> parts) override;
    void async_wait_writable(runtime::Handler<Result<>> handler) override;
    Result<std::size_t> try_send_file(const runtime::File& file, std::uint64_t position, std::size_t size) override;
    void close() override;
    const runtime::Endpoint& peer() const override { return peer_; }
    const runtime::Endpoint& local() const override { return local_; }

 private:
    void wait(Socket::wait_type what, runtime::Handler<Result<>> handler);
    std::unexpected<Error> failure(int number, std::string_view action) const;

    PosixShard& shard_;
    Socket socket_;
    runtime::Endpoint peer_;
    runtime::Endpoint local_;
};

}  // namespace moldau::posix
