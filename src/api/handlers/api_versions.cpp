// ApiVersions: what this listener serves, and the features of node and cluster.

#include <moldau/metadata/feature_levels.h>
#include <moldau/protocol/messages/api_versions.h>

#include "../handlers.h"
#include "../registry.h"

namespace moldau::api {

Answer<protocol::ApiVersionsResponse> api_versions(Call& call, protocol::ApiVersionsRequest& request) {
    net::Peer& peer = *call.request.peer;
    peer.client_software_name = request.client_software_name.str();
    peer.client_software_version = request.client_software_version.str();

    protocol::ApiVersionsResponse response;
    const bool controller = call.shell.node.is_controller_listener(peer.listener);
    for (const ServedApi& api : served_apis())
        if (is_served_on(api, controller))
            response.api_keys.push_back({api.key, api.advertised_minimum, api.max_version});
    add_features(call.image(), call.version(), response);
    co_return response;
}

}  // namespace moldau::api
