#pragma once
// Where each leader epoch began in one log: `leader-epoch-checkpoint`. Owned by the Log, on its shard; pure: the Log
// reads and writes the file.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <moldau/base/ids.h>
#include <moldau/base/result.h>

namespace moldau::storage {

struct EpochStart {
    LeaderEpoch epoch;
    Offset start_offset;
    friend bool operator==(const EpochStart&, const EpochStart&) = default;
};

/// The last offset of an epoch, exclusive; epoch and offset are −1 where it is not known.
struct EpochEnd {
    LeaderEpoch epoch = no_leader_epoch;
    Offset end_offset = no_offset;
    friend bool operator==(const EpochEnd&, const EpochEnd&) = default;
};

class LeaderEpochCache {
 public:
    static constexpr std::string_view file_name = "leader-epoch-checkpoint";

    /// Records that `epoch` began at `start_offset`; entries that contradict it go. True when something changed.
    /// Requires: neither is negative.
    bool assign(LeaderEpoch epoch, Offset start_offset);

    std::optional<LeaderEpoch> latest_epoch() const;
    std::optional<EpochStart> earliest() const;
    /// The epoch that the record at `offset` was written in.
    std::optional<LeaderEpoch> epoch_of(Offset offset) const;
    /// The answer of OffsetForLeaderEpoch.
    EpochEnd end_offset_for(LeaderEpoch epoch, Offset log_end) const;

    /// Drops the epochs that begin at or after `end`. True when something changed.
    bool truncate_from_end(Offset end);
    /// Drops the epochs that ended before `start`; the one that holds it begins there now. True when something changed.
    bool truncate_from_start(Offset start);
    bool clear();

    const std::vector<EpochStart>& entries() const { return entries_; }

    /// The file's text, version 0.
    std::string encode() const;
    /// Errors: invalid.
    static Result<LeaderEpochCache> decode(std::string_view text);

 private:
    std::vector<EpochStart> entries_;  // epochs and offsets rise strictly
};

}  // namespace moldau::storage
