#pragma once
// The commands on this machine's log directories. They wait for the disk, and need no shard.

#include <moldau/cli/cli.h>

#include "plans.h"

namespace moldau::cli {

ExitCode storage_random_uuid(Environment& environment);

}  // namespace moldau::cli
