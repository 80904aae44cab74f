#pragma once
// One replica's log in one directory, in Apache Kafka's files (docs/formats). Opening recovers it and waits for the
// device: do it on the I/O pool; afterwards the log is touched on one shard alone. Its partition owns it.
//
// A log has an end, behind the last batch appended, and a durable end, before which all survives a crash. What makes it
// durable are flush jobs: begin_flush() on the shard, FlushJob::run() on the I/O pool, finish_flush() on the shard
// (flush_scheduler.h does it).

#include <array>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include <moldau/base/bytes.h>
#include <moldau/base/ids.h>
#include <moldau/base/result.h>
#include <moldau/protocol/compression.h>
#include <moldau/runtime/disk.h>
#include <moldau/storage/checkpoint_file.h>
#include <moldau/storage/cleaning_job.h>
#include <moldau/storage/flush_job.h>
#include <moldau/storage/leader_epoch_cache.h>
#include <moldau/storage/log_config.h>
#include <moldau/storage/producer_state.h>
#include <moldau/storage/slice_check.h>

namespace moldau::storage {

struct CleanSource;
class OpenFiles;
class Segment;

struct LogOptions {
    runtime::Disk& disk;    ///< outlives the log
    std::string directory;  ///< of the partition; made when missing
    TopicPartition name;
    std::optional<TopicId> topic_id =
        std::nullopt;  ///< checked against partition.metadata, written when that is missing
    LogConfig config = {};
    Timestamp now{0};                 ///< wall time
    Offset recovery_point{0};         ///< checkpointed; all before it must be there
    Offset log_start{0};              ///< checkpointed
    Offset first_dirty = no_offset;   ///< checkpointed: below it the log was compacted
    bool log_start_is_exact = false;  ///< it was noted before any segment went
    Offset high_watermark{0};         ///< checkpointed; 0 in a directory that Kafka wrote last
    bool clean_shutdown = false;      ///< nothing is scanned
    bool written_by_kafka = false;    ///< last; gaps between segments are then Kafka's own
    bool* sync_failed = nullptr;      ///< set when opening fails of that: the directory is not to be trusted any more
};

/// Bytes of one segment, which begin with a batch.
struct LogSlice {
    std::shared_ptr<const runtime::File> file;  ///< null when empty
    std::uint64_t position = 0;
    std::size_t size_bytes = 0;       ///< may end inside a batch
    Offset first_offset = no_offset;  ///< of the first batch, at most what was asked for
    Offset segment_base = no_offset;
    bool first_batch_incomplete = false;      ///< it is larger than was asked for
    std::shared_ptr<const SliceCheck> check;  ///< to be run before it is sent; null: nothing is to be looked at
    std::shared_ptr<const SliceCheck> ahead;  ///< run_ahead() is worth while beside the sending; mostly null
};

struct ReadRequest {
    Offset from;
    std::size_t max_bytes = 0;
    Offset up_to;               ///< exclusive: no batch from here on
    bool at_least_one = false;  ///< the first batch in full even where it is larger than max_bytes
};

struct TimestampAndOffset {
    Timestamp timestamp;
    Offset offset;
    LeaderEpoch leader_epoch = no_leader_epoch;
    friend bool operator==(const TimestampAndOffset&, const TimestampAndOffset&) = default;
};

/// Segments that retention lets go of.
struct Expiry {
    Offset new_start;                ///< the log's, behind them
    Offset snapshot_at = no_offset;  ///< of the snapshot to be made durable, if any
    std::string snapshot_path = {};
    std::string directory = {};  ///< of the log, whose first segment may be new

    /// Without a snapshot the producers of what goes would be forgotten after a crash. Waits for the device. The log
    /// may have been deleted meanwhile.
    Result<> make_durable(runtime::Disk& disk) const;
};

class Log {
 public:
    /// Errors: corrupt, naming file and position, when what must be there is damaged or missing; invalid when the
    /// directory is another topic's; io. Waits for the device.
    static Result<std::unique_ptr<Log>> open(const LogOptions& options);
    ~Log();
    Log(const Log&) = delete;
    Log& operator=(const Log&) = delete;

