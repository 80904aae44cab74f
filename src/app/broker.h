#pragma once
// Runs a broker in this process until it is told to stop.

#include <memory>

#include <moldau/runtime/disk.h>

#include "broker_options.h"

namespace moldau::app {

/// On `disk`. Returns the process's exit status: 0 after an orderly stop, 1 when it could not start or go on.
int run_broker(BrokerOptions options, std::unique_ptr<runtime::Disk> disk);

}  // namespace moldau::app
