#pragma once
// Drives the raft core: owns it, the log `__cluster_metadata-0`, the file quorum-state and the snapshots. Made by the
// node at its start; lives on one shard, the first, with its listener: the controller and the metadata applier behind
// one port. Calls of the listener come one after another, and it may propose from within them.
//
// What is proposed during one turn of the shard, the beginning of the epoch included, is made durable by one flush.

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <moldau/protocol/record_batch.h>
#include <moldau/raft/core.h>
#include <moldau/raft/snapshot.h>
#include <moldau/runtime/async.h>
#include <moldau/runtime/disk.h>
#include <moldau/storage/log.h>

namespace moldau::node {

/// Who lives from the metadata log. Batches are borrowed during the call.
class MetadataListener {
 public:
    virtual ~MetadataListener() = default;

    /// The state begins anew with a snapshot, of which its data batches follow. Their offsets mean nothing. These, and
    /// on_recovered, are the only calls that come from open(), on any thread; an error ends it.
    virtual void on_snapshot(raft::SnapshotId id) = 0;
    virtual Result<> on_snapshot_batch(const protocol::BatchView& batch) = 0;
    /// A batch that the log holds behind the snapshot, control batches included: it may be committed later. Nothing is
    /// written before all were taken.
    virtual Result<> on_recovered(const protocol::BatchView& batch) = 0;
    /// All that on_recovered took, up to `end`, is committed, before anything came by on_commit: it comes no more.
    virtual void on_recovered_committed(Offset end) = 0;
    /// A committed batch of the log, control batches included, in order and without gaps. After an error there are no
    /// more, and it comes back by on_failure.
    virtual Result<> on_commit(const protocol::BatchView& batch) = 0;
    /// A new leader, or none. When this node leads, all before `epoch_start` has been told to be committed.
    virtual void on_leader_change(const raft::Leadership& leadership) = 0;
    /// Makes the framed records of the state after the last on_commit, on any thread: there may be millions. Nothing
    /// where that is the midst of a transaction.
    using SnapshotRecords = std::function<std::vector<Bytes>()>;
    virtual std::optional<SnapshotRecords> snapshot_records() = 0;
    /// The disk is full: nothing is committed until there is room, which the driver looks for by itself.
    virtual void on_lack_of_room() = 0;
    /// The device failed, or what it holds is damaged: nothing is committed any more. Called once.
    virtual void on_failure(const Error& error) = 0;
};

struct RaftDriverOptions {
    runtime::Disk& disk;
    runtime::Shard& shard;
    std::string directory;  ///< of the partition, in metadata.log.dir
    raft::ReplicaKey self;
    raft::VoterSet static_voters;   ///< controller.quorum.voters, for directories of kraft.version 0
    storage::LogConfig log_config;  ///< metadata.log.segment.*; retention does not apply
    Offset high_watermark{0};       ///< checkpointed: all before it must be there, and is never cut
    bool clean_shutdown = false;
    bool written_by_kafka = false;
    std::int64_t snapshot_after_bytes = 20 << 20;   ///< metadata.log.max.record.bytes.between.snapshots
    std::int64_t snapshot_interval_ms = 3'600'000;  ///< metadata.log.max.snapshot.interval.ms, 0: by bytes alone
};

class RaftDriver {
 public:
    /// Recovers the log and gives the newest snapshot to the listener. Errors: corrupt, naming the file, when what was
    /// durable for certain is damaged or missing: nothing is cut then; unsupported when the quorum is another than this
    /// node alone; io; the listener's. Waits for the device.
    /// Requires: nothing else touches the listener meanwhile; options' disk and shard, and the listener, outlive it.
    static Result<std::unique_ptr<RaftDriver>> open(const RaftDriverOptions& options, MetadataListener& listener);
    ~RaftDriver();
    RaftDriver(const RaftDriver&) = delete;
    RaftDriver& operator=(const RaftDriver&) = delete;

    /// Begins: commits what the log holds, and leads. Listener's calls begin within it.
    void start();

    /// As Core::propose. Written when this returns or right after the listener's call that it was made from. After a
    /// failure nothing is accepted any more.
    std::expected<Offset, raft::ProposeRefusal> propose(LeaderEpoch epoch, std::span<const Bytes> values,
                                                        raft::Grouping grouping = raft::Grouping::one_batch);

    /// Resigns, waits for what is in flight and closes the log. Call once; nothing but the destructor then.
    runtime::Task<Result<>> close();

    /// The disk is full, and what was proposed waits for room. What is proposed meanwhile waits behind it, unbounded:
    /// do not.
    bool lacks_room() const { return lacks_room_; }

    const raft::Core& core() const { return core_; }
    raft::Now now() const;

 private:
    RaftDriver(const RaftDriverOptions& options, MetadataListener& listener, std::unique_ptr<storage::Log> log,
               raft::Core core, raft::SnapshotId snapshot);

    void pump();
    bool obey(raft::Output output);
    Result<> append(std::vector<raft::Append> appends);
    Result<> write_out();
    void begin_to_wait_for_room(const Error& error);
    runtime::Task<void> wait_for_room();
    Result<> deliver(raft::CommittedRange range);
    void fail_with(Error error);

    runtime::Task<void> flush();
    bool wants_flush() const;

    void snapshot_if_due();
    runtime::Task<void> make_snapshot(raft::SnapshotId id, std::function<Bytes()> content);

    const RaftDriverOptions options_;
    MetadataListener& listener_;
    std::unique_ptr<storage::Log> log_;
    raft::Core core_;
    runtime::Gate gate_;

    bool pumping_ = false;
    bool flushing_ = false;
    bool failed_ = false;
    bool closing_ = false;
    std::optional<raft::StateToSave> state_to_save_;

    std::deque<raft::Append> unwritten_;  ///< in order; not empty only while there is no room
    bool lacks_room_ = false;
    bool waiting_for_room_ = false;
    runtime::Signal closing_began_;

    bool snapshotting_ = false;
    Offset recovered_end_;  ///< of what on_recovered took; 0 once something is committed
    raft::SnapshotId last_snapshot_;
    raft::SnapshotId applied_;        ///< names what the listener's state holds
    Timestamp applied_timestamp_{0};  ///< of the last batch delivered
    std::int64_t bytes_since_snapshot_ = 0;
    Timestamp last_snapshot_at_;
};

}  // namespace moldau::node
