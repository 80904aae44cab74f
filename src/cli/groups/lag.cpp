#include "groups/lag.h"

namespace moldau::cli {

namespace {

std::optional<Offset> offset_in(const PartitionOffsets& offsets, const TopicPartition& partition) {
    const auto found = offsets.find(partition);
    return found == offsets.end() ? std::nullopt : std::optional(found->second);
}

}  // namespace

std::optional<std::int64_t> LagRow::lag() const {
    if (!committed || !log_end) return std::nullopt;
    return *log_end - *committed;
}

std::vector<LagRow> lag_rows(const GroupInfo& group, const PartitionOffsets& committed,
                             const PartitionOffsets& log_ends) {
    std::multimap<TopicPartition, const MemberInfo*> readers;
    for (const MemberInfo& member : group.members)
        for (const TopicPartition& partition : member.partitions) readers.emplace(partition, &member);
    for (const auto& [partition, offset] : committed)
        if (!readers.contains(partition)) readers.emplace(partition, nullptr);
    std::vector<LagRow> rows;
    for (const auto& [partition, member] : readers)
        rows.push_back({partition, offset_in(committed, partition), offset_in(log_ends, partition), member});
    return rows;
}

}  // namespace moldau::cli
