#pragma once
// One request on its way through a handler, and what handlers of a shard share.

#include <memory>
#include <span>
#include <string_view>
#include <utility>

#include <moldau/api/authorizer.h>
#include <moldau/net/service.h>
#include <moldau/node/node.h>
#include <moldau/protocol/writer.h>

#include "fetch_session.h"

namespace moldau::api {

/// What server.properties says of requests; settings that do not change while the broker runs.
struct ApiLimits {
    std::int64_t max_fetch_bytes;           ///< fetch.max.bytes: no answer is larger, whatever was asked for
    std::int32_t max_described_partitions;  ///< max.request.partition.size.limit
};

/// What a request's arrays may take in memory, however few bytes their elements have in its frame. A fetch of 100,000
/// partitions takes a fifth of it.
inline constexpr std::size_t max_request_array_bytes = 32 << 20;

/// One a shard; owned by ApiService.
struct Shell {
    node::Node& node;
    runtime::Shard& shard;
    Authorizer& authorizer;
    ApiLimits limits;
    FetchSessions sessions;
    std::span<const std::unique_ptr<Shell>> all;        ///< of every shard, by index
    runtime::TimePoint no_coordinator_notice_before{};  ///< until then the log says nothing of those asked for

    Shell& on_shard(unsigned index) const { return *all[index]; }
    unsigned shard_count() const { return static_cast<unsigned>(all.size()); }
};

/// Owns the request's frame for as long as the handler runs: the decoded request borrows from it.
struct Call {
    Shell& shell;
    net::Request request;

    std::int16_t version() const { return request.api_version; }
    const net::Peer& peer() const { return *request.peer; }
    runtime::Shard& shard() const { return shell.shard; }
    /// As of now; a handler that needs one consistent view takes it once.
    const metadata::Image& image() const { return *shell.node.view(shell.shard).image; }

    bool allows(Operation operation, ResourceType type, std::string_view name) const {
        return shell.authorizer.allows(peer(), operation, type, name);
    }
    bool allows_any(Operation operation, ResourceType type) const {
        return shell.authorizer.allows_any(peer(), operation, type);
    }
};

/// No answer: the connection is closed, and the log says why.
inline net::Response closing(std::string reason) {
    return {.pieces = {}, .close = true, .close_reason = std::move(reason)};
}

/// Begins the frame of an answer.
protocol::Writer::Frame begin_response(protocol::Writer& writer, const net::Request& request);
/// Ends it and cuts it where slices belong. An answer that is too large for a frame closes the connection.
net::Response end_response(protocol::Writer& writer, protocol::Writer::Frame frame, const net::Request& request,
                           std::vector<net::FileSlice> slices);

/// The answer's frame: size, header of the version that goes with the request, message; external records, by their
/// index in `slices`, between the pieces.
template <class Message>
net::Response encode_response(const net::Request& request, const Message& message,
                              std::vector<net::FileSlice> slices = {}, std::size_t expected_size_bytes = 256) {
    protocol::Writer writer(expected_size_bytes);
    const auto frame = begin_response(writer, request);
    message.encode(writer, request.api_version);
    return end_response(writer, frame, request, std::move(slices));
}

}  // namespace moldau::api
