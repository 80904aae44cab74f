#include <ranges>

#include <moldau/protocol/messages/init_producer_id.h>

#include "commands/commands.h"
#include "produce/lines.h"
#include "produce/partitioner.h"
#include "produce/producer.h"

namespace moldau::cli {

using protocol::ErrorCode;
using runtime::Task;

namespace {

constexpr std::size_t read_bytes = std::size_t{256} << 10;
/// No broker takes a larger request by default; a longer line is not text.
constexpr std::size_t max_line_bytes = std::size_t{100} << 20;

/// Waits for a topic that is being made; gives the indexes of its partitions.
Task<Outcome<std::vector<std::int32_t>>> find_partitions(Session& session, const Produce& asked) {
    if (Outcome<> known = co_await session.refresh(std::vector<std::string>{asked.topic}); !known)
        co_return std::unexpected(std::move(known).error());
    const TopicInfo* topic = session.topic(asked.topic);
    if (topic == nullptr || topic->error == ErrorCode::unknown_topic_or_partition)
        co_return failed(ExitCode::not_found,
                         fmt::format("topic '{0}' does not exist; 'moldau topic create {0}' makes it", asked.topic));
    if (topic->error != ErrorCode::none)
        co_return std::unexpected(failure_of(topic->error, fmt::format("topic '{}'", asked.topic)));
    const auto indexes = std::views::keys(topic->partitions);
    std::vector<std::int32_t> partitions(indexes.begin(), indexes.end());
    if (asked.partition && !topic->partitions.contains(*asked.partition))
        co_return no_such_partition(asked.topic, *asked.partition, partitions.size());
    co_return partitions;
}

/// Idempotence needs an id; asked for until the coordinator is there, which may have to be made first.
Task<Outcome<>> take_producer_id(const Context& context, AccumulatorOptions& batches) {
    runtime::Shard& shard = context.session.shard();
    protocol::InitProducerIdRequest request;
    request.transactional_id = std::nullopt;
    request.transaction_timeout_ms = 60'000;
    const runtime::TimePoint deadline = context.session.deadline();
    while (true) {
        CLI_CO_TRY(answer, co_await context.session.call(request));
        if (answer->error_code == ErrorCode::none) {
            batches.producer_id = answer->producer_id;
            batches.producer_epoch = answer->producer_epoch;
            co_return Outcome<>();
        }
        Failure failure = failure_of(answer->error_code, "a producer id (--no-idempotent does without)");
        if (!failure.retriable || shard.now() >= deadline) co_return std::unexpected(std::move(failure));
        co_await runtime::sleep_until(shard, runtime::after(shard.now(), std::chrono::milliseconds(100)));
    }
}

/// Standard input into a producer.
class Pump {
 public:
    Pump(const Context& context, const Produce& asked, Producer& producer, std::vector<std::int32_t> partitions)
        : context_(context),
          asked_(asked),
          producer_(producer),
          partitions_(std::move(partitions)),
          parser_(asked),
          sticky_(context.world.shard.random().next() >> 1) {
        producer_.on_batch_closed([this](std::int32_t partition) {
            if (partition == sticky_.current(partitions_)) sticky_.move_on();
        });
    }

    /// Until the input ends, or the producer stops. An interrupt may come in the midst of a line, which is then no
    /// record: only the end of the input ends the last one.
    Task<void> run() {
        runtime::Shard& shard = context_.world.shard;
        Terminal& terminal = context_.world.terminal;
        Bytes chunk(read_bytes);
        while (!at_end_ && !producer_.stopped()) {
            const MutableBytes into(chunk);
            const Result<std::size_t> got = co_await runtime::run_blocking(
                context_.world.disk, shard, [&terminal, into] { return terminal.read_input(into); });
            if (!got) {
                interrupted_ = got.error().code == Errc::closed && !producer_.stopped();
                if (got.error().code != Errc::closed) input_failure_ = got.error().message;
                break;
            }
            at_end_ = *got == 0;
            timestamp_ = shard.clock().wall_time();
            splitter_.feed(text_of(ByteView(chunk).first(*got)), [this](std::string_view line) { take(line); });
            if (splitter_.kept_bytes() > max_line_bytes) {
                input_failure_ = fmt::format("line {} is longer than {} bytes", lines_ + 1, max_line_bytes);
                break;
            }
            producer_.dispatch();
            co_await producer_.wait_for_room();
        }
        if (at_end_) splitter_.finish([this](std::string_view line) { take(line); });
    }

