#pragma once
// The listeners of server.properties: where we listen and what we tell clients. Pure.

#include <map>
#include <string>
#include <vector>

#include <moldau/base/result.h>
#include <moldau/metadata/image.h>
#include <moldau/metadata/properties.h>
#include <moldau/runtime/transport.h>

namespace moldau::app {

struct ListenerOptions {
    std::string name;
    runtime::Endpoint bind;         ///< an empty host is every address
    metadata::Endpoint advertised;  ///< a host that clients can reach, as far as anyone can know
    bool controller = false;
};

struct Listeners {
    std::vector<ListenerOptions> all;
    std::vector<std::string> warnings;  ///< doubtful settings, in words for the operator
};

/// From listeners, advertised.listeners, controller.listener.names and listener.security.protocol.map.
/// `host_name` is told where neither says a host. Errors name the key, the value and what to do.
Result<Listeners> listeners_of(const metadata::Properties& properties, const std::string& host_name);

}  // namespace moldau::app
