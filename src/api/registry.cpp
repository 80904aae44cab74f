#include "registry.h"

#include <algorithm>
#include <array>

#include <moldau/protocol/api_table.h>
#include <moldau/protocol/messages/alter_configs.h>
#include <moldau/protocol/messages/api_versions.h>
#include <moldau/protocol/messages/create_partitions.h>
#include <moldau/protocol/messages/create_topics.h>
#include <moldau/protocol/messages/delete_groups.h>
#include <moldau/protocol/messages/delete_topics.h>
#include <moldau/protocol/messages/describe_cluster.h>
#include <moldau/protocol/messages/describe_configs.h>
#include <moldau/protocol/messages/describe_groups.h>
#include <moldau/protocol/messages/describe_quorum.h>
#include <moldau/protocol/messages/describe_topic_partitions.h>
#include <moldau/protocol/messages/fetch.h>
#include <moldau/protocol/messages/find_coordinator.h>
#include <moldau/protocol/messages/heartbeat.h>
#include <moldau/protocol/messages/incremental_alter_configs.h>
#include <moldau/protocol/messages/init_producer_id.h>
#include <moldau/protocol/messages/join_group.h>
#include <moldau/protocol/messages/leave_group.h>
#include <moldau/protocol/messages/list_groups.h>
#include <moldau/protocol/messages/list_offsets.h>
#include <moldau/protocol/messages/metadata.h>
#include <moldau/protocol/messages/offset_commit.h>
#include <moldau/protocol/messages/offset_delete.h>
#include <moldau/protocol/messages/offset_fetch.h>
#include <moldau/protocol/messages/offset_for_leader_epoch.h>
#include <moldau/protocol/messages/produce.h>
#include <moldau/protocol/messages/sync_group.h>
#include <moldau/protocol/reader.h>

#include "handlers.h"

namespace moldau::api {
namespace {

using runtime::Handler;
using runtime::Task;

template <class Request, auto handle>
Task<void> run(Shell& shell, net::Request raw, Handler<net::Response> done) {
    Call call{shell, std::move(raw)};
    protocol::Reader reader(call.request.body(), max_request_array_bytes);
    Request request = Request::decode(reader, call.version());
    call.request.budget.add(reader.array_bytes());
    if (!reader.ok()) {
        std::move(done)(closing(
            fmt::format("its {} v{} cannot be read: {}", Request::message_name, call.version(), reader.error())));
        co_return;
    }
    auto answer = co_await handle(call, request);
    if constexpr (std::is_same_v<decltype(answer), net::Response>) {
        std::move(done)(std::move(answer));
    } else {
        std::move(done)(encode_response(call.request, answer));
    }
}

template <class Request, auto handle>
void serve(Shell& shell, net::Request request, Handler<net::Response> done) {
    runtime::spawn(shell.shard, run<Request, handle>(shell, std::move(request), std::move(done)));
}

ServedApi api(std::int16_t key, decltype(ServedApi::serve) serve) {
    const protocol::ApiInfo& info = *protocol::find_api(key);
    return {key, info.min_version, info.stable_version, info.min_version, info.on_broker, info.on_controller, serve};
}

template <class Request, auto handle>
ServedApi api() {
    return api(Request::api_key, serve<Request, handle>);
}

/// librdkafka silently stops compressing unless Produce is advertised from version 0, which is not served.
ServedApi produce_api() {
    ServedApi result = api(protocol::ProduceRequest::api_key, produce);
    result.advertised_minimum = 0;
    return result;
}

const auto& table() {
    static const std::array apis = {
        produce_api(),
        api<protocol::FetchRequest, fetch>(),
        api<protocol::ListOffsetsRequest, list_offsets>(),
        api<protocol::MetadataRequest, metadata>(),
        api<protocol::OffsetCommitRequest, offset_commit>(),
        api<protocol::OffsetFetchRequest, offset_fetch>(),
        api<protocol::FindCoordinatorRequest, find_coordinator>(),
        api<protocol::JoinGroupRequest, join_group>(),
        api<protocol::HeartbeatRequest, heartbeat>(),
        api<protocol::LeaveGroupRequest, leave_group>(),
        api<protocol::SyncGroupRequest, sync_group>(),
        api<protocol::DescribeGroupsRequest, describe_groups>(),
        api<protocol::ListGroupsRequest, list_groups>(),
        api<protocol::ApiVersionsRequest, api_versions>(),
        api<protocol::CreateTopicsRequest, create_topics>(),
        api<protocol::DeleteTopicsRequest, delete_topics>(),
        api<protocol::InitProducerIdRequest, init_producer_id>(),
        api<protocol::OffsetForLeaderEpochRequest, offset_for_leader_epoch>(),
        api<protocol::DescribeConfigsRequest, describe_configs>(),
        api<protocol::AlterConfigsRequest, alter_configs>(),
        api<protocol::CreatePartitionsRequest, create_partitions>(),
        api<protocol::DeleteGroupsRequest, delete_groups>(),
        api<protocol::IncrementalAlterConfigsRequest, incremental_alter_configs>(),
        api<protocol::OffsetDeleteRequest, offset_delete>(),
        api<protocol::DescribeQuorumRequest, describe_quorum>(),
        api<protocol::DescribeClusterRequest, describe_cluster>(),
        api<protocol::DescribeTopicPartitionsRequest, describe_topic_partitions>(),
    };
    return apis;
}

}  // namespace

std::span<const ServedApi> served_apis() {
    return table();
}

const ServedApi* find_served(std::int16_t key) {
    const auto found = std::ranges::lower_bound(table(), key, {}, &ServedApi::key);
    return found != table().end() && found->key == key ? &*found : nullptr;
}

}  // namespace moldau::api
