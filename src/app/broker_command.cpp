#include "broker_command.h"

#include <iostream>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <moldau/cli/cli.h>
#include <moldau/cli/unexpected_argument.h>
#include <moldau/posix/disk.h>

#include "broker.h"
#include "logging.h"

namespace moldau::app {
namespace {

using cli::ExitCode;

constexpr int failed = static_cast<int>(ExitCode::failed);
constexpr int usage_error = static_cast<int>(ExitCode::usage);

int exit_code_of(Errc error) {
    if (error == Errc::not_found) return static_cast<int>(ExitCode::not_found);
    return error == Errc::io ? failed : usage_error;
}

constexpr const char* examples = R"(Examples:
  moldau broker                                          one node on 127.0.0.1:9092
  moldau broker --override listeners=PLAINTEXT://:9092,CONTROLLER://127.0.0.1:9093
  moldau broker --config server.properties               a directory that `moldau storage format` has formatted)";

}  // namespace

std::unique_ptr<runtime::Disk> make_posix_disk() {
    return std::make_unique<posix::PosixDisk>();
}

int broker_command(int argc, char** argv, const MakeDisk& make_disk) {
    CLI::App app("Runs a broker until SIGTERM", "moldau broker");
    BrokerArguments arguments;
    app.footer(examples);
    app.add_option("-c,--config", arguments.config_file, "a server.properties with Kafka's keys");
    app.add_option("--override", arguments.overrides, "key=value, over the configuration; may be repeated")->take_all();
    app.add_flag("-v,--verbose", arguments.verbose, "log the settings in force, connections and what becomes of them");
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        if (error.get_exit_code() == 0) return app.exit(error) == 0 && std::cout.flush() ? 0 : failed;
        tell(fmt::format("moldau: {}\nSee 'moldau broker --help'.",
                         cli::unexpected_argument(app).value_or(error.what())));
        return usage_error;
    }
    set_up_logging(arguments.verbose);
    auto options = resolve(arguments);
    if (!options) {
        tell(fmt::format("moldau: {}", options.error().message));
        return exit_code_of(options.error().code);
    }
    return run_broker(std::move(*options), make_disk());
}

}  // namespace moldau::app