    const TopicPartition& name() const { return name_; }
    const std::string& directory() const { return directory_; }
    const std::optional<TopicId>& topic_id() const { return topic_id_; }
    const LogConfig& config() const { return config_; }
    void set_config(const LogConfig& config) { config_ = config; }

    Offset log_start() const { return log_start_; }
    Offset log_end() const { return log_end_; }
    Offset durable_end() const { return durable_end_; }
    /// What the recovery point checkpoint may say.
    Offset recovery_point() const { return recovery_point_; }
    std::uint64_t size_bytes() const;
    std::size_t segment_count() const { return segments_.size(); }
    /// Memory that is kept for scans.
    std::size_t scratch_bytes() const { return scratch_.capacity(); }
    Offset active_segment_base() const;
    const LeaderEpochCache& epochs() const { return epochs_; }
    const ProducerState& producers() const { return producers_; }
    /// Set once the device failed: nothing is appended any more, the directory is to be taken offline.
    const std::optional<Error>& failure() const { return failure_; }

    /// Appends batches, each one whole batch whose offsets and epoch are set, in order; producers() has checked them
    /// where clients sent them. One write for all that go into a segment. `now`: wall time. On failure log_end() tells
    /// how far it came: whole batches, and nothing of the others is left. Errors: invalid when offsets do not rise;
    /// no_space; io.
    Result<> append(std::span<const ByteView> batches, Timestamp now);

    /// Notes that `epoch` begins at the log's end, before its first batch does.
    void assign_epoch(LeaderEpoch epoch, Offset start_offset);

    /// Finds the bytes to send. Empty when `from` is not below `up_to`.
    /// Errors: not_found when `from` is outside of [log start, log end]; corrupt; io.
    Result<LogSlice> read(const ReadRequest& request);
    /// The aborted transactions that concern what `request` has given, and perhaps some behind it.
    /// Errors: corrupt, naming file and position; io.
    Result<std::vector<AbortedTransaction>> aborted_in(const LogSlice& slice, const ReadRequest& request);

    /// The first record at or behind the log start with at least that timestamp.
    Result<std::optional<TimestampAndOffset>> find_by_timestamp(Timestamp target, protocol::Decompressor& decompressor);
    /// The first record with the largest timestamp.
    Result<std::optional<TimestampAndOffset>> find_max_timestamp(protocol::Decompressor& decompressor);
    EpochEnd end_offset_for_epoch(LeaderEpoch epoch) const { return epochs_.end_offset_for(epoch, log_end_); }

    // Transactions and producers.
    /// Before it all is decided, and each marker that did so below `high_watermark`.
    Offset last_stable_offset(Offset high_watermark) const;
    void on_high_watermark(Offset high_watermark) { producers_.on_high_watermark(high_watermark); }
    void remove_expired_producers(Timestamp now);

    // Durability. At most one flush at a time.
    /// Also when a write was taken back, and may be there again after a crash.
    bool needs_flush() const;
    bool needs_checkpoint() const { return recovery_point_ < log_end_; }
    bool flush_in_flight() const { return flush_in_flight_; }
    /// `checkpoint`: also leaves the indexes and, where much was appended since the last, a producer snapshot on disk,
    /// so that recovery_point() may advance.
    Result<FlushJob> begin_flush(FlushKind kind = FlushKind::data);
    /// `outcome`: of FlushJob::run(). A failure is final.
    void finish_flush(FlushJob job, const Result<FlushOutcome>& outcome);

    // Compaction: cleaning_job.h tells the order of the calls.

