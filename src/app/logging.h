#pragma once
// Where log lines go: to standard error, by spdlog.

namespace moldau::app {

/// Call before any thread starts.
void set_up_logging(bool verbose);

/// Prints `line` as it is on standard error, as far as that can be written: a broker does not end for want of a reader.
void tell(std::string_view line);

}  // namespace moldau::app
