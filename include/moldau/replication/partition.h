#pragma once
// A partition of this node: the driver that joins the pure core (how far is committed) with its log and with those who
// wait for it. Made and owned by the partition manager; lives on one shard, where all but shard() is called.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <moldau/base/ids.h>
#include <moldau/base/result.h>
#include <moldau/protocol/batch_validator.h>
#include <moldau/protocol/error_code.h>
#include <moldau/replication/fetch_waiter.h>
#include <moldau/replication/partition_core.h>
#include <moldau/runtime/async.h>
#include <moldau/storage/flush_scheduler.h>
#include <moldau/storage/log.h>
#include <moldau/storage/log_directory.h>
#include <moldau/storage/open_files.h>

namespace moldau::replication {

struct PartitionConfig {
    protocol::ValidatorConfig validator;
    bool flush_before_commit = true;  ///< moldau.durability=disk
};

class Partition;

/// What all partitions of a shard use; owned by the node, on that shard.
class PartitionTools {
 public:
    PartitionTools(runtime::Disk& disk, runtime::Shard& shard, storage::FlushConfig config = {},
                   std::size_t max_open_files = SIZE_MAX);

    runtime::Shard& shard;
    protocol::BatchValidator validator;
    protocol::Decompressor decompressor;
    storage::FlushScheduler flusher;
    storage::OpenFiles open_files;
    storage::LogDirectory* directory = nullptr;        ///< set before the first partition is opened
    std::map<const storage::Log*, Partition*> by_log;  ///< looked up, never walked
};

/// What became of one partition of a Produce.
struct AppendOutcome {
    protocol::ErrorCode error = protocol::ErrorCode::none;
    std::optional<std::string> message{};
    std::vector<protocol::RecordError> record_errors{};
    Offset base_offset = no_offset;
    Timestamp log_append_time = no_timestamp;  ///< −1 unless the topic's timestamps are LogAppendTime
    Offset log_start = no_offset;
    Offset end = no_offset;  ///< of the batch: what when_acknowledged() waits for
};

struct AppendRequest {
    bool acks_all = false;
    std::int16_t produce_version = 0;
    protocol::RequestAllowance* allowance = nullptr;  ///< of all its partitions on this shard
};

/// Of transactions: all records below the high watermark, or those of committed ones below the last stable offset.
enum class Isolation : std::int8_t { read_uncommitted, read_committed };

struct ReadRequest {
    Offset offset;
    LeaderEpoch current_leader_epoch = no_leader_epoch;
    LeaderEpoch last_fetched_epoch = no_leader_epoch;
    std::size_t max_bytes = 0;
    bool at_least_one = false;  ///< a batch larger than max_bytes is given whole (KIP-74)
    Isolation isolation = Isolation::read_uncommitted;
};

struct DivergingEpoch {
    LeaderEpoch epoch;
    Offset end_offset;
};

struct ReadOutcome {
    protocol::ErrorCode error = protocol::ErrorCode::none;
    Offset high_watermark = no_offset;
    Offset last_stable_offset = no_offset;
    Offset log_start = no_offset;
    std::optional<DivergingEpoch> diverging{};
    std::optional<storage::LogSlice> records{};
    /// To be left out of the records; null unless they were read as committed.
    std::optional<std::vector<storage::AbortedTransaction>> aborted{};

    /// The batches must be looked at before they go out.
    bool needs_check() const { return records && records->check; }
    /// Ends the records before the first one that is damaged, or is an error. Waits for the device; any thread.
    void check();
};

struct OffsetOutcome {
    protocol::ErrorCode error = protocol::ErrorCode::none;
    Timestamp timestamp = no_timestamp;
    Offset offset = no_offset;
    LeaderEpoch leader_epoch = no_leader_epoch;
};

struct EpochEndOutcome {
    protocol::ErrorCode error = protocol::ErrorCode::none;
    LeaderEpoch leader_epoch = no_leader_epoch;
    Offset end_offset = no_offset;
};

class Partition {
 public:
    Partition(PartitionTools& tools, std::unique_ptr<storage::Log> log, const PartitionConfig& config);
    ~Partition();

    /// Thread-safe: where the partition lives.
    runtime::Shard& shard() const { return tools_.shard; }

