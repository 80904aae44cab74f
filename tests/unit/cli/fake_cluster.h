#pragma once
// Brokers that a test scripts: each API is answered by a function, and what was asked is kept.

#include <deque>
#include <functional>
#include <map>
#include <support/manual_shard.h>

#include <moldau/protocol/api_table.h>
#include <moldau/protocol/messages/api_versions.h>
#include <moldau/protocol/messages/metadata.h>
#include <moldau/protocol/reader.h>
#include <moldau/protocol/writer.h>

#include "session.h"

namespace moldau::cli {

/// A request as a broker got it.
struct Asked {
    runtime::Endpoint endpoint;
    Call call;
};

class FakeCluster final : public Connector {
 public:
    using Answerer = std::function<Result<Bytes>(const Asked&)>;

    explicit FakeCluster(runtime::Shard& shard) : shard_(shard) {
        answer<protocol::ApiVersionsRequest>([](const protocol::ApiVersionsRequest&, const Asked&) {
            protocol::ApiVersionsResponse response;
            for (const protocol::ApiInfo& api : protocol::all_apis()) {
                auto& offered = response.api_keys.emplace_back();
                offered.api_key = api.key;
                offered.min_version = api.min_version;
                offered.max_version = api.stable_version;
            }
            return response;
        });
    }

    /// `make` gets the decoded request and gives the response.
    template <class Request, class Make>
    void answer(Make make) {
        answerers_[Request::api_key] = [make](const Asked& asked) -> Result<Bytes> {
            protocol::Reader reader(asked.call.body);
            const Request request = Request::decode(reader, asked.call.api_version);
            protocol::Writer writer;
            make(request, asked).encode(writer, asked.call.api_version);
            return writer.take();
        };
    }
    template <class Request>
    void answer_raw(Answerer answerer) {
        answerers_[Request::api_key] = std::move(answerer);
    }
    void remove(std::int16_t api_key) { answerers_.erase(api_key); }

    /// Brokers 1, 2 … at ports 9001, 9002 …; `topics`: partition → leader.
    void set_metadata(int brokers, std::map<std::string, std::vector<int>> topics, TopicId topic_id = {}) {
        answer<protocol::MetadataRequest>(
            [brokers, topics, topic_id](const protocol::MetadataRequest& request, const Asked&) {
                protocol::MetadataResponse response;
                response.cluster_id = protocol::Text("a-cluster");
                for (int id = 1; id <= brokers; ++id) {
                    auto& broker = response.brokers.emplace_back();
                    broker.node_id = NodeId(id);
                    broker.host = "broker";
                    broker.port = 9000 + id;
                }
                std::vector<std::string> names;
                if (request.topics) {
                    for (const auto& topic : *request.topics) names.push_back(topic.name->str());
                } else {
                    for (const auto& [name, leaders] : topics) names.push_back(name);
                }
                for (const std::string& name : names) {
                    auto& topic = response.topics.emplace_back();
                    topic.name = protocol::Text(name);
                    topic.topic_id = topic_id;
                    const auto found = topics.find(name);
                    if (found == topics.end()) {
                        topic.error_code = protocol::ErrorCode::unknown_topic_or_partition;
                        continue;
                    }
                    for (std::size_t i = 0; i < found->second.size(); ++i) {
                        auto& partition = topic.partitions.emplace_back();
                        partition.partition_index = PartitionIndex(static_cast<std::int32_t>(i));
                        partition.leader_id = NodeId(found->second[i]);
                    }
                }
                return response;
            });
    }

    /// How long each answer takes from now on.
    void set_delay(runtime::Duration delay) { delay_ = delay; }

    /// Connecting to this port takes until the deadline, and fails then.
    void swallow(std::uint16_t port) { swallowed_.push_back(port); }
    /// Connecting to this port fails.
    void refuse(std::uint16_t port) { refused_.push_back(port); }
    /// Connecting succeeds again everywhere.
    void accept() { refused_.clear(); }

