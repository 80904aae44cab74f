#include "listeners.h"

#include <algorithm>

#include <fmt/format.h>

#include <moldau/metadata/config_def.h>
#include <moldau/metadata/listeners.h>

namespace moldau::app {
namespace {

using metadata::is_every_address;
using metadata::ListenerAddress;

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
        const ListenerAddress& told = settings.told(each);
        listener.advertised = {each.name, is_every_address(told.host) ? host_name : told.host, told.port, 0};
        if (std::string doubt = doubt_about(listener, told); !doubt.empty())
            result.warnings.push_back(std::move(doubt));
        result.all.push_back(std::move(listener));
    }
    return result;
}

}  // namespace moldau::app
