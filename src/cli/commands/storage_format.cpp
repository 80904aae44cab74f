#include <fmt/format.h>

#include <moldau/raft/format.h>

#include "arguments/values.h"
#include "commands/storage.h"
#include "storage/format_levels.h"
#include "storage/log_directories.h"
#include "storage/node_properties.h"

namespace moldau::cli {

namespace {

/// This node as the one voter: its endpoints, and the id of its metadata directory where the user gave one.
struct OnlyVoter {
    std::vector<raft::Endpoint> endpoints;  ///< empty: this node is not the one voter
    std::optional<DirectoryId> directory_id;
};

/// id@host:port:directory-id
Outcome<OnlyVoter> parse_initial_controller(const std::string& text, const NodeProperties& node) {
    const auto wrong = [&text](std::string_view why) {
        return failed(ExitCode::usage, fmt::format("--initial-controllers '{}': {}", text, why));
    };
    if (text.find(',') != std::string::npos)
        return wrong(
            "several voters cannot be formatted yet; format one with --standalone and the others with "
            "--no-initial-controllers, and add them to the quorum");
    const std::size_t at = text.find('@');
    const std::size_t colon = text.rfind(':');
    if (at == std::string::npos || colon == std::string::npos || colon < at)
        return wrong("it is not id@host:port:directory-id");
    if (text.substr(0, at) != std::to_string(node.node_id.value()))
        return wrong(fmt::format("it must name this node, whose node.id is {}", node.node_id));
    const auto endpoints = parse_endpoints(text.substr(at + 1, colon - at - 1));
    const auto directory = DirectoryId::parse(text.substr(colon + 1));
    if (!endpoints || !directory) return wrong("it is not id@host:port:directory-id");
    const runtime::Endpoint& endpoint = endpoints->front();
    return OnlyVoter{{{node.controller_endpoints.front().listener, endpoint.host, endpoint.port}}, directory};
}

/// What the flags mean for a node of these roles.
Outcome<OnlyVoter> choose_voter(const StorageFormat& asked, const NodeProperties& node) {
    const int named =
        int{asked.standalone} + int{asked.no_initial_controllers} + int{!asked.initial_controllers.empty()};
    if (named > 1)
        return failed(ExitCode::usage,
                      "--standalone, --no-initial-controllers and --initial-controllers exclude each other");
    if (node.has_static_voters) {
        if (named > 0)
            return failed(ExitCode::usage,
                          "controller.quorum.voters is set, so that --standalone, "
                          "--initial-controllers and --no-initial-controllers have no place");
        return OnlyVoter{};
    }
    if (!node.is_controller && (asked.standalone || !asked.initial_controllers.empty()))
        return failed(ExitCode::usage,
                      "--standalone and --initial-controllers are for controllers; process.roles does "
                      "not make this node one");
    if (node.is_controller && named == 0)
        return failed(ExitCode::failed,
                      "Because controller.quorum.voters is not set on this controller, you must specify one of the "
                      "following: --standalone, --initial-controllers, or --no-initial-controllers.");
    if (!asked.initial_controllers.empty()) return parse_initial_controller(asked.initial_controllers, node);
    if (asked.standalone) return OnlyVoter{node.controller_endpoints, std::nullopt};
    return OnlyVoter{};
}

Outcome<> check_kraft_version(const StorageFormat& asked, const NodeProperties& node) {
    for (const auto& [name, level] : asked.features) {
        if (name != "kraft.version") continue;
        if (level == 0 && !node.has_static_voters)
            return failed(ExitCode::usage,
                          "--feature kraft.version=0 needs controller.quorum.voters; leave it out for a "
                          "quorum that can change");
        if (level > 0 && node.has_static_voters)
            return failed(ExitCode::usage, fmt::format("--feature kraft.version={} cannot be with "
                                                       "controller.quorum.voters",
                                                       level));
    }
    return {};
}

/// The directories that are to be formatted.
Outcome<std::vector<std::string>> choose_directories(const std::vector<LogDirectory>& directories,
                                                     const StorageFormat& asked, const NodeProperties& node) {
    std::vector<std::string> chosen;
    for (const LogDirectory& directory : directories) {
        if (!directory.problem.empty()) return failed(ExitCode::failed, directory.problem);
        if (!directory.meta && directory.holds_metadata_log)
            return failed(ExitCode::exists,
                          fmt::format("{} holds a metadata log, but no meta.properties: a node has run on it, and "
                                      "formatting would part it from its cluster. Bring meta.properties back; to begin "
                                      "anew, remove the directory first.",
                                      directory.path));
        if (!directory.meta) {
            chosen.push_back(directory.path);
            continue;
        }
        const auto found_of = [&directory](std::string_view key, const std::string& otherwise) {
            const auto found = directory.meta->find(key);
            return found == directory.meta->end() ? otherwise : found->second;
        };
        const std::string self = std::to_string(node.node_id.value());
        const std::string owner = found_of("node.id", self);
        const std::string cluster = found_of("cluster.id", asked.cluster_id);
        if (owner != self)
            return failed(ExitCode::failed,
                          fmt::format("Invalid node.id in: {}/meta.properties. Expected {}, but read {}. The directory "
                                      "holds the data of node {} of cluster {}: correct node.id or log.dirs in {}.",
                                      directory.path, self, owner, owner, cluster, asked.config));
        if (cluster != asked.cluster_id)
            return failed(
                ExitCode::failed,
                fmt::format("Invalid cluster.id in: {}/meta.properties. Expected {}, but read {}. The "
                            "directory is formatted: 'moldau broker --config {}' starts on it; to begin anew, "
                            "remove it first.",
                            directory.path, asked.cluster_id, cluster, asked.config));
        if (!asked.ignore_formatted)
            return failed(ExitCode::exists,
                          fmt::format("Log directory {} is already formatted. Use --ignore-formatted to ignore this "
                                      "directory and format the others; 'moldau broker --config {}' starts on it.",
                                      directory.path, asked.config));
    }
    return chosen;
}

using Locks = std::vector<std::unique_ptr<runtime::DirectoryLock>>;

/// Nobody else writes there meanwhile, and no broker runs there.
Outcome<Locks> lock(runtime::Disk& disk, const std::vector<std::string>& directories) {
    Locks locks;
    for (const std::string& directory : directories) {
        if (const Result<> made = disk.create_directories(directory); !made)
            return failed(ExitCode::failed, made.error().message + "; log.dirs names another directory");
        auto locked = disk.lock(directory);
        if (!locked) return std::unexpected(failure_of(locked.error()));
        locks.push_back(std::move(*locked));
    }
    return locks;
}

/// Each file is synced, and each directory that got a name.
Result<> write_files(runtime::Disk& disk, const std::string& directory, const std::vector<raft::FileToWrite>& files) {
    MOLDAU_CHECK(disk.create_directories(directory));
    MOLDAU_CHECK(disk.sync_directory(runtime::parent_path(directory)));
    for (const raft::FileToWrite& file : files)
        MOLDAU_CHECK(runtime::write_below(disk, directory, file.path, file.content));
    return {};
}

std::string_view description(const std::string& path, const NodeProperties& node, const OnlyVoter& voter) {
    if (path != node.metadata_dir) return "data directory";
    return voter.endpoints.empty() ? "metadata directory" : "dynamic metadata voter directory";
}

Outcome<> format_directory(Environment& environment, const std::string& path, const StorageFormat& asked,
                           const NodeProperties& node, const OnlyVoter& voter, const FormatLevels& levels) {
    raft::FormatOptions options;
    options.cluster_id = asked.cluster_id;
    options.node_id = node.node_id;
    options.directory_id = environment.random().uuid();
    if (path == node.metadata_dir) {
        options.controller_endpoints = voter.endpoints;
        options.directory_id = voter.directory_id.value_or(options.directory_id);
    }
    options.bootstrap_records = bootstrap_records_of(levels);
    options.now = environment.clock().wall_time();
    const std::string line = fmt::format("Formatting {} {} with metadata.version {}.\n", description(path, node, voter),
                                         path, levels.metadata_version_name);
    (void)environment.terminal().write_output(bytes_of(line));
    if (const Result<> written = write_files(environment.disk(), path, raft::format_plan(options)); !written)
        return std::unexpected(failure_of(written.error()));
    return {};
}

Outcome<> format(Environment& environment, const StorageFormat& asked) {
    const Outcome<NodeProperties> node = load_node_properties(environment, asked.config);
    if (!node) return std::unexpected(node.error());
    const Outcome<OnlyVoter> voter = choose_voter(asked, *node);
    if (!voter) return std::unexpected(voter.error());
    if (Outcome<> checked = check_kraft_version(asked, *node); !checked) return checked;
    const Outcome<FormatLevels> levels = choose_levels(asked.release_version, asked.features);
    if (!levels) return std::unexpected(levels.error());
    if (!node->refusal.empty()) return failed(ExitCode::failed, fmt::format("{}: {}", asked.config, node->refusal));
    const auto directories = choose_directories(inspect(environment.disk(), node->log_dirs), asked, *node);
    if (!directories) return std::unexpected(directories.error());
    const Outcome<Locks> locks = lock(environment.disk(), *directories);
    if (!locks) return std::unexpected(locks.error());
    if (directories->empty())
        (void)environment.terminal().write_output(bytes_of("All of the log directories are already formatted.\n"));
    for (const std::string& path : *directories) {
        Outcome<> formatted = format_directory(environment, path, asked, *node, *voter, *levels);
        if (!formatted) return formatted;
    }
    return {};
}

}  // namespace

ExitCode storage_format(Environment& environment, const StorageFormat& asked) {
    const Outcome<> formatted = format(environment, asked);
    if (formatted) return ExitCode::ok;
    environment.terminal().write_error(fmt::format("moldau: {}\n", formatted.error().message));
    return formatted.error().code;
}

}  // namespace moldau::cli
