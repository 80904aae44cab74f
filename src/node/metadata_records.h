#pragma once
// Metadata records as values of the log's records.

#include <span>
#include <vector>

#include <moldau/base/bytes.h>
#include <moldau/metadata/feature_levels.h>

namespace moldau::node {

/// Each record framed: frame version, key, version, body.
std::vector<Bytes> encode_records(std::span<const metadata::VersionedRecord> records);

}  // namespace moldau::node
