#include "group_model.h"

#include <algorithm>

#include <fmt/format.h>

namespace moldau::sim {

GroupModel::Broken GroupModel::assigned(const Round& round, std::int32_t partition, const std::string& member) {
    const auto [owner, is_new] = owners_.try_emplace({round, partition}, member);
    if (is_new || owner->second == member) return {};
    return fmt::format("partition {} belongs to {} and to {} in generation {}", partition, owner->second, member,
                       round.generation);
}

void GroupModel::attempted(std::int32_t partition, std::int64_t offset) {
    auto& highest = attempted_.try_emplace(partition, -1).first->second;
    highest = std::max(highest, offset);
}

void GroupModel::acknowledged(std::int32_t partition, std::int64_t offset) {
    auto& highest = acknowledged_.try_emplace(partition, -1).first->second;
    highest = std::max(highest, offset);
}

std::int64_t GroupModel::floor(std::int32_t partition) const {
    const auto found = acknowledged_.find(partition);
    return found == acknowledged_.end() ? -1 : found->second;
}

GroupModel::Broken GroupModel::fetched(std::int32_t partition, std::int64_t offset, std::int64_t floor) {
    if (offset < floor)
        return fmt::format("partition {} was committed at {}, and is told to be at {}", partition, floor, offset);
    const auto attempt = attempted_.find(partition);
    if (offset >= 0 && (attempt == attempted_.end() || offset > attempt->second))
        return fmt::format("partition {} is told to be at {}, which nobody has committed", partition, offset);
    // Who was told goes on from there: nobody is told less from now on.
    if (offset >= 0) acknowledged(partition, offset);
    return {};
}

}  // namespace moldau::sim