    runtime::Task<Result<std::shared_ptr<Connection>>> connect(runtime::Endpoint endpoint,
                                                               runtime::TimePoint deadline) override {
        ++connects;
        if (std::ranges::find(swallowed_, endpoint.port) != swallowed_.end()) {
            co_await runtime::sleep_until(shard_, deadline);
            co_return fail(Errc::timed_out, fmt::format("nobody answers at {}", endpoint.port));
        }
        if (std::ranges::find(refused_, endpoint.port) != refused_.end())
            co_return fail(Errc::io, fmt::format("nobody listens at {}", endpoint.port));
        co_return std::make_shared<FakeConnection>(*this, std::move(endpoint));
    }

    std::vector<const Asked*> asked_of(std::int16_t api_key) const {
        std::vector<const Asked*> found;
        for (const Asked& asked : asked_)
            if (asked.call.api_key == api_key) found.push_back(&asked);
        return found;
    }

    int connects = 0;
    bool hung_up = false;  ///< no connection is of any more use

 private:
    class FakeConnection final : public Connection {
     public:
        FakeConnection(FakeCluster& cluster, runtime::Endpoint endpoint)
            : cluster_(cluster), endpoint_(std::move(endpoint)) {}
        runtime::Task<Result<net::Answer>> call(Call call) override {
            cluster_.asked_.push_back({endpoint_, std::move(call)});
            const Asked& asked = cluster_.asked_.back();
            if (cluster_.hung_up) co_return fail(Errc::closed, "the broker hung up");
            if (!asked.call.answered) co_return net::Answer{};
            const auto answerer = cluster_.answerers_.find(asked.call.api_key);
            if (answerer == cluster_.answerers_.end()) co_return fail(Errc::closed, "the broker hung up");
            const Result<Bytes> body = answerer->second(asked);
            // Answers come later, as over a network.
            const runtime::TimePoint comes = runtime::after(cluster_.shard_.now(), cluster_.delay_);
            co_await closing_.wait(std::min(comes, asked.call.deadline));
            if (closed_) co_return fail(Errc::closed, "it was closed here");
            if (comes > asked.call.deadline) co_return fail(Errc::timed_out, "no answer in time");
            if (!body) co_return std::unexpected(body.error());
            co_return net::Answer{Buffer(ByteView(*body)), 0};
        }
        void close() override {
            closed_ = true;
            closing_.notify_all();
        }

     private:
        FakeCluster& cluster_;
        runtime::Endpoint endpoint_;
        bool closed_ = false;
        runtime::Signal closing_{cluster_.shard_};
    };

    runtime::Shard& shard_;
    std::map<std::int16_t, Answerer> answerers_;
    std::vector<std::uint16_t> refused_;
    std::vector<std::uint16_t> swallowed_;
    runtime::Duration delay_ = std::chrono::milliseconds(1);
    std::deque<Asked> asked_;
};

namespace detail {
template <class T>
runtime::Task<void> store(runtime::Task<T> task, std::optional<T>& into) {
    into.emplace(co_await std::move(task));
}
inline runtime::Task<void> store_done(runtime::Task<void> task, bool& done) {
    co_await std::move(task);
    done = true;
}
}  // namespace detail

/// Runs a task to its end, an hour of virtual time at most.
template <class T>
T run(runtime::ManualShard& shard, runtime::Task<T> task) {
    std::optional<T> result;
    runtime::spawn(shard, detail::store(std::move(task), result));
    for (int second = 0; second < 3600 && !result; ++second) shard.advance(std::chrono::seconds(1));
    MOLDAU_ASSERT(result.has_value());
    return std::move(*result);
}
inline void run(runtime::ManualShard& shard, runtime::Task<void> task) {
    bool done = false;
    runtime::spawn(shard, detail::store_done(std::move(task), done));
    for (int second = 0; second < 3600 && !done; ++second) shard.advance(std::chrono::seconds(1));
    MOLDAU_ASSERT(done);
}

}  // namespace moldau::cli
