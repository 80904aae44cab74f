#include "cleaner/clean_plan.h"

#include <cstdint>

namespace moldau::storage {

Offset first_dirty_offset(Offset noted, Offset log_start, Offset log_end) {
    return noted < log_start || noted > log_end ? log_start : noted;
}

CleanRange clean_range(std::span<const CleanSource> closed, Offset first_dirty, Offset limit) {
    CleanRange range{.first_dirty = first_dirty, .end = first_dirty};
    for (const CleanSource& each : closed) {
        if (each.end > limit) break;
        if (each.end <= first_dirty) {
            range.clean_bytes += each.size_bytes;
        } else {
            range.dirty_bytes += each.size_bytes;
            range.end = each.end;
        }
    }
    return range;
}

std::vector<SourceGroup> group_sources(std::span<const CleanSource> sources, Offset end, const GroupLimits& limits) {
    std::vector<SourceGroup> groups;
    CleanSource sum;
    for (std::size_t i = 0; i < sources.size() && sources[i].base < end; ++i) {
        const CleanSource& next = sources[i];
        const bool joins = !groups.empty() && sum.size_bytes + next.size_bytes <= limits.segment_bytes &&
                           sum.index_bytes + next.index_bytes <= limits.segment_index_bytes &&
                           sum.time_index_bytes + next.time_index_bytes <= limits.segment_index_bytes &&
                           next.end - 1 - sum.base <= INT32_MAX;
        if (!joins) {
            groups.push_back({.first = i, .count = 1});
            sum = next;
            continue;
        }
        ++groups.back().count;
        sum.size_bytes += next.size_bytes;
        sum.index_bytes += next.index_bytes;
        sum.time_index_bytes += next.time_index_bytes;
    }
    return groups;
}

}  // namespace moldau::storage
