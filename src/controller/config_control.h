#pragma once
// Changes of settings: of topics, brokers, all brokers, groups and client metrics.

#include <map>
#include <string>

#include <moldau/controller/controller.h>

#include "api_error.h"

namespace moldau::controller {

enum class ConfigOperation : std::int8_t { set = 0, remove = 1, append = 2, subtract = 3 };

struct ConfigChange {
    std::string key;
    ConfigOperation operation = ConfigOperation::set;
    std::string value;  ///< empty when removed
};

/// Whether a resource may have these settings; the error is the answer.
ApiError check_settings(const metadata::ConfigView& config, const metadata::ConfigResource& resource,
                        const std::map<std::string, std::string>& settings);

/// Appends the records that make the changes. Nothing is appended in case of an error. `creating`: a resource that is
/// not there yet.
ApiError change_settings(const metadata::Image& image, const metadata::ConfigView& config,
                         const metadata::ConfigResource& resource, const std::vector<ConfigChange>& changes,
                         bool creating, Records& records);

Outcome<protocol::IncrementalAlterConfigsResponse> alter_configs(
    const metadata::Image& image, const metadata::ConfigView& config,
    const protocol::IncrementalAlterConfigsRequest& request);
Outcome<protocol::AlterConfigsResponse> alter_configs(const metadata::Image& image, const metadata::ConfigView& config,
                                                      const protocol::AlterConfigsRequest& request);

}  // namespace moldau::controller
