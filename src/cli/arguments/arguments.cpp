#include "arguments/arguments.h"

#include <sstream>

#include <fmt/format.h>

#include "arguments/definitions.h"

namespace moldau::cli {

namespace {

constexpr const char* default_bootstrap = "127.0.0.1:9092";

constexpr const char* footer =
    "A broker is run by 'moldau broker'; see 'moldau broker --help'.\n"
    "\nExit codes: 0 done, 1 failed, 2 wrong command line, 3 no connection, 4 not found, 5 exists already,\n"
    "            6 not authorized, 7 timed out.\n"
    "\nExamples:\n"
    "  moldau topic create orders --partitions 6\n"
    "  moldau topic describe orders -o json\n"
    "  seq 1000000 | moldau produce orders\n"
    "  moldau consume orders --from-beginning --exit-at-end";

constexpr const char* group_footer = "Each has flags and examples in its own --help.";

/// The deepest command that was named, for its help.
const CLI::App* deepest(const CLI::App* app) {
    while (!app->get_subcommands().empty()) app = app->get_subcommands().front();
    return app;
}

std::string path_of(const CLI::App* app) {
    std::string path = app->get_name();
    for (const CLI::App* parent = app->get_parent(); parent != nullptr; parent = parent->get_parent())
        path.insert(0, parent->get_name() + " ");
    return path;
}

/// Groups of options are subcommands without a name.
std::vector<const CLI::App*> commands_of(const CLI::App& app) {
    return app.get_subcommands([](const CLI::App* each) { return !each->get_name().empty(); });
}

/// The first word that stands where a command should and is none, and where that is.
struct UnknownCommand {
    std::string word;
    const CLI::App* group;
};
std::optional<UnknownCommand> unknown_command(const CLI::App& root, const std::vector<std::string>& arguments) {
    const CLI::App* current = &root;
    for (const std::string& argument : arguments) {
        if (commands_of(*current).empty() || argument.starts_with('-')) return {};
        const auto named = current->get_subcommands([&](const CLI::App* each) { return each->check_name(argument); });
        if (named.empty()) return UnknownCommand{argument, current};
        current = named.front();
    }
    return {};
}

Finished wrong(const CLI::App* command, const std::string& message) {
    return Finished{ExitCode::usage, {}, fmt::format("moldau: {}\nSee '{} --help'.\n", message, path_of(command))};
}

}  // namespace

void throw_wrong_value(const std::string& flag, const std::string& message) {
    throw CLI::ValidationError(flag, message);
}

void add_connect_options(CLI::App& command, Plan& plan, bool with_output) {
    ConnectOptions& connect = plan.connect;
    add_parsed<std::vector<runtime::Endpoint>>(command, "-b,--bootstrap,--bootstrap-server", connect.bootstrap,
                                               parse_endpoints,
                                               "Brokers to begin with, host:port, commas between (or MOLDAU_BOOTSTRAP; "
                                               "default 127.0.0.1:9092)");
    add_parsed<runtime::Duration>(command, "--timeout", connect.timeout, parse_duration,
                                  "How long to wait for a connection or an answer (default 30s)");
    if (!with_output) return;
    command
        .add_option_function<std::string>(
            "-o,--output",
            [&connect](const std::string& text) {
                connect.output = text == "json" ? OutputFormat::json : OutputFormat::table;
            },
            "table or json")
        ->check(CLI::IsMember({"table", "json"}));
}

std::variant<Plan, Finished> parse_arguments(std::vector<std::string> arguments, const Variables& variables) {
    Plan plan;
    CLI::App root("Moldau, an Apache Kafka-compatible event-streaming broker, and the tools to work with one.",
                  "moldau");
    root.set_version_flag("--version", "moldau 0.1.0");
    root.require_subcommand(1);
    root.footer(footer);
    define_topic(root, plan);
    define_config(root, plan);
    define_cluster(root, plan);
    define_produce(root, plan);
    define_consume(root, plan);
    define_storage(root, plan);

    for (CLI::App* group : root.get_subcommands([](const CLI::App* each) { return !commands_of(*each).empty(); }))
        group->footer(group_footer);

    if (const auto unknown = unknown_command(root, arguments))
        return wrong(unknown->group,
                     fmt::format("there is no command '{} {}'", path_of(unknown->group), unknown->word));
    std::reverse(arguments.begin(), arguments.end());  // CLI11 takes them from the back
    try {
        root.parse(std::move(arguments));
    } catch (const CLI::CallForVersion& version) {
        return Finished{ExitCode::ok, std::string(version.what()) + "\n", {}};
    } catch (const CLI::CallForHelp&) {
        return Finished{ExitCode::ok, root.help(), {}};
    } catch (const CLI::ParseError& error) {
        return wrong(deepest(&root), error.what());
    }
    if (plan.connect.bootstrap.empty()) {
        const std::string text = variables("MOLDAU_BOOTSTRAP").value_or(default_bootstrap);
        auto endpoints = parse_endpoints(text);
        if (!endpoints) return wrong(deepest(&root), "MOLDAU_BOOTSTRAP: " + endpoints.error().message);
        plan.connect.bootstrap = std::move(*endpoints);
    }
    return plan;
}

}  // namespace moldau::cli
