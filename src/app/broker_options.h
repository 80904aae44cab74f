#pragma once
// What `moldau broker` is told: a file of Kafka's keys, or the configuration within; overrides of single keys.

#include <optional>
#include <string>
#include <vector>

#include <moldau/base/result.h>
#include <moldau/metadata/properties.h>
#include <moldau/net/server.h>
#include <moldau/node/node.h>
#include <moldau/posix/transport.h>

#include "listeners.h"

namespace moldau::app {

struct BrokerArguments {
    std::optional<std::string> config_file;
    std::vector<std::string> overrides;  ///< key=value
    bool verbose = false;
};

struct BrokerOptions {
    node::NodeOptions node;
    Listeners listeners;
    net::ServerOptions server;
    posix::SocketOptions sockets;
    unsigned shards = 0;                ///< 0: as many as processors
    std::vector<std::string> warnings;  ///< for the operator, one line each
    std::vector<std::string> notes;     ///< the same, of what is as it should be
};

/// Where a broker without configuration keeps its data; empty where the environment names no place.
std::string default_data_directory();

/// Reads and checks everything; Errc::invalid names file or key, value and what to do. Errc::not_found when there is no
/// such file, Errc::io when it cannot be read.
Result<BrokerOptions> resolve(const BrokerArguments& arguments,
                              const std::string& default_directory = default_data_directory());

}  // namespace moldau::app