    /// This node leads it from now on.
    void become_leader(LeaderEpoch epoch);
    /// Another node leads it, or none: who waits is told NOT_LEADER_OR_FOLLOWER.
    void resign();
    void set_config(const PartitionConfig& config, const storage::LogConfig& log_config);

    /// Checks and appends the one batch in `records`, which is changed in place.
    AppendOutcome append(MutableBytes records, const AppendRequest& request);

    /// Calls `done` once acks=all may be answered for what lies below `end` (PartitionCore::acknowledged_end), or with
    /// the error that prevents it; at once when it may.
    void when_acknowledged(Offset end, std::move_only_function<void(protocol::ErrorCode)> done);

    /// Reads records below the high watermark; not_leader_or_follower where there are none and some that a former
    /// incarnation had are not committed yet. `waiter`, when given, is armed: it fires when that moves on, as it does
    /// whenever the last stable offset does.
    ReadOutcome read(const ReadRequest& request, const std::shared_ptr<FetchWaiter>& waiter);

    /// ListOffsets: `timestamp` is a time or one of Kafka's special values (−1 latest, −2 earliest, −3 max timestamp,
    /// −4 earliest local, −5 latest tiered, −6 earliest pending upload). May read from the disk.
    /// offset_not_available where the answer may come back to less than clients have seen (KIP-207).
    OffsetOutcome find_offset(Timestamp timestamp, LeaderEpoch current_leader_epoch, Isolation isolation);

    /// OffsetForLeaderEpoch (KIP-320).
    EpochEndOutcome epoch_end(LeaderEpoch current_leader_epoch, LeaderEpoch requested) const;

    /// Retention by time and size (Log::find_expired): nothing when nothing is due.
    Result<std::optional<storage::Expiry>> find_expired();
    /// Log::let_go.
    void let_go(const storage::Expiry& expiry);
    /// Of some segments: to be called until nothing comes. Returns the files that may be removed after
    /// file.delete.delay.ms.
    std::vector<std::string> delete_expired();

    /// Log::find_cleanable.
    Result<std::optional<storage::Cleanable>> find_cleanable();

    /// Nothing may be appended or read any more: the topic is deleted, or the node stops. Who waits gets `reason`.
    /// Completes when no flush of the log is in flight, after which the partition may be destroyed.
    runtime::Task<void> close(protocol::ErrorCode reason);

    /// Its log became durable further, or failed.
    void on_durable();

    /// The largest batch that may be appended.
    std::size_t max_batch_bytes() const {
        return std::min(config_.validator.max_message_bytes, static_cast<std::size_t>(log_->config().segment_bytes));
    }

    storage::Log& log() { return *log_; }
    Offset high_watermark() const { return core_.high_watermark(); }

 private:
    protocol::ErrorCode check_leading(LeaderEpoch current_leader_epoch) const;
    /// No record from there on is shown.
    Offset readable_end(Isolation isolation) const {
        return isolation == Isolation::read_committed ? log_->last_stable_offset(core_.high_watermark())
                                                      : core_.high_watermark();
    }
    /// Fills in what `wanted`, between log start and readable end, gives.
    Result<> read_records(const storage::ReadRequest& wanted, ReadOutcome& outcome);
    AppendOutcome refuse_producer(const storage::ProducerCheck& check, const protocol::BatchView& batch,
                                  Offset log_start) const;
    void refuse_all(protocol::ErrorCode reason);
    void answer_waiters(protocol::ErrorCode reason);
    /// The high watermark or acknowledged_end() may have moved.
    void on_progress();

    PartitionTools& tools_;
    std::unique_ptr<storage::Log> log_;
    PartitionConfig config_;
    PartitionCore core_;
    bool is_internal_;  ///< a topic of the broker's own: the last of the disk is for it
    bool leading_ = false;
    LeaderEpoch stamped_epoch_ = no_leader_epoch;  ///< that appended batches bear
    bool detached_ = false;                        ///< closed: its shard knows it no more
    protocol::ErrorCode closed_ = protocol::ErrorCode::none;
    Offset told_committed_{0};  ///< those who wait were told of it
    bool is_telling_ = false;
    FetchWaiters fetch_waiters_;
    std::multimap<Offset, std::move_only_function<void(protocol::ErrorCode)>> ack_waiters_;  ///< by end
};

}  // namespace moldau::replication
