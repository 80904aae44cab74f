#include <algorithm>
#include <chrono>
#include <iterator>
#include <utility>

#include <fmt/format.h>

#include <moldau/base/assert.h>
#include <moldau/base/log.h>
#include <moldau/node/raft_driver.h>

#include "log_batches.h"
#include "snapshot_files.h"

namespace moldau::node {
namespace {

/// How often the log looks for room on a full disk.
constexpr runtime::Duration room_interval = std::chrono::seconds(1);

Result<raft::ElectionState> read_quorum_state(runtime::Disk& disk, const std::string& directory) {
    constexpr std::uint64_t max_size_bytes = 1 << 20;
    const std::string path = runtime::join_path(directory, raft::quorum_state_file_name);
    const auto content = runtime::read_whole(disk, path, max_size_bytes);
    if (!content && content.error().code == Errc::not_found) return raft::ElectionState{};
    if (!content) return std::unexpected(content.error());
    auto state = raft::decode_quorum_state(text_of(*content));
    if (!state) return std::unexpected(std::move(state).error().within(path));
    return state;
}

Result<std::unique_ptr<storage::Log>> open_log(const RaftDriverOptions& options, Offset snapshot_end) {
    auto config = options.log_config;
    config.cleanup_delete = true;  // of what lies before the log start, which follows snapshots
    config.cleanup_compact = false;
    config.retention_ms = -1;
    config.retention_bytes = -1;
    MOLDAU_TRY(log, storage::Log::open({.disk = options.disk,
                                        .directory = options.directory,
                                        .name = {std::string(raft::metadata_topic_name), PartitionIndex(0)},
                                        .topic_id = raft::metadata_topic_id,
                                        .config = config,
                                        .now = options.shard.clock().wall_time(),
                                        .recovery_point = snapshot_end,
                                        .log_start = snapshot_end,
                                        .high_watermark = options.high_watermark,
                                        .clean_shutdown = options.clean_shutdown,
                                        .written_by_kafka = options.written_by_kafka}));
    if (log->log_start() > snapshot_end || log->log_end() < snapshot_end) {
        return fail(
            Errc::corrupt,
            fmt::format("{} holds offsets {} to {}, but its newest whole snapshot ends at {}: restore a copy of "
                        "the directory, or that snapshot",
                        options.directory, log->log_start(), log->log_end(), snapshot_end));
    }
    if (log->needs_flush()) {  // what the last life wrote and may not have synced is built upon from now on
        MOLDAU_TRY(job, log->begin_flush());
        const auto outcome = job.run(options.disk);
        log->finish_flush(std::move(job), outcome);
        MOLDAU_CHECK(outcome);
        if (!outcome->complete)
            return fail(Errc::no_descriptors, options.directory + ": too few descriptors to sync it");
    }
    return log;
}

Result<> give_snapshot(const LoadedSnapshot& snapshot, MetadataListener& listener) {
    listener.on_snapshot(snapshot.id);
    const auto give = [&listener](const protocol::BatchView& batch) { return listener.on_snapshot_batch(batch); };
    if (auto given = walk_snapshot(snapshot.content, give); !given)
        return std::unexpected(std::move(given).error().within(raft::snapshot_file_name(snapshot.id)));
    return {};
}

}  // namespace

Result<std::unique_ptr<RaftDriver>> RaftDriver::open(const RaftDriverOptions& options, MetadataListener& listener) {
    MOLDAU_CHECK(options.disk.create_directories(options.directory));
    MOLDAU_TRY(newest, load_newest_snapshot(options.disk, options.directory));
    const std::optional<LoadedSnapshot>& snapshot = newest.whole;
    const raft::SnapshotId base = snapshot ? snapshot->id : raft::SnapshotId{};
    MOLDAU_TRY(log, open_log(options, base.end_offset));

    raft::Recovered recovered;
    recovered.control = raft::ControlHistory(options.static_voters);
    if (snapshot && snapshot->header.kraft_version > 0) {
        recovered.control.set_base(snapshot->header.kraft_version, snapshot->header.voters);
    }
    recovered.last_epoch = base.epoch;
    if (snapshot) MOLDAU_CHECK(give_snapshot(*snapshot, listener));
    Offset next = base.end_offset;  // nothing is ever compacted away here
    auto walked =
        for_each_batch(*log, base.end_offset, log->log_end(), [&](const protocol::BatchView& batch) -> Result<> {
            if (batch.base_offset() != std::exchange(next, batch.next_offset()))
                return fail(Errc::corrupt, fmt::format("{}: a batch of offset {} does not follow", options.directory,
                                                       batch.base_offset()));
            recovered.last_epoch = batch.partition_leader_epoch();
            if (batch.is_control()) MOLDAU_CHECK(recovered.control.add(batch));
            return listener.on_recovered(batch);
        });
    if (!walked && walked.error().code == Errc::corrupt)
        return fail(Errc::corrupt, fmt::format("{}. The log is left as it is: restore {} from a copy",
                                               walked.error().message, options.directory));
    MOLDAU_CHECK(walked);
    MOLDAU_TRY(election, read_quorum_state(options.disk, options.directory));
    recovered.election = election;
    recovered.applied_end = base.end_offset;
    recovered.log_end = log->log_end();
    recovered.durable_end = log->durable_end();
    MOLDAU_TRY(core, raft::Core::open({.self = options.self}, std::move(recovered)));
    MOLDAU_CHECK(put_aside(options.disk, newest.damaged));
    return std::unique_ptr<RaftDriver>(new RaftDriver(options, listener, std::move(log), std::move(core), base));
}

RaftDriver::RaftDriver(const RaftDriverOptions& options, MetadataListener& listener, std::unique_ptr<storage::Log> log,
                       raft::Core core, raft::SnapshotId snapshot)
    : options_(options),
      listener_(listener),
      log_(std::move(log)),
      core_(std::move(core)),
      gate_(options.shard),
      closing_began_(options.shard),
      recovered_end_(log_->log_end()),
      last_snapshot_(snapshot),
      applied_(snapshot),
      last_snapshot_at_(options.shard.clock().wall_time()) {}

RaftDriver::~RaftDriver() = default;

raft::Now RaftDriver::now() const {
    const auto since_start = options_.shard.now().time_since_epoch();
    return {raft::MonotonicMs(std::chrono::duration_cast<std::chrono::milliseconds>(since_start).count()),
            options_.shard.clock().wall_time()};
}

void RaftDriver::start() {
    core_.tick(now());
    pump();
}

std::expected<Offset, raft::ProposeRefusal> RaftDriver::propose(LeaderEpoch epoch, std::span<const Bytes> values,
                                                                raft::Grouping grouping) {
    if (failed_) return std::unexpected(raft::ProposeRefusal::not_leader);
    auto last = core_.propose(epoch, values, now(), grouping);
    if (last) pump();
    if (failed_) return std::unexpected(raft::ProposeRefusal::not_leader);
    return last;
}

// A listener that proposes from within a call finds the pump running: the loop takes that output, too.
void RaftDriver::pump() {
    if (pumping_) return;
    pumping_ = true;
    while (!failed_ && obey(core_.take_output())) {
    }
    pumping_ = false;
    if (failed_ || flushing_ || !wants_flush()) return;
    flushing_ = true;
    runtime::spawn(options_.shard, flush());
}

// Returns whether there was anything to do.
bool RaftDriver::obey(raft::Output output) {
    // An only voter speaks to nobody, and waits for nothing.
    MOLDAU_ASSERT(output.send_now.empty() && output.send_after_persist.empty() && !output.next_deadline);
    if (output.persist.state) state_to_save_ = std::move(output.persist.state);
    const bool appends = !output.persist.appends.empty();
    if (auto appended = append(std::move(output.persist.appends)); !appended) {
        fail_with(std::move(appended).error());
        return false;
    }
    if (output.apply) {
        if (auto delivered = deliver(*output.apply); !delivered) {
            fail_with(std::move(delivered).error());
            return false;
        }
        snapshot_if_due();
    }
    if (output.leadership) listener_.on_leader_change(*output.leadership);
    return appends || output.apply || output.leadership;
}

Result<> RaftDriver::append(std::vector<raft::Append> appends) {
    std::ranges::move(appends, std::back_inserter(unwritten_));
    return lacks_room_ ? Result<>{} : write_out();
}

Result<> RaftDriver::write_out() {
    while (!unwritten_.empty()) {
        const raft::Append& next = unwritten_.front();
        if (log_->epochs().latest_epoch() != next.epoch) log_->assign_epoch(next.epoch, next.base_offset);
        const ByteView batches[] = {next.batches};
        const auto written = log_->append(batches, options_.shard.clock().wall_time());
        if (!written && is_shortage(written.error())) {
            begin_to_wait_for_room(written.error());
            return {};
        }
        MOLDAU_CHECK(written);
        MOLDAU_ASSERT(log_->log_end() == next.end_offset);
        unwritten_.pop_front();
    }
    return {};
}

void RaftDriver::begin_to_wait_for_room(const Error& error) {
    lacks_room_ = true;
    listener_.on_lack_of_room();
    if (waiting_for_room_) return;
    waiting_for_room_ = true;
    log::error("metadata log {}: {}; no changes of metadata until there is room", options_.directory, error.message);
    runtime::spawn(options_.shard, wait_for_room());
}

runtime::Task<void> RaftDriver::wait_for_room() {
    const auto hold = gate_.enter();
    while (hold && lacks_room_ && !failed_ && !closing_) {
        co_await closing_began_.wait(runtime::after(options_.shard.now(), room_interval));
        if (closing_ || failed_) break;
        lacks_room_ = false;
        if (auto written = write_out(); !written) {
            fail_with(std::move(written).error());
            break;
        }
        pump();
        // A flush that finds no room for the epoch says so when it ends.
        while (flushing_ && !lacks_room_ && !closing_)
            co_await closing_began_.wait(runtime::after(options_.shard.now(), room_interval));
    }
    waiting_for_room_ = false;
    if (!lacks_room_ && !failed_) log::info("metadata log {}: there is room again", options_.directory);
}

bool RaftDriver::wants_flush() const {
    if (lacks_room_) return log_->durable_end() < log_->log_end();
    return state_to_save_.has_value() || log_->needs_flush();
}

Result<> RaftDriver::deliver(raft::CommittedRange range) {
    const Offset recovered = std::exchange(recovered_end_, Offset(0));
    const Offset known_end = recovered <= range.end ? recovered : range.begin;
    if (known_end > range.begin) listener_.on_recovered_committed(known_end);
    MOLDAU_CHECK(for_each_batch(*log_, range.begin, range.end, [&](const protocol::BatchView& batch) -> Result<> {
        if (batch.base_offset() >= known_end) MOLDAU_CHECK(listener_.on_commit(batch));
        applied_ = {.end_offset = batch.next_offset(), .epoch = batch.partition_leader_epoch()};
        applied_timestamp_ = batch.max_timestamp();
        bytes_since_snapshot_ += static_cast<std::int64_t>(batch.size_bytes());
        return {};
    }));
    log_->on_high_watermark(range.end);
    return {};
}

void RaftDriver::fail_with(Error error) {
    if (failed_) return;
    failed_ = true;
    log::error("metadata log {}: {}", options_.directory, error.message);
    listener_.on_failure(error);
}

// The state goes to disk before the log: records of an epoch mean nothing before the epoch itself is taken. Where it
// finds no room the log is made durable all the same, for what stands there already.
runtime::Task<void> RaftDriver::flush() {
    const auto hold = gate_.enter();
    while (hold && !failed_ && wants_flush()) {
        const auto state = lacks_room_ ? std::nullopt : std::exchange(state_to_save_, std::nullopt);
        auto begun = log_->begin_flush();
        if (!begun && is_shortage(begun.error())) {
            if (!state_to_save_) state_to_save_ = state;
            begin_to_wait_for_room(begun.error());
            break;
        }
        if (!begun) {
            fail_with(std::move(begun).error());
            break;
        }
        // Shared, since the pool may still hold it when this coroutine is gone.
        const auto job = std::make_shared<storage::FlushJob>(std::move(*begun));
        const auto saved = std::make_shared<Result<>>();
        const std::string path = runtime::join_path(options_.directory, raft::quorum_state_file_name);
        auto work = [&disk = options_.disk, job, saved, path, state]() -> Result<storage::FlushOutcome> {
            if (state) *saved = runtime::write_atomically(disk, path, bytes_of(state->content));
            if (!*saved && !is_shortage(saved->error())) return std::unexpected(saved->error());
            return job->run(disk);
        };
        auto outcome = co_await runtime::run_sync(options_.disk, options_.shard, std::move(work));
        log_->finish_flush(std::move(*job), outcome);
        if (!outcome) {
            fail_with(std::move(outcome).error());
            break;
        }
        raft::Persisted persisted{.durable_end = log_->durable_end(), .state = std::nullopt};
        if (state && *saved) persisted.state = state->state;
        if (!*saved && !state_to_save_) state_to_save_ = state;
        if (!*saved || !outcome->epochs_written)
            begin_to_wait_for_room(*saved ? Error{Errc::no_space, "no room for the leader epochs"} : saved->error());
        if (!outcome->complete)
            begin_to_wait_for_room({Errc::no_descriptors, "no descriptor for an index or the directory"});
        core_.on_persisted(persisted);
        pump();
        if (!outcome->complete) break;
    }
    flushing_ = false;
}

void RaftDriver::snapshot_if_due() {
    const Timestamp wall = options_.shard.clock().wall_time();
    const bool by_bytes = bytes_since_snapshot_ >= options_.snapshot_after_bytes;
    const bool by_time = options_.snapshot_interval_ms > 0 && wall - last_snapshot_at_ >= options_.snapshot_interval_ms;
    if (snapshotting_ || applied_ == last_snapshot_ || !(by_bytes || by_time)) return;
    auto records = listener_.snapshot_records();
    if (!records) return;
    snapshotting_ = true;
    bytes_since_snapshot_ = 0;
    last_snapshot_at_ = wall;

    const raft::SnapshotHeader header{.last_contained_log_timestamp = applied_timestamp_,
                                      .kraft_version = core_.kraft_version(),
                                      .voters = core_.voters()};
    auto content = [id = applied_, header, wall, records = std::move(*records)] {
        raft::SnapshotWriter writer(id.epoch, header, wall);
        for (const Bytes& record : records()) writer.append(record, wall);
        writer.finish(wall);
        return writer.take();
    };
    runtime::spawn(options_.shard, make_snapshot(applied_, std::move(content)));
}

runtime::Task<void> RaftDriver::make_snapshot(raft::SnapshotId id, std::function<Bytes()> content) {
    const auto hold = gate_.enter();
    if (!hold) co_return;
    auto write = [&disk = options_.disk, directory = options_.directory, id,
                  content = std::move(content)]() -> Result<std::optional<raft::SnapshotId>> {
        MOLDAU_CHECK(write_snapshot(disk, directory, id, content()));
        return remove_old_snapshots(disk, directory);
    };
    const auto oldest = co_await runtime::run_blocking(options_.disk, options_.shard, std::move(write));
    snapshotting_ = false;
    if (!oldest && oldest.error().code == Errc::io) co_return fail_with(oldest.error());
    if (!oldest) {  // the log still holds everything: the next one may fare better
        log::error("no snapshot of the metadata log at {}: {}", id.end_offset, oldest.error().message);
        co_return;
    }
    last_snapshot_ = id;
    if (failed_ || !*oldest) co_return;
    // A new segment now lets the old ones go with the next snapshot.
    const Timestamp wall = options_.shard.clock().wall_time();
    if (auto rolled = log_->roll(wall); !rolled) {
        // Without room the old segments go with a later snapshot.
        if (!is_shortage(rolled.error())) fail_with(std::move(rolled).error());
        co_return;
    }
    if (!log_->advance_log_start((*oldest)->end_offset)) co_return;
    const auto deleted = log_->delete_expired();
    if (!deleted && is_shortage(deleted.error())) co_return;
    if (!deleted) co_return fail_with(deleted.error());
    auto remove = [&disk = options_.disk, paths = *deleted]() -> Result<> {
        for (const auto& path : paths) MOLDAU_CHECK(disk.remove(path));
        return {};
    };
    const Result<> removed = co_await runtime::run_blocking(options_.disk, options_.shard, std::move(remove));
    if (!removed) log::warn("old segments of the metadata log stay: {}", removed.error().message);
}

runtime::Task<Result<>> RaftDriver::close() {
    core_.resign(now());
    pump();
    closing_ = true;
    closing_began_.notify_all();
    co_await gate_.close();
    if (lacks_room_) co_return fail(Errc::no_space, "the disk is full: the last changes of metadata are not written");
    if (failed_) co_return fail(Errc::io, "the metadata log failed before it was closed");
    auto work = [log = log_.get()]() { return log->close(); };
    co_return co_await runtime::run_blocking(options_.disk, options_.shard, std::move(work));
}

}  // namespace moldau::node
