#pragma once
// Writes the segment that compaction makes of others, in files whose names end in `.cleaned`. Part of a cleaning job,
// one thread at a time.

#include <memory>

#include "segment.h"

namespace moldau::storage {

class SegmentWriter {
 public:
    SegmentWriter(runtime::Disk& disk, const std::string& directory, Offset base, Timestamp now,
                  std::int32_t index_interval_bytes);

    /// Replaces what an earlier cleaning left.
    Result<> create();
    /// A whole batch. Errors: io; no_space; unsupported where the segment becomes too large.
    Result<> add(const protocol::BatchView& batch);
    /// The same for one that is not held: `header` is all that is.
    Result<> copy(const runtime::File& from, std::uint64_t position, const protocol::BatchView& header,
                  std::size_t size_bytes);
    /// The aborted transactions of a source, whole entries in the order of the sources.
    Result<> add_transactions(const std::string& path, std::uint64_t size_bytes);
    /// Has the device begin with what was written.
    void write_back();

    /// Makes all of it durable, but for the names.
    Result<> finish();
    std::uint64_t size_bytes() const { return segment_->size_bytes() + pending_.size(); }

    /// Ready to be renamed and read. Requires: finished.
    std::unique_ptr<Segment> take() { return std::move(segment_); }

    /// Removes what is there of such a segment. `staged`: it may have been given its next names, in part or durably.
    static Result<> discard(runtime::Disk& disk, const std::string& directory, Offset base, bool staged);

 private:
    Result<> note(const protocol::BatchView& batch, std::size_t size_bytes);
    Result<> write_pending();

    runtime::Disk& disk_;
    std::unique_ptr<Segment> segment_;
    std::int32_t index_interval_bytes_;
    Bytes pending_;
    std::uint64_t transaction_bytes_ = 0;
};

}  // namespace moldau::storage
