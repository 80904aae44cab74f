// ApiVersions: what this listener serves, and the features of node and cluster.

#include <algorithm>
#include <string_view>

#include <moldau/protocol/messages/api_versions.h>

#include "../features.h"
#include "../handlers.h"
#include "../registry.h"

namespace moldau::api {
namespace {

constexpr std::int16_t first_version_with_client_software = 3;

bool is_alphanumeric(char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/// KIP-511: letters, digits, dots and hyphens, the latter two not at either end.
bool is_client_software(std::string_view text) {
    const auto inner = [](char c) { return is_alphanumeric(c) || c == '.' || c == '-'; };
    return !text.empty() && is_alphanumeric(text.front()) && is_alphanumeric(text.back()) &&
           std::ranges::all_of(text, inner);
}

}  // namespace

Answer<protocol::ApiVersionsResponse> api_versions(Call& call, protocol::ApiVersionsRequest& request) {
    if (call.version() >= first_version_with_client_software &&
        !(is_client_software(request.client_software_name) && is_client_software(request.client_software_version))) {
        protocol::ApiVersionsResponse refused;
        refused.error_code = protocol::ErrorCode::invalid_request;
        co_return refused;
    }
    net::Peer& peer = *call.request.peer;
    peer.client_software_name = request.client_software_name.str();
    peer.client_software_version = request.client_software_version.str();

    protocol::ApiVersionsResponse response;
    const bool controller = call.shell.node.is_controller_listener(peer.listener);
    for (const ServedApi& api : served_apis())
        if (is_served_on(api, controller))
            response.api_keys.push_back({api.key, api.advertised_minimum, api.max_version});
    add_features(call.shell.node.view(call.shard()), call.version(), response);
    co_return response;
}

}  // namespace moldau::api
