#pragma once
// A cluster as a command sees it: finds a bootstrap broker that answers, agrees on a version for each API, knows topics
// and leaders, and calls the broker that a request is for. Owned by one command; on one shard.

#include <chrono>
#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <moldau/base/ids.h>
#include <moldau/protocol/reader.h>
#include <moldau/protocol/writer.h>
#include <moldau/runtime/async.h>

#include "connection.h"
#include "failure.h"

namespace moldau::cli {

struct SessionOptions {
    std::vector<runtime::Endpoint> bootstrap;
    runtime::Duration timeout = std::chrono::seconds(30);  ///< for connecting, and for an answer
};

struct PartitionInfo {
    protocol::ErrorCode error = protocol::ErrorCode::none;
    NodeId leader = no_node;
    LeaderEpoch leader_epoch = no_leader_epoch;
    std::vector<NodeId> replicas;
    std::vector<NodeId> isr;
    std::vector<NodeId> offline;
};

struct TopicInfo {
    protocol::ErrorCode error = protocol::ErrorCode::none;
    TopicId id;
    bool internal = false;
    std::map<std::int32_t, PartitionInfo> partitions;
};

struct BrokerInfo {
    runtime::Endpoint endpoint;
    std::optional<std::string> rack;
};

struct ClusterInfo {
    std::string id;
    NodeId controller = no_node;
    std::map<NodeId, BrokerInfo> brokers;
    std::map<std::string, TopicInfo> topics;  ///< of those that were asked for
};

/// An answer with the bytes that its texts borrow from.
template <class Message>
struct Answer {
    net::Answer frame;
    Message message;

    const Message* operator->() const { return &message; }
    Message* operator->() { return &message; }
};

struct CallOptions {
    std::optional<NodeId> node = std::nullopt;  ///< none: the bootstrap broker
    std::int16_t max_version = std::numeric_limits<std::int16_t>::max();
    std::optional<runtime::Duration> timeout = std::nullopt;  ///< none: the session's
    bool answered = true;
};

class Session {
 public:
    Session(runtime::Shard& shard, Connector& connector, SessionOptions options)
        : shard_(shard), connector_(connector), options_(std::move(options)) {}
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    /// One to the same brokers, not open yet, with connections of its own.
    std::unique_ptr<Session> another() const { return std::make_unique<Session>(shard_, connector_, options_); }

    /// Connects to the first bootstrap broker that answers. ExitCode::cannot_connect when none does.
    runtime::Task<Outcome<>> open();

    /// Calls at the highest version that both sides know. `request` must live until it is awaited. With
    /// answered = false the answer is one of defaults, and no failure is retriable once there was a connection: others
    /// that had been sent before may be lost with it.
    template <class Request>
    runtime::Task<Outcome<Answer<typename Request::Response>>> call(const Request& request, CallOptions options = {}) {
        using Response = typename Request::Response;
        const Encoder encoder{&request, [](const void* message, protocol::Writer& writer, std::int16_t version) {
                                  static_cast<const Request*>(message)->encode(writer, version);
                              }};
        Outcome<Exchange> exchange = co_await exchange_with(options, Request::api_key, encoder);
        if (!exchange) co_return std::unexpected(std::move(exchange).error());
        Answer<Response> answer{std::move(exchange->answer), {}};
        if (!options.answered) co_return answer;
        protocol::Reader reader(answer.frame.body());
        answer.message.read_from(reader, exchange->version);
        if (const Result<> whole = reader.finish(Response::message_name); !whole)
            co_return std::unexpected(failure_of(whole.error()));
        co_return answer;
    }

    /// Asks for topics (none: all) and brokers anew. Topics that do not exist are there with their error.
    runtime::Task<Outcome<>> refresh(std::optional<std::vector<std::string>> topics);

    /// As refresh() knew it last.
    const ClusterInfo& cluster() const { return cluster_; }
    /// The leader of a partition, no_node when it has none or is not known.
    NodeId leader_of(const std::string& topic, std::int32_t partition) const;
    /// Null when it was not asked for.
    const TopicInfo* topic(const std::string& name) const;

    /// Waits until the brokers have dealt with all calls that have no answer, also over connections that calls do not
    /// go over any more; fails when some of them may be lost.
    runtime::Task<Outcome<>> settle();

    /// Closes all connections, for good: calls that wait fail, also for a connection, and so do later ones.
    void close();

    /// Whether the bootstrap broker offers an API at all. Requires: open.
    bool offers(std::int16_t api_key) const;

    runtime::Shard& shard() { return shard_; }
    runtime::Duration timeout() const { return options_.timeout; }
    runtime::TimePoint deadline() { return runtime::after(shard_.now(), options_.timeout); }

 private:
    struct VersionRange {
        std::int16_t min;
        std::int16_t max;
    };
    struct Link {
        std::shared_ptr<Connection> connection;
        std::map<std::int16_t, VersionRange> versions;
        bool has_unanswered = false;  ///< it took calls that have no answer
    };
    struct Connecting;
    struct Encoder {
        const void* message;
        void (*encode)(const void* message, protocol::Writer& writer, std::int16_t version);
    };
    struct Exchange {
        net::Answer answer;
        std::int16_t version;
    };
    /// A connection that somebody makes while others wait for it. They get it in the order in which they came, also
    /// before who comes once it is there: calls keep their order.
    struct Pending {
        std::shared_ptr<Link> link;
        std::uint64_t came = 0;
        std::uint64_t served = 0;
        bool was_reached = false;  ///< its address is right
    };

    runtime::Task<Outcome<Exchange>> exchange_with(CallOptions options, std::int16_t api_key, Encoder encoder);
    runtime::Task<Outcome<std::shared_ptr<Link>>> link_to(std::optional<NodeId> node);
    runtime::Task<Outcome<std::shared_ptr<Link>>> make_link(std::optional<NodeId> node, Pending& pending);
    runtime::Task<Outcome<std::shared_ptr<Link>>> connect(runtime::Endpoint endpoint);
    /// Waits until the endpoint is connected to, has failed, or the session is closed.
    runtime::Task<Result<std::shared_ptr<Connection>>> reach(runtime::Endpoint endpoint);
    runtime::Task<Outcome<>> negotiate(Link& link);
    /// Whoever comes next connects anew.
    void drop_link(Pending& pending);
    Outcome<std::int16_t> choose_version(const Link& link, std::int16_t api_key, std::int16_t max_version) const;

    runtime::Shard& shard_;
    Connector& connector_;
    SessionOptions options_;
    std::map<NodeId, Pending> links_;                    // by node; the bootstrap connection under no_node
    std::vector<std::shared_ptr<Link>> dropped_;         // those that settle() is to ask all the same
    std::set<std::shared_ptr<Connecting>> connecting_;   // that somebody waits for
    std::set<std::shared_ptr<Connection>> negotiating_;  // not in links_ yet
    bool closed_ = false;
    runtime::Signal turn_ended_{shard_};
    ClusterInfo cluster_;
    std::map<NodeId, runtime::Endpoint> endpoints_;  // that links_ were made to
};

}  // namespace moldau::cli