    /// What the cleaner's checkpoint may say; no_offset where nothing was compacted yet.
    Offset first_dirty() const { return first_dirty_; }
    /// What there is to compact, where cleanup.policy has that and enough of it is due: closed and durable segments
    /// below the last stable offset, by min.cleanable.dirty.ratio and the lags. May read from the disk.
    Result<std::optional<Cleanable>> find_cleanable(Timestamp now, Offset high_watermark);
    std::unique_ptr<CleaningJob> begin_cleaning(const Cleanable& what, const CleaningOptions& options);
    /// Whether the job's log is still this one: nothing was cut since.
    bool is_current(const CleaningJob& job) const;
    /// False when the sources are no longer what they were: the job is over. Else they stay as they are, and are
    /// neither cut nor deleted, until finish_replacement() or abandon_replacement().
    bool begin_replacement(const CleaningJob& job);
    void adopt_replacement(CleaningJob& job);
    /// `retired`: what retire() gave. A shortage changes nothing: both are to be tried again, or it is left. Where the
    /// device failed nothing is appended any more, and the next start completes it.
    Result<> finish_replacement(CleaningJob& job, Result<> retired);
    /// For a log that is closed or deleted next: a start completes it.
    void leave_replacement(CleaningJob& job) const;
    /// Requires: the job has discarded it.
    void abandon_replacement() { replacing_.reset(); }
    void finish_cleaning(const CleaningJob& job);

    // Truncation and deletion wait for the device.

    /// Removes all batches from the one that holds `offset` on; returns the new end.
    /// Requires: no checkpoint on disk has a recovery point, high watermark or first dirty offset above it any more.
    /// Errors: would_block while segments that it would cut are replaced.
    Result<Offset> truncate_to(Offset offset, Timestamp now);
    /// Removes all; the next batch is at `offset`. Requires: the same.
    Result<> truncate_fully_and_start_at(Offset offset, Timestamp now);
    /// Moves the log start up; false when it is there already. Requires: not above the log end.
    bool advance_log_start(Offset offset);
    /// Retention by time and size: what is due, never above the high watermark nor what a crash leaves as it is;
    /// nothing when nothing is. The caller makes it durable, lets it go, notes the log start on disk, and calls
    /// delete_expired(). Errors: no_space, also where a checkpoint must come first and found none.
    Result<std::optional<Expiry>> find_expired(Timestamp now, Offset high_watermark);
    /// Moves the log start up. Requires: `expiry` was made durable.
    void let_go(const Expiry& expiry);
    /// Deletes the segments behind the log start, so many of them. Returns the files, which the caller removes after
    /// file.delete.delay.ms. Requires: the log start is noted on disk, since after a crash some of them may be there
    /// again and others not.
    Result<std::vector<std::string>> delete_expired(std::size_t most_segments = SIZE_MAX);
    /// Begins a new segment, unless the active one is empty.
    Result<> roll(Timestamp now);

    /// Leaves everything durable, with a snapshot: a clean start scans nothing. Waits for the device, unless nothing
    /// changed since the last time.
    Result<> close();

    /// The files that it holds open count among `files`, those of its shard; null: nowhere, as at first and before
    /// close().
    void join(OpenFiles* files);

 private:
    friend class LogLoader;
    struct Pending;
    struct RecentBatch {
        Offset base = no_offset;
        Offset last = no_offset;
        std::uint64_t position = 0;
        std::uint32_t size_bytes = 0;
    };
    struct Place;

    explicit Log(const LogOptions& options);

    Segment& active() { return *segments_.back(); }
    std::size_t segment_index_of(Offset offset) const;
    std::string path_of(std::string_view file) const { return runtime::join_path(directory_, file); }
    std::unexpected<Error> broken(Error error);
    /// An error of the device is the end; without room the log stays as it is.
    std::unexpected<Error> not_done(Error error);

