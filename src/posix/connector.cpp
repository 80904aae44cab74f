#include "connector.h"

#include <moldau/runtime/endpoint_text.h>

namespace moldau::posix {

using boost::asio::ip::tcp;
using boost::system::error_code;

void Connector::start(runtime::TimePoint deadline) {
    if (deadline != runtime::never) {
        timer_ = shard_.timers().add(deadline, [self = shared_from_this()] { self->give_up_at_deadline(); });
    }
    error_code not_numeric;
    const auto address = boost::asio::ip::make_address(target_.host, not_numeric);
    if (not_numeric) return resolve();
    candidates_.emplace_back(address, target_.port);
    try_next();
}

void Connector::resolve() {
    resolver_.async_resolve(target_.host, std::to_string(target_.port),
                            [self = shared_from_this()](error_code error, const tcp::resolver::results_type& results) {
                                self->shard_.turn([&] {
                                    if (error) self->last_error_ = error.message();
                                    for (const auto& entry : results)
                                        self->candidates_.insert(self->candidates_.begin(), entry.endpoint());
                                    self->try_next();
                                });
                            });
}

void Connector::try_next() {
    if (completed_) return;
    if (candidates_.empty()) {
        return complete(fail(Errc::io, fmt::format("cannot connect to {}: {}", to_text(target_), last_error_)));
    }
    const tcp::endpoint candidate = candidates_.back();
    candidates_.pop_back();
    socket_ = Socket(shard_.io());
    socket_.async_connect(candidate, [self = shared_from_this()](error_code error) {
        self->shard_.turn([&] {
            if (self->completed_) return;
            if (!error) return self->complete(std::make_unique<PosixStream>(self->shard_, std::move(self->socket_)));
            self->last_error_ = error.message();
            self->try_next();
        });
    });
}

void Connector::give_up_at_deadline() {
    if (completed_) return;
    resolver_.cancel();
    error_code ignored;
    socket_.close(ignored);
    complete(fail(Errc::timed_out, fmt::format("no connection to {} in time", to_text(target_))));
}

void Connector::complete(Result<std::unique_ptr<runtime::Stream>> result) {
    completed_ = true;
    shard_.timers().cancel(timer_);
    Done done = std::move(done_);
    std::move(done)(std::move(result));
}

}  // namespace moldau::posix
