#include <algorithm>
#include <csignal>

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/ip/v6_only.hpp>

#include <moldau/posix/transport.h>

#include "connector.h"
#include "posix_stream.h"

namespace moldau::posix {

using boost::asio::ip::tcp;
using boost::system::error_code;
using runtime::Endpoint;
using runtime::Shard;

namespace {

using Acceptor = boost::asio::basic_socket_acceptor<tcp, boost::asio::io_context::executor_type>;

class PosixListener final : public runtime::Listener {
 public:
    PosixListener(PosixShard& shard, Acceptor acceptor) : shard_(shard), acceptor_(std::move(acceptor)) {
        error_code ignored;
        local_ = to_endpoint(acceptor_.local_endpoint(ignored));
    }

    void async_accept(Shard& owner, runtime::Handler<Result<std::unique_ptr<runtime::Stream>>> handler) override {
        auto& owning = static_cast<PosixShard&>(owner);
        acceptor_.async_accept(owning.io(), [&shard = shard_, &owning, handler = std::move(handler)](
                                                error_code error, Socket socket) mutable {
            shard.turn([&] {
                if (!error) return std::move(handler)(std::make_unique<PosixStream>(owning, std::move(socket)));
                const bool closed =
                    error == boost::asio::error::operation_aborted || error == boost::asio::error::bad_descriptor;
                std::move(handler)(fail(closed ? Errc::closed : Errc::io, "accept: " + error.message()));
            });
        });
    }

    void close() override {
        error_code ignored;
        acceptor_.close(ignored);
    }

    const Endpoint& local() const override { return local_; }

 private:
    PosixShard& shard_;
    Acceptor acceptor_;
    Endpoint local_;
};

// Accepted sockets inherit the listening one's buffers.
void set_buffers(Acceptor& acceptor, const SocketOptions& options, error_code& error) {
    if (!error && options.send_buffer_bytes >= 0)
        acceptor.set_option(boost::asio::socket_base::send_buffer_size(options.send_buffer_bytes), error);
    if (!error && options.receive_buffer_bytes >= 0)
        acceptor.set_option(boost::asio::socket_base::receive_buffer_size(options.receive_buffer_bytes), error);
}

Result<Acceptor> open_acceptor(PosixShard& shard, const SocketOptions& options, const tcp::endpoint& endpoint,
                               bool both_families) {
    Acceptor acceptor(shard.io());
    error_code error;
    acceptor.open(endpoint.protocol(), error);
    if (!error) acceptor.set_option(boost::asio::socket_base::reuse_address(true), error);
    if (!error && endpoint.address().is_v6()) {
        acceptor.set_option(boost::asio::ip::v6_only(!both_families), error);
    }
    set_buffers(acceptor, options, error);
    if (!error) acceptor.bind(endpoint, error);
    if (!error) acceptor.listen(options.backlog, error);
    if (error) {
        return fail(error == boost::asio::error::address_in_use ? Errc::exists : Errc::io,
                    fmt::format("cannot listen on {}:{}: {}", endpoint.address().to_string(), endpoint.port(),
                                error.message()));
    }
    return acceptor;
}

/// Waits for the name service where the host is a name: only at the start.
Result<tcp::endpoint> resolve_local(PosixShard& shard, const Endpoint& endpoint) {
    error_code error;
    const auto address = boost::asio::ip::make_address(endpoint.host, error);
    if (!error) return tcp::endpoint(address, endpoint.port);
    boost::asio::ip::basic_resolver<tcp, boost::asio::io_context::executor_type> resolver(shard.io());
    const auto results = resolver.resolve(endpoint.host, std::to_string(endpoint.port), error);
    if (!error && !results.empty()) return results.begin()->endpoint();
    return fail(Errc::invalid,
                fmt::format("the host {} of a listener has no address: {}", endpoint.host, error.message()));
}

Result<Acceptor> open_for(PosixShard& shard, const SocketOptions& options, const Endpoint& endpoint) {
    if (endpoint.host.empty()) {
        auto acceptor = open_acceptor(shard, options, tcp::endpoint(tcp::v6(), endpoint.port), true);
        if (acceptor || acceptor.error().code == Errc::exists) return acceptor;
        // A machine without IPv6.
        return open_acceptor(shard, options, tcp::endpoint(tcp::v4(), endpoint.port), false);
    }
    MOLDAU_TRY(local, resolve_local(shard, endpoint));
    return open_acceptor(shard, options, local, false);
}

}  // namespace

Result<std::string> address_of(const std::string& host) {
    boost::asio::io_context io;
    error_code error;
    const auto results =
        boost::asio::ip::basic_resolver<tcp, boost::asio::io_context::executor_type>(io).resolve(host, "0", error);
    if (error || results.empty())
        return fail(Errc::invalid, fmt::format("the host {} has no address: {}", host, error.message()));
    const auto is_v4 = [](const auto& each) { return each.endpoint().address().is_v4(); };
    const auto first_v4 = std::ranges::find_if(results, is_v4);
    return to_endpoint(first_v4 == results.end() ? results.begin()->endpoint() : first_v4->endpoint()).host;
}

PosixTransport::PosixTransport(const SocketOptions& options) : options_(options) {
    std::signal(SIGPIPE, SIG_IGN);
}

Result<std::unique_ptr<runtime::Listener>> PosixTransport::listen(Shard& shard, const Endpoint& endpoint) {
    auto& posix_shard = static_cast<PosixShard&>(shard);
    MOLDAU_TRY(acceptor, open_for(posix_shard, options_, endpoint));
    return std::make_unique<PosixListener>(posix_shard, std::move(acceptor));
}

void PosixTransport::async_connect(Shard& shard, const Endpoint& endpoint, runtime::TimePoint deadline,
                                   runtime::Handler<Result<std::unique_ptr<runtime::Stream>>> handler) {
    std::make_shared<Connector>(static_cast<PosixShard&>(shard), endpoint, std::move(handler))->start(deadline);
}

}  // namespace moldau::posix
