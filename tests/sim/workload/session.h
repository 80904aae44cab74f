#pragma once
// What every client of the workload needs: connections to brokers, the versions that both sides know, and who leads a
// partition. Owned by one client's coroutine, on its shard.

#include <initializer_list>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <moldau/protocol/error_code.h>

#include "group_model.h"
#include "model.h"
#include "rpc.h"
#include "world/simulation.h"

namespace moldau::sim {

/// Shared by all clients of a run; owned by the scenario, outlives them.
struct Workload {
    Simulation& simulation;
    Model& model;
    std::vector<runtime::Endpoint> brokers;                   ///< to begin with
    std::function<bool(Model::Life)> disk_refused;            ///< whether the life's disk was full or failed a call
    std::function<std::uint64_t(Model::Life)> segment_bytes;  ///< log.segment.bytes, the largest batch of a life
    std::set<std::string> topics = {};              ///< whose creation was acknowledged, and that are not deleted
    std::map<std::string, GroupModel> groups = {};  ///< by group id
    Duration patience = std::chrono::seconds(5);    ///< how long a client waits for an answer
    std::uint64_t operations = 0;                   ///< answered requests of clients
    bool converging = false;                        ///< consumers read to the end and leave
};

class Session {
 public:
    Session(Workload& workload, const runtime::World& world, std::string client_id, SimRandom random)
        : workload_(workload), world_(world), client_id_(std::move(client_id)), random_(random) {}

    /// A connection to the partition's leader, or to any broker where the topic is empty. Tries until there is one.
    runtime::Task<std::shared_ptr<Rpc>> connect(Model::Partition partition);
    /// Forgets who leads, after an error that says so.
    void forget() { leader_.reset(); }

    /// Asks; closes the connection at a failure. Counts what was answered.
    template <class Request>
    runtime::Task<Result<Answer<typename Request::Response>>> ask(std::shared_ptr<Rpc> rpc, Request request) {
        auto answer = co_await rpc->ask(std::move(request), version_of<Request>(), deadline());
        if (answer)
            ++workload_.operations;
        else
            forget();
        co_return std::move(answer);
    }

    template <class Request>
    std::int16_t version_of() {
        return version(Request::api_key, Request::min_version, Request::max_version);
    }

    /// Counts how a broker of `life` answered, and breaks a promise where it may not: an error is borne when it is one
    /// of `bearable`, or a storage error of a life that was refused something by its disk.
    void judge(std::string_view request, protocol::ErrorCode error, Model::Life life,
               std::initializer_list<protocol::ErrorCode> bearable = {});
    runtime::Task<> pause(Duration shortest, Duration longest);

    Workload& workload() { return workload_; }
    Model& model() { return workload_.model; }
    SimRandom& random() { return random_; }
    const runtime::World& world() const { return world_; }
    runtime::Shard& shard() { return world_.shard(0); }
    const Uuid& topic_id() const { return topic_id_; }
    runtime::TimePoint deadline() { return shard().now() + workload_.patience; }

 private:
    runtime::Task<std::shared_ptr<Rpc>> open(runtime::Endpoint broker);
    runtime::Task<bool> find_leader(std::shared_ptr<Rpc> rpc, Model::Partition partition);
    std::int16_t version(std::int16_t api_key, std::int16_t lowest, std::int16_t highest);

    Workload& workload_;
    runtime::World world_;
    std::string client_id_;
    SimRandom random_;
    std::shared_ptr<Rpc> rpc_;
    runtime::Endpoint connected_to_;
    std::optional<runtime::Endpoint> leader_;
    Uuid topic_id_{};
    std::map<std::int16_t, std::pair<std::int16_t, std::int16_t>> offered_;  ///< by the broker: key → versions
    std::map<std::int16_t, std::int16_t> chosen_;                            ///< drawn once a connection
};

}  // namespace moldau::sim
