#include <string_view>

#include <moldau/cli/cli.h>
#include <moldau/cli/posix_environment.h>
#include <moldau/posix/console.h>

#include "broker_command.h"

int main(int argc, char** argv) {
    moldau::posix::fill_standard_descriptors();
    if (argc > 1 && std::string_view(argv[1]) == "broker") return moldau::app::broker_command(argc - 1, argv + 1);
    // All other commands are clients or work offline.
    const auto environment = moldau::cli::make_posix_environment();
    return static_cast<int>(moldau::cli::run(argc, argv, *environment));
}
