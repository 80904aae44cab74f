#pragma once
// What makes a log durable up to an offset. The log's shard makes it, the I/O pool runs it, beside further appends, and
// the shard hands it back to the log.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <moldau/base/bytes.h>
#include <moldau/base/ids.h>
#include <moldau/base/result.h>
#include <moldau/runtime/disk.h>

namespace moldau::storage {

enum class FlushKind : std::uint8_t {
    data,       ///< batches and leader epochs
    checkpoint  ///< and what a quick start needs
};

/// What a full disk, or too few descriptors, left undone, which costs no record: it is tried again with the next flush.
struct FlushOutcome {
    bool complete = true;  ///< else it makes nothing durable; the files of records are synced all the same
    bool epochs_written = true;
    std::optional<Error> checkpoint_refused;  ///< a shortage: the records are durable all the same
};

struct FlushJob {
    struct Replacement {
        std::string path;
        Bytes content;
    };

    Offset covers_to = no_offset;  ///< the log's end when the flush began
    FlushKind kind = FlushKind::data;
    std::uint64_t truncations = 0;  ///< of the log when it began
    std::string directory;
    std::vector<std::shared_ptr<runtime::File>> files;
    std::vector<std::string> index_paths;  ///< of closed segments
    Offset first_dirty = no_offset;        ///< base of the first segment that it covers
    std::optional<Replacement> epochs;     ///< replaced atomically
    std::optional<Replacement> snapshot;   ///< its CRC tells when it was torn
    Offset newest_snapshot = no_offset;    ///< of a checkpoint: that one, or the one that has to do
    std::string snapshot_to_sync;          ///< path of the newest; empty: none
    bool sync_directory = false;

    /// All there is to do is to sync that file: FlushScheduler then needs no job on the pool.
    runtime::File* only_file() const {
        const bool plain = index_paths.empty() && !epochs && !snapshot && snapshot_to_sync.empty() && !sync_directory;
        return plain && files.size() == 1 ? files.front().get() : nullptr;
    }

    /// Waits for the device. Touches nothing but the disk. A failure means that the device cannot be trusted any more.
    Result<FlushOutcome> run(runtime::Disk& disk) const;

 private:
    Result<> leave_snapshot(runtime::Disk& disk) const;
};

}  // namespace moldau::storage
