#include <CLI/CLI.hpp>
#include <cstdio>
#include <string_view>

#include <fmt/format.h>

#include <moldau/cli/cli.h>
#include <moldau/cli/posix_environment.h>

#include "broker.h"
#include "logging.h"

namespace {

constexpr int usage_error = 2;

constexpr const char* broker_examples = R"(
Examples:
  moldau broker                                          one node on 127.0.0.1:9092
  moldau broker --override listeners=PLAINTEXT://:9092,CONTROLLER://127.0.0.1:9093
  moldau broker --config server.properties               a directory that `moldau storage format` has formatted)";

}  // namespace

int main(int argc, char** argv) {
    // All other commands are clients or work offline.
    if (argc < 2 || std::string_view(argv[1]) != "broker") {
        const auto environment = moldau::cli::make_posix_environment();
        return static_cast<int>(moldau::cli::run(argc, argv, *environment));
    }
    CLI::App app("Runs a broker until SIGTERM", "moldau broker");
    moldau::app::BrokerArguments arguments;
    app.footer(broker_examples);
    app.add_option("-c,--config", arguments.config_file, "a server.properties with Kafka's keys");
    app.add_option("--override", arguments.overrides, "key=value, over the configuration; may be repeated")
        ->take_all();
    app.add_flag("-v,--verbose", arguments.verbose, "log more");
    try {
        app.parse(argc - 1, argv + 1);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : usage_error;
    }
    moldau::app::set_up_logging(arguments.verbose);
    auto options = moldau::app::resolve(arguments);
    if (!options) {
        fmt::print(stderr, "moldau: {}\n", options.error().message);
        return usage_error;
    }
    return moldau::app::run_broker(std::move(*options));
}
