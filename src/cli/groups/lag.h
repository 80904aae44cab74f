#pragma once
// What a group has read of each partition, who reads it, and how much is left. Pure.

#include <optional>
#include <vector>

#include "groups/group_client.h"

namespace moldau::cli {

struct LagRow {
    TopicPartition partition;
    std::optional<Offset> committed;
    std::optional<Offset> log_end;  ///< none: there is no such partition any more
    const MemberInfo* member = nullptr;

    /// None where nothing is committed, or there is no end to compare it with.
    std::optional<std::int64_t> lag() const;
};

/// A row for each partition that has an offset or a member, and for each member of one that has several. The rows
/// borrow from `group`.
std::vector<LagRow> lag_rows(const GroupInfo& group, const PartitionOffsets& committed,
                             const PartitionOffsets& log_ends);

}  // namespace moldau::cli
