#pragma once
// Where log lines go: to standard error, by spdlog.

namespace moldau::app {

/// Call before any thread starts.
void set_up_logging(bool verbose);

}  // namespace moldau::app
