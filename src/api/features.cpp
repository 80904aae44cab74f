#include "features.h"

#include <moldau/metadata/feature_levels.h>

namespace moldau::api {
namespace {

constexpr std::int16_t first_version_with_zero_minimum = 4;

}  // namespace

void add_features(const node::View& view, std::int16_t version, protocol::ApiVersionsResponse& response) {
    for (const metadata::SupportedFeature& feature : metadata::registered_features()) {
        if (feature.min_version == 0 && version < first_version_with_zero_minimum) continue;
        auto& told = response.supported_features.emplace_back();
        told.name = protocol::Text(feature.name);
        told.min_version = feature.min_version;
        told.max_version = feature.max_version;
    }
    const auto finalized = [&response](std::string_view name, std::int16_t level) {
        auto& told = response.finalized_features.emplace_back();
        told.name = protocol::Text(std::string(name));
        told.min_version_level = level;
        told.max_version_level = level;
    };
    for (const auto& [name, level] : view.image->features) finalized(name, level);
    if (view.kraft_version > 0) finalized(metadata::kraft_version_feature, view.kraft_version);
    response.finalized_features_epoch = view.image->provenance.last_offset.value();
}

}  // namespace moldau::api
