#include "storage/node_properties.h"

#include <algorithm>

#include <fmt/format.h>

#include <moldau/metadata/config_def.h>
#include <moldau/metadata/configs.h>
#include <moldau/metadata/listeners.h>
#include <moldau/metadata/properties.h>
#include <moldau/metadata/supported.h>

namespace moldau::cli {

namespace {

using metadata::Properties;

std::string value_of(const Properties& file, std::string_view key, std::string_view otherwise = "") {
    const auto found = file.find(key);
    return std::string(found == file.end() ? otherwise : found->second);
}

std::vector<std::string> list_of(const Properties& file, std::string_view key) {
    return metadata::parse_list(value_of(file, key));
}

Outcome<> add_controller_endpoints(const Properties& file, const std::string& host_name, NodeProperties& node) {
    const auto listeners = metadata::parse_listeners(file);
    if (!listeners) return failed(ExitCode::failed, listeners.error().message);
    for (const std::string& name : listeners->controllers) {
        const auto& bound = *std::ranges::find(listeners->bound, name, &metadata::ListenerAddress::name);
        const auto& [_, host, port] = listeners->told(bound);
        node.controller_endpoints.push_back({name, metadata::is_every_address(host) ? host_name : host, port});
    }
    return {};
}

Outcome<> add_directories(const Properties& file, NodeProperties& node) {
    node.log_dirs = list_of(file, "log.dirs");
    if (node.log_dirs.empty()) node.log_dirs = list_of(file, "log.dir");
    if (node.log_dirs.empty()) node.log_dirs = {"/tmp/kafka-logs"};
    node.metadata_dir = value_of(file, "metadata.log.dir", node.log_dirs.front());
    if (!node.is_broker) node.log_dirs.clear();  // a controller alone keeps no partitions
    node.log_dirs.push_back(node.metadata_dir);
    std::ranges::sort(node.log_dirs);
    const auto duplicates = std::ranges::unique(node.log_dirs);
    node.log_dirs.erase(duplicates.begin(), duplicates.end());
    return {};
}

}  // namespace

Outcome<NodeProperties> read_node_properties(std::string_view text, const std::string& host_name, const Warn& warn) {
    Result<Properties> file = metadata::parse_properties(text);
    if (!file) return std::unexpected(failure_of(file.error()));
    const metadata::PropertiesReview review = metadata::review_properties(*file);
    for (const std::string& warning : review.warnings) warn(warning);
    if (!review.errors.empty()) return failed(ExitCode::failed, fmt::format("{}", fmt::join(review.errors, "\n")));
    metadata::normalise(*file);

    NodeProperties node;
    for (const std::string& role : list_of(*file, "process.roles")) {
        if (role == "broker") node.is_broker = true;
        if (role == "controller") node.is_controller = true;
    }
    if (!node.is_broker && !node.is_controller)
        return failed(ExitCode::failed, "process.roles is missing: broker, controller or both");
    if (!file->contains("node.id")) return failed(ExitCode::failed, "node.id is missing: a number of each node's own");
    node.node_id = NodeId(static_cast<std::int32_t>(metadata::parse_integer(value_of(*file, "node.id"))));
    node.has_static_voters = !list_of(*file, "controller.quorum.voters").empty();
    if (Outcome<> added = add_directories(*file, node); !added) return std::unexpected(std::move(added).error());
    if (node.is_controller) {
        Outcome<> added = add_controller_endpoints(*file, host_name, node);
        if (!added) return std::unexpected(std::move(added).error());
    }
    if (const auto supported = metadata::check_supported(*file); !supported) node.refusal = supported.error().message;
    return node;
}

Outcome<NodeProperties> load_node_properties(Environment& environment, const std::string& path) {
    constexpr std::uint64_t max_bytes = 1 << 20;
    runtime::Disk& disk = environment.disk();
    const Result<Bytes> text = runtime::read_whole(disk, path, max_bytes);
    if (!text) return std::unexpected(failure_of(text.error()));
    const Result<Bytes> host = runtime::read_whole(disk, "/etc/hostname", max_bytes);
    std::string host_name(host ? text_of(*host) : std::string_view());
    host_name.erase(std::ranges::find_if(host_name, [](char c) { return c <= ' '; }), host_name.end());
    const auto warn = [&](std::string_view line) {
        environment.terminal().write_error(fmt::format("moldau: warning: {}: {}\n", path, line));
    };
    Outcome<NodeProperties> node =
        read_node_properties(text_of(*text), host_name.empty() ? "localhost" : host_name, warn);
    if (!node) node.error().message = fmt::format("{}: {}", path, node.error().message);
    return node;
}

}  // namespace moldau::cli
