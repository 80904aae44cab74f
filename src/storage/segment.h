#pragma once
// One segment of a log: a `.log` file and its indexes. Only the last of a log is appended to, and has its indexes in
// memory; the others' files are opened when something is read. Owned by the Log, on its shard.

#include <memory>
#include <optional>
#include <span>
#include <string>

#include <moldau/protocol/record_batch.h>
#include <moldau/runtime/disk.h>
#include <moldau/storage/log_config.h>
#include <moldau/storage/slice_check.h>

#include "batch_scanner.h"
#include "offset_index.h"
#include "time_index.h"
#include "transaction_index.h"

namespace moldau::storage {

/// Where a batch stands in its segment, from its header.
struct BatchPlace {
    std::uint64_t position = 0;
    std::uint32_t size_bytes = 0;
    Offset base_offset = no_offset;
    Offset last_offset = no_offset;
};

class Segment {
 public:
    /// Names a segment; neither opens nor makes a file. `mark`: what its files' names end in besides.
    Segment(runtime::Disk& disk, const std::string& directory, Offset base, Timestamp opened_at,
            std::string_view mark = {});

    Offset base() const { return base_; }
    std::uint64_t size_bytes() const { return size_; }
    std::string path(std::string_view suffix) const;
    OffsetIndex& offset_index() { return offset_index_; }
    TimeIndex& time_index() { return time_index_; }
    TransactionIndex& transaction_index() { return transaction_index_; }

    /// Makes the files of an empty active segment, replacing what is there.
    Result<> create();
    /// Takes over index files of these sizes, of a segment that is not appended to.
    Result<> adopt_indexes(std::uint64_t index_bytes, std::uint64_t time_index_bytes);
    /// Takes over a log file of that size: index entries are appended by note().
    void adopt_log(std::uint64_t log_bytes) { size_ = written_from_ = log_bytes; }

    /// The log file, opened when it was not. Shared with whoever still sends from it.
    Result<std::shared_ptr<runtime::File>> file();
    /// Gives descriptors back; the next use opens them again.
    void release_files();
    /// Its descriptors count among `files`, or nowhere when null.
    void join(OpenFiles* files);

    /// Writes behind the end. On failure the file is as before, or `*broken` is set. Requires: active.
    Result<> write(std::span<const ByteView> parts, std::uint64_t bytes, bool* broken);
    /// Enters a batch that stands at `position` into timestamps and indexes. Requires: active; batches in order.
    void note(const protocol::BatchView& batch, std::uint64_t position, std::uint64_t size_bytes,
              std::int32_t index_interval_bytes);

    /// Brings the indexes into memory, drops entries that cannot be right or are of offsets from
    /// `trusted_end` on, and returns the position from which note() must be called again.
    Result<std::uint64_t> load_indexes(Offset trusted_end, Bytes& scratch);
    /// Empty indexes, to be filled by note() from position 0 on.
    void reset_indexes();
    /// Calls note() for all batches from `position` on; returns the offset behind the last, the base when there is
    /// none. Errors: corrupt, naming file and position.
    Result<Offset> note_from(std::uint64_t position, std::int32_t index_interval_bytes, Bytes& scratch);

    /// The offset behind the last batch, from the file's end alone; nothing when the indexes do not fit the file.
    /// Requires: adopted with its indexes.
    Result<std::optional<Offset>> end_by_indexes(Bytes& scratch);
    /// The largest timestamp of the first batch; no_timestamp when it has none.
    Result<Timestamp> first_timestamp(Bytes& scratch);
    /// Whether offsets are missing before the last batch, as compaction leaves them. Reads all headers.
    Result<bool> has_gaps(Bytes& scratch);

    /// Enters the largest timestamp, which Kafka takes from the time index's end, and writes the indexes.
    Result<> finish_indexes();
    /// The indexes leave memory. Requires: they are written.
    void seal();
    /// Writes what the index files lack. Requires: active.
    Result<> write_indexes();

