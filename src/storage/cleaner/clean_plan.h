#pragma once
// What of a log is to be compacted, and how its segments come together. Pure.

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <moldau/base/ids.h>

namespace moldau::storage {

/// A closed segment.
struct CleanSource {
    Offset base;
    Offset end;  ///< where the next one begins
    std::uint64_t size_bytes = 0;
    std::uint64_t index_bytes = 0;
    std::uint64_t time_index_bytes = 0;
};

/// From where on a log is to be compacted: what was noted, or the log's start where that cannot be.
Offset first_dirty_offset(Offset noted, Offset log_start, Offset log_end);

struct CleanRange {
    Offset first_dirty;
    Offset end;  ///< where a segment begins
    std::uint64_t clean_bytes = 0;
    std::uint64_t dirty_bytes = 0;

    /// Of the dirty bytes among all that would be read.
    double dirty_ratio() const {
        const std::uint64_t all = clean_bytes + dirty_bytes;
        return all == 0 ? 0 : static_cast<double>(dirty_bytes) / static_cast<double>(all);
    }
};

/// Of `closed`, in order: those that lie wholly before `limit`. `dirty_bytes` is 0 where there is nothing to be done.
CleanRange clean_range(std::span<const CleanSource> closed, Offset first_dirty, Offset limit);

struct GroupLimits {
    std::uint64_t segment_bytes = 0;
    std::uint64_t segment_index_bytes = 0;  ///< for either index
};

/// Sources that follow on each other, of which one segment is made.
struct SourceGroup {
    std::size_t first = 0;
    std::size_t count = 0;
    friend bool operator==(const SourceGroup&, const SourceGroup&) = default;
};

/// Puts as many together as one segment may hold even where nothing goes: those that begin before `end`.
std::vector<SourceGroup> group_sources(std::span<const CleanSource> sources, Offset end, const GroupLimits& limits);

}  // namespace moldau::storage