    /// Lines that are not records as the flags describe them.
    std::int64_t refused() const { return refused_; }
    const std::string& input_failure() const { return input_failure_; }
    bool interrupted() const { return interrupted_; }
    /// Whether all of the input was read. If not, lines() were.
    bool at_end() const { return at_end_; }
    std::int64_t lines() const { return lines_; }
    /// Of a line whose end was not read.
    std::size_t unsent_bytes() const { return splitter_.kept_bytes(); }

 private:
    void take(std::string_view line) {
        ++lines_;
        if (const Result<> parsed = parser_.parse(line, record_); !parsed) {
            // The first few tell what is wrong with the rest.
            if (++refused_ <= 5) context_.note("moldau: line {} is not sent: {}", lines_, parsed.error().message);
            return;
        }
        const protocol::RecordToWrite record{timestamp_, record_.key, record_.value, record_.headers};
        producer_.add(partition_of(record), record);
    }

    std::int32_t partition_of(const protocol::RecordToWrite& record) const {
        if (asked_.partition) return *asked_.partition;
        if (record.key) return partition_of_key(*record.key, static_cast<std::int32_t>(partitions_.size()));
        return sticky_.current(partitions_);
    }

    const Context& context_;
    const Produce& asked_;
    Producer& producer_;
    std::vector<std::int32_t> partitions_;
    LineSplitter splitter_;
    LineParser parser_;
    LineRecord record_;
    StickyPartition sticky_;
    Timestamp timestamp_{0};
    std::int64_t lines_ = 0;
    std::int64_t refused_ = 0;
    std::string input_failure_;
    bool at_end_ = false;
    bool interrupted_ = false;
};

ExitCode report_end(const Context& context, const Producer& producer, const Pump& pump) {
    if (!pump.input_failure().empty()) context.note("moldau: standard input: {}", pump.input_failure());
    if (pump.interrupted() && pump.unsent_bytes() > 0)
        context.note("moldau: the line that had not ended yet is not sent");
    if (pump.refused() > 5) context.note("moldau: {} lines were not sent", pump.refused());
    if (producer.stopped()) context.report(producer.failure());
    const std::int64_t lost = producer.added() - producer.acknowledged();
    if (lost > 0) {
        // What was refused is not there; what was sent and never answered may be.
        const bool unknown = producer.stopped() && producer.failure().code == ExitCode::timed_out;
        context.note("moldau: {} of {} records were not acknowledged{}", lost, producer.added(),
                     unknown ? "; they may be there all the same" : "");
    }
    if (!pump.at_end())
        context.note("moldau: standard input was not read to its end: nothing after line {} was sent", pump.lines());
    const bool done =
        lost == 0 && pump.refused() == 0 && pump.input_failure().empty() && !pump.interrupted() && !producer.stopped();
    return done ? ExitCode::ok : ExitCode::failed;
}

}  // namespace

CommandTask produce(const Context& context, const Produce& asked) {
    auto partitions = co_await find_partitions(context.session, asked);
    if (!partitions) co_return context.report(partitions.error());
    AccumulatorOptions batches{.codec = asked.codec,
                               .batch_size_bytes = asked.batch_size_bytes,
                               .linger = asked.linger,
                               .delivery_timeout = asked.delivery_timeout};
    if (asked.idempotent) {
        const Outcome<> taken = co_await take_producer_id(context, batches);
        if (!taken) co_return context.report(taken.error());
    }
    // An interrupt ends the input; the whole lines that were read are delivered.
    Terminal& terminal = context.world.terminal;
    const auto tell_of_interrupt = [&terminal, told = std::make_shared<bool>(false)] {
        if (std::exchange(*told, true)) return;
        terminal.write_error("moldau: interrupted; what was read is still delivered. Ctrl-C again ends at once\n");
    };
    context.world.on_interrupt(tell_of_interrupt);
    Progress progress(context.world.shard, terminal, "Sent",
                      terminal.error_is_terminal() && !terminal.input_is_terminal());
    ProducerOptions options;
    options.topic = asked.topic;
    options.acks = asked.acks;
    Producer producer(context.session, std::move(options), batches, &progress);
    producer.on_stopped([&terminal] { terminal.end_input(); });
    producer.on_notice([&context](const std::string& notice) { context.note("moldau: {}", notice); });
    Pump pump(context, asked, producer, std::move(*partitions));
    co_await pump.run();
    if (pump.interrupted()) tell_of_interrupt();  // the shard may not have come to it yet
    co_await producer.finish();
    progress.finish();
    if (asked.acks == 0) {
        const Outcome<> settled = co_await context.session.settle();
        if (!settled) co_return context.report(settled.error());
    }
    co_return report_end(context, producer, pump);
}

}  // namespace moldau::cli
