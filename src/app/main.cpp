#include <CLI/CLI.hpp>
#include <cstdio>

#include <fmt/format.h>

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
    CLI::App app("Moldau: a Kafka-compatible event-streaming broker", "moldau");
    app.require_subcommand(1);
    moldau::app::BrokerArguments arguments;
    CLI::App* broker = app.add_subcommand("broker", "run a broker until SIGTERM");
    broker->footer(broker_examples);
    broker->add_option("-c,--config", arguments.config_file, "a server.properties with Kafka's keys");
    broker->add_option("--override", arguments.overrides, "key=value, over the configuration; may be repeated")
        ->take_all();
    broker->add_flag("-v,--verbose", arguments.verbose, "log more");
    try {
        app.parse(argc, argv);
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
