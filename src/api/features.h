#pragma once
// What ApiVersions tells of features.

#include <moldau/node/view.h>
#include <moldau/protocol/messages/api_versions.h>

namespace moldau::api {

/// Supported ranges and finalised levels. A range that begins at 0 is left out below version 4, whose clients cannot
/// read it.
void add_features(const node::View& view, std::int16_t version, protocol::ApiVersionsResponse& response);

}  // namespace moldau::api
