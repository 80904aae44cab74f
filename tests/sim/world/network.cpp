#include "network.h"

#include <fmt/format.h>

#include <moldau/base/assert.h>

#include "sim_stream.h"

namespace moldau::sim {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

bool is_any_address(const std::string& host) {
    return host.empty() || host == "0.0.0.0" || host == "::";
}

}  // namespace

Network::Network(Simulation& simulation, NetworkOptions options)
    : simulation_(simulation), options_(options), random_(simulation.split("network")) {}

Network::~Network() {
    MOLDAU_ASSERT(listeners_.empty());
}

// Lives

void Network::begin_life(const std::string& host, Incarnation incarnation) {
    hosts_[host] = Host{incarnation, true};
}

void Network::end_life(const std::string& host, Incarnation incarnation, bool reachable) {
    hosts_[host] = Host{no_incarnation, reachable};
    std::vector<AcceptHandler> accepts;
    for (const auto& [id, listener] : listeners_)
        if (listener->shard_.incarnation() == incarnation)
            if (auto handler = listener->abandon()) accepts.push_back(std::move(*handler));
    std::vector<ConnectionPtr> ended;
    for (const auto& [id, connection] : connections_)
        if (connection->sides[0].incarnation == incarnation || connection->sides[1].incarnation == incarnation)
            ended.push_back(connection);
    for (const ConnectionPtr& connection : ended) {
        for (const int i : {0, 1}) {
            Side& side = connection->sides[i];
            if (side.incarnation != incarnation || side.closed) continue;
            if (!reachable) cut(connection->id);
            close(connection, i);
        }
    }
    for (const ConnectionPtr& connection : ended) {
        for (Side& side : connection->sides) {
            if (side.incarnation != incarnation) continue;
            // Destroying a handler may destroy coroutines that own streams: take it out first.
            const auto reader = std::exchange(side.reader, std::nullopt);
            const auto writer = std::exchange(side.writer, std::nullopt);
        }
    }
}

// Faults

void Network::block(const std::string& from, const std::string& to) {
    blocked_.insert({from, to});
    simulation_.count("network link blocked");
}

void Network::heal() {
    blocked_.clear();
    for (const auto& [id, connection] : connections_) {
        for (const int to : {0, 1}) {
            Side& side = connection->sides[to];
            if (side.on_the_way.empty()) continue;
            // What waited is sent again: it comes in order, and after a while.
            const TimePoint at =
                simulation_.now() + options_.delay.draw(random_) + random_.duration(Duration(0), milliseconds(200));
            for (Segment& segment : side.on_the_way) segment.arrival = std::max(segment.arrival, at);
            schedule_arrival(connection, to, at);
        }
    }
}

std::vector<Network::ConnectionId> Network::connections() const {
    std::vector<ConnectionId> ids;
    ids.reserve(connections_.size());
    for (const auto& [id, connection] : connections_) ids.push_back(id);
    return ids;
}

void Network::cut(ConnectionId id) {
    const auto found = connections_.find(id);
    if (found == connections_.end()) return;
    const ConnectionPtr connection = found->second;
    simulation_.count("connection cut");
    for (const int to : {0, 1}) {
        connection->sides[1 - to].severed = true;
        auto& on_the_way = connection->sides[to].on_the_way;
        const std::size_t kept = random_.between(0, on_the_way.size());
        if (kept < on_the_way.size()) simulation_.count("bytes lost on the way");
        on_the_way.resize(kept);
        const Duration wait = random_.chance(200) ? random_.duration(milliseconds(1), seconds(15))
                                                  : random_.duration(microseconds(1), milliseconds(50));
        reset(connection, to, simulation_.now() + wait);
    }
}

// Connecting

std::string Network::resolve(const std::string& from, const std::string& name) const {
    return name == "localhost" || name == "127.0.0.1" ? from : name;
}

Result<std::unique_ptr<runtime::Listener>> Network::listen(const std::string& host, runtime::Shard& shard,
                                                           const runtime::Endpoint& endpoint) {
    if (!is_any_address(endpoint.host) && resolve(host, endpoint.host) != host)
        return fail(Errc::invalid, fmt::format("{} is no address of {}", endpoint.host, host));
    runtime::Endpoint local = endpoint;
    if (local.port == 0) local.port = next_port_++;
    for (const auto& [id, listener] : listeners_)
        if (listener->host_ == host && listener->local_.port == local.port)
            return fail(Errc::exists, fmt::format("{}:{} is in use", host, local.port));
    return std::make_unique<SimListener>(*this, next_listener_++, host, static_cast<SimShard&>(shard), local);
}

void Network::connect(const std::string& host, runtime::Shard& shard, const runtime::Endpoint& endpoint,
                      TimePoint deadline, AcceptHandler handler) {
    auto* here = static_cast<SimShard*>(&shard);
    Attempt first{host, here, endpoint, std::min(deadline, simulation_.now() + options_.connect_timeout),
                  std::move(handler)};
    simulation_.schedule_after(options_.delay.draw(random_), EventKind::network, {here->incarnation(), nullptr},
                               [this, first = std::move(first)]() mutable { attempt(std::move(first)); });
}

