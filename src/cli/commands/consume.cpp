#include "commands/commands.h"
#include "consume/consumer.h"
#include "consume/offsets.h"
#include "consume/record_format.h"
#include "output/outage.h"
#include "output/progress.h"

namespace moldau::cli {

using protocol::ErrorCode;
using runtime::Task;

namespace {

constexpr std::size_t write_at_bytes = std::size_t{1} << 20;

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

/// From a consumer to standard output.
class Printer {
 public:
    Printer(const Context& context, const Consume& asked, Consumer& consumer, RecordFormat format, Progress& progress)
        : world_(context.world), asked_(asked), consumer_(consumer), format_(std::move(format)), progress_(progress) {}

    Task<Outcome<>> run() {
        while (!is_full()) {
            CLI_CO_TRY(fetched, co_await consumer_.next());
            if (!fetched) break;
            for (const FetchedPartition& part : fetched->partitions) {
                const Result<> printed = print(part);
                if (const Result<> written = co_await write(); !written) co_return std::unexpected(end_of(written));
                if (!printed) co_return std::unexpected(failure_of(printed.error()));
                if (is_full()) break;
            }
        }
        co_return Outcome<>();
    }

    std::int64_t count() const { return count_; }

 private:
    bool is_full() const { return asked_.max_count && count_ >= *asked_.max_count; }

    Result<> print(const FetchedPartition& part) {
        PrintedRecord printed{asked_.topic, part.index, 0, -1, nullptr};
        const Result<> read = reader_.read(part.records, part.from, part.aborted,
                                           [&](Offset offset, Timestamp timestamp, const protocol::RecordView& record) {
                                               if (is_full()) return false;
                                               printed.offset = offset.value();
                                               printed.timestamp_ms = timestamp.value();
                                               printed.record = &record;
                                               format_.print(printed, buffer_);
                                               ++count_;
                                               return true;
                                           });
        if (read) return read;
        return std::unexpected(
            Error(read.error()).within(fmt::format("partition {} of topic '{}'", part.index, asked_.topic)));
    }

    /// On the I/O pool, so that a slow reader does not keep the next fetch from coming.
    Task<Result<>> write() {
        Terminal& terminal = world_.terminal;
        const ByteView bytes = bytes_of(buffer_);
        Result<> written = co_await runtime::run_blocking(world_.disk, world_.shard,
                                                          [&terminal, bytes] { return terminal.write_output(bytes); });
        progress_.add(count_ - reported_, static_cast<std::int64_t>(buffer_.size()));
        reported_ = count_;
        buffer_.clear();
        if (buffer_.capacity() > 16 * write_at_bytes) std::string().swap(buffer_);
        co_return written;
    }

    static Failure end_of(const Result<>& written) {
        Failure failure = failure_of(written.error());
        // Whoever read has seen enough, as `head` does.
        if (written.error().code == Errc::closed) failure.code = ExitCode::ok;
        return failure;
    }

    OnlineWorld& world_;
    const Consume& asked_;
    Consumer& consumer_;
    RecordFormat format_;
    Progress& progress_;
    RecordsReader reader_;
    std::string buffer_;
    std::int64_t count_ = 0;
    std::int64_t reported_ = 0;
};

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
    outage.on_notice([&context](const std::string& notice) { context.note("moldau: {}", notice); });
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

}  // namespace

CommandTask consume(const Context& context, const Consume& asked) {
    Result<RecordFormat> format = format_of(asked);
    if (!format) co_return context.report({ExitCode::usage, format.error().message});
    auto partitions = co_await find_partitions(context.session, asked);
    if (!partitions) co_return context.report(partitions.error());
    const auto range = co_await find_range(context, asked, *partitions);
    if (!range) co_return context.report(range.error());

    ConsumerOptions options;
    options.topic = asked.topic;
    options.read_committed = asked.read_committed;
    Consumer consumer(context.session, std::move(options), range->starts, range->ends);
    consumer.on_notice([&context](const std::string& notice) { context.note("moldau: {}", notice); });
    context.world.on_interrupt([&consumer] { consumer.stop(); });
    Terminal& terminal = context.world.terminal;
    Progress progress(context.world.shard, terminal, "Read",
                      terminal.error_is_terminal() && !terminal.output_is_terminal());
    Printer printer(context, asked, consumer, std::move(*format), progress);
    const Outcome<> printed = co_await printer.run();
    co_await consumer.finish();
    context.world.on_interrupt({});
    progress.finish();
    if (!printed && printed.error().code != ExitCode::ok) co_return context.report(printed.error());
    co_return ExitCode::ok;
}

}  // namespace moldau::cli
