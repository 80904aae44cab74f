#include "session.h"

#include <algorithm>

#include <fmt/format.h>

#include <moldau/protocol/messages/api_versions.h>
#include <moldau/protocol/messages/metadata.h>

namespace moldau::sim {

using protocol::ErrorCode;
using runtime::Task;
using std::chrono::milliseconds;

Task<> Session::pause(Duration shortest, Duration longest) {
    co_await runtime::sleep_until(shard(), shard().now() + random_.duration(shortest, longest));
}

void Session::judge(std::string_view request, ErrorCode error, Model::Life life,
                    std::initializer_list<ErrorCode> bearable) {
    const std::string answer = fmt::format("{} {}", request, protocol::name_of(error));
    workload_.simulation.count(answer);
    if (error == ErrorCode::none || std::ranges::find(bearable, error) != bearable.end()) return;
    if (error == ErrorCode::kafka_storage_error && workload_.disk_refused(life)) return;
    model().broken(fmt::format("{} got {} in life {}, for no reason", client_id_, answer, life));
}

std::int16_t Session::version(std::int16_t api_key, std::int16_t lowest, std::int16_t highest) {
    if (const auto chosen = chosen_.find(api_key); chosen != chosen_.end()) return chosen->second;
    const auto offered = offered_.find(api_key);
    if (offered == offered_.end()) {
        model().broken(fmt::format("the broker does not offer API {}", api_key));
        return highest;
    }
    lowest = std::max(lowest, offered->second.first);
    highest = std::min(highest, offered->second.second);
    if (const auto* api = protocol::find_api(api_key)) highest = std::min(highest, api->stable_version);
    const auto drawn = static_cast<std::int16_t>(
        random_.between(static_cast<std::uint64_t>(lowest), static_cast<std::uint64_t>(std::max(lowest, highest))));
    return chosen_[api_key] = drawn;
}

Task<std::shared_ptr<Rpc>> Session::open(runtime::Endpoint broker) {
    auto opened = co_await Rpc::open(world_, broker, client_id_, deadline());
    if (!opened) co_return nullptr;
    std::shared_ptr<Rpc> rpc = *opened;
    rpc->on_broken([&model = model()](std::string what) { model.broken(std::move(what)); });
    chosen_.clear();
    protocol::ApiVersionsRequest request;
    request.client_software_name = "simulator";
    request.client_software_version = "1";
    const auto answer = co_await rpc->ask(request, 3, deadline());
    if (!answer) co_return nullptr;
    judge("versions", answer->message.error_code, rpc->peer_life());
    offered_.clear();
    for (const auto& api : answer->message.api_keys) offered_[api.api_key] = {api.min_version, api.max_version};
    ++workload_.operations;
    co_return rpc;
}

Task<bool> Session::find_leader(std::shared_ptr<Rpc> rpc, Model::Partition partition) {
    protocol::MetadataRequest request;
    request.topics.emplace();
    request.topics->emplace_back().name = protocol::Text(partition.topic);
    request.allow_auto_topic_creation = false;
    // Topic ids are needed for later versions of Produce and Fetch.
    const auto highest = offered_[protocol::MetadataRequest::api_key].second;
    const auto version = std::min(protocol::MetadataRequest::max_version, highest);
    const bool is_there = workload_.topics.contains(partition.topic);
    const auto answer = co_await rpc->ask(std::move(request), version, deadline());
    if (!answer) co_return false;
    ++workload_.operations;
    for (const auto& topic : answer->message.topics) {
        if (topic.error_code != ErrorCode::unknown_topic_or_partition || is_there)
            judge("metadata", topic.error_code, rpc->peer_life());
        if (!topic.name || *topic.name != partition.topic || topic.error_code != ErrorCode::none) continue;
        topic_id_ = topic.topic_id;
        for (const auto& found : topic.partitions) {
            if (found.partition_index.value() != partition.index) continue;
            for (const auto& broker : answer->message.brokers)
                if (broker.node_id == found.leader_id)
                    leader_ = runtime::Endpoint{broker.host.str(), static_cast<std::uint16_t>(broker.port)};
        }
    }
    co_return leader_.has_value();
}

Task<std::shared_ptr<Rpc>> Session::connect(Model::Partition partition) {
    for (;;) {
        const bool fits = partition.topic.empty() || (leader_ && *leader_ == connected_to_);
        if (rpc_ && rpc_->is_open() && fits) co_return rpc_;
        const bool keep = rpc_ && rpc_->is_open() && !leader_;
        if (!keep) {
            if (rpc_) rpc_->close(Errc::closed, "another broker is wanted");
            connected_to_ = leader_ ? *leader_ : workload_.brokers[random_.below(workload_.brokers.size())];
            rpc_ = co_await open(connected_to_);
        }
        if (!rpc_) {
            leader_.reset();
            co_await pause(milliseconds(1), milliseconds(200));
            continue;
        }
        if (partition.topic.empty() || leader_) continue;
        if (!co_await find_leader(rpc_, partition)) co_await pause(milliseconds(1), milliseconds(200));
    }
}

}  // namespace moldau::sim
