#include "session.h"

#include <fmt/format.h>

#include <moldau/protocol/api_table.h>
#include <moldau/protocol/messages/api_versions.h>
#include <moldau/protocol/messages/metadata.h>
#include <moldau/runtime/endpoint_text.h>

namespace moldau::cli {

using protocol::ErrorCode;
using runtime::Task;

namespace {

TopicInfo topic_info(const protocol::MetadataResponse::MetadataResponseTopic& topic) {
    TopicInfo info{.error = topic.error_code, .id = topic.topic_id, .internal = topic.is_internal, .partitions = {}};
    for (const auto& partition : topic.partitions) {
        info.partitions.emplace(partition.partition_index.value(), PartitionInfo{
                                                                       .error = partition.error_code,
                                                                       .leader = partition.leader_id,
                                                                       .leader_epoch = partition.leader_epoch,
                                                                       .replicas = partition.replica_nodes,
                                                                       .isr = partition.isr_nodes,
                                                                       .offline = partition.offline_replicas,
                                                                   });
    }
    return info;
}

Failure closed_here() {
    return {ExitCode::failed, "it was ended here"};
}

/// Nobody knows what became of those before: not to be tried again as if nothing had happened.
Failure unanswered_lost(const Error& why) {
    return {ExitCode::failed, fmt::format("records that were sent with acks=0 may be lost: {}", why.message)};
}

}  // namespace

/// A connection being made. Shared by who makes it and who waits for it, since a port cannot be told to stop: a session
/// that is closed waits no more, and the connection is dropped once it comes.
struct Session::Connecting {
    explicit Connecting(runtime::Shard& shard) : changed(shard) {}

    static Task<void> run(std::shared_ptr<Connecting> self, Connector& connector, runtime::Endpoint endpoint,
                          runtime::TimePoint deadline) {
        self->connection = co_await connector.connect(std::move(endpoint), deadline);
        self->changed.notify_all();
    }

