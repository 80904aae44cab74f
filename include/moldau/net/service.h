#pragma once
// What connections hand requests to: net frames and orders, the service (api, wired by app) decodes and answers.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include <moldau/base/buffer.h>
#include <moldau/base/bytes.h>
#include <moldau/net/request_budget.h>
#include <moldau/runtime/disk.h>
#include <moldau/runtime/shard.h>
#include <moldau/runtime/transport.h>

namespace moldau::net {

/// What a service may know of the connection that a request came on. Outlives its requests.
struct Peer {
    std::string listener;  ///< name of the listener, e.g. PLAINTEXT or CONTROLLER
    runtime::Endpoint address;
    std::string principal = "User:ANONYMOUS";
    std::string client_software_name;     ///< as told by ApiVersions
    std::string client_software_version;  ///< as told by ApiVersions
    std::uint64_t id = 0;                 ///< unique in the server
    runtime::Shard* shard = nullptr;      ///< that owns the connection; requests are served from here

    /// The peer sends no more, and may be gone: what merely waits for something to happen is answered with what there
    /// is.
    bool input_has_ended = false;
    /// Called once, on the connection's shard, when that becomes true. Set and taken back by a request that waits so
    /// and is a barrier: there is one at a time.
    std::move_only_function<void()> on_input_end;
};

/// A request's bytes, header included, without the size before it. Uniquely owned; may be written to until appended.
/// Stays on the shard of its connection.
struct Request {
    Buffer frame;
    std::size_t body_at = 0;  ///< where the body begins behind the header
    std::int16_t api_key = 0;
    std::int16_t api_version = 0;
    std::int32_t correlation_id = 0;
    std::string client_id;
    Peer* peer = nullptr;
    /// The frame's bytes in the shard's budget. A Produce releases it after the write, before the ack, a Fetch and a
    /// JoinGroup before they wait; else it goes with the request.
    RequestBudget::Charge budget;

    MutableBytes body() { return frame.bytes().subspan(body_at); }
};

/// A range of a file, sent without a copy where the stream can.
struct FileSlice {
    std::shared_ptr<const runtime::File> file;
    std::uint64_t position = 0;
    std::uint64_t size = 0;  ///< bytes; the file must hold them until they are sent
};

/// An answer: pieces in order, size and header included.
struct Response {
    std::vector<std::variant<Bytes, FileSlice>> pieces;  ///< empty: nothing is sent (Produce with acks=0)
    bool close = false;                                  ///< the connection is closed after it
    std::string close_reason;                            ///< for the log
};

/// One a shard. Lives as long as its connections.
class Service {
 public:
    virtual ~Service() = default;

    /// Begins to serve `request`; what must keep the order of arrival (a Produce's appends) is begun before it returns.
    /// `done` is called once, on this shard, possibly before serve() returns; it keeps the request's peer alive.
    virtual void serve(Request request, runtime::Handler<Response> done) = 0;

    /// True when a request may begin before the one before it, of the same kind, is answered: a Produce behind a
    /// Produce. All others are barriers both ways.
    virtual bool may_overlap(std::int16_t api_key) const = 0;
};

}  // namespace moldau::net
