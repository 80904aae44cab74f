#pragma once
// `.timeindex`: the largest timestamp so far i64 and the relative last offset i32 of the batch that has it, both
// rising. Owned by the segment.

#include <moldau/base/ids.h>

#include "index_file.h"

namespace moldau::storage {

class TimeIndex {
 public:
    static constexpr std::size_t entry_bytes = 12;

    struct Entry {
        Timestamp timestamp = no_timestamp;
        Offset offset = no_offset;
    };

    TimeIndex(runtime::Disk& disk, std::string path, Offset base);

    IndexFile& file() { return file_; }
    const IndexFile& file() const { return file_; }

    /// Does nothing unless the timestamp is larger than the last one. Requires: in memory.
    void maybe_append(Entry entry);
    /// The last entry at or before `timestamp`; no timestamp and the segment's base when there is none.
    Result<Entry> floor(Timestamp timestamp);
    /// The same with the last of all.
    Result<Entry> last();
    /// Keeps the entries whose offset is before `end`. Requires: in memory.
    void truncate_to_offset(Offset end);
    /// Keeps the entries before the first that does not rise or is padding. Requires: in memory.
    void drop_implausible();

 private:
    Entry parse(const std::uint8_t* from) const;

    IndexFile file_;
    Offset base_;
};

}  // namespace moldau::storage
