#include "commands/commands.h"
#include "consume/group_reader.h"
#include "consume/offsets.h"
#include "consume/printer.h"
#include "output/outage.h"
#include "output/progress.h"

namespace moldau::cli {

using protocol::ErrorCode;
using runtime::Task;

namespace {

Task<Outcome<std::vector<std::int32_t>>> find_partitions(Session& session, const Consume& asked) {
    if (Outcome<> known = co_await session.refresh(std::vector<std::string>{asked.topic}); !known)
        co_return std::unexpected(std::move(known).error());
    const TopicInfo* topic = session.topic(asked.topic);
    if (topic == nullptr || topic->error == ErrorCode::unknown_topic_or_partition)
        co_return failed(ExitCode::not_found, fmt::format("topic '{}' does not exist; 'moldau topic list' shows what "
                                                          "there is",
                                                          asked.topic));
    if (topic->error != ErrorCode::none)
        co_return std::unexpected(failure_of(topic->error, fmt::format("topic '{}'", asked.topic)));
    for (const std::int32_t index : asked.partitions)
        if (!topic->partitions.contains(index))
            co_return no_such_partition(asked.topic, index, topic->partitions.size());
    std::vector<std::int32_t> partitions = asked.partitions;
    if (partitions.empty())
        for (const auto& [index, partition] : topic->partitions) partitions.push_back(index);
    co_return partitions;
}

Result<RecordFormat> format_of(const Consume& asked) {
    if (asked.json) return RecordFormat::json_lines();
    return RecordFormat::parse(asked.format.empty() ? "%v\\n" : asked.format, asked.null_text);
}

/// What a consumer of the partitions begins and, with --exit-at-end, ends at.
struct Range {
    std::map<std::int32_t, Offset> starts;
    std::map<std::int32_t, Offset> ends;
};

Task<Outcome<Range>> find_range(const Context& context, const Consume& asked,
                                const std::vector<std::int32_t>& partitions) {
    Outage outage(context.world.shard);
    outage.on_notice(context.notices());
    CLI_CO_TRY(starts, co_await find_start(context.session, asked.topic, partitions, asked.start, asked.read_committed,
                                           outage));
    Range range{std::move(starts), {}};
    if (asked.exit_at_end) {
        CLI_CO_TRY(ends, co_await list_offsets(context.session, asked.topic, partitions, latest_offset,
                                               asked.read_committed, outage));
        range.ends = std::move(ends);
    }
    co_return range;
}

/// What ends the command in good order; none: it is over.
void on_end(const Context& context, const std::function<void()>& end) {
    context.world.on_interrupt(end);
    context.world.on_output_closed(end);
}

CommandTask consume_alone(const Context& context, const Consume& asked, Printer& printer) {
    auto partitions = co_await find_partitions(context.session, asked);
    if (!partitions) co_return context.report(partitions.error());
    const auto range = co_await find_range(context, asked, *partitions);
    if (!range) co_return context.report(range.error());

    ConsumerOptions options;
    options.topic = asked.topic;
    options.read_committed = asked.read_committed;
    Consumer consumer(context.session, std::move(options), range->starts, range->ends);
    consumer.on_notice(context.notices());
    on_end(context, [&consumer] { consumer.stop(); });
    const Outcome<> printed = co_await printer.run(consumer);
    co_await consumer.finish();
    on_end(context, {});
    if (!printed && printed.error().code != ExitCode::ok) co_return context.report(printed.error());
    co_return ExitCode::ok;
}

CommandTask consume_in_group(const Context& context, const Consume& asked, Printer& printer) {
    // A group can wait for a topic, but whoever misspelt one would wait for ever.
    const auto partitions = co_await find_partitions(context.session, asked);
    if (!partitions) co_return context.report(partitions.error());
    GroupReader reader(context.session, asked, printer, context.notices());
    on_end(context, [&reader] { reader.stop(); });
    const Outcome<> done = co_await reader.run();
    on_end(context, {});
    if (!done && done.error().code != ExitCode::ok) co_return context.report(done.error());
    co_return ExitCode::ok;
}

}  // namespace

CommandTask consume(const Context& context, const Consume& asked) {
    Result<RecordFormat> format = format_of(asked);
    if (!format) co_return context.report({ExitCode::usage, format.error().message});
    Terminal& terminal = context.world.terminal;
    Progress progress(context.world.shard, terminal, "Read",
                      terminal.error_is_terminal() && !terminal.output_is_terminal());
    Printer printer(context.world, asked, std::move(*format), progress);
    const ExitCode code = asked.group.empty() ? co_await consume_alone(context, asked, printer)
                                              : co_await consume_in_group(context, asked, printer);
    progress.finish();
    co_return code;
}

}  // namespace moldau::cli
