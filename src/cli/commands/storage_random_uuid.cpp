#include "commands/storage.h"

namespace moldau::cli {

ExitCode storage_random_uuid(Environment& environment) {
    const std::string line = environment.random().uuid().to_string() + "\n";
    return environment.terminal().write_output(bytes_of(line)) ? ExitCode::ok : ExitCode::failed;
}

}  // namespace moldau::cli
