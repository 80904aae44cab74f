#include "feature_control.h"

#include "api_error.h"

namespace moldau::controller {

using protocol::ErrorCode;

namespace {

bool supports(const std::vector<metadata::SupportedFeature>& features, std::string_view name, std::int16_t level) {
    for (const metadata::SupportedFeature& feature : features) {
        if (feature.name == name) return feature.min_version <= level && level <= feature.max_version;
    }
    return false;
}

ApiError refuse(std::string_view feature, std::int16_t level, std::string_view why) {
    return {ErrorCode::invalid_update_version,
            fmt::format("Invalid update version {} for feature {}. {}", level, feature, why)};
}

ApiError check_level(const metadata::Image& image, std::string_view name, std::int16_t level) {
    const metadata::FeatureRange* known = metadata::find_feature_range(name);
    if (known == nullptr) return refuse(name, level, "This node does not know the feature.");
    const std::int16_t current = image.feature_level(name);
    if (level == current) return {};
    if (name == metadata::kraft_version_feature) {
        return refuse(name, level, "It is changed by the quorum itself, and not yet supported here.");
    }
    if (level < current) return refuse(name, level, "Lowering a finalized level is not supported.");
    if (level > known->works_up_to) {
        return refuse(name, level,
                      fmt::format("Only levels {} to {} work on this node.", known->min_version, known->works_up_to));
    }
    for (const auto& [id, broker] : image.brokers) {
        if (!supports(broker.features, name, level)) {
            return refuse(name, level, fmt::format("Broker {} does not support it.", id));
        }
    }
    for (const auto& [id, controller] : image.controllers) {
        if (!supports(controller.features, name, level)) {
            return refuse(name, level, fmt::format("Controller {} does not support it.", id));
        }
    }
    return {};
}

}  // namespace

Outcome<protocol::UpdateFeaturesResponse> update_features(const metadata::Image& image,
                                                          const protocol::UpdateFeaturesRequest& request) {
    Outcome<protocol::UpdateFeaturesResponse> outcome;
    outcome.response.error_message.reset();
    ApiError first_error;
    for (const auto& update : request.feature_updates) {
        const ApiError error = check_level(image, update.feature, update.max_version_level);
        auto& result = outcome.response.results.emplace_back();
        result.feature = update.feature.owned();
        result.error_code = error.code;
        result.error_message = error_text(error);
        if (error.is_error() && !first_error.is_error()) first_error = error;
        if (error.is_error() || update.max_version_level == image.feature_level(update.feature)) continue;
        protocol::FeatureLevelRecord record;
        record.name = update.feature.owned();
        record.feature_level = update.max_version_level;
        outcome.records.push_back({std::move(record), 0});
    }
    // All levels change, or none.
    if (first_error.is_error()) {
        outcome.records.clear();
        outcome.response.error_code = first_error.code;
        outcome.response.error_message = error_text(first_error);
    }
    if (request.validate_only) outcome.records.clear();
    return outcome;
}

}  // namespace moldau::controller
