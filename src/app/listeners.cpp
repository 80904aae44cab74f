#include "listeners.h"

#include <algorithm>

#include <fmt/format.h>

#include <moldau/metadata/config_def.h>
#include <moldau/metadata/listeners.h>

namespace moldau::app {
namespace {

using metadata::is_every_address;
using metadata::ListenerAddress;

/// The protocol of a listener: by the map, or by its name. Only PLAINTEXT is there so far.
Result<> check_protocol(const metadata::Properties& properties, const std::string& name, bool controller) {
    std::string protocol = name == "PLAINTEXT" || controller ? "PLAINTEXT" : "";
    const auto map = properties.find("listener.security.protocol.map");
    for (const std::string& entry : metadata::parse_list(map == properties.end() ? "" : map->second)) {
        const std::size_t colon = entry.find(':');
        if (colon != std::string::npos && metadata::upper_case(entry.substr(0, colon)) == name)
            protocol = metadata::upper_case(entry.substr(colon + 1));
    }
    if (protocol == "PLAINTEXT") return {};
    if (protocol.empty() && name != "SSL" && name != "SASL_PLAINTEXT" && name != "SASL_SSL")
        return fail(Errc::invalid, fmt::format("listeners: {0} is no security protocol; map it to one with "
                                               "listener.security.protocol.map={0}:PLAINTEXT",
                                               name));
    return fail(Errc::unsupported,
                fmt::format("listeners: {} is of the protocol {}; only PLAINTEXT is supported so far", name,
                            protocol.empty() ? name : protocol));
}

/// Whether clients will find their way, as far as anyone can know. Empty: no doubt.
std::string doubt_about(const ListenerOptions& listener, const ListenerAddress& told) {
    const std::string& host = listener.advertised.host;
    if (listener.controller) return {};
    if (is_every_address(told.host))
        return fmt::format(
            "clients are told to connect to {}:{} ({}); if they cannot reach that name, set "
            "advertised.listeners={}://<an address that they reach>:{}",
            host, listener.advertised.port, listener.name, listener.name, listener.advertised.port);
    if (is_every_address(listener.bind.host) && (host == "localhost" || host == "127.0.0.1"))
        return fmt::format(
            "listener {} takes connections from other machines, but tells them to connect to {}: only "
            "clients on this machine will get on",
            listener.name, host);
    return {};
}

}  // namespace

Result<Listeners> listeners_of(const metadata::Properties& properties, const std::string& host_name) {
    MOLDAU_TRY(settings, metadata::parse_listeners(properties));
    Listeners result;
    for (const ListenerAddress& each : settings.bound) {
        ListenerOptions listener;
        listener.name = each.name;
        listener.bind = {each.host, each.port};
        listener.controller = settings.is_controller(each.name);
        MOLDAU_CHECK(check_protocol(properties, each.name, listener.controller));
        const ListenerAddress& told = settings.told(each);
        listener.advertised = {each.name, is_every_address(told.host) ? host_name : told.host, told.port, 0};
        if (std::string doubt = doubt_about(listener, told); !doubt.empty())
            result.warnings.push_back(std::move(doubt));
        result.all.push_back(std::move(listener));
    }
    if (std::ranges::all_of(result.all, &ListenerOptions::controller))
        return fail(Errc::invalid,
                    "listeners has none for clients, e.g. listeners=PLAINTEXT://:9092,CONTROLLER://:9093");
    return result;
}

}  // namespace moldau::app
