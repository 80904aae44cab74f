#include "arguments/definitions.h"

namespace moldau::cli {

namespace {

void define_create(CLI::App& topic, Plan& plan) {
    auto asked = std::make_shared<TopicCreate>();
    CLI::App& command = *topic.add_subcommand("create", "Create topics");
    add_topic(command, "NAME", asked->names, "Names of the topics")->required();
    command.add_option("-p,--partitions", asked->partitions, "Partitions of each (default: the cluster's)")
        ->check(whole_number(1));
    command
        .add_option("-r,--replication-factor", asked->replication_factor,
                    "Replicas of each partition (default: the cluster's)")
        ->check(whole_number(1, std::numeric_limits<std::int16_t>::max()));
    add_key_values(command, "-c,--config", asked->configs, "A topic configuration, key=value; may be repeated");
    command.add_flag("--if-not-exists", asked->if_not_exists, "Topics that exist are no error");
    command.add_flag("--dry-run", asked->dry_run, "Check only, create nothing");
    add_connect_options(command, plan);
    command.footer(
        "Examples:\n  moldau topic create orders\n"
        "  moldau topic create refunds returns -p 12 -c retention.ms=86400000");
    command.callback([asked, &plan] { plan.command = *asked; });
}

void add_exclude_internal(CLI::App& command, bool& target) {
    command.add_flag("--exclude-internal", target, "Without topics that the cluster keeps for itself");
}

void define_list(CLI::App& topic, Plan& plan) {
    auto asked = std::make_shared<TopicList>();
    CLI::App& command = *topic.add_subcommand("list", "List topics");
    add_exclude_internal(command, asked->exclude_internal);
    add_connect_options(command, plan);
    command.footer("Examples:\n  moldau topic list\n  moldau topic list -o json");
    command.callback([asked, &plan] { plan.command = *asked; });
}

void define_describe(CLI::App& topic, Plan& plan) {
    auto asked = std::make_shared<TopicDescribe>();
    CLI::App& command = *topic.add_subcommand("describe", "Show partitions, replicas and changed configurations");
    add_topic(command, "NAME", asked->names, "Names of the topics (default: all)");
    add_exclude_internal(command, asked->exclude_internal);
    add_connect_options(command, plan);
    command.footer(
        "Examples, after 'moldau topic create orders':\n  moldau topic describe orders\n  moldau topic describe orders "
        "-o json");
    command.callback([asked, &plan] { plan.command = *asked; });
}

void define_alter(CLI::App& topic, Plan& plan) {
    auto asked = std::make_shared<TopicAlter>();
    CLI::App& command = *topic.add_subcommand("alter", "Add partitions or change configurations");
    add_topic(command, "NAME", asked->name, "Name of the topic")->required();
    command
        .add_option_function<std::int32_t>(
            "-p,--partitions", [asked](std::int32_t count) { asked->partitions = count; },
            "The new number of partitions")
        ->check(whole_number(1));
    add_key_values(command, "--add", asked->add, "Set a configuration, key=value; may be repeated");
    command.add_option("--delete", asked->remove, "Bring a configuration back to its default; may be repeated")
        ->allow_extra_args(false);
    command.add_flag("--dry-run", asked->dry_run, "Check only, change nothing");
    add_connect_options(command, plan);
    command.footer(
        "Examples, after 'moldau topic create orders':\n  moldau topic alter orders --partitions 24\n"
        "  moldau topic alter orders --add retention.ms=3600000 --delete segment.bytes");
    command.callback([asked, &plan] {
        if (!asked->partitions && asked->add.empty() && asked->remove.empty())
            throw CLI::RequiredError("nothing to alter: one of --partitions, --add, --delete");
        plan.command = *asked;
    });
}

void define_delete(CLI::App& topic, Plan& plan) {
    auto asked = std::make_shared<TopicDelete>();
    CLI::App& command = *topic.add_subcommand("delete", "Delete topics with all their records");
    add_topic(command, "NAME", asked->names, "Names of the topics")->required();
    command.add_flag("--if-exists", asked->if_exists, "Topics that do not exist are no error");
    command.add_flag("--internal", asked->internal,
                     "Topics that the cluster keeps for itself, too: with __consumer_offsets all groups forget where "
                     "they are");
    add_connect_options(command, plan);
    command.footer("Examples, after 'moldau topic create orders':\n  moldau topic delete orders");
    command.callback([asked, &plan] { plan.command = *asked; });
}

}  // namespace

void define_topic(CLI::App& root, Plan& plan) {
    CLI::App& topic = *root.add_subcommand("topic", "Create, list, describe, alter and delete topics");
    topic.require_subcommand(1);
    define_create(topic, plan);
    define_list(topic, plan);
    define_describe(topic, plan);
    define_alter(topic, plan);
    define_delete(topic, plan);
}

}  // namespace moldau::cli
