#pragma once
// The commands on this machine's log directories. They wait for the disk, and need no shard's thread.

#include <moldau/cli/cli.h>

#include "plans.h"

namespace moldau::cli {

ExitCode storage_random_uuid(Environment& environment);
ExitCode storage_info(Environment& environment, const StorageInfo& asked);
ExitCode storage_format(Environment& environment, const StorageFormat& asked);

}  // namespace moldau::cli
