#pragma once
// `partition.metadata`: which topic a partition's directory belongs to. Waits for the device.

#include <optional>
#include <string>

#include <moldau/base/ids.h>
#include <moldau/base/result.h>
#include <moldau/runtime/disk.h>

namespace moldau::storage {

/// Nothing when there is no such file. Errors: invalid, io.
Result<std::optional<TopicId>> read_partition_metadata(runtime::Disk& disk, const std::string& directory);
Result<> write_partition_metadata(runtime::Disk& disk, const std::string& directory, const TopicId& id);

}  // namespace moldau::storage
