#pragma once
// The port that a Session calls brokers through: net's client in production, a scripted one in tests. On one shard.

#include <cstdint>
#include <memory>

#include <moldau/base/bytes.h>
#include <moldau/base/result.h>
#include <moldau/net/client.h>
#include <moldau/runtime/shard.h>
#include <moldau/runtime/transport.h>

namespace moldau::cli {

struct Call {
    std::int16_t api_key = 0;
    std::int16_t api_version = 0;
    Bytes body;  ///< without header
    runtime::TimePoint deadline = runtime::never;
    bool answered = true;  ///< false: a Produce with acks=0; completes with nothing once it has left
};

/// A connection to one node. Several calls may be under way; they are sent in the order in which they were begun.
class Connection {
 public:
    virtual ~Connection() = default;
    /// Completes with the answer. After a failure the connection is of no more use.
    virtual runtime::Task<Result<net::Answer>> call(Call call) = 0;
    /// Calls that wait fail with Errc::closed.
    virtual void close() = 0;
};

class Connector {
 public:
    virtual ~Connector() = default;
    /// Who waits for it may give up, and then nobody waits for it to complete: nothing of the connector is used once it
    /// has begun.
    virtual runtime::Task<Result<std::shared_ptr<Connection>>> connect(runtime::Endpoint endpoint,
                                                                       runtime::TimePoint deadline) = 0;
};

}  // namespace moldau::cli
