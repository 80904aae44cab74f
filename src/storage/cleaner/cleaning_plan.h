#pragma once
// What a cleaning job knows of its log. Made by the log, on its shard.

#include <string>
#include <vector>

#include <moldau/storage/cleaning_job.h>

#include "cleaner/batch_filter.h"
#include "cleaner/clean_plan.h"

namespace moldau::storage {

struct CleaningJob::Source : CleanSource {
    std::string stem;  ///< path of its files, but for their suffixes
    std::uint64_t transaction_index_bytes = 0;
    Timestamp modified_at{0};
};

struct CleaningJob::Plan {
    std::string directory;
    Offset first_dirty;
    Offset end;
    CleaningOptions options;
    FilterRules rules;
    GroupLimits limits;
    std::int32_t index_interval_bytes = 0;
    std::uint64_t truncations = 0;  ///< of the log when it was made
    std::vector<Source> sources;    ///< all that begin before `end`
    std::vector<SourceGroup> groups = {};
};

}  // namespace moldau::storage
