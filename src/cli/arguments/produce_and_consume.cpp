#include <algorithm>

#include "arguments/definitions.h"

namespace moldau::cli {

namespace {

std::int16_t acks_of(const std::string& text) {
    if (text == "0") return 0;
    if (text == "1") return 1;
    return -1;
}

void add_record_options(CLI::App& command, Produce& asked) {
    const auto optional_text = [&command](const char* flag, std::optional<std::string>& target, const char* help) {
        command.add_option_function<std::string>(
            flag,
            [flag, &target](const std::string& text) {
                if (text.empty()) throw_wrong_value(flag, "it must not be empty");
                target = or_throw(flag, unescape(text));
            },
            help);
    };
    optional_text("-k,--key-separator", asked.key_separator, "What stands between key and value, such as : or \\t");
    optional_text("--header-separator", asked.header_separator,
                  "What stands behind the headers (name=value,name=value) of a line");
    optional_text("--null", asked.null_marker, "A key or value of this text is sent as null");
    add_key_values(command, "-H,--header", asked.headers, "A header of every record, name=value; may be repeated");
}

}  // namespace

void define_produce(CLI::App& root, Plan& plan) {
    auto asked = std::make_shared<Produce>();
    CLI::App& command = *root.add_subcommand("produce", "Send the lines of standard input as records");
    add_topic(command, "TOPIC", asked->topic, "The topic")->required();
    command
        .add_option_function<std::int32_t>(
            "-p,--partition", [asked](std::int32_t index) { asked->partition = index; },
            "Send to this partition only (default: by the key as Java clients do; without a key batch by batch in "
            "turn)")
        ->check(whole_number(0));
    add_record_options(command, *asked);
    command
        .add_option_function<std::string>(
            "-z,--compression", [asked](const std::string& name) { asked->codec = *protocol::codec_named(name); },
            "none, gzip, snappy, lz4 or zstd")
        ->check(CLI::IsMember({"none", "gzip", "snappy", "lz4", "zstd"}));
    auto idempotence = std::make_shared<std::optional<bool>>();
    command
        .add_option_function<std::string>(
            "-a,--acks", [asked](const std::string& text) { asked->acks = acks_of(text); },
            "all: acknowledged by all in-sync replicas (default), 1: by the leader, 0: not at all")
        ->check(CLI::IsMember({"all", "-1", "1", "0"}));
    auto* idempotent = command.add_flag_callback(
        "--idempotent", [idempotence] { *idempotence = true; },
        "A retry never sends a record twice (default with --acks all)");
    command
        .add_flag_callback(
            "--no-idempotent", [idempotence] { *idempotence = false; }, "A retry may send a record twice")
        ->excludes(idempotent);
    add_parsed<std::size_t>(command, "--batch-size", asked->batch_size_bytes, parse_size,
                            "Size of a batch before compression (default 512KiB)")
        ->type_name("N(B|KiB|MiB)");
    add_duration(command, "--linger", asked->linger, parse_duration,
                 "How long a batch waits to be filled (default 5ms)");
    add_duration(command, "--delivery-timeout", asked->delivery_timeout, parse_timeout,
                 "How long to try to deliver a record (default 120s)");
    add_connect_options(command, plan, false);
    command.footer(
        "A line ends with a line feed, which is not sent. The topic must be there: 'moldau topic create' makes it.\n"
        "Records that were not acknowledged are counted, and the exit code is 1.\n"
        "\nExamples:\n  moldau topic create numbers words listing\n"
        "  seq 1000000 | moldau produce numbers\n"
        "  echo 'user-1:hello' | moldau produce words --key-separator :\n"
        "  ls -l /usr/bin | moldau produce listing --compression zstd --acks 1");
    command.callback([asked, idempotence, &plan] {
        if (idempotence->value_or(false) && asked->acks != -1)
            throw CLI::ValidationError("--idempotent", "it needs --acks all");
        asked->idempotent = idempotence->value_or(asked->acks == -1);
        plan.command = *asked;
    });
}

void define_consume(CLI::App& root, Plan& plan) {
    using Kind = StartPosition::Kind;
    auto asked = std::make_shared<Consume>();
    CLI::App& command = *root.add_subcommand("consume", "Print the records of a topic");
    add_topic(command, "TOPIC", asked->topic, "The topic")->required();

    auto* start = command.add_option_group("Start", "Where to begin (default: latest), one of");
    start->add_flag_callback(
        "--from-beginning", [asked] { asked->start = {Kind::earliest, 0}; }, "At the first record");
    auto* offset =
        add_parsed<StartPosition>(*start, "--offset", asked->start, parse_start_offset,
                                  "latest, earliest, an offset, or -N for the last N records of each partition");
    auto* since = start->add_option_function<std::string>(
        "--since,--time",
        [asked](const std::string& text) { asked->start = {Kind::time, or_throw("--since", parse_time_ms(text))}; },
        "At the first record of that time: ms since 1970, or such as 2026-01-31T10:20:30Z");
    start->require_option(0, 1);

    auto* partition = command.add_option("-p,--partition", asked->partitions, "Only this partition; may be repeated")
                          ->check(whole_number(0))
                          ->allow_extra_args(false);
    command
        .add_option_function<std::int64_t>(
            "-n,--max-count", [asked](std::int64_t count) { asked->max_count = count; },
            "End after so many records, of all partitions together")
        ->check(whole_number(0, std::numeric_limits<std::int64_t>::max()));
    command.add_flag("-e,--exit-at-end", asked->exit_at_end, "End where the partitions ended when the command began");
    auto* format = command.add_option_function<std::string>(
        "-f,--format", [asked](const std::string& text) { asked->format = text; },
        "How to print a record: %k key, %v value, %h headers, %t topic, %p partition, %o offset, %T time in ms, "
        "%K and %V their sizes, %%; \\n, \\t, \\0, \\xHH");
    command.add_flag("--json", asked->json, "Print a JSON object a line")->excludes(format);
    command.add_option("--null", asked->null_text, "What stands for a null key or value (default: nothing)");
    command.add_flag("--read-committed", asked->read_committed, "Leave out records of open and aborted transactions");
    auto* group = command.add_option(
        "-g,--group", asked->group,
        "Share the topic with the other members of this group, and go on behind what they have committed");
    add_connect_options(command, plan, false);
    command.footer(
        "Without --exit-at-end or --max-count it goes on until it is interrupted.\n"
        "With --group, what was printed is committed every few seconds and at the end; where the group has committed\n"
        "nothing yet it begins at the end of a partition, or with --from-beginning at the first record.\n"
        "\nExamples, after 'moldau topic create orders' and 'seq 1000 | moldau produce orders':\n"
        "  moldau consume orders --from-beginning --exit-at-end\n"
        "  moldau consume orders --offset -10 --exit-at-end --format '%p@%o %k=%v\\n'\n"
        "  moldau consume orders --since 2026-01-31T10:20:30Z --exit-at-end --json\n"
        "  moldau consume orders --group readers --from-beginning --exit-at-end");
    command.callback([asked, group, offset, since, partition, &plan] {
        if (!group->empty() && asked->group.empty()) throw_wrong_value("--group", "it must not be empty");
        for (const CLI::Option* other : {offset, since})
            if (!group->empty() && !other->empty())
                throw_wrong_value("--group",
                                  fmt::format("with it the offsets that the group has committed say where to "
                                              "begin, not {}; 'moldau group reset-offsets' moves them",
                                              other->get_name()));
        if (!group->empty() && !partition->empty())
            throw_wrong_value("--group", "with it the group says who reads which partition, not --partition");
        std::ranges::sort(asked->partitions);
        const auto twice = std::ranges::unique(asked->partitions);
        asked->partitions.erase(twice.begin(), twice.end());
        plan.command = *asked;
    });
}

}  // namespace moldau::cli
