#include "posix_stream.h"

#include <cerrno>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "system_error.h"

namespace moldau::posix {

using boost::asio::ip::tcp;
using boost::system::error_code;

namespace {
constexpr std::size_t max_parts_a_call = 64;

std::string text_of_address(const runtime::Endpoint& endpoint) {
    return fmt::format("{}:{}", endpoint.host, endpoint.port);
}
}  // namespace

runtime::Endpoint to_endpoint(const tcp::endpoint& endpoint) {
    const boost::asio::ip::address address = endpoint.address();
    if (address.is_v6() && address.to_v6().is_v4_mapped())
        return {make_address_v4(boost::asio::ip::v4_mapped, address.to_v6()).to_string(), endpoint.port()};
    return {address.to_string(), endpoint.port()};
}

PosixStream::PosixStream(PosixShard& shard, Socket socket) : shard_(shard), socket_(std::move(socket)) {
    // A peer that is gone already shows itself at the first read: errors here say nothing more.
    error_code ignored;
    socket_.set_option(tcp::no_delay(true), ignored);
    socket_.native_non_blocking(true, ignored);
    peer_ = to_endpoint(socket_.remote_endpoint(ignored));
    local_ = to_endpoint(socket_.local_endpoint(ignored));
}

std::unexpected<Error> PosixStream::failure(int number, std::string_view action) const {
    return system_failure(number, action, text_of_address(peer_));
}

Result<std::size_t> PosixStream::try_read_some(MutableBytes into) {
    while (true) {
        const ssize_t count = ::recv(socket_.native_handle(), into.data(), into.size(), 0);
        if (count >= 0) return static_cast<std::size_t>(count);
        if (errno == EAGAIN) return fail(Errc::would_block, {});  // the common case: no text
        if (errno != EINTR) return failure(errno, "read from");
    }
}

Result<std::size_t> PosixStream::try_write(std::span<const ByteView> parts) {
    iovec vectors[max_parts_a_call];
    const std::size_t count = std::min(parts.size(), max_parts_a_call);
    for (std::size_t i = 0; i < count; ++i) vectors[i] = {const_cast<std::uint8_t*>(parts[i].data()), parts[i].size()};
    msghdr message{};
    message.msg_iov = vectors;
    message.msg_iovlen = count;
    while (true) {
        const ssize_t written = ::sendmsg(socket_.native_handle(), &message, MSG_NOSIGNAL);
        if (written >= 0) return static_cast<std::size_t>(written);
        if (errno == EAGAIN) return 0;
        if (errno != EINTR) return failure(errno, "write to");
    }
}

Result<std::size_t> PosixStream::try_send_file(const runtime::File& file, std::uint64_t position, std::size_t size) {
    if (file.descriptor() < 0) return fail(Errc::unsupported, "this file has no descriptor to send from");
    while (true) {
        auto offset = static_cast<off_t>(position);
        const ssize_t sent = ::sendfile(socket_.native_handle(), file.descriptor(), &offset, size);
        if (sent > 0 || (sent == 0 && size == 0)) return static_cast<std::size_t>(sent);
        if (sent == 0) return fail(Errc::io, "the file ends before the range that was to be sent");
        if (errno == EAGAIN) return 0;
        if (errno == EINVAL || errno == ENOSYS) return fail(Errc::unsupported, "sendfile does not work here");
        if (errno != EINTR) return failure(errno, "send a file to");
    }
}

void PosixStream::wait(Socket::wait_type what, runtime::Handler<Result<>> handler) {
    socket_.async_wait(what, [&shard = shard_, handler = std::move(handler)](error_code error) mutable {
        shard.turn([&handler, error] {
            if (!error) return std::move(handler)(Result<>{});
            const Errc code = error == boost::asio::error::operation_aborted ? Errc::closed : Errc::io;
            std::move(handler)(fail(code, error.message()));
        });
    });
}

void PosixStream::async_wait_readable(runtime::Handler<Result<>> handler) {
    wait(Socket::wait_read, std::move(handler));
}

void PosixStream::async_wait_writable(runtime::Handler<Result<>> handler) {
    wait(Socket::wait_write, std::move(handler));
}

void PosixStream::close() {
    error_code ignored;
    socket_.close(ignored);
}

}  // namespace moldau::posix
