#include <algorithm>

#include <fmt/format.h>

#include <moldau/metadata/config_def.h>
#include <moldau/metadata/listeners.h>
#include <moldau/metadata/supported.h>

namespace moldau::metadata {

namespace {

std::string value_of(const Properties& properties, std::string_view key) {
    const auto found = properties.find(key);
    return found == properties.end() ? std::string() : found->second;
}

Result<std::string> log_directory(const Properties& properties) {
    std::string value = value_of(properties, "log.dirs");
    if (value.empty()) value = value_of(properties, "log.dir");
    if (value.empty()) value = "/tmp/kafka-logs";  // Kafka's default
    const std::vector<std::string> all = parse_list(value);
    if (all.size() != 1)
        return fail(Errc::unsupported,
                    fmt::format("log.dirs={}: one log directory is supported so far, not {}", value, all.size()));
    const std::string metadata_dir = value_of(properties, "metadata.log.dir");
    if (!metadata_dir.empty() && metadata_dir != all.front())
        return fail(Errc::unsupported, fmt::format("metadata.log.dir={}: it must be the log directory {} so far",
                                                   metadata_dir, all.front()));
    return all.front();
}

Result<> check_roles(const Properties& properties) {
    std::vector<std::string> roles = parse_list(value_of(properties, "process.roles"));
    std::ranges::sort(roles);
    if (roles == std::vector<std::string>{"broker", "controller"}) return {};
    return fail(
        Errc::unsupported,
        fmt::format("process.roles={}: a single node is broker and controller; set process.roles=broker,controller",
                    value_of(properties, "process.roles")));
}

/// A broker that lets everybody do everything must not stand in for one that does not.
Result<> check_guards(const Properties& properties) {
    static constexpr std::pair<const char*, const char*> guards[] = {
        {"authorizer.class.name", "ACLs are not supported so far, and everybody would be allowed everything"},
        {"create.topic.policy.class.name", "policies in Java are not supported, and every topic would be created"},
        {"alter.config.policy.class.name", "policies in Java are not supported, and every setting could be changed"}};
    for (const auto& [key, without_it] : guards) {
        const std::string guard = value_of(properties, key);
        if (!guard.empty())
            return fail(Errc::unsupported,
                        fmt::format("{}={}: {}; leave it empty to start all the same", key, guard, without_it));
    }
    return {};
}

/// Whether controller.quorum.voters names a quorum, which is this node alone. Each is id@host:port.
Result<bool> is_static_quorum(const Properties& properties) {
    const std::int64_t self = parse_integer(value_of(properties, "node.id"));
    const std::string value = value_of(properties, "controller.quorum.voters");
    const std::vector<std::string> voters = parse_list(value);
    if (voters.empty()) return false;
    if (voters.size() == 1 && voters.front().starts_with(fmt::format("{}@", self))) return true;
    return fail(Errc::unsupported, fmt::format("controller.quorum.voters={}: this node, {}, must be the only voter; "
                                               "larger quorums are not supported so far",
                                               value, self));
}

/// The protocol of a listener: by the map, or by its name. Only PLAINTEXT is there so far.
Result<> check_protocol(const Properties& properties, const std::string& name, bool controller) {
    std::string protocol = name == "PLAINTEXT" || controller ? "PLAINTEXT" : "";
    const auto map = properties.find("listener.security.protocol.map");
    for (const std::string& entry : parse_list(map == properties.end() ? "" : map->second)) {
        const std::size_t colon = entry.find(':');
        if (colon != std::string::npos && upper_case(entry.substr(0, colon)) == name)
            protocol = upper_case(entry.substr(colon + 1));
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

Result<> check_listeners(const Properties& properties) {
    MOLDAU_TRY(settings, parse_listeners(properties));
    for (const ListenerAddress& each : settings.bound)
        MOLDAU_CHECK(check_protocol(properties, each.name, settings.is_controller(each.name)));
    if (std::ranges::all_of(settings.bound, [&](const auto& each) { return settings.is_controller(each.name); }))
        return fail(Errc::invalid,
                    "listeners has none for clients, e.g. listeners=PLAINTEXT://:9092,CONTROLLER://:9093");
    return {};
}

}  // namespace

Result<Supported> check_supported(const Properties& properties) {
    MOLDAU_CHECK(check_roles(properties));
    MOLDAU_CHECK(check_guards(properties));
    MOLDAU_TRY(is_static, is_static_quorum(properties));
    MOLDAU_TRY(directory, log_directory(properties));
    MOLDAU_CHECK(check_listeners(properties));
    return Supported{std::move(directory), is_static};
}

}  // namespace moldau::metadata
