#pragma once
// What the members of a group were promised: that a partition has one owner in a generation, and that what was
// committed stays and never goes back. Pure. Members begin where their predecessors have committed and count on from
// there.

#include <compare>
#include <cstdint>
#include <map>
#include <string>
#include <utility>

namespace moldau::sim {

class GroupModel {
 public:
    /// The first promise that was broken, by what a function returned; empty: none.
    using Broken = std::string;

    /// What tells a round from all others. A group without offsets is forgotten once it is empty, and one of its name
    /// begins with generation 1 again: who joined before the group was sure to last goes by the leader, too.
    struct Round {
        std::int32_t generation = -1;
        std::string leader;  ///< its member id; empty where the group lasts

        auto operator<=>(const Round&) const = default;
    };

    /// Something was committed that stays: whoever joins from now on joins a group that is never forgotten.
    bool lasts() const { return !acknowledged_.empty(); }
    /// `member` was told that the partition is its own in `round`.
    Broken assigned(const Round& round, std::int32_t partition, const std::string& member);
    /// A commit of `offset` leaves: it may arrive, whether or not that is told.
    void attempted(std::int32_t partition, std::int64_t offset);
    void acknowledged(std::int32_t partition, std::int64_t offset);
    /// What is promised at least to who asks now; −1: nothing.
    std::int64_t floor(std::int32_t partition) const;
    /// `offset` (−1: none) was read by one who asked when the floor was `floor`; it is the floor from now on.
    Broken fetched(std::int32_t partition, std::int64_t offset, std::int64_t floor);

 private:
    std::map<std::pair<Round, std::int32_t>, std::string> owners_;  ///< by round and partition
    std::map<std::int32_t, std::int64_t> attempted_;                ///< the highest
    std::map<std::int32_t, std::int64_t> acknowledged_;
};

}  // namespace moldau::sim
