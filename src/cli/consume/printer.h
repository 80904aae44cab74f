#pragma once
// From a consumer to standard output. Owned by the consume command; on its shard.

#include <map>
#include <string>

#include <moldau/cli/cli.h>

#include "consume/consumer.h"
#include "consume/record_format.h"
#include "consume/records_reader.h"
#include "output/progress.h"
#include "plans.h"

namespace moldau::cli {

class Printer {
 public:
    /// All outlive the printer.
    Printer(OnlineWorld& world, const Consume& asked, RecordFormat format, Progress& progress)
        : world_(world), asked_(asked), format_(std::move(format)), progress_(progress) {}

    /// Prints what the consumer gives until it ends, or enough is printed. ExitCode::ok as a failure: whoever read the
    /// output has seen enough.
    runtime::Task<Outcome<>> run(Consumer& consumer);

    bool is_full() const { return asked_.max_count && count_ >= *asked_.max_count; }

    /// The offsets behind what was written of each partition since they were cleared.
    const std::map<std::int32_t, Offset>& positions() const { return positions_; }
    void clear_positions() { positions_.clear(); }

 private:
    /// Into the buffer; gives the offset behind.
    Result<Offset> print(const FetchedPartition& part);
    /// On the I/O pool, so that a slow reader does not keep the next fetch from coming.
    runtime::Task<Result<>> write();

    OnlineWorld& world_;
    const Consume& asked_;
    RecordFormat format_;
    Progress& progress_;
    RecordsReader reader_;
    std::string buffer_;
    std::map<std::int32_t, Offset> positions_;
    std::int64_t count_ = 0;
    std::int64_t reported_ = 0;
};

}  // namespace moldau::cli