    /// The first batch whose last offset is at or behind `offset`; nothing when all are before it.
    Result<std::optional<BatchPlace>> find(Offset offset, Bytes& scratch);

    /// Whether the batches in [begin, end) were written or walked by this process and have not left the page cache
    /// since, as far as a look at the end tells, and those that find() has met.
    bool is_known(std::uint64_t begin, std::uint64_t end);
    /// WalkedRange::ahead_of(), up to where this process has written.
    std::uint64_t ahead_of(std::uint64_t begin, std::uint64_t end) const;
    /// Where it is told what was walked.
    std::shared_ptr<WalkedRange> walked();

    /// Cuts the log file, which begins a batch at `size`; indexes must be in memory, and are cut too.
    Result<> truncate(std::uint64_t size, Offset end);

    /// The largest timestamp and the last offset of the batch that has it; no_timestamp when there is none.
    Result<TimeIndex::Entry> largest_timestamp();
    /// What retention by time goes by: the largest timestamp, or modified_at.
    Result<Timestamp> retention_timestamp();
    /// Makes sure of largest_timestamp(), which a damaged index may have told, by the batches themselves: that of the
    /// last entry and those behind it, all where they tell otherwise. Errors: corrupt; io.
    Result<> confirm_largest_timestamp(Bytes& scratch);

    /// How long the segment has waited to be rolled, in ms, before a batch of `batch_timestamp`.
    std::int64_t waited_for_roll(Timestamp now, Timestamp batch_timestamp) const;
    bool indexes_full(std::size_t more_entries, std::int32_t segment_index_bytes) const;

    /// Renames all files to `.deleted` and adds their new names to `files`. Errors: io, while the log has its name
    /// still; an index that keeps its name goes with the next start.
    Result<> mark_deleted(std::vector<std::string>& files);
    /// Removes all files.
    Result<> remove();
    /// Gives all files names that end in `mark`, the log's last. After a failure some have the new names.
    Result<> rename(std::string_view mark);

    /// `damage`, found at `position`, with the name of the log file.
    std::unexpected<Error> damage_at(std::uint64_t position, const Error& damage) const;

    bool dirty = false;               ///< the log file was written since the last flush began
    bool cut_back = false;            ///< a write that failed may have been taken back; not known to be durable
    bool index_dirty = false;         ///< closed, and its index files are not known to be durable
    bool transactions_dirty = false;  ///< transaction_index() is not known to be durable
    Timestamp modified_at;            ///< when it was appended to last; its age where no record bears a timestamp
    std::uint64_t written_back = 0;   ///< up to where writeback was asked for

 private:
    Result<std::optional<BatchPlace>> find_from(std::uint64_t position, Offset offset, Bytes& scratch);
    Result<TimeIndex::Entry> largest_timestamp_from(std::uint64_t position, Bytes& scratch);
    /// Forgets what is known of the segment where the byte at `position` is not in the page cache.
    bool forget_unless_cached(std::uint64_t position);

    runtime::Disk& disk_;
    std::string stem_;  // directory and twenty digits
    std::string mark_;  // behind the suffix
    Offset base_;
    Timestamp opened_at_;
    std::uint64_t size_ = 0;
    std::uint64_t written_from_ = 0;       // what is behind it this process has written
    std::shared_ptr<WalkedRange> walked_;  // null until somebody walks
    CachedFile file_{&dirty};
    OffsetIndex offset_index_;
    TimeIndex time_index_;
    TransactionIndex transaction_index_;
    std::optional<TimeIndex::Entry> largest_;   // unset: not read from the time index yet
    bool largest_is_sure_ = false;              // every batch was looked at
    Timestamp first_timestamp_ = no_timestamp;  // of the first batch, while active
    std::uint64_t bytes_since_entry_ = 0;
};

}  // namespace moldau::storage