    std::optional<Result<std::shared_ptr<Connection>>> connection;
    runtime::Signal changed;
};

Task<Outcome<>> Session::open() {
    Outcome<std::shared_ptr<Link>> link = co_await link_to(std::nullopt);
    if (!link) co_return std::unexpected(std::move(link).error());
    co_return Outcome<>();
}

Task<Outcome<std::shared_ptr<Session::Link>>> Session::link_to(std::optional<NodeId> node) {
    const NodeId slot = node.value_or(no_node);
    Pending& pending = links_[slot];
    const std::uint64_t turn = pending.came++;
    while (pending.served != turn) co_await turn_ended_.wait();
    Outcome<std::shared_ptr<Link>> link = pending.link;
    if (!pending.link) link = co_await make_link(node, pending);
    ++pending.served;
    turn_ended_.notify_all();
    co_return link;
}

Task<Outcome<std::shared_ptr<Session::Link>>> Session::make_link(std::optional<NodeId> node, Pending& pending) {
    std::vector<runtime::Endpoint> candidates;
    if (!node) {
        candidates = options_.bootstrap;
    } else if (const auto broker = cluster_.brokers.find(*node); broker != cluster_.brokers.end()) {
        candidates.push_back(broker->second.endpoint);
    } else {
        co_return std::unexpected(Failure{ExitCode::failed, fmt::format("broker {} is not known", *node), true});
    }

    Outcome<std::shared_ptr<Link>> link = failed(ExitCode::usage, "no broker is named: --bootstrap host:port");
    for (const runtime::Endpoint& candidate : candidates) {
        if (closed_) co_return std::unexpected(closed_here());
        link = co_await connect(candidate);
        if (link) break;
    }
    const bool silent =
        !link && (link.error().code == ExitCode::cannot_connect || link.error().code == ExitCode::timed_out);
    if (silent && !pending.was_reached) {
        link.error().message +=
            node ? fmt::format(
                       "; that is where broker {} tells its clients to connect: its advertised.listeners must "
                       "name an address that they reach",
                       *node)
                 : "; is a broker running there? --bootstrap host:port names another, and so does MOLDAU_BOOTSTRAP";
    }
    if (link) {
        pending.link = *link;
        pending.was_reached = true;
    }
    co_return link;
}

Task<Outcome<std::shared_ptr<Session::Link>>> Session::connect(runtime::Endpoint endpoint) {
    Result<std::shared_ptr<Connection>> connection = co_await reach(endpoint);
    if (closed_) co_return std::unexpected(closed_here());
    if (!connection) {
        co_return std::unexpected(Failure{ExitCode::cannot_connect, connection.error().message, true});
    }
    auto link = std::make_shared<Link>();
    link->connection = std::move(*connection);
    negotiating_.insert(link->connection);
    const Outcome<> negotiated = co_await negotiate(*link);
    negotiating_.erase(link->connection);
    if (closed_) co_return std::unexpected(closed_here());
    if (negotiated) co_return link;
    const Failure& why = negotiated.error();
    if (why.code == ExitCode::timed_out) co_return std::unexpected(why);
    co_return std::unexpected(
        Failure{ExitCode::cannot_connect,
                fmt::format("{} does not answer as a broker does: {}", to_text(endpoint), why.message), true});
}

Task<Result<std::shared_ptr<Connection>>> Session::reach(runtime::Endpoint endpoint) {
    const auto connecting = std::make_shared<Connecting>(shard_);
    runtime::spawn(shard_, Connecting::run(connecting, connector_, std::move(endpoint), deadline()));
    connecting_.insert(connecting);
    while (!connecting->connection && !closed_) co_await connecting->changed.wait();
    connecting_.erase(connecting);
    if (!connecting->connection) co_return fail(Errc::closed, "it was ended here");
    co_return std::move(*connecting->connection);
}

Task<Outcome<>> Session::negotiate(Link& link) {
    using protocol::ApiVersionsRequest;
    // The highest version first; a broker that does not know it answers in version 0 with UNSUPPORTED_VERSION.
    for (const std::int16_t version : {ApiVersionsRequest::max_version, std::int16_t{0}}) {
        protocol::Writer writer;
        ApiVersionsRequest request;
        request.client_software_name = "moldau";
        request.client_software_version = "0.1.0";
        request.encode(writer, version);
        Result<net::Answer> reply =
            co_await link.connection->call(Call{ApiVersionsRequest::api_key, version, writer.take(), deadline(), true});
        if (!reply) co_return std::unexpected(failure_of(reply.error()));
        const ByteView body = reply->body();
        const bool refused = body.size() >= 2 && load_big_endian<std::int16_t>(body.data()) ==
                                                     static_cast<std::int16_t>(ErrorCode::unsupported_version);
        if (refused && version > 0) continue;
        protocol::Reader reader(body);
        const auto answer = protocol::ApiVersionsResponse::decode(reader, version);
        if (const Result<> whole = reader.finish("ApiVersionsResponse"); !whole)
            co_return std::unexpected(failure_of(whole.error()));
        if (answer.error_code != ErrorCode::none)
            co_return std::unexpected(failure_of(answer.error_code, "the versions of its APIs"));
        for (const auto& api : answer.api_keys)
            link.versions.emplace(api.api_key, VersionRange{api.min_version, api.max_version});
        co_return Outcome<>();
    }
    co_return failed(ExitCode::cannot_connect, "it refuses every version of ApiVersions");
}

Outcome<std::int16_t> Session::choose_version(const Link& link, std::int16_t api_key, std::int16_t max_version) const {
    const protocol::ApiInfo* api = protocol::find_api(api_key);
    const auto offered = link.versions.find(api_key);
    if (offered == link.versions.end())
        return failed(ExitCode::failed,
                      fmt::format("{} is not offered there{}", api->name,
                                  api_key == protocol::MetadataRequest::api_key
                                      ? ": that is a controller's listener; --bootstrap must name a broker's"
                                      : ""));
    const std::int16_t highest = std::min({api->stable_version, max_version, offered->second.max});
    if (highest < std::max(api->min_version, offered->second.min)) {
        return failed(ExitCode::failed, fmt::format("the broker offers {} in versions {} to {}, and this client knows "
                                                    "{} to {}",
                                                    api->name, offered->second.min, offered->second.max,
                                                    api->min_version, std::min(api->stable_version, max_version)));
    }
    return highest;
}

Task<Outcome<Session::Exchange>> Session::exchange_with(CallOptions options, std::int16_t api_key, Encoder encoder) {
    CLI_CO_TRY(link, co_await link_to(options.node));
    CLI_CO_TRY(version, choose_version(*link, api_key, options.max_version));
    protocol::Writer writer;
    encoder.encode(encoder.message, writer, version);
    const runtime::TimePoint until = runtime::after(shard_.now(), options.timeout.value_or(options_.timeout));
    if (!options.answered) link->has_unanswered = true;
    Result<net::Answer> reply =
        co_await link->connection->call(Call{api_key, version, writer.take(), until, options.answered});
    if (!reply) {
        // That it failed tells of those before it, too.
        if (!options.answered) link->has_unanswered = false;
        if (Pending& pending = links_[options.node.value_or(no_node)]; pending.link == link) drop_link(pending);
        if (closed_) co_return std::unexpected(closed_here());
        if (!options.answered) co_return std::unexpected(unanswered_lost(reply.error()));
        co_return std::unexpected(
            failure_of(std::move(reply).error().within(fmt::format("{}", protocol::find_api(api_key)->name))));
    }
    co_return Exchange{std::move(*reply), version};
}

void Session::drop_link(Pending& pending) {
    if (pending.link->has_unanswered) dropped_.push_back(pending.link);
    pending.link = nullptr;
}

Task<Outcome<>> Session::refresh(std::optional<std::vector<std::string>> topics) {
    protocol::MetadataRequest request;
    request.allow_auto_topic_creation = false;
    if (topics) {
        for (const std::string& name : *topics) {
            protocol::MetadataRequest::MetadataRequestTopic topic;
            topic.name = protocol::Text::borrow(name);
            request.topics->push_back(std::move(topic));
        }
    } else {
        request.topics = std::nullopt;
    }
    CLI_CO_TRY(answer, co_await call(request));
    if (answer->error_code != ErrorCode::none) co_return std::unexpected(failure_of(answer->error_code, "metadata"));

    cluster_.id = answer->cluster_id ? answer->cluster_id->str() : "";
    cluster_.controller = answer->controller_id;
    cluster_.brokers.clear();
    for (const auto& broker : answer->brokers) {
        BrokerInfo info{{broker.host.str(), static_cast<std::uint16_t>(broker.port)}, std::nullopt};
        if (broker.rack) info.rack = broker.rack->str();
        // A node that moved needs a new connection.
        if (const auto link = links_.find(broker.node_id); link != links_.end() && link->second.link) {
            const auto before = endpoints_.find(broker.node_id);
            if (before != endpoints_.end() && before->second != info.endpoint) drop_link(link->second);
        }
        endpoints_[broker.node_id] = info.endpoint;
        cluster_.brokers.emplace(broker.node_id, std::move(info));
    }
    if (!topics) cluster_.topics.clear();
    for (const auto& topic : answer->topics)
        if (topic.name) cluster_.topics[topic.name->str()] = topic_info(topic);
    co_return Outcome<>();
}

const TopicInfo* Session::topic(const std::string& name) const {
    const auto found = cluster_.topics.find(name);
    return found == cluster_.topics.end() ? nullptr : &found->second;
}

NodeId Session::leader_of(const std::string& topic_name, std::int32_t partition) const {
    const TopicInfo* info = topic(topic_name);
    if (info == nullptr) return no_node;
    const auto found = info->partitions.find(partition);
    return found == info->partitions.end() ? no_node : found->second.leader;
}

Task<Outcome<>> Session::settle() {
    std::vector<std::shared_ptr<Link>> links = std::exchange(dropped_, {});
    for (const auto& [node, pending] : links_)
        if (pending.link && pending.link->has_unanswered) links.push_back(pending.link);
    for (const auto& link : links) {
        // A broker deals with a connection's requests in order, and closes it when it cannot do what it was asked
        // without an answer: whatever is answered behind them tells of them. Version 0 has no body.
        const Result<net::Answer> reply =
            co_await link->connection->call(Call{protocol::ApiVersionsRequest::api_key, 0, {}, deadline(), true});
        if (!reply) co_return std::unexpected(unanswered_lost(reply.error()));
    }
    co_return Outcome<>();
}

void Session::close() {
    closed_ = true;
    for (const auto& connecting : connecting_) connecting->changed.notify_all();
    for (const auto& connection : negotiating_) connection->close();
    for (const auto& link : dropped_) link->connection->close();
    for (auto& [node, pending] : links_)
        if (pending.link) pending.link->connection->close();
}

bool Session::offers(std::int16_t api_key) const {
    const auto bootstrap = links_.find(no_node);
    return bootstrap != links_.end() && bootstrap->second.link && bootstrap->second.link->versions.contains(api_key);
}

}  // namespace moldau::cli
