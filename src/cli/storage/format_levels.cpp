#include "storage/format_levels.h"

#include <algorithm>

#include <fmt/format.h>

#include <moldau/metadata/feature_levels.h>
#include <moldau/protocol/records/metadata_record.h>
#include <moldau/protocol/writer.h>

namespace moldau::cli {

namespace {

// The names of metadata.version's levels, from min_metadata_version on.
constexpr std::string_view version_names[] = {
    "3.3-IV3", "3.4-IV0", "3.5-IV0", "3.5-IV1", "3.5-IV2", "3.6-IV0", "3.6-IV1", "3.6-IV2",
    "3.7-IV0", "3.7-IV1", "3.7-IV2", "3.7-IV3", "3.7-IV4", "3.8-IV0", "3.9-IV0", "4.0-IV0",
    "4.0-IV1", "4.0-IV2", "4.0-IV3", "4.1-IV0", "4.1-IV1", "4.2-IV0", "4.2-IV1", "4.3-IV0",
};
static_assert(std::size(version_names) == metadata::latest_metadata_version - metadata::min_metadata_version + 1);

// From which metadata.version on a feature is finalised unless the user says otherwise.
struct Since {
    std::string_view feature;
    std::int16_t metadata_version;
};
constexpr Since defaults_since[] = {
    {"eligible.leader.replicas.version", 26},
    {"group.version", 22},
    {"share.version", 28},
    {"streams.version", 29},
    {"transaction.version", 24},
};

std::string_view name_of_version(std::int16_t level) {
    return version_names[level - metadata::min_metadata_version];
}

/// The last whose name is `release` or begins with "<release>-".
std::optional<std::int16_t> level_of_release(std::string_view release) {
    std::optional<std::int16_t> level;
    for (std::size_t i = 0; i < std::size(version_names); ++i) {
        const std::string_view name = version_names[i];
        if (name == release || (name.starts_with(release) && name.substr(release.size()).starts_with("-IV")))
            level = static_cast<std::int16_t>(metadata::min_metadata_version + static_cast<std::int16_t>(i));
    }
    return level;
}

bool is_default_at(std::string_view feature, std::int16_t metadata_version) {
    const auto* found = std::ranges::find(defaults_since, feature, &Since::feature);
    return found == std::end(defaults_since) || metadata_version >= found->metadata_version;
}

}  // namespace

Outcome<FormatLevels> choose_levels(std::string_view release,
                                    const std::vector<std::pair<std::string, std::int16_t>>& asked) {
    FormatLevels levels;
    levels.metadata_version = metadata::latest_metadata_version;
    if (!release.empty()) {
        const auto level = level_of_release(release);
        if (!level)
            return failed(ExitCode::usage, fmt::format("--release-version: there is no '{}'; {} to {} are known",
                                                       release, version_names[0], *std::rbegin(version_names)));
        levels.metadata_version = *level;
    }
    for (const auto& [name, level] : asked) {
        const metadata::FeatureRange* range = metadata::find_feature_range(name);
        if (range == nullptr) return failed(ExitCode::usage, fmt::format("--feature: there is no '{}'", name));
        if ((level < range->min_version || level > range->works_up_to) && level != 0)
            return failed(ExitCode::usage,
                          fmt::format("--feature {}={}: level{} here so far", name, level,
                                      range->works_up_to == range->min_version
                                          ? fmt::format(" {} alone works", range->min_version)
                                          : fmt::format("s {} to {} work", range->min_version, range->works_up_to)));
        if (name == metadata::metadata_version_feature) {
            if (!release.empty())
                return failed(ExitCode::usage, "--release-version and --feature metadata.version exclude each other");
            if (level < range->min_version)
                return failed(ExitCode::usage, fmt::format("--feature: {} begins at {}", name, range->min_version));
            levels.metadata_version = level;
        }
    }
    levels.metadata_version_name = name_of_version(levels.metadata_version);
    for (const metadata::FeatureRange& range : metadata::supported_features()) {
        if (range.format_version > 0 && is_default_at(range.name, levels.metadata_version))
            levels.features[std::string(range.name)] = range.format_version;
    }
    for (const auto& [name, level] : asked) levels.features[name] = level;
    std::erase_if(levels.features, [](const auto& feature) {
        return feature.second == 0 || feature.first == metadata::metadata_version_feature ||
               feature.first == metadata::kraft_version_feature;
    });
    return levels;
}

std::vector<Bytes> bootstrap_records_of(const FormatLevels& levels) {
    std::vector<Bytes> records;
    const auto add = [&records](std::string_view name, std::int16_t level) {
        protocol::FeatureLevelRecord record;
        record.name = protocol::Text::borrow(name);
        record.feature_level = level;
        protocol::Writer writer;
        protocol::encode_metadata_record(record, 0, writer);
        records.push_back(writer.take());
    };
    add(metadata::metadata_version_feature, levels.metadata_version);
    for (const auto& [name, level] : levels.features) add(name, level);
    return records;
}

}  // namespace moldau::cli
