#pragma once
// `.txnindex`: the aborted transactions whose markers a segment holds, in the markers' order (docs/formats). Searched
// on the disk, in pieces. Owned by the segment, on the log's shard.

#include <memory>
#include <string>
#include <vector>

#include <moldau/base/result.h>
#include <moldau/runtime/disk.h>
#include <moldau/storage/open_files.h>
#include <moldau/storage/producer_state.h>

namespace moldau::storage {

class TransactionIndex {
 public:
    static constexpr std::size_t entry_bytes = 34;

    TransactionIndex(runtime::Disk& disk, std::string path, Offset base)
        : disk_(disk), path_(std::move(path)), base_(base) {}

    /// There is no file yet: one of a former segment is removed.
    Result<> create();
    /// Takes over a file of that size; what is behind its last whole entry does not count.
    void adopt(std::uint64_t size_bytes) { count_ = size_bytes / entry_bytes; }
    bool is_empty() const { return count_ == 0; }
    std::uint64_t size_bytes() const { return count_ * entry_bytes; }
    const std::string& path() const { return path_; }
    /// The file has another name now.
    void rename(std::string path) { path_ = std::move(path); }

    Result<> append(const CompletedTransaction& transaction);
    /// Whether a transaction whose marker is at `marker` is still to be entered.
    Result<bool> ends_before(Offset marker);

    /// Keeps the entries of markers before `end`; returns up to where all are there, less than `end` where what follows
    /// is damaged. The file is cut by settle().
    Result<Offset> rewind(Offset end);
    /// Makes the file what this is, durably. Waits for the device.
    Result<> settle();

    struct Range {
        Offset begin;
        Offset end;          ///< exclusive
        Offset segment_end;  ///< no marker in the segment is there or behind it
    };
    /// Adds the transactions that concern `range` to `found`. True when those with later markers do not.
    /// Errors: corrupt, naming file and position, where it holds what cannot be; io.
    Result<bool> collect(const Range& range, std::vector<AbortedTransaction>& found);

    /// Gives the descriptor back; the next search opens it again.
    void release() { file_.release(); }
    void join(OpenFiles* files) { file_.join(files); }

 private:
    static CompletedTransaction parse(const std::uint8_t* entry);
    Result<> read(std::size_t slot, std::size_t count, std::uint8_t* into);
    /// How many entries, in the order of the file, have markers before `offset`.
    Result<std::size_t> slots_before(Offset offset);
    /// Calls `visit` for the entries from `slot` on while it returns true.
    template <class Visit>
    Result<> walk(std::size_t slot, Offset segment_end, Visit visit);

    runtime::Disk& disk_;
    std::string path_;
    Offset base_;
    std::size_t count_ = 0;
    CachedFile file_;
};

}  // namespace moldau::storage
