#pragma once
// The listeners that a server.properties names, as Kafka reads them: where a node listens, what it tells others, and
// which of them controllers talk over. Pure.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <moldau/base/result.h>
#include <moldau/metadata/properties.h>

namespace moldau::metadata {

struct ListenerAddress {
    std::string name;  ///< in upper case, however it is written
    std::string host;  ///< empty: every address
    std::uint16_t port = 0;

    friend bool operator==(const ListenerAddress&, const ListenerAddress&) = default;
};

struct ListenerSettings {
    std::vector<ListenerAddress> bound;       ///< listeners; Kafka's default where it is not set
    std::vector<ListenerAddress> advertised;  ///< advertised.listeners; each is one of those bound
    std::vector<std::string> controllers;     ///< controller.listener.names; each is one of those bound

    /// What others are told of a listener: its own address where none is advertised.
    const ListenerAddress& told(const ListenerAddress& listener) const;
    bool is_controller(std::string_view name) const;
};

/// For a node that is a controller, perhaps also a broker. Errc::invalid names the key, the value and what to do.
Result<ListenerSettings> parse_listeners(const Properties& properties);

/// Letters A to Z in place of a to z: names of listeners and of protocols do not tell them apart.
std::string upper_case(std::string text);

/// Whether a listener on `host` takes connections to any address of the machine, so that nobody else can use it.
bool is_every_address(std::string_view host);

}  // namespace moldau::metadata
