// DescribeCluster: the brokers, from a broker's listener; the controllers, from a controller's.

#include <fmt/format.h>

#include <moldau/node/brokers.h>
#include <moldau/protocol/messages/describe_cluster.h>

#include "../authorized_operations.h"
#include "../handlers.h"

namespace moldau::api {
namespace {

constexpr std::int8_t brokers_type = 1;
constexpr std::int8_t controllers_type = 2;

std::string_view name_of(std::int8_t type) {
    return type == controllers_type ? "CONTROLLER" : "BROKER";
}

}  // namespace

Answer<protocol::DescribeClusterResponse> describe_cluster(Call& call, protocol::DescribeClusterRequest& request) {
    using protocol::ErrorCode;
    protocol::DescribeClusterResponse response;
    const bool controller = call.shell.node.is_controller_listener(call.peer().listener);
    const std::int8_t here = controller ? controllers_type : brokers_type;
    response.endpoint_type = here;
    if (request.endpoint_type != here) {
        const bool known = request.endpoint_type == brokers_type || request.endpoint_type == controllers_type;
        response.error_code = known ? ErrorCode::mismatched_endpoint_type : ErrorCode::unsupported_endpoint_type;
        response.error_message = protocol::Text(
            known
                ? fmt::format("endpoints of type {} are told by a listener of that type; this one is of type {}",
                              name_of(request.endpoint_type), name_of(here))
                : fmt::format("there is no endpoint type {}; 1 are brokers, 2 are controllers", request.endpoint_type));
        co_return response;
    }
    const auto image = call.shell.node.view(call.shard()).image;
    response.cluster_id = protocol::Text(call.shell.node.cluster_id());
    response.controller_id = node::told_controller(*image);
    const auto fenced = request.include_fenced_brokers ? node::Fenced::included : node::Fenced::left_out;
    for (const auto& broker : controller ? node::controllers_at(*image, call.peer().listener)
                                         : node::brokers_at(*image, call.peer().listener, fenced)) {
        auto& told = response.brokers.emplace_back();
        told.broker_id = broker.id;
        told.host = protocol::Text(broker.host);
        told.port = broker.port;
        if (broker.rack) told.rack = protocol::Text(*broker.rack);
        told.is_fenced = broker.fenced;
    }
    if (request.include_cluster_authorized_operations)
        response.cluster_authorized_operations = authorized_operations(call, ResourceType::cluster, cluster_resource);
    co_return response;
}

}  // namespace moldau::api
