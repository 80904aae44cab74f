#include <limits>

#include <moldau/base/number.h>

#include "arguments/definitions.h"

namespace moldau::cli {

namespace {

/// What an unset variable of a shell gives is not what the user meant.
CLI::Validator not_empty() {
    return CLI::Validator([](const std::string& text) { return text.empty() ? "it must not be empty" : ""; }, "");
}

void define_format(CLI::App& storage, Plan& plan) {
    auto asked = std::make_shared<StorageFormat>();
    CLI::App& command = *storage.add_subcommand("format", "Prepare the log directories of a new node");
    command.add_option("-c,--config", asked->config, "The node's server.properties")->required()->check(not_empty());
    command.add_option("-t,--cluster-id", asked->cluster_id, "The cluster's id, from 'moldau storage random-uuid'")
        ->required()
        ->check(not_empty());
    command.add_flag("-s,--standalone", asked->standalone, "This controller is the only voter of a new quorum");
    command.add_flag("-N,--no-initial-controllers", asked->no_initial_controllers,
                     "This node joins a quorum that exists or is formatted elsewhere");
    command.add_option("-I,--initial-controllers", asked->initial_controllers,
                       "The voters, id@host:port:directory-id; this node alone");
    command.add_option("-r,--release-version", asked->release_version, "Metadata version, such as 4.3")
        ->check(not_empty());
    command
        .add_option_function<std::vector<std::string>>(
            "-f,--feature",
            [asked](const std::vector<std::string>& texts) {
                for (const std::string& text : texts) {
                    const auto [name, value] = or_throw("--feature", parse_key_value(text));
                    const auto level = parse_number<std::int16_t>(value);
                    if (!level || *level < 0)
                        throw_wrong_value("--feature", fmt::format("'{}' is not feature=level, the level from 0 to {}",
                                                                   text, std::numeric_limits<std::int16_t>::max()));
                    asked->features.emplace_back(name, *level);
                }
            },
            "A feature's level, feature=level; may be repeated")
        ->allow_extra_args(false);
    command.add_flag("-g,--ignore-formatted", asked->ignore_formatted, "Directories already formatted are no error");
    command.footer(
        "Examples:\n"
        "  moldau storage format --standalone -t $(moldau storage random-uuid) -c config/server.properties");
    command.callback([asked, &plan] { plan.command = *asked; });
}

}  // namespace

void define_storage(CLI::App& root, Plan& plan) {
    CLI::App& storage = *root.add_subcommand("storage", "Format and inspect the log directories of this machine");
    storage.require_subcommand(1);
    define_format(storage, plan);

    auto asked = std::make_shared<StorageInfo>();
    CLI::App& info = *storage.add_subcommand("info", "Show what is in the log directories");
    info.add_option("-c,--config", asked->config, "The node's server.properties")->required()->check(not_empty());
    info.footer("Examples:\n  moldau storage info -c config/server.properties");
    info.callback([asked, &plan] { plan.command = *asked; });

    CLI::App& random = *storage.add_subcommand("random-uuid", "Print a new random id");
    random.footer("Examples:\n  moldau storage random-uuid");
    random.callback([&plan] { plan.command = StorageRandomUuid{}; });
}

}  // namespace moldau::cli
