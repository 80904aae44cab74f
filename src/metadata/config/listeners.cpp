#include <algorithm>
#include <set>

#include <fmt/format.h>

#include <moldau/base/number.h>
#include <moldau/metadata/config_def.h>
#include <moldau/metadata/listeners.h>

namespace moldau::metadata {

namespace {

std::string_view value_of(const Properties& properties, std::string_view key) {
    if (const auto found = properties.find(key); found != properties.end()) return found->second;
    const ConfigDef* def = find_broker_config(key);
    return def->default_value == nullptr ? "" : def->default_value;
}

/// "NAME://host:port", the host perhaps empty or an IPv6 address in brackets.
std::optional<ListenerAddress> parse(std::string_view text) {
    const std::size_t scheme = text.find("://");
    const std::size_t colon = text.rfind(':');
    if (scheme == std::string_view::npos || scheme == 0 || colon < scheme + 3) return std::nullopt;
    std::string_view host = text.substr(scheme + 3, colon - scheme - 3);
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    const auto port = parse_number<std::uint16_t>(text.substr(colon + 1));
    if (!port) return std::nullopt;
    return ListenerAddress{upper_case(std::string(text.substr(0, scheme))), std::string(host), *port};
}

Result<std::vector<ListenerAddress>> parse_all(const Properties& properties, std::string_view key) {
    std::vector<ListenerAddress> all;
    std::set<std::string> names;
    for (const std::string& each : parse_list(value_of(properties, key))) {
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

bool has(const std::vector<ListenerAddress>& all, std::string_view name) {
    return std::ranges::find(all, name, &ListenerAddress::name) != all.end();
}

}  // namespace

const ListenerAddress& ListenerSettings::told(const ListenerAddress& listener) const {
    const auto found = std::ranges::find(advertised, listener.name, &ListenerAddress::name);
    return found == advertised.end() ? listener : *found;
}

bool ListenerSettings::is_controller(std::string_view name) const {
    return std::ranges::count(controllers, name) > 0;
}

Result<ListenerSettings> parse_listeners(const Properties& properties) {
    ListenerSettings settings;
    MOLDAU_TRY(bound, parse_all(properties, "listeners"));
    MOLDAU_TRY(advertised, parse_all(properties, "advertised.listeners"));
    for (const ListenerAddress& each : advertised) {
        if (!has(bound, each.name))
            return fail(Errc::invalid,
                        fmt::format("advertised.listeners: there is no listener {} in listeners", each.name));
        if (!each.host.empty() && is_every_address(each.host))
            return fail(Errc::invalid, fmt::format("advertised.listeners: {} is no address that a client can connect "
                                                   "to; name this host or one of its addresses",
                                                   each.host));
    }
    for (const std::string& each : parse_list(value_of(properties, "controller.listener.names")))
        settings.controllers.push_back(upper_case(each));
    if (settings.controllers.empty())
        return fail(Errc::invalid,
                    "controller.listener.names is not set; it names the one of listeners that controllers talk over, "
                    "e.g. CONTROLLER");
    for (const std::string& each : settings.controllers)
        if (!has(bound, each))
            return fail(Errc::invalid, fmt::format("controller.listener.names: there is no listener {0} in listeners, "
                                                   "e.g. listeners=PLAINTEXT://:9092,{0}://:9093",
                                                   each));
    settings.bound = std::move(bound);
    settings.advertised = std::move(advertised);
    return settings;
}

std::string upper_case(std::string text) {
    std::ranges::transform(text, text.begin(),
                           [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; });
    return text;
}

bool is_every_address(std::string_view host) {
    return host.empty() || host == "0.0.0.0" || host == "::";
}

}  // namespace moldau::metadata
