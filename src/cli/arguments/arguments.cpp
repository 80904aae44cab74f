#include "arguments/arguments.h"

#include <algorithm>
#include <sstream>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <moldau/base/nearest.h>
#include <moldau/base/number.h>
#include <moldau/cli/unexpected_argument.h>
#include <moldau/protocol/text.h>

#include "arguments/definitions.h"

namespace moldau::cli {

namespace {

constexpr const char* default_bootstrap = "127.0.0.1:9092";

constexpr const char* footer =
    "Exit codes: 0 done, 1 failed, 2 wrong command line, 3 no connection, 4 not found, 5 exists already,\n"
    "            6 not authorized, 7 timed out.\n"
    "\nExamples:\n"
    "  moldau topic create squares --partitions 6\n"
    "  moldau topic describe squares -o json\n"
    "  seq 1000000 | moldau produce squares\n"
    "  moldau consume squares --from-beginning --exit-at-end";

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

std::string suggestion_for(const UnknownCommand& unknown) {
    std::vector<std::string_view> names;
    for (const CLI::App* each : commands_of(*unknown.group)) names.push_back(each->get_name());
    const auto nearest = nearest_name(names, unknown.word);
    return nearest ? fmt::format("; did you mean '{}'?", *nearest) : "";
}

/// What else people try.
void take_synonyms(std::vector<std::string>& arguments) {
    if (arguments.empty()) return;
    if (arguments.front() == "version") arguments.front() = "--version";
    if (arguments.front() == "help") {
        arguments.erase(arguments.begin());
        arguments.emplace_back("--help");
    }
}

/// main() runs it before anything is parsed here; this shows it among the others.
void define_broker(CLI::App& root) {
    CLI::App& command = *root.add_subcommand("broker", "Run a broker; 'moldau broker --help' shows its options");
    command.callback([] { throw CLI::ValidationError("broker", "it must be the first word"); });
}

Finished wrong(const CLI::App* command, const std::string& message) {
    return Finished{ExitCode::usage, {}, fmt::format("moldau: {}\nSee '{} --help'.\n", message, path_of(command))};
}

/// The command line that `error` is about, in words that name what the user wrote or left out.
Finished refusal(const CLI::App& root, const CLI::ParseError& error) {
    const CLI::App* const last = deepest(&root);
    for (const CLI::App* app = &root;; app = app->get_subcommands().front()) {
        if (const auto unexpected = unexpected_argument(*app)) return wrong(app, *unexpected);
        if (app == last) break;
    }
    if (const auto commands = commands_of(*last); !commands.empty()) {
        std::vector<std::string> names;
        names.reserve(commands.size());
        for (const CLI::App* each : commands) names.push_back(each->get_name());
        return wrong(last, fmt::format("'{}' needs a command: {}", path_of(last), fmt::join(names, ", ")));
    }
    const auto missing = last->get_options([](const CLI::Option* option) {
        return option->get_required() && option->get_positional() && option->empty();
    });
    return wrong(last, missing.empty() ? error.what() : fmt::format("{} is required", missing.front()->get_name(true)));
}

}  // namespace

CLI::Validator whole_number(std::int64_t least, std::int64_t most) {
    return CLI::Validator(
        [least, most](const std::string& text) {
            const auto number = parse_number<std::int64_t>(text);
            if (number && *number >= least && *number <= most) return std::string();
            return fmt::format("'{}' is not a number from {} to {}", text, least, most);
        },
        "");
}

void add_duration(CLI::App& command, const char* flag, runtime::Duration& target,
                  Result<runtime::Duration> (*parse)(std::string_view), const char* help) {
    add_parsed<runtime::Duration>(command, flag, target, parse, help)->type_name("N(ms|s|m|h)");
}

void throw_wrong_value(const std::string& flag, const std::string& message) {
    throw CLI::ValidationError(flag, message);
}

void add_connect_options(CLI::App& command, Plan& plan, bool with_output) {
    ConnectOptions& connect = plan.connect;
    add_parsed<std::vector<runtime::Endpoint>>(command, "-b,--bootstrap,--bootstrap-server", connect.bootstrap,
                                               parse_endpoints,
                                               "Brokers to begin with, host:port, commas between (or MOLDAU_BOOTSTRAP; "
                                               "default 127.0.0.1:9092)");
    add_duration(command, "--timeout", connect.timeout, parse_timeout,
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
    define_broker(root);
    define_topic(root, plan);
    define_config(root, plan);
    define_cluster(root, plan);
    define_produce(root, plan);
    define_consume(root, plan);
    define_group(root, plan);
    define_storage(root, plan);

    for (CLI::App* group : root.get_subcommands([](const CLI::App* each) { return !commands_of(*each).empty(); }))
        group->footer(group_footer);

    take_synonyms(arguments);
    // Names go into requests, which hold no longer ones.
    if (std::ranges::any_of(arguments, [](const auto& each) { return each.size() > protocol::max_text_bytes; }))
        return wrong(&root, fmt::format("an argument is longer than {} bytes", protocol::max_text_bytes));
    if (const auto unknown = unknown_command(root, arguments))
        return wrong(unknown->group, fmt::format("there is no command '{} {}'{}", path_of(unknown->group),
                                                 unknown->word, suggestion_for(*unknown)));
    std::reverse(arguments.begin(), arguments.end());  // CLI11 takes them from the back
    try {
        root.parse(std::move(arguments));
    } catch (const CLI::CallForVersion& version) {
        return Finished{ExitCode::ok, std::string(version.what()) + "\n", {}};
    } catch (const CLI::CallForHelp&) {
        return Finished{ExitCode::ok, root.help(), {}};
    } catch (const CLI::ParseError& error) {
        return refusal(root, error);
    }
    if (plan.connect.bootstrap.empty()) {
        std::string text = variables("MOLDAU_BOOTSTRAP").value_or("");
        if (text.empty()) text = default_bootstrap;
        auto endpoints = parse_endpoints(text);
        if (!endpoints) return wrong(deepest(&root), "MOLDAU_BOOTSTRAP: " + endpoints.error().message);
        plan.connect.bootstrap = std::move(*endpoints);
    }
    return plan;
}

}  // namespace moldau::cli
