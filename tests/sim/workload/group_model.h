#pragma once
// What the members of a group were promised: that a partition has one owner in a generation, and that what was
// committed stays and never goes back. Pure. Members begin where their predecessors have committed and count on from
// there.

#include <cstdint>
#include <map>
#include <string>
#include <utility>

namespace moldau::sim {

class GroupModel {
 public:
    /// The first promise that was broken, by what a function returned; empty: none.
    using Broken = std::string;

    /// `member` was told that the partition is its own in `generation`.
    Broken assigned(std::int32_t generation, std::int32_t partition, const std::string& member);
    /// A commit of `offset` leaves: it may arrive, whether or not that is told.
    void attempted(std::int32_t partition, std::int64_t offset);
    void acknowledged(std::int32_t partition, std::int64_t offset);
    /// What is promised at least to who asks now; −1: nothing.
    std::int64_t floor(std::int32_t partition) const;
    /// `offset` (−1: none) was read by one who asked when the floor was `floor`.
    Broken fetched(std::int32_t partition, std::int64_t offset, std::int64_t floor) const;

 private:
    std::map<std::pair<std::int32_t, std::int32_t>, std::string> owners_;  ///< by generation and partition
    std::map<std::int32_t, std::int64_t> attempted_;                       ///< the highest
    std::map<std::int32_t, std::int64_t> acknowledged_;
};

}  // namespace moldau::sim
