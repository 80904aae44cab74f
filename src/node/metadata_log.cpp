#include "metadata_log.h"

#include <algorithm>
#include <utility>

#include <moldau/base/log.h>

namespace moldau::node {
namespace {

using runtime::Task;

constexpr std::size_t read_chunk_bytes = 1 << 20;

struct Loaded {
    std::unique_ptr<storage::Log> log;
    raft::Recovered recovered;
    std::optional<raft::SnapshotId> snapshot;
};

std::string snapshot_path(const std::string& directory, raft::SnapshotId id) {
    return runtime::join_path(directory, raft::snapshot_file_name(id));
}

/// The newest finished snapshot.
Result<std::optional<raft::SnapshotId>> find_snapshot(runtime::Disk& disk, const std::string& directory) {
    MOLDAU_TRY(entries, disk.list(directory));
    std::optional<raft::SnapshotId> newest;
    for (const auto& entry : entries)
        if (const auto id = raft::parse_snapshot_file_name(entry.name)) newest = std::max(newest.value_or(*id), *id);
    return newest;
}

/// Reads a snapshot's header and tells its data batches. Waits for the disk.
Result<raft::SnapshotHeader> read_snapshot(runtime::Disk& disk, const std::string& path,
                                           const std::function<Result<>(const protocol::BatchView&)>& tell) {
    MOLDAU_TRY(content, runtime::read_whole(disk, path));
    raft::SnapshotReader reader;
    reader.feed(content);
    protocol::BatchView batch;
    for (;;) {
        auto more = reader.next(batch);
        if (!more) return std::unexpected(std::move(more).error().within(path));
        if (!*more) break;
        MOLDAU_CHECK(tell(batch));
    }
    if (auto finished = reader.finish(); !finished) return std::unexpected(std::move(finished).error().within(path));
    return *reader.header();
}

/// Calls `see` for each batch of [from, end). Waits for the disk.
Result<> scan_log(storage::Log& log, Offset from, Offset end, const std::function<Result<>(protocol::BatchView)>& see) {
    Bytes buffer;
    while (from < end) {
        MOLDAU_TRY(slice, log.read({.from = from, .max_bytes = read_chunk_bytes, .up_to = end, .at_least_one = true}));
        if (slice.size_bytes == 0) return fail(Errc::corrupt, fmt::format("the metadata log has no batch at {}", from));
        buffer.resize(slice.size_bytes);
        MOLDAU_TRY(read, slice.file->read_at(buffer, slice.position));
        protocol::BatchIterator batches(ByteView(buffer).first(read));
        protocol::BatchView batch;
        const Offset before = from;
        while (batches.next(batch)) {
            if (batch.last_offset() < from) continue;
            if (batch.base_offset() >= end) break;
            MOLDAU_CHECK(see(batch));
            from = batch.next_offset();
        }
        if (from == before) return fail(Errc::corrupt, fmt::format("the metadata log cannot be read at {}", from));
    }
    return {};
}

Result<Loaded> load(runtime::Disk& disk, const MetadataLog::Options& options, Timestamp now) {
    Loaded loaded;
    MOLDAU_TRY(newest, find_snapshot(disk, options.directory));
    loaded.snapshot = newest;
    const raft::SnapshotId base = newest.value_or(raft::SnapshotId{});
    if (newest) {
        MOLDAU_TRY(header, read_snapshot(disk, snapshot_path(options.directory, *newest), [](auto&) -> Result<> { return {}; }));
        std::optional<raft::VoterSet> voters;
        if (header.kraft_version > 0) voters = header.voters;
        loaded.recovered.control.set_base(header.kraft_version, std::move(voters));
    }
    auto opened = storage::Log::open({.disk = disk,
                                      .directory = options.directory,
                                      .name = {std::string(raft::metadata_topic_name), PartitionIndex(0)},
                                      .topic_id = raft::metadata_topic_id,
                                      .config = options.log,
                                      .now = now,
                                      .recovery_point = options.recovery_point,
                                      .clean_shutdown = options.clean_shutdown});
    if (!opened) return std::unexpected(std::move(opened).error());
    loaded.log = std::move(*opened);
    storage::Log& log = *loaded.log;
    if (log.log_end() < base.end_offset) MOLDAU_CHECK(log.truncate_fully_and_start_at(base.end_offset, now));
    loaded.recovered.last_epoch = base.epoch;
    MOLDAU_CHECK(scan_log(log, std::max(base.end_offset, log.log_start()), log.log_end(),
                          [&loaded](protocol::BatchView batch) -> Result<> {
                              loaded.recovered.last_epoch = batch.partition_leader_epoch();
                              if (!batch.is_control()) return {};
                              return loaded.recovered.control.add(batch);
                          }));
    // What a former incarnation wrote and nobody synced must be durable before it counts.
    if (log.durable_end() < log.log_end()) {
        MOLDAU_TRY(job, log.begin_flush());
        auto outcome = job.run(disk);
        log.finish_flush(std::move(job), outcome);
        MOLDAU_CHECK(outcome);
    }
    const std::string state_path = runtime::join_path(options.directory, raft::quorum_state_file_name);
    MOLDAU_TRY(has_state, disk.exists(state_path));
    if (has_state) {
        MOLDAU_TRY(content, runtime::read_whole(disk, state_path));
        MOLDAU_TRY(election, raft::decode_quorum_state(text_of(content)));
        loaded.recovered.election = election;
    }
    loaded.recovered.applied_end = base.end_offset;
    loaded.recovered.log_end = log.log_end();
    loaded.recovered.durable_end = log.durable_end();
    return loaded;
}

}  // namespace

Task<Result<std::unique_ptr<MetadataLog>>> MetadataLog::open(const runtime::World& world, Options options) {
    runtime::Shard& shard = world.shard(0);
    runtime::Disk& disk = world.disk;
    const Timestamp now = shard.clock().wall_time();
    Result<Loaded> loaded =
        co_await runtime::run_blocking(disk, shard, [&disk, &options, now] { return load(disk, options, now); });
    if (!loaded) co_return std::unexpected(std::move(loaded).error().within("the metadata log"));
    auto core = raft::Core::open({.self = options.self}, std::move(loaded->recovered));
    if (!core) co_return std::unexpected(std::move(core).error());
    co_return std::unique_ptr<MetadataLog>(new MetadataLog(world, std::move(options), std::move(loaded->log),
                                                           std::move(*core), loaded->snapshot));
}

MetadataLog::MetadataLog(const runtime::World& world, Options options, std::unique_ptr<storage::Log> log,
                         raft::Core core, std::optional<raft::SnapshotId> snapshot)
    : world_(world),
      shard_(world.shard(0)),
      options_(std::move(options)),
      log_(std::move(log)),
      core_(std::move(core)),
      snapshot_(snapshot),
      work_(shard_),
      ended_(shard_) {}

MetadataLog::~MetadataLog() = default;

raft::Now MetadataLog::now() const {
    const auto since_start = std::chrono::duration_cast<std::chrono::milliseconds>(shard_.now().time_since_epoch());
    return {raft::MonotonicMs(since_start.count()), shard_.clock().wall_time()};
}

void MetadataLog::start(Listener& listener) {
    listener_ = &listener;
    running_ = true;
    runtime::spawn(shard_, run());
}

std::expected<Offset, raft::ProposeRefusal> MetadataLog::propose(LeaderEpoch epoch, std::span<const Bytes> values) {
    auto proposed = core_.propose(epoch, values, now());
    work_.notify_all();
    return proposed;
}

protocol::DescribeQuorumResponse MetadataLog::describe_quorum() const { return core_.describe_quorum(now()); }

Task<void> MetadataLog::run() {
    Result<> outcome = co_await tell_snapshot();
    core_.tick(now());
    while (outcome) {
        raft::Output output = core_.take_output();
        const bool idle = output.persist.empty() && !output.apply && !output.leadership;
        if (!idle) {
            outcome = co_await round(std::move(output));
            continue;
        }
        if (closing_) break;
        co_await work_.wait();
    }
    running_ = false;
    if (!outcome) listener_->on_failure(std::move(outcome).error());
    ended_.notify_all();
}

Task<Result<>> MetadataLog::tell_snapshot() {
    if (!snapshot_) co_return Result<>{};
    runtime::Disk& disk = world_.disk;
    const std::string path = snapshot_path(options_.directory, *snapshot_);
    std::vector<Bytes> batches;
    auto header = co_await runtime::run_blocking(disk, shard_, [&disk, &path, &batches] {
        return read_snapshot(disk, path, [&batches](const protocol::BatchView& batch) -> Result<> {
            batches.emplace_back(batch.bytes().begin(), batch.bytes().end());
            return {};
        });
    });
    if (!header) co_return std::unexpected(std::move(header).error());
    for (const Bytes& batch : batches)
        if (auto told = listener_->on_batch(protocol::BatchView(batch), true); !told) co_return told;
    listener_->on_snapshot_loaded(*snapshot_);
    co_return Result<>{};
}

Task<Result<>> MetadataLog::round(raft::Output output) {
    // Only as the only voter so far: there is nobody to send to.
    MOLDAU_ASSERT(output.send_now.empty() && output.send_after_persist.empty());
    if (output.apply)
        if (auto applied = co_await apply(*output.apply); !applied) co_return applied;
    if (output.leadership) listener_->on_leadership(*output.leadership);
    if (!output.persist.empty()) co_return co_await persist(std::move(output.persist));
    co_return Result<>{};
}

Task<Result<>> MetadataLog::persist(raft::Persist persist) {
    runtime::Disk& disk = world_.disk;
    raft::Persisted persisted;
    for (raft::Append& append : persist.appends) {
        std::vector<ByteView> batches;
        protocol::BatchIterator each(append.batches);
        for (protocol::BatchView batch; each.next(batch);) batches.push_back(batch.bytes());
        if (auto appended = log_->append(batches, shard_.clock().wall_time()); !appended) co_return appended;
        recent_.push_back(std::move(append));
    }
    if (persist.state) {
        const std::string path = runtime::join_path(options_.directory, raft::quorum_state_file_name);
        Result<> saved = co_await runtime::run_blocking(disk, shard_, [&disk, path, &persist] {
            return runtime::write_atomically(disk, path, bytes_of(persist.state->content));
        });
        if (!saved) co_return saved;
        persisted.state = persist.state->state;
    }
    if (log_->needs_flush()) {
        auto job = log_->begin_flush();
        if (!job) co_return std::unexpected(std::move(job).error());
        Result<> outcome;
        if (runtime::File* file = job->only_file()) {
            outcome = co_await runtime::sync_file(*file, shard_);
        } else {
            outcome = co_await runtime::run_blocking(disk, shard_, [&disk, &job] { return job->run(disk); });
        }
        log_->finish_flush(std::move(*job), outcome);
        if (!outcome) co_return outcome;
    }
    persisted.durable_end = log_->durable_end();
    core_.on_persisted(persisted);
    co_return Result<>{};
}

Task<Result<>> MetadataLog::apply(raft::CommittedRange range) {
    const Offset at_hand = recent_.empty() ? range.end : recent_.front().base_offset;
    if (range.begin < at_hand) {
        // What was there before this start: from the disk.
        std::vector<Bytes> batches;
        const Offset end = std::min(at_hand, range.end);
        Result<> scanned = scan_log(*log_, range.begin, end, [&batches](protocol::BatchView batch) -> Result<> {
            batches.emplace_back(batch.bytes().begin(), batch.bytes().end());
            return {};
        });
        if (!scanned) co_return scanned;
        for (const Bytes& batch : batches)
            if (auto told = tell(batch, end); !told) co_return told;
    }
    while (!recent_.empty() && recent_.front().base_offset < range.end) {
        const raft::Append append = std::move(recent_.front());
        recent_.pop_front();
        MOLDAU_ASSERT(append.end_offset <= range.end);
        if (auto told = tell(append.batches, append.end_offset); !told) co_return told;
    }
    listener_->on_committed(range.end);
    co_return Result<>{};
}

Result<> MetadataLog::tell(ByteView batches, Offset end) {
    protocol::BatchIterator each(batches);
    for (protocol::BatchView batch; each.next(batch);) {
        if (batch.is_control() || batch.base_offset() >= end) continue;
        MOLDAU_CHECK(listener_->on_batch(batch, false));
    }
    return {};
}

Task<Result<>> MetadataLog::write_snapshot(raft::SnapshotId id, Timestamp last_timestamp, std::vector<Bytes> values) {
    runtime::Disk& disk = world_.disk;
    const raft::SnapshotHeader header{.last_contained_log_timestamp = last_timestamp,
                                      .kraft_version = core_.kraft_version(),
                                      .voters = core_.voters()};
    raft::SnapshotWriter writer(id.epoch, header, shard_.clock().wall_time());
    for (const Bytes& value : values) writer.append(value, shard_.clock().wall_time());
    writer.finish(shard_.clock().wall_time());
    const Bytes content = writer.take();
    const std::string path = snapshot_path(options_.directory, id);
    Result<> written = co_await runtime::run_blocking(disk, shard_, [&disk, &path, &content]() -> Result<> {
        const std::string partial = path + std::string(raft::partial_suffix);
        MOLDAU_TRY(file, disk.open(partial, runtime::OpenMode::create));
        MOLDAU_CHECK(file->truncate(0));
        const ByteView parts[] = {content};
        MOLDAU_CHECK(file->write_at(parts, 0));
        MOLDAU_CHECK(file->sync());
        MOLDAU_CHECK(disk.rename(partial, path));
        return disk.sync_directory(runtime::parent_path(path));
    });
    if (written) snapshot_ = id;
    co_return written;
}

Task<bool> MetadataLog::close() {
    core_.resign(now());
    closing_ = true;
    work_.notify_all();
    while (running_) co_await ended_.wait();
    runtime::Disk& disk = world_.disk;
    const Result<> closed = co_await runtime::run_blocking(disk, shard_, [this] { return log_->close(); });
    if (!closed) log::error("the metadata log did not close cleanly: {}", closed.error().message);
    co_return closed.has_value();
}

}  // namespace moldau::node
