#include "broker_options.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>
#include <unistd.h>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <moldau/metadata/config_def.h>
#include <moldau/metadata/configs.h>
#include <moldau/metadata/supported.h>

namespace moldau::app {
namespace {

using metadata::Properties;

/// A broker without --config: Kafka's keys, for one machine.
Properties embedded(const std::string& default_directory) {
    return {{"node.id", "1"},
            {"process.roles", "broker,controller"},
            {"listeners", "PLAINTEXT://127.0.0.1:9092,CONTROLLER://127.0.0.1:9093"},
            {"controller.listener.names", "CONTROLLER"},
            {"log.dirs", default_directory},
            {"offsets.topic.replication.factor", "1"},
            {"group.initial.rebalance.delay.ms", "0"},
            {"transaction.state.log.replication.factor", "1"},
            {"transaction.state.log.min.isr", "1"},
            {"share.coordinator.state.topic.replication.factor", "1"},
            {"share.coordinator.state.topic.min.isr", "1"}};
}

/// Takes what was told as it is; where a key or one that stands for it was told, the default gives way.
void add_defaults(Properties defaults, Properties& told) {
    static constexpr std::pair<const char*, const char*> synonyms[] = {{"broker.id", "node.id"},
                                                                       {"log.dir", "log.dirs"}};
    for (const auto& [name, key] : synonyms)
        if (told.contains(name)) defaults.erase(key);
    told.merge(defaults);
}

Result<Properties> from_file(const std::string& path) {
    errno = 0;
    std::ifstream file(path, std::ios::binary);
    int why = file ? 0 : errno;
    std::error_code ignored;
    if (why == 0 && std::filesystem::is_directory(path, ignored)) why = EISDIR;  // it opens, and reads as empty
    if (why != 0)
        return fail(
            why == ENOENT ? Errc::not_found : Errc::io,
            fmt::format("{}: {}; --config names a server.properties", path, std::generic_category().message(why)));
    const std::string text((std::istreambuf_iterator<char>(file)), {});
    return metadata::parse_properties(text);
}

Result<> apply_overrides(const std::vector<std::string>& overrides, Properties& properties) {
    for (const std::string& each : overrides) {
        const std::size_t equals = each.find('=');
        if (equals == std::string::npos || equals == 0)
            return fail(Errc::invalid, fmt::format("--override {}: it is key=value", each));
        properties[each.substr(0, equals)] = each.substr(equals + 1);
    }
    return {};
}

std::string value_of(const Properties& properties, std::string_view key) {
    const auto found = properties.find(key);
    return found == properties.end() ? std::string() : found->second;
}

/// Names are looked up: who is let in must not depend on a name service later.
Result<std::map<std::string, std::size_t>> connection_overrides(const std::string& value) {
    MOLDAU_TRY(by_host, metadata::parse_connection_overrides(value));
    std::map<std::string, std::size_t> by_address;
    for (const auto& [host, count] : by_host) {
        const auto address = posix::address_of(host);
        if (!address)
            return fail(Errc::invalid,
                        fmt::format("max.connections.per.ip.overrides={}: {}", value, address.error().message));
        by_address.insert_or_assign(*address, static_cast<std::size_t>(std::max(count, 0)));
    }
    return by_address;
}

std::string host_name() {
    char name[256] = {};
    if (::gethostname(name, sizeof name - 1) != 0) return "localhost";
    return name;
}

/// Keys without effect. Each file for Apache Kafka has some.
std::vector<std::string> notes_on(const metadata::PropertiesReview& review) {
    std::vector<std::string> notes;
    if (!review.ignored.empty())
        notes.push_back(
            fmt::format("these keys have no meaning here and are ignored: {}", fmt::join(review.ignored, ", ")));
    if (!review.later.empty())
        notes.push_back(fmt::format("these keys have no effect so far, since what they are for is not there yet: {}",
                                    fmt::join(review.later, ", ")));
    return notes;
}

/// As the user wrote them.
Result<Properties> properties_of(const BrokerArguments& arguments) {
    Properties properties;
    if (arguments.config_file) {
        MOLDAU_TRY(read, from_file(*arguments.config_file));
        properties = std::move(read);
    }
    MOLDAU_CHECK(apply_overrides(arguments.overrides, properties));
    return properties;
}

Result<BrokerOptions> options_of(const BrokerArguments& arguments, const std::string& default_directory,
                                 Properties properties, const metadata::PropertiesReview& told) {
    if (!arguments.config_file) {
        if (default_directory.empty() && !properties.contains("log.dirs") && !properties.contains("log.dir"))
            return fail(Errc::invalid,
                        "neither XDG_DATA_HOME nor HOME says where the data is to be: --override log.dirs=<directory> "
                        "does");
        add_defaults(embedded(default_directory), properties);
    }
    const metadata::PropertiesReview review = metadata::review_properties(properties);
    if (!review.errors.empty()) return fail(Errc::invalid, fmt::format("{}", fmt::join(review.errors, "\n")));
    metadata::normalise(properties);

    BrokerOptions options;
    options.warnings = told.warnings;
    options.notes = notes_on(told);
    if (value_of(properties, "node.id").empty())
        return fail(Errc::invalid, "node.id is not set; it is this node's number, unique in its cluster");
    options.node.id = NodeId(static_cast<std::int32_t>(metadata::parse_integer(value_of(properties, "node.id"))));
    MOLDAU_TRY(supported, metadata::check_supported(properties));
    options.node.is_static_quorum = supported.is_static_quorum;
    options.node.log_dir = supported.log_dir;
    MOLDAU_TRY(listeners, listeners_of(properties, host_name()));
    options.listeners = std::move(listeners);
    for (const ListenerOptions& listener : options.listeners.all)
        (listener.controller ? options.node.controller_endpoints : options.node.advertised)
            .push_back(listener.advertised);
    std::ranges::copy(options.listeners.warnings, std::back_inserter(options.warnings));
    if (const std::string rack = value_of(properties, "broker.rack"); !rack.empty()) options.node.rack = rack;
    options.node.format_if_empty = !arguments.config_file;
    if (const std::string shards = value_of(properties, "moldau.shards"); !shards.empty())
        options.shards = static_cast<unsigned>(metadata::parse_integer(shards));

    const metadata::Image empty;
    const metadata::BrokerConfig config = metadata::ConfigView(empty, options.node.id, properties).broker();
    options.server.max_request_bytes = static_cast<std::size_t>(config.socket_request_max_bytes);
    options.server.max_connections = static_cast<std::size_t>(config.max_connections);
    options.server.max_connections_per_ip = static_cast<std::size_t>(config.max_connections_per_ip);
    MOLDAU_TRY(overrides, connection_overrides(value_of(properties, "max.connections.per.ip.overrides")));
    options.server.max_connections_of = std::move(overrides);
    // -1: never, as in Kafka.
    options.server.max_idle = config.connections_max_idle_ms < 0
                                  ? runtime::Duration::max()
                                  : runtime::duration_of_ms(config.connections_max_idle_ms);
    options.sockets = {.send_buffer_bytes = config.socket_send_buffer_bytes,
                       .receive_buffer_bytes = config.socket_receive_buffer_bytes,
                       .backlog = config.socket_listen_backlog_size};
    options.node.file = std::move(properties);
    return options;
}

}  // namespace

std::string default_data_directory() {
    if (const char* data = std::getenv("XDG_DATA_HOME"); data != nullptr && *data != '\0')
        return std::string(data) + "/moldau";
    if (::geteuid() == 0) return "/var/lib/moldau";
    const char* home = std::getenv("HOME");
    return home == nullptr || *home == '\0' ? "" : std::string(home) + "/.local/share/moldau";
}

Result<BrokerOptions> resolve(const BrokerArguments& arguments, const std::string& default_directory) {
    const auto told = properties_of(arguments);
    const bool of_the_file = arguments.config_file && arguments.overrides.empty();
    const auto refuse = [&](Error error) -> Result<BrokerOptions> {
        if (!of_the_file || error.code == Errc::not_found || error.code == Errc::io)
            return std::unexpected(std::move(error));
        return std::unexpected(std::move(error).within(*arguments.config_file));
    };
    if (!told) return refuse(told.error());
    const metadata::PropertiesReview review = metadata::review_properties(*told);
    auto options = options_of(arguments, default_directory, *told, review);
    if (options) return options;
    Error error = std::move(options).error();
    // A key that was not understood may be the one that is missed.
    for (const std::string& warning : review.warnings) error.message += "\nwarning: " + warning;
    return refuse(std::move(error));
}

}  // namespace moldau::app
