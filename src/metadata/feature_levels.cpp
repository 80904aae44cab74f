#include <algorithm>
#include <array>

#include <fmt/ranges.h>

#include <moldau/metadata/feature_levels.h>

namespace moldau::metadata {

namespace {

constexpr std::int16_t metadata_version_3_4_iv0 = 8;   // RegisterBroker knows migrating brokers
constexpr std::int16_t metadata_version_3_7_iv2 = 17;  // replicas are assigned to directories
constexpr std::int16_t metadata_version_4_0_iv1 = 23;  // eligible leader replicas
constexpr std::int16_t metadata_version_4_3_iv0 = 30;  // cordoned log directories

constexpr std::array<FeatureRange, 7> known_features{{
    {"group.version", 0, 1, 0, 0},
    {kraft_version_feature, 0, 1, 1, 1},
    {metadata_version_feature, min_metadata_version, latest_metadata_version, latest_metadata_version,
     latest_metadata_version},
    {"share.version", 0, 1, 0, 0},
    {"streams.version", 0, 1, 0, 0},
    {"transaction.version", 0, 2, 0, 0},
    {elr_version_feature, 0, 1, 0, 0},
}};

std::int16_t partition_version(std::int16_t metadata_version) {
    if (metadata_version >= metadata_version_4_0_iv1) return 2;
    return metadata_version >= metadata_version_3_7_iv2 ? 1 : 0;
}

std::int16_t register_broker_version(std::int16_t metadata_version) {
    if (metadata_version >= metadata_version_4_3_iv0) return 4;
    if (metadata_version >= metadata_version_3_7_iv2) return 3;
    return metadata_version >= metadata_version_3_4_iv0 ? 2 : 1;
}

// The lowest version that holds what the record says.
std::int16_t registration_change_version(const protocol::BrokerRegistrationChangeRecord& record) {
    if (record.cordoned_log_dirs.has_value()) return 3;
    if (!record.log_dirs.empty()) return 2;
    return record.in_controlled_shutdown != 0 ? 1 : 0;
}

}  // namespace

std::span<const FeatureRange> supported_features() {
    return known_features;
}

const FeatureRange* find_feature_range(std::string_view name) {
    const auto* found = std::ranges::find(known_features, name, &FeatureRange::name);
    return found == known_features.end() ? nullptr : found;
}

std::vector<SupportedFeature> registered_features() {
    std::vector<SupportedFeature> result;
    result.reserve(known_features.size());
    for (const FeatureRange& feature : known_features) {
        result.push_back({std::string(feature.name), feature.min_version, feature.max_version});
    }
    return result;
}

Result<> check_finalized_features(const Image& image) {
    std::vector<std::string> beyond;
    std::vector<std::string> remedy;
    for (const auto& [name, level] : image.features) {
        const FeatureRange* known = find_feature_range(name);
        if (known != nullptr && level < known->min_version)
            return fail(Errc::unsupported,
                        fmt::format("The cluster has finalised the feature {} at level {}, and the lowest that works "
                                    "here is {}. Raise it with kafka-features under Apache Kafka first.",
                                    name, level, known->min_version));
        const std::int16_t most = known == nullptr ? 0 : known->works_up_to;
        if (level <= most) continue;
        beyond.push_back(fmt::format("{} at level {} (here {})", name, level,
                                     known == nullptr ? "it is not known" : fmt::format("at most {}", most)));
        remedy.push_back(fmt::format("--feature {}={}", name, most));
    }
    if (beyond.empty()) return {};
    return fail(Errc::unsupported,
                fmt::format("The cluster has finalised features beyond what works here so far: {}. Start Apache Kafka "
                            "on it, lower them with 'kafka-features downgrade {}', stop Apache Kafka, and start again.",
                            fmt::join(beyond, ", "), fmt::join(remedy, " ")));
}

VersionedRecord versioned(protocol::MetadataRecord record, std::int16_t metadata_version) {
    using namespace protocol;
    std::int16_t version = 0;
    if (std::holds_alternative<RegisterBrokerRecord>(record)) {
        version = register_broker_version(metadata_version);
    } else if (auto* partition = std::get_if<PartitionRecord>(&record)) {
        version = partition_version(metadata_version);
        if (version == 0) partition->directories.clear();
    } else if (std::holds_alternative<PartitionChangeRecord>(record)) {
        version = partition_version(metadata_version);
    } else if (const auto* change = std::get_if<BrokerRegistrationChangeRecord>(&record)) {
        version = registration_change_version(*change);
    }
    return {std::move(record), version};
}

std::vector<VersionedRecord> bootstrap_records(std::int16_t metadata_version) {
    std::vector<VersionedRecord> records;
    const auto add = [&](std::string_view name, std::int16_t level) {
        protocol::FeatureLevelRecord record;
        record.name = std::string(name);
        record.feature_level = level;
        records.push_back({std::move(record), 0});
    };
    add(metadata_version_feature, metadata_version);
    for (const FeatureRange& feature : known_features) {
        // kraft.version stands in the control records of the log, not among these.
        if (feature.name == metadata_version_feature || feature.name == kraft_version_feature) continue;
        if (feature.format_version > 0) add(feature.name, feature.format_version);
    }
    return records;
}

}  // namespace moldau::metadata
