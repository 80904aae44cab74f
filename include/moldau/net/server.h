#pragma once
// Listeners and the connections that come by them. Owned by app (or by a simulated node). The first shard accepts and
// gives each connection to the shard that has the fewest; limits over all connections are kept on the first shard.

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <moldau/net/service.h>
#include <moldau/runtime/world.h>

namespace moldau::net {

struct ServerOptions {
    std::size_t max_request_bytes = 100 * 1024 * 1024;        ///< socket.request.max.bytes
    std::size_t max_connections = 2'147'483'647;              ///< max.connections, over all listeners
    std::size_t max_connections_per_ip = 2'147'483'647;       ///< max.connections.per.ip; 0: of none but these
    std::map<std::string, std::size_t> max_connections_of{};  ///< max.connections.per.ip.overrides, by Endpoint::host
    runtime::Duration max_idle =
        std::chrono::minutes(10);  ///< connections.max.idle.ms; also of a peer that does not read
    runtime::Duration max_frame_pause = std::chrono::seconds(10);  ///< without progress inside a request
    /// While others wait for budget, so much of a request must come in each window, and of a large one a thirtieth.
    std::size_t min_frame_progress_bytes = 64 * 1024;
    runtime::Duration slow_frame_window = std::chrono::seconds(2);
    std::size_t request_budget_bytes = 64 * 1024 * 1024;  ///< of requests in memory, over all shards
    std::size_t max_requests_ahead = 64;                  ///< Produces in flight on a connection
    std::size_t max_output_bytes = 64 * 1024;             ///< answers in memory of a connection

    /// A slice of a file that is at least this large is sent by the Stream's try_send_file; 0: never.
    std::size_t min_send_file_bytes = 64 * 1024;
};

class Server {
 public:
    /// One service a shard, in the order of world.shards; they must outlive the connections.
    Server(runtime::World world, std::vector<Service*> services, ServerOptions options);
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;
    ~Server();  ///< Requires: stop() has completed, or the shards run no more (and still exist)

    /// Opens a listener; returns its endpoint, with the port that was given where 0 was asked for.
    /// Requires: on the first shard, or before the shards run.
    Result<runtime::Endpoint> listen(const std::string& listener_name, const runtime::Endpoint& endpoint);

    /// Accepts and reads no more, answers what was read, closes; what is not done at `deadline` is cut. True when
    /// nothing had to be cut. Requires: on the first shard; nobody stops it twice.
    runtime::Task<bool> stop(runtime::TimePoint deadline);

    /// As of now. Requires: on the first shard.
    std::size_t connections() const;

 private:
    struct State;
    std::shared_ptr<State> state_;  // shared with accept loops and the ends of connections
};

}  // namespace moldau::net
