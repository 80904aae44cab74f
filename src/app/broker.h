#pragma once
// Runs a broker in this process until it is told to stop.

#include "broker_options.h"

namespace moldau::app {

/// Returns the process's exit status: 0 after an orderly stop, 1 when it could not start or go on.
int run_broker(BrokerOptions options);

}  // namespace moldau::app