void Network::attempt(Attempt attempt_now) {
    const std::string to = resolve(attempt_now.from, attempt_now.to.host);
    if (simulation_.now() >= attempt_now.deadline)
        return refuse(std::move(attempt_now), Errc::timed_out, "no answer from " + to);
    const auto host = hosts_.find(to);
    if (host == hosts_.end()) return refuse(std::move(attempt_now), Errc::not_found, "unknown host " + to);
    if (!host->second.reachable || is_blocked(attempt_now.from, to) || is_blocked(to, attempt_now.from)) {
        const TimePoint at = std::min(simulation_.now() + seconds(1), attempt_now.deadline);
        const Incarnation life = attempt_now.shard->incarnation();
        simulation_.schedule(at, EventKind::network, {life, nullptr},
                             [this, again = std::move(attempt_now)]() mutable { attempt(std::move(again)); });
        return;
    }
    for (const auto& [id, listener] : listeners_)
        if (listener->host_ == to && listener->local_.port == attempt_now.to.port &&
            !silenced_.contains(listener->shard_.incarnation()))
            return establish(std::move(attempt_now), *listener);
    const std::string message = fmt::format("{}:{} refuses connections", to, attempt_now.to.port);
    refuse(std::move(attempt_now), Errc::io, message);
}

void Network::refuse(Attempt attempt, Errc code, std::string message) {
    SimShard* shard = attempt.shard;
    simulation_.schedule_after(options_.delay.draw(random_), EventKind::network, {shard->incarnation(), shard},
                               [handler = std::move(attempt.handler), code, message = std::move(message)]() mutable {
                                   std::move(handler)(fail(code, std::move(message)));
                               });
}

void Network::establish(Attempt attempt, SimListener& listener) {
    auto connection = std::make_shared<Connection>();
    connection->id = next_connection_++;
    connection->sends_files = random_.coin();
    for (Side& side : connection->sides)
        side.window_bytes = random_.between(options_.smallest_window_bytes, options_.largest_window_bytes);
    Side& client = connection->sides[0];
    client.host = attempt.from;
    client.shard = attempt.shard;
    client.incarnation = attempt.shard->incarnation();
    client.local = {attempt.from, static_cast<std::uint16_t>(40000 + connection->id % 20000)};
    Side& server = connection->sides[1];
    server.host = listener.host_;
    server.shard = &listener.shard_;
    server.incarnation = listener.shard_.incarnation();
    server.local = {listener.host_, listener.local_.port};
    connections_.emplace(connection->id, connection);
    simulation_.trace(EventKind::network, client.incarnation, "connect", connection->id, server.incarnation);

    simulation_.schedule_after(
        options_.delay.draw(random_), EventKind::network, {client.incarnation, client.shard},
        [handler = std::move(attempt.handler), stream = std::make_unique<SimStream>(*this, connection, 0)]() mutable {
            std::move(handler)(std::unique_ptr<runtime::Stream>(std::move(stream)));
        });
    listener.offer(std::make_unique<SimStream>(*this, connection, 1));
}

// Bytes on the way

std::size_t Network::room(const Connection& connection, int to) const {
    const Side& side = connection.sides[to];
    return side.window_bytes - std::min(side.window_bytes, side.in_window_bytes);
}

void Network::send(const ConnectionPtr& connection, int to, Bytes bytes, Mark mark) {
    Side& side = connection->sides[to];
    const Side& sender = connection->sides[1 - to];
    side.in_window_bytes += bytes.size();
    simulation_.trace(EventKind::network, sender.incarnation, "send", connection->id * 2 + static_cast<unsigned>(to),
                      hash_of(bytes));
    if (sender.severed || silenced_.contains(sender.incarnation)) return;
    TimePoint arrival = simulation_.now() + options_.delay.draw(random_);
    if (!side.on_the_way.empty()) arrival = std::max(arrival, side.on_the_way.back().arrival);
    side.on_the_way.push_back({arrival, std::move(bytes), mark});
    schedule_arrival(connection, to, arrival);
}

void Network::reset(const ConnectionPtr& connection, int to, TimePoint at) {
    Side& side = connection->sides[to];
    if (!side.on_the_way.empty()) at = std::max(at, side.on_the_way.back().arrival);
    side.on_the_way.push_back({at, {}, Mark::reset});
    schedule_arrival(connection, to, at);
}

void Network::schedule_arrival(const ConnectionPtr& connection, int to, TimePoint at) {
    simulation_.schedule(at, EventKind::network, {}, [this, connection, to] { arrive(connection, to); });
}

