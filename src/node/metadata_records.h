#pragma once
// Metadata records as values of the log's records, and back.

#include <span>
#include <vector>

#include <moldau/base/bytes.h>
#include <moldau/metadata/feature_levels.h>
#include <moldau/metadata/image_builder.h>
#include <moldau/protocol/record_batch.h>

namespace moldau::node {

/// Each record framed: frame version, key, version, body.
std::vector<Bytes> encode_records(std::span<const metadata::VersionedRecord> records);

/// Replays a data batch of the metadata log or of a snapshot; what is kept of it is copied.
Result<> replay_batch(const protocol::BatchView& batch, metadata::ImageBuilder& into);

}  // namespace moldau::node
