#pragma once
// One attempt to connect: resolve the name, then try its addresses in turn, all before one deadline.

#include <memory>

#include <boost/asio/ip/basic_resolver.hpp>

#include "posix_stream.h"

namespace moldau::posix {

/// Owns itself by its pending operations. Lives on `shard`.
class Connector : public std::enable_shared_from_this<Connector> {
 public:
    using Done = runtime::Handler<Result<std::unique_ptr<runtime::Stream>>>;

    Connector(PosixShard& shard, runtime::Endpoint target, Done done)
        : shard_(shard),
          target_(std::move(target)),
          done_(std::move(done)),
          resolver_(shard.io()),
          socket_(shard.io()) {}

    void start(runtime::TimePoint deadline);

 private:
    void resolve();
    void try_next();
    void give_up_at_deadline();
    void complete(Result<std::unique_ptr<runtime::Stream>> result);

    PosixShard& shard_;
    const runtime::Endpoint target_;
    Done done_;
    bool completed_ = false;
    runtime::TimerQueue::Id timer_;
    boost::asio::ip::basic_resolver<boost::asio::ip::tcp, boost::asio::io_context::executor_type> resolver_;
    std::vector<boost::asio::ip::tcp::endpoint> candidates_;  // not tried yet, last one first
    std::string last_error_ = "the name has no address";
    Socket socket_;
};

}  // namespace moldau::posix
