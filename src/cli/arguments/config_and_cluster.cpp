#include "arguments/definitions.h"

namespace moldau::cli {

namespace {

/// The three ways to name an entity; exactly one is asked for.
void add_entity(CLI::App& command, ConfigEntity& entity) {
    using Kind = ConfigEntity::Kind;
    auto* which = command.add_option_group("Entity", "What the configuration belongs to, one of");
    which->add_option_function<std::string>(
        "-t,--topic", [&entity](const std::string& name) { entity = {Kind::topic, name}; }, "A topic");
    which
        ->add_option_function<std::int32_t>(
            "-n,--broker", [&entity](std::int32_t id) { entity = {Kind::broker, std::to_string(id)}; },
            "One broker, by its node id")
        ->check(whole_number(0));
    which->add_flag_callback("--brokers", [&entity] { entity = {Kind::broker, ""}; }, "The defaults of all brokers");
    which->require_option(1);
}

void define_config_describe(CLI::App& config, Plan& plan) {
    auto asked = std::make_shared<ConfigDescribe>();
    CLI::App& command = *config.add_subcommand("describe", "Show configurations that differ from the defaults");
    add_entity(command, asked->entity);
    command.add_option("KEY", asked->keys, "Only these keys, whatever their value");
    command.add_flag("-a,--all", asked->all, "Defaults too");
    add_connect_options(command, plan);
    command.footer(
        "Examples, after 'moldau topic create orders':\n  moldau config describe --topic orders\n"
        "  moldau config describe --broker 1 --all -o json\n"
        "  moldau config describe --brokers\n"
        "  moldau config describe --topic orders retention.ms");
    command.callback([asked, &plan] { plan.command = *asked; });
}

void define_config_alter(CLI::App& config, Plan& plan) {
    auto asked = std::make_shared<ConfigAlter>();
    CLI::App& command = *config.add_subcommand("alter", "Set configurations, or bring them back to their defaults");
    add_entity(command, asked->entity);
    add_key_values(command, "--add", asked->add, "Set a configuration, key=value; may be repeated");
    command.add_option("--delete", asked->remove, "Bring a configuration back to its default; may be repeated")
        ->allow_extra_args(false);
    command.add_flag("--dry-run", asked->dry_run, "Check only, change nothing");
    add_connect_options(command, plan);
    command.footer(
        "Examples, after 'moldau topic create orders':\n  moldau config alter --topic orders --add "
        "retention.ms=3600000\n"
        "  moldau config alter --brokers --add log.retention.ms=86400000 --delete background.threads");
    command.callback([asked, &plan] {
        if (asked->add.empty() && asked->remove.empty())
            throw CLI::RequiredError("nothing to alter: one of --add, --delete");
        plan.command = *asked;
    });
}

template <class Asked>
void define_cluster_command(CLI::App& cluster, Plan& plan, const char* name, const char* help, const char* examples) {
    CLI::App& command = *cluster.add_subcommand(name, help);
    add_connect_options(command, plan);
    command.footer(examples);
    command.callback([&plan] { plan.command = Asked{}; });
}

}  // namespace

void define_config(CLI::App& root, Plan& plan) {
    CLI::App& config = *root.add_subcommand("config", "Show and alter configurations of topics and brokers");
    config.require_subcommand(1);
    define_config_describe(config, plan);
    define_config_alter(config, plan);
}

void define_cluster(CLI::App& root, Plan& plan) {
    CLI::App& cluster = *root.add_subcommand("cluster", "Show the cluster, its quorum and its features");
    cluster.require_subcommand(1);
    define_cluster_command<ClusterId>(cluster, plan, "id", "Show the cluster's id",
                                      "Examples:\n  moldau cluster id -b 127.0.0.1:9092");
    define_cluster_command<ClusterDescribe>(cluster, plan, "describe", "Show the brokers",
                                            "Examples:\n  moldau cluster describe -o json");
    define_cluster_command<ClusterQuorum>(cluster, plan, "quorum", "Show the voters and observers of the metadata log",
                                          "Examples:\n  moldau cluster quorum");
    define_cluster_command<ClusterFeatures>(
        cluster, plan, "features", "Show finalized and supported feature levels",
        "SUPPORTED is what the brokers announce. A broker of Moldau announces Kafka's "
        "levels, so that others may join, and\nrefuses to finalise what it cannot "
        "work with yet.\n\nExamples:\n  moldau cluster features");
}

}  // namespace moldau::cli
