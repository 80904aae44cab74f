#include "commands/storage.h"

namespace moldau::cli {

ExitCode storage_random_uuid(Environment& environment) {
    const std::string line = environment.random().uuid().to_string() + "\n";
    (void)environment.terminal().write_output(bytes_of(line));  // run() tells of a failure
    return ExitCode::ok;
}

}  // namespace moldau::cli
