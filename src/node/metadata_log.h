#pragma once
// The metadata log's driver: joins raft's core with the log on disk. Owned by the node; lives on the first shard. One
// task does all of it in rounds: what was proposed meanwhile is appended together and shares one fdatasync.

#include <deque>
#include <expected>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include <moldau/protocol/messages/describe_quorum.h>
#include <moldau/raft/core.h>
#include <moldau/raft/snapshot.h>
#include <moldau/runtime/world.h>
#include <moldau/storage/log.h>

namespace moldau::node {

class MetadataLog {
 public:
    /// Told in the order of the log, on the first shard.
    class Listener {
     public:
        virtual ~Listener() = default;
        /// A data batch of the snapshot that the log begins with, or committed in the log. Errc::corrupt or
        /// Errc::unsupported stop the node: what it cannot follow it must not serve.
        virtual Result<> on_batch(const protocol::BatchView& batch, bool of_snapshot) = 0;
        /// The snapshot was read whole; the log goes on at its end.
        virtual void on_snapshot_loaded(raft::SnapshotId id) = 0;
        /// All that was committed so far was told.
        virtual void on_committed(Offset high_watermark) = 0;
        virtual void on_leadership(const raft::Leadership& leadership) = 0;
        /// The log cannot go on: its disk failed, or it holds what this build does not know.
        virtual void on_failure(Error error) = 0;
    };

    struct Options {
        std::string directory;  ///< of the partition `__cluster_metadata-0`
        raft::ReplicaKey self;
        storage::LogConfig log;
        bool clean_shutdown = false;
        Offset recovery_point{0};
    };

    /// Loads snapshot, log and quorum state. Waits for the disk.
    static runtime::Task<Result<std::unique_ptr<MetadataLog>>> open(const runtime::World& world, Options options);
    ~MetadataLog();

    /// Tells `listener` what is there and stands for election.
    void start(Listener& listener);

    /// As raft::Core::propose; told to the listener once committed.
    std::expected<Offset, raft::ProposeRefusal> propose(LeaderEpoch epoch, std::span<const Bytes> values);

    Offset high_watermark() const { return core_.high_watermark(); }
    /// Behind all that was proposed.
    Offset log_end() const { return core_.log_end(); }
    const std::optional<raft::SnapshotId>& newest_snapshot() const { return snapshot_; }
    protocol::DescribeQuorumResponse describe_quorum() const;

    /// Writes a snapshot of what is committed below `id.end_offset`; then segments below it are deleted. `values`: the
    /// records, framed.
    runtime::Task<Result<>> write_snapshot(raft::SnapshotId id, Timestamp last_timestamp, std::vector<Bytes> values);

    /// Resigns, makes all durable and ends the task.
    runtime::Task<bool> close();

    storage::Log& log() { return *log_; }

 private:
    MetadataLog(const runtime::World& world, Options options, std::unique_ptr<storage::Log> log, raft::Core core,
                std::optional<raft::SnapshotId> snapshot);

    raft::Now now() const;
    runtime::Task<void> run();
    runtime::Task<Result<>> tell_snapshot();
    runtime::Task<Result<>> round(raft::Output output);
    runtime::Task<Result<>> persist(raft::Persist persist);
    runtime::Task<Result<>> apply(raft::CommittedRange range);
    Result<> tell(ByteView batches, Offset end);
    void wake();

    runtime::World world_;
    runtime::Shard& shard_;
    Options options_;
    std::unique_ptr<storage::Log> log_;
    raft::Core core_;
    std::optional<raft::SnapshotId> snapshot_;  ///< the newest on disk
    Listener* listener_ = nullptr;
    std::deque<raft::Append> recent_;  ///< appended and not yet applied
    runtime::Signal work_;
    runtime::Signal ended_;
    bool running_ = false;
    bool closing_ = false;
};

}  // namespace moldau::node
