#include "arguments/definitions.h"
#include "arguments/group_values.h"

namespace moldau::cli {

namespace {

/// The group or groups that a command is for: by place, or as Kafka's tools take them.
template <class Target>
CLI::Option* add_group(CLI::App& command, Target& target, const std::string& help) {
    return command.add_option("GROUP,--group", target, fmt::format("{}: by place, or with --group", help))
        ->option_text(" ");
}

CLI::Option* add_topic_partitions(CLI::App& command, std::vector<TopicPartitions>& target, const char* help) {
    return command
        .add_option_function<std::vector<std::string>>(
            "-t,--topic",
            [&target](const std::vector<std::string>& texts) {
                for (const std::string& text : texts)
                    target.push_back(or_throw("--topic", parse_topic_partitions(text)));
            },
            help)
        ->type_name("TOPIC[:N,N]")
        ->allow_extra_args(false);
}

void define_group_list(CLI::App& group, Plan& plan) {
    auto asked = std::make_shared<GroupList>();
    CLI::App& command = *group.add_subcommand("list", "List groups");
    add_parsed<std::vector<std::string>>(command, "--state", asked->states, parse_group_states,
                                         "Only groups in these states, commas between, such as stable,empty");
    add_parsed<std::vector<std::string>>(command, "--type", asked->types, parse_group_types,
                                         "Only groups of these types, commas between, such as classic");
    add_connect_options(command, plan);
    command.footer(
        "Examples:\n  moldau group list\n  moldau group list --state stable,empty\n  moldau group list -o json");
    command.callback([asked, &plan] { plan.command = *asked; });
}

constexpr const char* after_a_commit =
    "Examples, after 'moldau topic create orders' and 'seq 1000 | moldau produce orders':\n"
    "  moldau consume orders --group readers --from-beginning --exit-at-end\n";

void define_group_describe(CLI::App& group, Plan& plan) {
    using View = GroupDescribe::View;
    auto asked = std::make_shared<GroupDescribe>();
    auto all = std::make_shared<bool>(false);
    CLI::App& command = *group.add_subcommand("describe", "Show committed offsets, lag and members");
    add_group(command, asked->groups, "Names of the groups");
    command.add_flag("-a,--all,--all-groups", *all, "All groups");
    auto* view = command.add_option_group("View", "What to show, one of");
    view->add_flag_callback(
        "--offsets", [asked] { asked->view = View::offsets; }, "Offsets and who reads what (default)");
    view->add_flag_callback("--members", [asked] { asked->view = View::members; }, "The members");
    view->add_flag_callback("--state", [asked] { asked->view = View::state; }, "The groups themselves");
    view->require_option(0, 1);
    command.add_flag("--verbose", asked->verbose, "With --members: their partitions, too");
    add_connect_options(command, plan);
    command.footer(fmt::format(
        "LAG is how many records lie between the committed offset and the end of the partition; - where nothing is\n"
        "committed. A partition stands there when somebody has committed an offset of it, or reads it.\n\n"
        "{}  moldau group describe readers\n  moldau group describe readers --members --verbose\n"
        "  moldau group describe --all --state -o json",
        after_a_commit));
    command.callback([asked, all, &plan] {
        if (*all && !asked->groups.empty()) throw_wrong_value("--all", "it stands instead of the names of groups");
        if (!*all && asked->groups.empty()) throw CLI::RequiredError("GROUP, or --all,");
        plan.command = *asked;
    });
}

void add_reset_targets(CLI::App& command, GroupReset& asked) {
    using Kind = ResetTarget::Kind;
    ResetTarget& target = asked.target;
    auto* group = command.add_option_group("Target", "Where the offsets are to be, one of");
    const auto flag = [&](const char* name, Kind kind, const char* help) {
        group->add_flag_callback(name, [&target, kind] { target = {kind, 0}; }, help);
    };
    const auto number = [&](const char* name, Kind kind, const char* help) {
        group
            ->add_option_function<std::int64_t>(
                name, [&target, kind](std::int64_t value) { target = {kind, value}; }, help)
            ->check(whole_number(std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max()));
    };
    flag("--to-earliest", Kind::earliest, "At the first record");
    flag("--to-latest", Kind::latest, "Behind the last record");
    flag("--to-current", Kind::current, "Where they are; at the end where there is none");
    number("--to-offset", Kind::offset, "At this offset, or at the nearer end of the log");
    number("--shift-by", Kind::shift, "So many records further, or back where it is negative");
    group->add_option_function<std::string>(
        "--to-datetime",
        [&target](const std::string& text) { target = {Kind::time, or_throw("--to-datetime", parse_time_ms(text))}; },
        "At the first record of that time, such as 2026-01-31T10:20:30.000; of UTC where it names no zone");
    group->add_option_function<std::string>(
        "--by-duration",
        [&target](const std::string& text) { target = {Kind::ago, or_throw("--by-duration", parse_age_ms(text))}; },
        "At the first record of so long ago, such as 90m, P7D or PT1H30M");
    group->add_option_function<std::string>(
        "--from-file",
        [&asked](const std::string& path) {
            asked.target = {Kind::file, 0};
            asked.file = path;
        },
        "At the offsets of a file with topic,partition,offset a line, as --export prints it");
    group->require_option(1);
}

void define_group_reset(CLI::App& group, Plan& plan) {
    auto asked = std::make_shared<GroupReset>();
    auto all = std::make_shared<bool>(false);
    CLI::App& command = *group.add_subcommand("reset-offsets", "Show or set where a group goes on reading");
    add_group(command, asked->group, "Name of the group")->required();
    add_topic_partitions(command, asked->topics, "A topic, or some of its partitions; may be repeated");
    command.add_flag("--all-topics", *all, "All partitions that the group has committed offsets of");
    add_reset_targets(command, *asked);
    auto* execute = command.add_flag("--execute", asked->execute, "Set the offsets; without it they are only shown");
    command.add_flag_callback(
               "--dry-run", [asked] { asked->execute = false; }, "Only show them (default)")
        ->excludes(execute);
    command.add_flag("--export", asked->export_csv, "Print topic,partition,offset a line, and nothing else");
    add_connect_options(command, plan);
    command.footer(
        "The members of the group must have been stopped. A group that there is not is made.\n"
        "\nExamples, after 'moldau topic create orders' and 'seq 1000 | moldau produce orders':\n"
        "  moldau group reset-offsets readers --topic orders --to-earliest\n"
        "  moldau group reset-offsets readers --topic orders:0 --to-offset 500 --execute\n"
        "  moldau group reset-offsets readers --all-topics --shift-by -10 --execute\n"
        "  moldau group reset-offsets readers --all-topics --by-duration PT30M --execute\n"
        "  moldau group reset-offsets readers --all-topics --to-current --export > /tmp/readers.csv\n"
        "  moldau group reset-offsets readers --from-file /tmp/readers.csv --execute");
    command.callback([asked, all, &plan] {
        const bool from_file = asked->target.kind == ResetTarget::Kind::file;
        if (from_file && (*all || !asked->topics.empty()))
            throw_wrong_value("--from-file",
                              "the file names the partitions: neither --topic nor --all-topics goes with it");
        if (*all && !asked->topics.empty()) throw_wrong_value("--all-topics", "it stands instead of --topic");
        if (!*all && !from_file && asked->topics.empty()) throw CLI::RequiredError("--topic or --all-topics");
        plan.command = *asked;
    });
}

void define_group_delete(CLI::App& group, Plan& plan) {
    auto asked = std::make_shared<GroupDelete>();
    CLI::App& command = *group.add_subcommand("delete", "Delete groups with all their offsets");
    add_group(command, asked->groups, "Names of the groups")->required();
    add_connect_options(command, plan);
    command.footer(fmt::format("{}  moldau group delete readers", after_a_commit));
    command.callback([asked, &plan] { plan.command = *asked; });
}

void define_group_delete_offsets(CLI::App& group, Plan& plan) {
    auto asked = std::make_shared<GroupDeleteOffsets>();
    CLI::App& command = *group.add_subcommand("delete-offsets", "Delete offsets of a group");
    add_group(command, asked->group, "Name of the group")->required();
    add_topic_partitions(command, asked->topics, "A topic, or some of its partitions; may be repeated")->required();
    add_connect_options(command, plan);
    command.footer(fmt::format("{}  moldau group delete-offsets readers --topic orders:0", after_a_commit));
    command.callback([asked, &plan] { plan.command = *asked; });
}

}  // namespace

void define_group(CLI::App& root, Plan& plan) {
    CLI::App& group = *root.add_subcommand("group", "List, describe, reset and delete consumer groups");
    group.require_subcommand(1);
    define_group_list(group, plan);
    define_group_describe(group, plan);
    define_group_reset(group, plan);
    define_group_delete(group, plan);
    define_group_delete_offsets(group, plan);
}

}  // namespace moldau::cli
