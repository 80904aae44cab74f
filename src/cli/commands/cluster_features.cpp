#include <map>

#include <moldau/protocol/messages/api_versions.h>

#include "commands/commands.h"
#include "output/json.h"
#include "output/table.h"

namespace moldau::cli {

namespace {

struct Feature {
    std::int16_t min = 0;
    std::int16_t max = 0;
    std::int16_t finalized = 0;
};

}  // namespace

CommandTask cluster_features(const Context& context, const ClusterFeatures&) {
    protocol::ApiVersionsRequest request;
    request.client_software_name = "moldau";
    request.client_software_version = "0.1.0";
    auto answer = co_await context.session.call(request);
    if (!answer) co_return context.report(answer.error());
    if ((*answer)->error_code != protocol::ErrorCode::none)
        co_return context.report(failure_of((*answer)->error_code, "the features"));

    std::map<std::string, Feature> features;
    for (const auto& supported : (*answer)->supported_features)
        features[supported.name.str()] = {supported.min_version, supported.max_version, 0};
    for (const auto& finalized : (*answer)->finalized_features)
        features[finalized.name.str()].finalized = finalized.max_version_level;

    Table table({{"FEATURE"}, {"FINALIZED", Align::right}, {"SUPPORTED", Align::right}});
    Json json;
    json.begin_array();
    for (const auto& [name, feature] : features) {
        table.add({name, std::to_string(feature.finalized), fmt::format("{}-{}", feature.min, feature.max)});
        json.begin_object()
            .field("name", name)
            .field("finalized", feature.finalized)
            .field("supported_min", feature.min)
            .field("supported_max", feature.max)
            .end_object();
    }
    context.print(context.json() ? json.end_array().take() + "\n" : table.text());
    co_return ExitCode::ok;
}

}  // namespace moldau::cli
