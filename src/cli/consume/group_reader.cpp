#include "consume/group_reader.h"

#include <algorithm>

#include <fmt/format.h>

#include "consume/offsets.h"

namespace moldau::cli {

using runtime::Task;

namespace {

constexpr runtime::Duration commit_interval = std::chrono::seconds(5);
/// For how long an end tries to commit and to leave, and for how long it waits at most for one that hangs.
constexpr runtime::Duration patience_at_end = std::chrono::seconds(5);
constexpr runtime::Duration most_patience_at_end = std::chrono::seconds(10);

MembershipOptions membership_of(const Consume& asked) {
    MembershipOptions options;
    options.group = asked.group;
    options.topic = asked.topic;
    return options;
}

}  // namespace

GroupReader::GroupReader(Session& session, const Consume& asked, Printer& printer, Notify notify)
    : session_(session),
      shard_(session.shard()),
      asked_(asked),
      printer_(printer),
      notify_([this, tell = std::move(notify)](const std::string& line) {
          if (std::exchange(last_notice_, line) != line) tell(line);
      }),
      groups_(session, notify_),
      membership_(session, groups_, membership_of(asked)),
      changed_(shard_) {
    membership_.on_rejoin([this] { interrupt_reading(); });
}

Task<Outcome<>> GroupReader::run() {
    Outcome<> read = co_await read_assignments();
    groups_.set_patience(patience_at_end);
    co_await membership_.leave();
    co_return read;
}

void GroupReader::stop() {
    if (std::exchange(stopping_, true)) return;
    groups_.set_patience(patience_at_end);
    patience_ = shard_.timers().add(runtime::after(shard_.now(), most_patience_at_end), [this] { session_.close(); });
    membership_.stop();
    interrupt_reading();
}

void GroupReader::interrupt_reading() {
    if (consumer_ != nullptr) {
        consumer_->stop();
    } else if (data_) {
        data_->close();
    }
    changed_.notify_all();
}

Task<Outcome<>> GroupReader::read_assignments() {
    while (!stopping_) {
        CLI_CO_TRY(assigned, co_await membership_.join());
        if (!assigned) break;
        std::vector<std::int32_t> partitions;
        for (const auto& [topic, index] : *assigned)
            if (topic == asked_.topic) partitions.push_back(index);
        CLI_CO_CHECK(co_await read(partitions));
        // Not told to join again, it has read all that it was to.
        if (!membership_.must_rejoin() || printer_.is_full()) break;
    }
    co_return Outcome<>();
}

Task<Outcome<>> GroupReader::read(std::vector<std::int32_t> partitions) {
    // Others have all of it.
    if (partitions.empty()) {
        while (!is_over() && !asked_.exit_at_end) co_await changed_.wait();
        co_return Outcome<>();
    }
    data_ = session_.another();
    const auto range = co_await find_range(std::move(partitions));
    if (is_over() || !range) data_->close();
    if (is_over()) co_return Outcome<>();
    if (!range) co_return std::unexpected(range.error());

    ConsumerOptions options;
    options.topic = asked_.topic;
    options.read_committed = asked_.read_committed;
    Consumer consumer(*data_, std::move(options), range->starts, range->ends);
    consumer.on_notice(notify_);
    consumer_ = &consumer;
    printer_.clear_positions();
    starts_ = range->starts;
    runtime::Gate gate(shard_);
    runtime::spawn(shard_, commit_loop(gate.enter()));
    const Outcome<> printed = co_await printer_.run(consumer);
    consumer_ = nullptr;
    changed_.notify_all();
    co_await gate.close();
    const Outcome<> committed = co_await commit();
    co_await consumer.finish();
    const bool is_read = printed || printed.error().code == ExitCode::ok;
    if (!is_read || committed) co_return printed;
    if (!printed || !membership_.must_rejoin() || stopping_) co_return committed;
    notify_(committed.error().message);
    co_return Outcome<>();
}

Task<Outcome<GroupReader::Range>> GroupReader::find_range(std::vector<std::int32_t> partitions) {
    std::vector<std::string> topics{asked_.topic};
    CLI_CO_CHECK(co_await data_->refresh(std::move(topics)));
    CLI_CO_TRY(committed, co_await groups_.committed(asked_.group));
    // Also in read_committed: what is committed behind the last stable offset is not lost.
    CLI_CO_TRY(log_ends,
               co_await list_offsets(*data_, asked_.topic, partitions, latest_offset, false, groups_.outage()));
    Range range;
    committed_.clear();
    std::vector<std::int32_t> new_ones;
    for (const std::int32_t index : partitions) {
        const auto found = committed.find({asked_.topic, index});
        if (found == committed.end()) {
            new_ones.push_back(index);
        } else if (found->second > log_ends[index]) {
            notify_(
                fmt::format("{}: offset {} is committed, and the log ends at {}: records are lost, or the topic is "
                            "a new one",
                            to_text(found->first), found->second, log_ends[index]));
            new_ones.push_back(index);
        } else {
            range.starts[index] = committed_[index] = found->second;
        }
    }
    // Partitions that a topic gets while a group reads it are read whole, as those that had been there would have been.
    const bool has_read =
        std::ranges::any_of(committed, [this](const auto& each) { return each.first.topic == asked_.topic; });
    const StartPosition begin = has_read ? StartPosition{StartPosition::Kind::earliest, 0} : asked_.start;
    CLI_CO_TRY(new_starts,
               co_await find_start(*data_, asked_.topic, new_ones, begin, asked_.read_committed, groups_.outage()));
    range.starts.insert(new_starts.begin(), new_starts.end());
    if (!asked_.exit_at_end) co_return range;
    CLI_CO_TRY(ends, co_await list_offsets(*data_, asked_.topic, partitions, latest_offset, asked_.read_committed,
                                           groups_.outage()));
    for (const auto& [index, start] : range.starts)
        range.ends[index] = std::max(start, ends_.emplace(index, ends[index]).first->second);
    co_return range;
}

Task<void> GroupReader::commit_loop([[maybe_unused]] runtime::Gate::Hold hold) {
    bool is_told = false;
    while (consumer_ != nullptr) {
        const runtime::TimePoint until = runtime::after(shard_.now(), commit_interval);
        while (consumer_ != nullptr && shard_.now() < until) co_await changed_.wait(until);
        if (consumer_ == nullptr) co_return;
        const Outcome<> committed = co_await commit();
        // Whoever ends the reading commits once more, and tells.
        if (!committed && !is_told && consumer_ != nullptr && !is_over()) notify_(committed.error().message);
        is_told = !committed;
    }
}

Task<Outcome<>> GroupReader::commit() {
    PartitionOffsets offsets;
    // A partition of which nothing has come has a place, too: what comes while nobody reads must be read later.
    Offsets positions = starts_;
    for (const auto& [index, offset] : printer_.positions()) positions[index] = offset;
    for (const auto& [index, offset] : positions) {
        const auto before = committed_.find(index);
        if (before == committed_.end() || before->second != offset) offsets[{asked_.topic, index}] = offset;
    }
    if (offsets.empty()) co_return Outcome<>();
    Outcome<> done = co_await membership_.commit(std::move(offsets));
    if (!done) {
        done.error().message =
            fmt::format("what was printed last is not committed, and may be read again: {}", done.error().message);
        co_return done;
    }
    for (const auto& [index, offset] : positions) committed_[index] = offset;
    co_return done;
}

}  // namespace moldau::cli
