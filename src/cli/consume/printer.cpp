#include "consume/printer.h"

#include <fmt/format.h>

#include <moldau/runtime/disk.h>

namespace moldau::cli {

using runtime::Task;

namespace {

constexpr std::size_t write_at_bytes = std::size_t{1} << 20;

Failure end_of(const Result<>& written) {
    Failure failure = failure_of(written.error());
    // Whoever read has seen enough, as `head` does.
    if (written.error().code == Errc::closed) failure.code = ExitCode::ok;
    return failure;
}

}  // namespace

Task<Outcome<>> Printer::run(Consumer& consumer) {
    while (!is_full()) {
        CLI_CO_TRY(fetched, co_await consumer.next());
        if (!fetched) break;
        for (const FetchedPartition& part : fetched->partitions) {
            const Result<Offset> printed = print(part);
            if (const Result<> written = co_await write(); !written) co_return std::unexpected(end_of(written));
            if (!printed) co_return std::unexpected(failure_of(printed.error()));
            positions_[part.index] = *printed;
            if (is_full()) break;
        }
    }
    co_return Outcome<>();
}

Result<Offset> Printer::print(const FetchedPartition& part) {
    PrintedRecord printed{asked_.topic, part.index, 0, -1, nullptr};
    Offset behind = end_of_batches(part.records, part.from);
    const Result<> read = reader_.read(part.records, part.from, part.aborted,
                                       [&](Offset offset, Timestamp timestamp, const protocol::RecordView& record) {
                                           if (is_full()) {
                                               behind = offset;
                                               return false;
                                           }
                                           printed.offset = offset.value();
                                           printed.timestamp_ms = timestamp.value();
                                           printed.record = &record;
                                           format_.print(printed, buffer_);
                                           ++count_;
                                           return true;
                                       });
    if (read) return behind;
    return std::unexpected(
        Error(read.error()).within(fmt::format("partition {} of topic '{}'", part.index, asked_.topic)));
}

Task<Result<>> Printer::write() {
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

}  // namespace moldau::cli
