#pragma once
// Feature levels: which of Kafka's cluster-wide features there are, what this build supports, and which versions of
// records a metadata.version allows. Constant data.

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include <moldau/base/result.h>
#include <moldau/metadata/image.h>
#include <moldau/protocol/records/metadata_record.h>

namespace moldau::metadata {

inline constexpr std::string_view metadata_version_feature = "metadata.version";
inline constexpr std::string_view kraft_version_feature = "kraft.version";
inline constexpr std::string_view elr_version_feature = "eligible.leader.replicas.version";

/// 3.3-IV3, the lowest that Kafka 4 opens.
inline constexpr std::int16_t min_metadata_version = 7;
/// 4.3-IV0.
inline constexpr std::int16_t latest_metadata_version = 30;

struct FeatureRange {
    std::string_view name;
    std::int16_t min_version;
    std::int16_t max_version;     ///< what a registration announces, Kafka's range: peers refuse to join with less
    std::int16_t format_version;  ///< what a directory is formatted with
    std::int16_t works_up_to;     ///< the highest level that works here; more than this finalised is refused
};

/// In the order in which Kafka registers them.
std::span<const FeatureRange> supported_features();
/// Null when unknown.
const FeatureRange* find_feature_range(std::string_view name);

/// What registrations carry.
std::vector<SupportedFeature> registered_features();

/// Whether this build may work with what the image has finalised; else Errc::unsupported naming feature and level.
Result<> check_finalized_features(const Image& image);

/// A record and the version in which it is to be written.
struct VersionedRecord {
    protocol::MetadataRecord record;
    std::int16_t version = 0;

    bool operator==(const VersionedRecord&) const = default;
};

/// Adds the version in which Kafka writes that record under `metadata_version`.
VersionedRecord versioned(protocol::MetadataRecord record, std::int16_t metadata_version);

/// The records of bootstrap.checkpoint: metadata.version first, then what else formatting finalises.
std::vector<VersionedRecord> bootstrap_records(std::int16_t metadata_version = latest_metadata_version);

}  // namespace moldau::metadata
