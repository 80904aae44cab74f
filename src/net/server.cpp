#include <map>

#include <moldau/base/assert.h>
#include <moldau/base/log.h>
#include <moldau/net/server.h>
#include <moldau/runtime/async.h>

#include "connection.h"
#include "shard_connections.h"

namespace moldau::net {

using runtime::Endpoint;
using runtime::Shard;
using runtime::Task;
using runtime::TimePoint;

namespace {

/// After an accept that failed, since descriptors are used up: let connections end.
constexpr auto accept_pause = std::chrono::milliseconds(100);
/// What was cut ends in a few turns; a service that holds a request longer is not waited for.
constexpr auto cut_patience = std::chrono::seconds(1);

void drain_all(ShardConnections& shard) {
    // A drained connection may end, and leave the map, at once.
    std::vector<Connection*> open;
    open.reserve(shard.open.size());
    for (const auto& [id, connection] : shard.open) open.push_back(connection);
    for (Connection* connection : open) connection->drain();
}

void cut_all(ShardConnections& shard) {
    while (!shard.open.empty()) {
        // A shard that has ended drops what closing wakes, the connection's owners among it.
        const auto connection = shard.open.begin()->second->shared_from_this();
        connection->close("the server stops");
    }
}

Task<bool> close_gate(std::shared_ptr<ShardConnections> shard, TimePoint deadline) {
    co_return co_await shard->gate.close(deadline);
}

}  // namespace

/// Touched on the first shard.
struct Server::State : std::enable_shared_from_this<Server::State> {
    State(runtime::World in_world, const std::vector<Service*>& services, const ServerOptions& with)
        : world(in_world), options(with), accepting(home()), counts(in_world.shards.size()) {
        MOLDAU_ASSERT(services.size() == world.shards.size());
        for (std::size_t i = 0; i < services.size(); ++i) {
            shards.push_back(std::make_shared<ShardConnections>(world.shard(i), world.disk, *services[i], options,
                                                                options.request_budget_bytes / services.size()));
        }
    }

    Shard& home() const { return world.shard(0); }

    std::size_t least_loaded() const {
        return static_cast<std::size_t>(std::ranges::min_element(counts) - counts.begin());
    }

    static Task<void> accept_loop(std::shared_ptr<State> self, runtime::Gate::Hold hold, std::size_t listener);
    void admit(std::unique_ptr<runtime::Stream> stream, std::size_t target, const std::string& listener);
    void on_connection_end(const std::string& host, std::size_t target);
    Task<bool> close_gates(TimePoint deadline);

    /// Runs on the shard of each, `begin` being quick.
    Task<void> on_every_shard(void (*begin)(ShardConnections&));

    struct Listening {
        std::string name;
        std::unique_ptr<runtime::Listener> listener;
    };

    runtime::World world;
    const ServerOptions options;
    std::vector<std::shared_ptr<ShardConnections>> shards;
    std::vector<Listening> listeners;
    runtime::Gate accepting;
    std::vector<std::size_t> counts;  // connections on each shard
    std::size_t total = 0;
    std::map<std::string, std::size_t> by_host;
    std::uint64_t next_id = 1;
};

Server::Server(runtime::World world, std::vector<Service*> services, ServerOptions options)
    : state_(std::make_shared<State>(world, services, options)) {}

Server::~Server() {
    // A connection's coroutines wait in signals that the connection owns: who never wakes them leaks all of it.
    for (const auto& shard : state_->shards) cut_all(*shard);
}

std::size_t Server::connections() const {
    return state_->total;
}

Result<Endpoint> Server::listen(const std::string& listener_name, const Endpoint& endpoint) {
    State& state = *state_;
    auto hold = state.accepting.enter();
    if (!hold) return fail(Errc::closed, fmt::format("listener {}: the server stops", listener_name));
    auto listener = state.world.transport.listen(state.home(), endpoint);
    if (!listener) return std::unexpected(std::move(listener.error()).within("listener " + listener_name));
    Endpoint local = (*listener)->local();
    state.listeners.push_back({listener_name, std::move(*listener)});
    runtime::spawn(state.home(), State::accept_loop(state_, std::move(hold), state.listeners.size() - 1));
    return local;
}

Task<void> Server::State::accept_loop(std::shared_ptr<State> self, runtime::Gate::Hold /*hold*/, std::size_t listener) {
    while (true) {
        const std::size_t target = self->least_loaded();
        auto stream = co_await self->listeners[listener].listener->accept(self->world.shard(target));
        if (stream) {
            self->admit(std::move(*stream), target, self->listeners[listener].name);
            continue;
        }
        if (stream.error().code == Errc::closed) break;
        log::warn("listener {}: {}", self->listeners[listener].name, stream.error().message);
        co_await runtime::sleep_until(self->home(), self->home().now() + accept_pause);
    }
}

void Server::State::admit(std::unique_ptr<runtime::Stream> stream, std::size_t target, const std::string& listener) {
    Shard& owner = world.shard(target);
    const Endpoint address = stream->peer();
    const auto of_host = by_host.find(address.host);
    const std::size_t open_of_host = of_host == by_host.end() ? 0 : of_host->second;
    const auto own_limit = options.max_connections_of.find(address.host);
    const bool host_is_full =
        open_of_host >=
        (own_limit == options.max_connections_of.end() ? options.max_connections_per_ip : own_limit->second);
    if (total >= options.max_connections || host_is_full) {
        log::info("listener {}: a connection of {} is closed: {} are open, as many as {} allows", listener,
                  address.host, host_is_full ? open_of_host : total,
                  host_is_full ? "max.connections.per.ip (or its overrides)"
                               : "max.connections or the limit of descriptors (ulimit -n)");
        owner.post([refused = std::move(stream)]() mutable { refused.reset(); });
        return;
    }
    ++total;
    ++counts[target];
    ++by_host[address.host];
    Peer peer;
    peer.listener = listener;
    peer.address = address;
    peer.id = next_id++;
    peer.shard = &owner;
    auto on_end = [self = shared_from_this(), host = address.host, target] {
        self->home().post([self, host, target] { self->on_connection_end(host, target); });
    };
    owner.post([shared = shards[target], stream = std::move(stream), peer = std::move(peer),
                on_end = std::move(on_end)]() mutable {
        Connection::start(std::move(shared), std::move(stream), std::move(peer), std::move(on_end));
    });
}

void Server::State::on_connection_end(const std::string& host, std::size_t target) {
    --total;
    --counts[target];
    const auto of_host = by_host.find(host);
    if (--of_host->second == 0) by_host.erase(of_host);
}

Task<void> Server::State::on_every_shard(void (*begin)(ShardConnections&)) {
    for (const auto& shard : shards) {
        co_await runtime::call_on(home(), shard->shard, [begin, shard] { begin(*shard); });
    }
}

Task<bool> Server::State::close_gates(TimePoint deadline) {
    bool all = true;
    for (const auto& shard : shards) {
        const bool closed =
            co_await runtime::run_on(home(), shard->shard, [shard, deadline] { return close_gate(shard, deadline); });
        all = all && closed;
    }
    co_return all;
}

Task<bool> Server::stop(TimePoint deadline) {
    const auto state = state_;
    for (auto& listening : state->listeners) listening.listener->close();
    co_await state->accepting.close();
    co_await state->on_every_shard(drain_all);
    const bool all_answered = co_await state->close_gates(deadline);
    if (!all_answered) {
        co_await state->on_every_shard(cut_all);
        co_await state->close_gates(state->home().now() + cut_patience);
    }
    co_return all_answered;
}

}  // namespace moldau::net
