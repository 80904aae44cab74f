#pragma once
// Where a consumer begins, and where the partitions end. On the command's shard.

#include <map>
#include <vector>

#include "output/outage.h"
#include "plans.h"
#include "session.h"

namespace moldau::cli {

/// What ListOffsets understands besides times.
inline constexpr Timestamp latest_offset{-1};
inline constexpr Timestamp earliest_offset{-2};

/// The offset of each partition at `time`, no_offset where no record is as late. Asks each leader for its own; tries
/// again while that may help, until the session's timeout. `outage` hears of what fails meanwhile.
runtime::Task<Outcome<std::map<std::int32_t, Offset>>> list_offsets(Session& session, std::string topic,
                                                                    std::vector<std::int32_t> partitions,
                                                                    Timestamp time, bool read_committed,
                                                                    Outage& outage);

/// Turns `start` into an offset of each partition.
runtime::Task<Outcome<std::map<std::int32_t, Offset>>> find_start(Session& session, std::string topic,
                                                                  std::vector<std::int32_t> partitions,
                                                                  StartPosition start, bool read_committed,
                                                                  Outage& outage);

}  // namespace moldau::cli
