#pragma once
// Endpoints as people read and write them.

#include <string>

#include <fmt/format.h>

#include <moldau/runtime/transport.h>

namespace moldau::runtime {

/// "broker:9092", "[::1]:9092".
inline std::string to_text(const Endpoint& endpoint) {
    const bool is_ipv6 = endpoint.host.contains(':');
    return is_ipv6 ? fmt::format("[{}]:{}", endpoint.host, endpoint.port)
                   : fmt::format("{}:{}", endpoint.host, endpoint.port);
}

}  // namespace moldau::runtime
