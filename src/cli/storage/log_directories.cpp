#include "storage/log_directories.h"

#include <algorithm>

#include <fmt/format.h>

#include <moldau/raft/types.h>

namespace moldau::cli {

namespace {

std::string section(std::string_view one, std::string_view several, const std::vector<std::string>& lines) {
    if (lines.empty()) return {};
    std::string text = fmt::format("{}:\n", lines.size() == 1 ? one : several);
    for (const std::string& line : lines) text += fmt::format("  {}\n", line);
    return text + "\n";
}

std::string value_or(const metadata::Properties& meta, std::string_view key, std::string_view otherwise) {
    const auto found = meta.find(key);
    return std::string(found == meta.end() ? otherwise : found->second);
}

/// Formatting writes a snapshot at most: a segment is of a node that ran.
Result<bool> holds_metadata_log(runtime::Disk& disk, const std::string& path) {
    const auto entries = disk.list(runtime::join_path(path, fmt::format("{}-0", raft::metadata_topic_name)));
    if (!entries && entries.error().code == Errc::not_found) return false;
    if (!entries) return std::unexpected(entries.error());
    return std::ranges::any_of(*entries, [](const auto& entry) { return entry.name.ends_with(".log"); });
}

LogDirectory inspect_one(runtime::Disk& disk, const std::string& path) {
    LogDirectory directory{path, false, std::nullopt, {}};
    const Result<bool> exists = disk.exists(path);
    if (!exists) directory.problem = exists.error().message;
    if (!exists || !*exists) return directory;
    directory.exists = true;
    const Result<bool> holds_log = holds_metadata_log(disk, path);
    directory.holds_metadata_log = holds_log.value_or(false);
    if (!holds_log) directory.problem = holds_log.error().message;
    const Result<Bytes> content = runtime::read_whole(disk, runtime::join_path(path, "meta.properties"), 1 << 20);
    if (!content) {
        if (content.error().code != Errc::not_found) directory.problem = content.error().message;
        return directory;
    }
    Result<metadata::Properties> meta = metadata::parse_properties(text_of(*content));
    if (!meta) {
        directory.problem = fmt::format("{}/meta.properties: {}", path, meta.error().message);
    } else {
        directory.meta = std::move(*meta);
    }
    return directory;
}

}  // namespace

std::vector<LogDirectory> inspect(runtime::Disk& disk, const std::vector<std::string>& paths) {
    std::vector<LogDirectory> directories;
    directories.reserve(paths.size());
    for (const std::string& path : paths) directories.push_back(inspect_one(disk, path));
    return directories;
}

DirectoriesReport report_on(const std::vector<LogDirectory>& directories, NodeId self) {
    std::vector<std::string> found;
    std::vector<std::string> problems;
    const metadata::Properties* first = nullptr;
    for (const LogDirectory& directory : directories) {
        if (!directory.problem.empty()) {
            problems.push_back(directory.problem);
        } else if (!directory.exists) {
            problems.push_back(fmt::format("{} does not exist", directory.path));
        } else if (!directory.meta) {
            problems.push_back(fmt::format("{} is not formatted.", directory.path));
        }
        if (directory.exists) found.push_back(directory.path);
        if (!directory.meta) continue;
        if (first == nullptr) first = &*directory.meta;
        const std::string node = std::to_string(self.value());
        if (const std::string owner = value_or(*directory.meta, "node.id", node); owner != node)
            problems.push_back(
                fmt::format("{} holds the data of node {}, but node.id is {}", directory.path, owner, node));
        for (const char* key : {"cluster.id", "node.id"}) {
            if (value_or(*directory.meta, key, "") == value_or(*first, key, "")) continue;
            problems.push_back(fmt::format("{} has {}={}, but other directories have {}", directory.path, key,
                                           value_or(*directory.meta, key, "(none)"), value_or(*first, key, "(none)")));
        }
    }
    DirectoriesReport report{section("Found log directory", "Found log directories", found), !problems.empty()};
    if (first != nullptr) {
        std::vector<std::string> pairs;
        for (const auto& [key, value] : *first) pairs.push_back(fmt::format("{}={}", key, value));
        report.text += fmt::format("Found metadata: {{{}}}\n\n", fmt::join(pairs, ", "));
    }
    report.text += section("Found problem", "Found problems", problems);
    return report;
}

}  // namespace moldau::cli
