#include "listeners.h"

#include <algorithm>
#include <optional>
#include <set>

#include <fmt/format.h>

#include <moldau/base/number.h>
#include <moldau/metadata/config_def.h>

namespace moldau::app {
namespace {

constexpr std::string_view default_listeners = "PLAINTEXT://:9092";

struct Parsed {
    std::string name;
    std::string host;
    std::uint16_t port;
};

std::string value_of(const metadata::Properties& properties, std::string_view key, std::string_view otherwise) {
    const auto found = properties.find(key);
    return found == properties.end() ? std::string(otherwise) : found->second;
}

std::string upper(std::string text) {
    std::ranges::transform(text, text.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    return text;
}

/// "NAME://host:port", the host perhaps empty or an IPv6 address in brackets.
std::optional<Parsed> parse(std::string_view text) {
    const std::size_t scheme = text.find("://");
    const std::size_t colon = text.rfind(':');
    if (scheme == std::string_view::npos || scheme == 0 || colon < scheme + 3) return std::nullopt;
    std::string_view host = text.substr(scheme + 3, colon - scheme - 3);
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    const auto port = parse_number<std::uint16_t>(text.substr(colon + 1));
    if (!port) return std::nullopt;
    return Parsed{upper(std::string(text.substr(0, scheme))), std::string(host), *port};
}

Result<std::vector<Parsed>> parse_all(std::string_view key, const std::string& value) {
    std::vector<Parsed> all;
    std::set<std::string> names;
    for (const std::string& each : metadata::parse_list(value)) {
        auto parsed = parse(each);
        if (!parsed)
            return fail(Errc::invalid,
                        fmt::format("{}: '{}' is not NAME://host:port, e.g. PLAINTEXT://:9092", key, each));
        if (!names.insert(parsed->name).second)
            return fail(Errc::invalid, fmt::format("{}: listener {} stands there twice", key, parsed->name));
        all.push_back(std::move(*parsed));
    }
    return all;
}

bool is_every_address(std::string_view host) {
    return host.empty() || host == "0.0.0.0" || host == "::";
}

/// The protocol of a listener: by the map, or by its name. Only PLAINTEXT is there so far.
Result<> check_protocol(const metadata::Properties& properties, const std::string& name, bool controller) {
    std::string protocol = name == "PLAINTEXT" || controller ? "PLAINTEXT" : "";
    for (const std::string& entry : metadata::parse_list(value_of(properties, "listener.security.protocol.map", ""))) {
        const std::size_t colon = entry.find(':');
        if (colon != std::string::npos && upper(entry.substr(0, colon)) == name)
            protocol = upper(entry.substr(colon + 1));
    }
    if (protocol == "PLAINTEXT") return {};
    if (protocol.empty() && name != "SSL" && name != "SASL_PLAINTEXT" && name != "SASL_SSL")
        return fail(Errc::invalid, fmt::format("listeners: {0} is no security protocol; map it to one with "
                                               "listener.security.protocol.map={0}:PLAINTEXT",
                                               name));
    return fail(Errc::unsupported, fmt::format("listeners: {} needs {}; only PLAINTEXT listeners are supported so far",
                                               name, protocol.empty() ? name : protocol));
}

}  // namespace

Result<Listeners> listeners_of(const metadata::Properties& properties, const std::string& host_name) {
    MOLDAU_TRY(bound, parse_all("listeners", value_of(properties, "listeners", default_listeners)));
    MOLDAU_TRY(advertised, parse_all("advertised.listeners", value_of(properties, "advertised.listeners", "")));
    const std::vector<std::string> controllers =
        metadata::parse_list(value_of(properties, "controller.listener.names", ""));
    if (controllers.empty())
        return fail(
            Errc::invalid,
            "controller.listener.names is not set; it names the one of listeners that controllers talk over, e.g. "
            "CONTROLLER");
    Listeners result;
    for (const Parsed& each : bound) {
        ListenerOptions listener;
        listener.name = each.name;
        listener.bind = {each.host, each.port};
        listener.controller =
            std::ranges::any_of(controllers, [&](const auto& name) { return upper(name) == each.name; });
        MOLDAU_CHECK(check_protocol(properties, each.name, listener.controller));
        const auto told = std::ranges::find(advertised, each.name, &Parsed::name);
        const bool said = told != advertised.end();
        listener.advertised = {each.name, said ? told->host : each.host, said ? told->port : each.port, 0};
        if (is_every_address(listener.advertised.host)) {
            if (said && !told->host.empty())
                return fail(Errc::invalid,
                            fmt::format("advertised.listeners: {} is no address that a client can connect to; "
                                        "name this host or one of its addresses",
                                        told->host));
            listener.advertised.host = host_name;
            if (!listener.controller)
                result.warnings.push_back(
                    fmt::format("clients are told to connect to {}:{} ({}); if they cannot reach that name, set "
                                "advertised.listeners={}://<an address that they reach>:{}",
                                host_name, listener.advertised.port, each.name, each.name, listener.advertised.port));
        } else if (!listener.controller && is_every_address(each.host) &&
                   (listener.advertised.host == "localhost" || listener.advertised.host == "127.0.0.1")) {
            result.warnings.push_back(
                fmt::format("listener {} takes connections from other machines, but tells them to connect to {}: only "
                            "clients on this machine will get on",
                            each.name, listener.advertised.host));
        }
        result.all.push_back(std::move(listener));
    }
    for (const Parsed& each : advertised)
        if (std::ranges::find(bound, each.name, &Parsed::name) == bound.end())
            return fail(Errc::invalid,
                        fmt::format("advertised.listeners: there is no listener {} in listeners", each.name));
    if (std::ranges::none_of(result.all, &ListenerOptions::controller))
        return fail(Errc::invalid,
                    "controller.listener.names must name one of listeners, e.g. "
                    "listeners=PLAINTEXT://:9092,CONTROLLER://:9093 and controller.listener.names=CONTROLLER");
    if (std::ranges::all_of(result.all, &ListenerOptions::controller))
        return fail(Errc::invalid,
                    "listeners has none for clients, e.g. listeners=PLAINTEXT://:9092,CONTROLLER://:9093");
    return result;
}

}  // namespace moldau::app
