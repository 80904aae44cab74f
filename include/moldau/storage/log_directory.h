#pragma once
// A data directory: whose it is, who may write to it, what its checkpoints say, whether it was left in good order.
// Opened on the I/O pool; afterwards the node touches it on the first shard, or on the pool where a call waits.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <moldau/base/ids.h>
#include <moldau/base/result.h>
#include <moldau/runtime/disk.h>
#include <moldau/storage/checkpoint_file.h>
#include <moldau/storage/log_names.h>

namespace moldau::storage {

/// `meta.properties`, version 1.
struct DirectoryMeta {
    std::string cluster_id;
    NodeId node_id = no_node;
    DirectoryId directory_id{};
};

/// Errors: invalid, naming what is missing.
Result<DirectoryMeta> parse_directory_meta(std::string_view text);

class LogDirectory {
 public:
    /// Locks the directory, checks whose it is, reads its checkpoints, and takes the mark of a clean shutdown away, so
    /// that what is appended from now on is checked by the start after a crash. Errors: not_found when it was not
    /// formatted; exists when another process has it; invalid when it is another node's; io. Waits for the device.
    static Result<std::unique_ptr<LogDirectory>> open(runtime::Disk& disk, const std::string& path, NodeId node);

    const std::string& path() const { return path_; }
    const DirectoryMeta& meta() const { return meta_; }
    /// It was left in good order: nothing needs to be scanned.
    bool was_clean() const { return was_clean_; }
    /// The epoch of the broker that left it in good order; no_broker_epoch else.
    BrokerEpoch previous_broker_epoch() const { return previous_broker_epoch_; }

    /// As checkpointed before this start; 0 where there is no entry.
    Offset recovery_point(const TopicPartition& partition) const { return find(recovery_points_, partition); }
    Offset log_start(const TopicPartition& partition) const { return find(log_starts_, partition); }
    Offset high_watermark(const TopicPartition& partition) const { return find(high_watermarks_, partition); }

    std::string path_of(const TopicPartition& partition) const;

    struct Checkpoints {
        OffsetsByPartition recovery_points;
        OffsetsByPartition log_starts;
        OffsetsByPartition high_watermarks;  ///< at most the durable end: damage below them is never cut
    };
    /// Waits for the device.
    Result<> write_checkpoints(const Checkpoints& checkpoints) const;

    /// Marks it as left in good order. Waits for the device.
    Result<> mark_clean(BrokerEpoch epoch) const;

    /// Partition directories that wait for their end since a topic was deleted.
    const std::vector<std::string>& removed_partitions() const { return removed_; }

 private:
    LogDirectory(runtime::Disk& disk, std::string path) : disk_(disk), path_(std::move(path)) {}
    static Offset find(const OffsetsByPartition& offsets, const TopicPartition& partition) {
        const auto entry = offsets.find(partition);
        return entry == offsets.end() ? Offset(0) : entry->second;
    }
    std::string file(std::string_view name) const { return runtime::join_path(path_, name); }
    Result<> read_meta(NodeId node);
    Result<> read_checkpoints();
    Result<> take_clean_mark();

    runtime::Disk& disk_;
    std::string path_;
    std::unique_ptr<runtime::DirectoryLock> lock_;
    DirectoryMeta meta_;
    bool was_clean_ = false;
    BrokerEpoch previous_broker_epoch_ = no_broker_epoch;
    OffsetsByPartition recovery_points_;
    OffsetsByPartition log_starts_;
    OffsetsByPartition high_watermarks_;
    std::vector<std::string> removed_;
};

}  // namespace moldau::storage
