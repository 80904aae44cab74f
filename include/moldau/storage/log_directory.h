#pragma once
// A data directory (an entry of log.dirs): its lock, its identity, its checkpoints, and whether it was left cleanly.
// The node owns one for each. What waits for the device says so, and runs on the I/O pool one call at a time; the rest
// may be asked on any shard.

#include <atomic>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include <moldau/runtime/disk.h>
#include <moldau/storage/checkpoint_file.h>
#include <moldau/storage/log.h>
#include <moldau/storage/log_names.h>
#include <moldau/storage/meta_properties.h>
#include <moldau/storage/spare_file.h>

namespace moldau::storage {

/// What is noted of all partitions of a directory.
struct Checkpoints {
    OffsetsByPartition recovery_points = {};
    OffsetsByPartition log_starts = {};
    OffsetsByPartition high_watermarks = {};  ///< each at most the durable end: nothing below it is ever cut
    OffsetsByPartition first_dirty = {};      ///< of the logs that were compacted
};

struct PartitionDirectory {
    std::string path;
    PartitionDirectoryName name;
};

/// A partition's directory gets another name: it is deleted, or not known to the metadata.
struct Departure {
    TopicPartition partition;
    std::string from;  ///< both are whole paths; empty: none is renamed, but no checkpoint names the partition any more
    std::string to;
};

class LogDirectory {
 public:
    /// Space that appends of clients leave for metadata and offsets: so much, but no more than a share of a small file
    /// system.
    static constexpr std::uint64_t max_reserve_bytes = 64 << 20;
    static constexpr std::uint64_t reserve_share = 16;

    /// Takes the lock and reads what is noted. The directory must exist. Where the disk is full, half of the spare file
    /// goes, for what a start writes. Waits.
    /// Errors: exists when another process has it; invalid; io.
    static Result<std::unique_ptr<LogDirectory>> open(runtime::Disk& disk, std::string path);

    const std::string& path() const { return path_; }
    /// Nothing when it was never formatted.
    const std::optional<MetaProperties>& meta() const { return meta_; }
    /// The last process that wrote here closed all logs.
    bool was_clean() const { return was_clean_; }
    /// The broker epoch noted at the clean shutdown, for the registration.
    BrokerEpoch clean_broker_epoch() const { return clean_broker_epoch_; }
    /// Apache Kafka wrote the high watermarks: they count pages that may never have reached the disk.
    bool written_by_kafka() const { return written_by_kafka_; }

    /// Waits.
    Result<std::vector<PartitionDirectory>> partitions() const;
    /// All that opening a partition's log for the first time needs to know from the directory, as it was at the start.
    /// On the owner's shard.
    LogOptions options_for(const TopicPartition& partition, const LogConfig& config, Timestamp now) const;
    /// All that the checkpoints named at the start, but for those that were forgotten. On the owner's shard.
    std::set<TopicPartition> noted_at_start() const;
    /// The partition is deleted: a later one of its name is not held to what this one had. Together with take_away().
    /// On the owner's shard.
    void forget_start(const TopicPartition& partition);

    /// From now on the directory counts as not left cleanly. Before the first append. Waits.
    Result<> begin_writing();
    // A failure of the device in what follows takes the directory offline: a sync is never tried again.

    /// What is not named stays as it was: it may be of a partition that could not be opened. Waits.
    Result<> write_checkpoints(const Checkpoints& checkpoints);
    /// No checkpoint names more than `offset` of this partition any more: before a truncation. Waits.
    Result<> lower_checkpoints(const TopicPartition& partition, Offset offset);
    /// No checkpoint names these partitions any more, and only then their directories are renamed, as far as they are
    /// there. One write and one sync for them all. A full disk has the spare file for it. Waits.
    Result<> take_away(std::span<const Departure> departures);
    /// Renames a partition's directory that was moved aside, where none is in its place: false when one is. Waits.
    Result<bool> bring_back(const std::string& from, const std::string& to);
    /// After all logs are closed. Waits.
    Result<> close_cleanly(const Checkpoints& checkpoints, BrokerEpoch broker_epoch);

    /// The device failed: nothing of this directory is used any more. The first reason stays.
    void set_offline(Error reason);
    bool is_offline() const { return offline_.load(std::memory_order_acquire); }
    /// Requires: is_offline().
    Error offline_reason() const;

    /// A full disk has no room for a note that lets something be deleted: true when there is some now, of the spare
    /// file. Waits.
    bool give_up_spare_file();
    /// Makes the spare file where it is missing and there is room. Every second or so. Waits.
    Result<> keep_spare_file();

    /// Measures the free space. Every second or so, on any thread. Waits.
    Result<> refresh_free_space();
    /// Whether an append of so many bytes is accepted: the last of the space is for metadata and offsets.
    bool has_room(bool internal, std::size_t size_bytes) const {
        return internal || appended_bytes_.load(std::memory_order_relaxed) + static_cast<std::int64_t>(size_bytes) <
                               append_limit_bytes_.load(std::memory_order_relaxed);
    }
    /// So much was appended since the free space was measured: a second of appends may be larger than the reserve.
    void note_appended(std::size_t size_bytes) {
        appended_bytes_.fetch_add(static_cast<std::int64_t>(size_bytes), std::memory_order_relaxed);
    }

 private:
    LogDirectory(runtime::Disk& disk, std::string path)
        : disk_(disk), path_(std::move(path)), spare_file_(disk, path_) {}

    std::string path_of(std::string_view name) const { return runtime::join_path(path_, name); }
    Result<> load();
    Result<> load_clean_marker();
    Result<> load_author();
    /// Makes a change that is to be durable, unless the directory is offline.
    Result<> change(auto make);
    Result<> write_all(const Checkpoints& checkpoints);
    Result<> write_exactly(const Checkpoints& checkpoints);
    Result<> write_high_watermarks(const OffsetsByPartition& offsets);

    runtime::Disk& disk_;
    std::string path_;
    SpareFile spare_file_;
    std::unique_ptr<runtime::DirectoryLock> lock_;
    std::optional<MetaProperties> meta_;
    Checkpoints at_start_;  // on the owner's shard alone
    Checkpoints written_;   // what the files say now; on the I/O pool alone
    bool was_clean_ = false;
    BrokerEpoch clean_broker_epoch_ = no_broker_epoch;
    bool written_by_kafka_ = false;  // at the start
    bool file_is_ours_ = false;      // the high watermarks' file that is there now
    std::uint32_t author_crc_ = 0;   // of the high watermarks' file
    bool all_written_ = false;       // each file is there, and says what written_ does
    std::atomic<std::int64_t> appended_bytes_{0};
    std::atomic<std::int64_t> append_limit_bytes_{0};  // what appended_bytes_ may come to
    std::atomic<std::shared_ptr<const Error>> offline_reason_;
    std::atomic<bool> offline_{false};  // set after the reason: asked with every request
};

}  // namespace moldau::storage
