#pragma once
// `meta.properties`: to which cluster and node a log directory belongs. Waits for the device.

#include <optional>
#include <string>
#include <string_view>

#include <moldau/base/ids.h>
#include <moldau/base/result.h>
#include <moldau/runtime/disk.h>

namespace moldau::storage {

struct MetaProperties {
    std::string cluster_id;
    NodeId node_id = no_node;
    std::optional<DirectoryId> directory_id = std::nullopt;
    friend bool operator==(const MetaProperties&, const MetaProperties&) = default;
};

/// Version 1, in the format of Java's properties. Errors: invalid.
Result<MetaProperties> decode_meta_properties(std::string_view text);
std::string encode_meta_properties(const MetaProperties& properties);

/// Nothing when the directory was never formatted.
Result<std::optional<MetaProperties>> read_meta_properties(runtime::Disk& disk, const std::string& directory);

}  // namespace moldau::storage