void Network::arrive(const ConnectionPtr& connection, int to) {
    Side& side = connection->sides[to];
    const Side& sender = connection->sides[1 - to];
    const bool blocked = is_blocked(sender.host, side.host);
    while (!side.on_the_way.empty() && side.on_the_way.front().arrival <= simulation_.now()) {
        const bool severed_end =
            side.on_the_way.back().mark == Mark::reset && side.on_the_way.back().arrival <= simulation_.now();
        if (blocked && !severed_end) return;  // heal() comes back to it
        Segment segment = std::move(side.on_the_way.front());
        side.on_the_way.pop_front();
        if (side.closed) {
            // The machine answers what nobody reads with a reset; a dead one answers nothing.
            if (!segment.bytes.empty() && !connection->sides[1 - to].closed && !side.severed)
                reset(connection, 1 - to, simulation_.now() + options_.delay.draw(random_));
            side.on_the_way.clear();
            break;
        }
        if (segment.mark == Mark::end) side.end_seen = true;
        if (segment.mark == Mark::reset) side.reset_seen = true;
        if (!blocked) side.readable.insert(side.readable.end(), segment.bytes.begin(), segment.bytes.end());
        if (side.reset_seen) {
            if (random_.coin()) side.readable.clear();
            schedule_write(connection, to, simulation_.now());
        }
    }
    schedule_read(connection, to);
    forget_when_over(connection);
}

std::size_t Network::take_readable(const ConnectionPtr& connection, int side, MutableBytes into) {
    auto& readable = connection->sides[side].readable;
    std::size_t size = std::min(into.size(), readable.size());
    if (size > 1 && random_.chance(options_.partial_per_mille)) size = random_.between(1, size);
    const auto end = readable.begin() + static_cast<std::ptrdiff_t>(size);
    std::copy(readable.begin(), end, into.begin());
    readable.erase(readable.begin(), end);
    acknowledge(connection, side, size);
    return size;
}

void Network::acknowledge(const ConnectionPtr& connection, int from, std::size_t size) {
    simulation_.schedule_after(options_.delay.draw(random_), EventKind::network, {}, [this, connection, from, size] {
        connection->sides[from].in_window_bytes -= size;
        schedule_write(connection, 1 - from, simulation_.now());
    });
}

// Completions

void Network::schedule_read(const ConnectionPtr& connection, int index) {
    Side& side = connection->sides[index];
    if (side.read_scheduled || !side.reader) return;
    if (side.readable.empty() && !side.end_seen && !side.reset_seen && !side.closed) return;
    side.read_scheduled = true;
    side.shard->complete(EventKind::network, [this, connection, index] { complete_read(connection, index); });
}

void Network::complete_read(const ConnectionPtr& connection, int index) {
    Side& side = connection->sides[index];
    side.read_scheduled = false;
    if (!side.reader) return;
    Result<> outcome;
    if (side.closed)
        outcome = fail(Errc::closed, "the stream is closed");
    else if (side.readable.empty() && side.reset_seen)
        outcome = fail(Errc::io, "connection reset by peer");
    else if (side.readable.empty() && !side.end_seen)
        return;
    runtime::Handler<Result<>> handler = std::move(*side.reader);
    side.reader.reset();
    std::move(handler)(std::move(outcome));
}

void Network::schedule_write(const ConnectionPtr& connection, int index, TimePoint at) {
    Side& side = connection->sides[index];
    if (side.write_scheduled || !side.writer || side.shard->has_ended()) return;
    side.write_scheduled = true;
    simulation_.schedule(std::max(at, simulation_.now() + microseconds(1)), EventKind::network,
                         {side.incarnation, side.shard},
                         [this, connection, index] { complete_write(connection, index); });
}

void Network::complete_write(const ConnectionPtr& connection, int index) {
    Side& side = connection->sides[index];
    side.write_scheduled = false;
    if (!side.writer) return;
    Result<> outcome;
    if (side.closed)
        outcome = fail(Errc::closed, "the stream is closed");
    else if (side.reset_seen)
        outcome = fail(Errc::io, "connection reset by peer");
    else if (simulation_.now() < side.writes_block_until)
        return schedule_write(connection, index, side.writes_block_until);
    else if (room(*connection, 1 - index) == 0)
        return;  // acknowledge() comes back to it
    runtime::Handler<Result<>> handler = std::move(*side.writer);
    side.writer.reset();
    std::move(handler)(std::move(outcome));
}

void Network::close(const ConnectionPtr& connection, int index) {
    Side& side = connection->sides[index];
    if (side.closed) return;
    simulation_.trace(EventKind::network, side.incarnation, "close", connection->id);
    const Mark mark = side.readable.empty() ? Mark::end : Mark::reset;
    send(connection, 1 - index, {}, mark);
    side.closed = true;
    side.readable.clear();
    schedule_read(connection, index);
    schedule_write(connection, index, simulation_.now());
    forget_when_over(connection);
}

void Network::forget_when_over(const ConnectionPtr& connection) {
    if (connection->sides[0].closed && connection->sides[1].closed && !connection->sides[0].reader &&
        !connection->sides[1].reader && !connection->sides[0].writer && !connection->sides[1].writer)
        connections_.erase(connection->id);
}

}  // namespace moldau::sim
