#pragma once
// The network between the nodes of a simulated world. Bytes of one connection arrive in order, after drawn delays and
// in drawn portions; connections are independent of each other. Links can be blocked (bytes wait, as TCP's do, until
// they heal) and connections cut (both sides learn it at different times, what is on the way is lost from a drawn point
// on). Every direction holds a bounded number of bytes that the reader has not taken.

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <moldau/runtime/transport.h>

#include "sim_shard.h"

namespace moldau::sim {

struct NetworkOptions {
    Latency delay{std::chrono::microseconds(20), std::chrono::microseconds(400), std::chrono::milliseconds(40), 10};
    std::uint64_t smallest_window_bytes = 2048;
    std::uint64_t largest_window_bytes = 256 * 1024;
    unsigned partial_per_mille = 100;     ///< of reads and writes that take less than they could
    unsigned would_block_per_mille = 30;  ///< of writes that take nothing though there is room
    Duration connect_timeout = std::chrono::seconds(20);
};

class SimListener;
class SimStream;

class Network {
 public:
    using ConnectionId = std::uint64_t;
    using AcceptHandler = runtime::Handler<Result<std::unique_ptr<runtime::Stream>>>;

    Network(Simulation& simulation, NetworkOptions options);
    ~Network();

    // Hosts and their lives; called by SimNode.

    void begin_life(const std::string& host, Incarnation incarnation);
    /// The life's handlers and connections vanish. Peers learn it soon when the machine goes on (`reachable`),
    /// otherwise only after seconds, and lose what was on the way.
    void end_life(const std::string& host, Incarnation incarnation, bool reachable);
    /// In the middle of an event, before end_life(): nothing that it still sends arrives.
    void silence(Incarnation incarnation) { silenced_.insert(incarnation); }

    // Faults.

    /// Bytes from one host to another wait until heal(); connecting fails by timeout.
    void block(const std::string& from, const std::string& to);
    void heal();
    bool is_blocked(const std::string& from, const std::string& to) const { return blocked_.contains({from, to}); }
    std::vector<ConnectionId> connections() const;
    void cut(ConnectionId id);
    void set_delay(Latency delay) { options_.delay = delay; }

    // Ports; called by SimTransport.

    Result<std::unique_ptr<runtime::Listener>> listen(const std::string& host, runtime::Shard& shard,
                                                      const runtime::Endpoint& endpoint);
    void connect(const std::string& host, runtime::Shard& shard, const runtime::Endpoint& endpoint, TimePoint deadline,
                 AcceptHandler handler);

 private:
    friend class SimListener;
    friend class SimStream;

    enum class Mark { none, end, reset };
    struct Segment {
        TimePoint arrival;
        Bytes bytes;
        Mark mark = Mark::none;
    };
    /// One side of a connection, with what is on the way to it.
    struct Side {
        std::string host;
        Incarnation incarnation = no_incarnation;
        SimShard* shard = nullptr;
        runtime::Endpoint local;
        bool closed = false;   ///< by its owner, or because its life has ended
        bool severed = false;  ///< what it writes is lost: the connection was cut
        bool end_seen = false;
        bool reset_seen = false;
        std::deque<Segment> on_the_way;
        std::deque<std::uint8_t> readable;
        std::uint64_t window_bytes = 0;  ///< of on_the_way and readable and what was read and is not yet acknowledged
        std::uint64_t in_window_bytes = 0;
        TimePoint writes_block_until{};  ///< of its own writes
        std::optional<runtime::Handler<Result<>>> reader;
        std::optional<runtime::Handler<Result<>>> writer;
        bool read_scheduled = false;
        bool write_scheduled = false;
    };
    struct Connection {
        ConnectionId id;
        Side sides[2];
        bool sends_files = false;
    };
    using ConnectionPtr = std::shared_ptr<Connection>;
    struct Host {
        Incarnation incarnation = no_incarnation;  ///< none: the machine answers, but no process
        bool reachable = true;
    };
    struct Attempt {
        std::string from;
        SimShard* shard;
        runtime::Endpoint to;
        TimePoint deadline;
        AcceptHandler handler;
    };

    void attempt(Attempt attempt);
    void establish(Attempt attempt, SimListener& listener);
    void refuse(Attempt attempt, Errc code, std::string message);
    std::string resolve(const std::string& from, const std::string& name) const;

    std::size_t room(const Connection& connection, int to) const;
    void send(const ConnectionPtr& connection, int to, Bytes bytes, Mark mark);
    void schedule_arrival(const ConnectionPtr& connection, int to, TimePoint at);
    void arrive(const ConnectionPtr& connection, int to);
    void acknowledge(const ConnectionPtr& connection, int from, std::size_t size);
    void schedule_read(const ConnectionPtr& connection, int side);
    void schedule_write(const ConnectionPtr& connection, int side, TimePoint at);
    void complete_read(const ConnectionPtr& connection, int side);
    void complete_write(const ConnectionPtr& connection, int side);
    void close(const ConnectionPtr& connection, int side);
    void reset(const ConnectionPtr& connection, int to, TimePoint at);
    void forget_when_over(const ConnectionPtr& connection);
    std::size_t take_readable(const ConnectionPtr& connection, int side, MutableBytes into);

    Simulation& simulation_;
    NetworkOptions options_;
    SimRandom random_;
    ConnectionId next_connection_ = 1;
    std::uint64_t next_listener_ = 1;
    std::uint16_t next_port_ = 20000;
    std::map<std::string, Host> hosts_;
    std::map<ConnectionId, ConnectionPtr> connections_;
    std::map<std::uint64_t, SimListener*> listeners_;
    std::set<std::pair<std::string, std::string>> blocked_;
    std::set<Incarnation> silenced_;
};

/// A node's view of the network.
class SimTransport final : public runtime::Transport {
 public:
    SimTransport(Network& network, std::string host) : network_(network), host_(std::move(host)) {}
    Result<std::unique_ptr<runtime::Listener>> listen(runtime::Shard& shard,
                                                      const runtime::Endpoint& endpoint) override {
        return network_.listen(host_, shard, endpoint);
    }
    void async_connect(runtime::Shard& shard, const runtime::Endpoint& endpoint, TimePoint deadline,
                       Network::AcceptHandler handler) override {
        network_.connect(host_, shard, endpoint, deadline, std::move(handler));
    }

 private:
    Network& network_;
    std::string host_;
};

}  // namespace moldau::sim