    // append
    bool fits(const protocol::BatchView& batch, const Pending& pending, Timestamp now);
    Result<> append_to_active(std::span<const ByteView> batches, std::uint64_t bytes, Timestamp now);
    void note_appended(const protocol::BatchView& batch, std::uint64_t position, Timestamp now);
    Result<> roll_at(Offset base, Timestamp now);
    Result<> write_snapshot_here();
    std::string snapshot_path(Offset end) const;
    void add_snapshot(FlushJob& job);
    void drop_old_snapshots(Offset newest);
    void remove_snapshot(Offset end);
    void write_back_if_due();
    void note_aborted(const CompletedTransaction& transaction);

    // read
    Result<std::optional<Place>> locate(Offset offset);
    /// Behind all offsets that the segment may hold.
    Offset end_of(std::size_t segment) const;
    Result<std::uint64_t> end_position(std::size_t segment, Offset up_to);
    /// No offset in the slice, which is of that segment, is there or behind it. May be too much: the index tells.
    Result<Offset> offset_behind(std::size_t segment, const LogSlice& slice);
    Result<> add_check(LogSlice& slice, std::size_t segment, Offset from);
    Result<std::optional<TimestampAndOffset>> search_segment(Segment& segment, Timestamp target,
                                                             protocol::Decompressor& decompressor);

    // truncation
    /// `indexed_end`: before it each aborted transaction is in its segment's index.
    Result<> rebuild_producers(Timestamp now, bool replay_without_snapshot, Offset indexed_end);
    Result<bool> load_newest_snapshot();
    Result<> replay_producers(Offset from);
    Result<> replay_segment(Segment& segment, Offset from);
    Result<> remove_snapshots_after(Offset end);
    Result<> remove_segments_from(std::size_t index);
    Result<> write_epochs();
    Result<> make_truncation_durable();
    Result<std::size_t> count_expired(Timestamp now, Offset high_watermark);
    /// Segments behind `offset`, or that holds it, are replaced right now.
    Result<> check_not_replaced(Offset offset) const;

    // compaction
    std::vector<CleanSource> closed_segments() const;
    /// No segment that ends behind it may be compacted.
    Result<Offset> cleanable_limit(Timestamp now, Offset first_dirty, Offset high_watermark);
    Result<bool> is_overdue(Timestamp now, Offset first_dirty);
    std::optional<std::size_t> find_sources(const CleaningJob& job) const;

    runtime::Disk& disk_;
    std::string directory_;
    TopicPartition name_;
    std::optional<TopicId> topic_id_;
    LogConfig config_;

    std::vector<std::unique_ptr<Segment>> segments_;  // at least one; bases rise; the last is active
    Offset log_start_{0};
    Offset log_end_{0};
    Offset durable_end_{0};     // ≤ log_end_
    Offset recovery_point_{0};  // ≤ durable_end_
    std::optional<Error> failure_;

    LeaderEpochCache epochs_;
    bool epochs_dirty_ = false;  // differs from the file, or from what a flush in flight writes
    ProducerState producers_;
    std::set<Offset> snapshots_;           // files that are there, or that a flush in flight writes
    Offset durable_snapshot_ = no_offset;  // the last that is known to be
    std::uint64_t bytes_since_snapshot_ = 0;

    bool directory_dirty_ = false;             // a name was made or removed since the directory was synced
    std::optional<Error> checkpoint_refused_;  // a shortage that the last one found
    bool as_closed_ = false;                   // nothing changed since a clean stop
    bool flush_in_flight_ = false;
    std::uint64_t truncations_ = 0;  // a flush that began before one proves nothing about the end

    Offset first_dirty_ = no_offset;
    struct Replacing {
        Offset begin;
        Offset end;
    };
    std::optional<Replacing> replacing_;  // segments that stay as they are

    std::array<RecentBatch, 32> recent_;  // of the active segment, so that reads at the end search nothing
    std::size_t recent_next_ = 0;
    Bytes scratch_;  // for scans
    OpenFiles* open_files_ = nullptr;
};

}  // namespace moldau::storage
