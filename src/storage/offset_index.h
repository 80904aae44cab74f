#pragma once
// `.index`: for some batches of a segment, relative last offset i32 and position i32. Owned by the segment.

#include <moldau/base/ids.h>

#include "index_file.h"

namespace moldau::storage {

class OffsetIndex {
 public:
    static constexpr std::size_t entry_bytes = 8;

    struct Entry {
        Offset offset;  ///< the batch's last
        std::uint64_t position = 0;
    };

    OffsetIndex(runtime::Disk& disk, std::string path, Offset base);

    IndexFile& file() { return file_; }
    const IndexFile& file() const { return file_; }

    /// Requires: in memory; both larger than the last entry's.
    void append(Offset last_offset, std::uint64_t position);
    /// The last entry at or before `offset`; the segment's beginning when there is none.
    Result<Entry> floor(Offset offset);
    /// The first entry at or behind `position`; nothing when there is none.
    Result<std::optional<Entry>> first_at(std::uint64_t position);
    /// The last of all; the segment's beginning when there is none.
    Result<Entry> read_last();
    /// Keeps the entries of batches that begin before `position`. Requires: in memory.
    void truncate_to_position(std::uint64_t position);
    /// Keeps the entries before the first that does not rise or lies outside of the segment. Requires: in memory.
    void drop_implausible(std::uint64_t segment_size);
    /// Requires: in memory, and not empty.
    Entry last() const { return entry_at(file_.count() - 1); }
    void drop_last() { file_.truncate(file_.count() - 1); }

 private:
    Entry parse(const std::uint8_t* from) const;
    Entry entry_at(std::size_t slot) const { return parse(file_.at(slot)); }

    IndexFile file_;
    Offset base_;
};

}  // namespace moldau::storage
