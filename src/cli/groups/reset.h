#pragma once
// The arithmetic of resetting a group's offsets, and the file that plans are kept in. Pure.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <moldau/base/result.h>

#include "failure.h"
#include "groups/topic_partition.h"
#include "plans.h"

namespace moldau::cli {

/// A partition whose offset is to be reset, with what that is reckoned from.
struct ResetInput {
    TopicPartition partition;
    std::optional<Offset> committed;
    Offset log_start{0};
    Offset log_end{0};
    Offset at_time = no_offset;  ///< for times: no_offset where no record is as late
    Offset in_file{0};           ///< for files
};

struct ResetStep {
    TopicPartition partition;
    std::optional<Offset> committed;
    Offset offset{0};
    std::string notice;  ///< what the user does not expect; mostly empty
};

/// ExitCode::failed where an offset is to be shifted that there is not.
Outcome<std::vector<ResetStep>> plan_reset(const ResetTarget& target, const std::vector<ResetInput>& inputs);

/// "topic,partition,offset" a line, as Kafka's tool writes it, or with `group` and a comma before it: lines of other
/// groups are passed over then. Errc::invalid names the line.
Result<PartitionOffsets> parse_reset_file(std::string_view text, std::string_view group);

/// The same for all steps.
std::string reset_file_of(const std::vector<ResetStep>& steps);

}  // namespace moldau::cli
