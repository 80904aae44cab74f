#pragma once
// The log of a coordinator's partition as its driver uses it: read once from the start, then appended to. On the
// partition's shard.

#include <expected>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include <moldau/base/result.h>
#include <moldau/coordinator/machine.h>
#include <moldau/protocol/error_code.h>
#include <moldau/protocol/record.h>
#include <moldau/replication/partition.h>
#include <moldau/runtime/async.h>
#include <moldau/runtime/disk.h>

namespace moldau::coordinator {

class PartitionLog {
 public:
    using Replay = std::function<Result<>(Offset, const protocol::RecordView&)>;

    PartitionLog(std::shared_ptr<replication::Partition> partition, runtime::Disk& disk)
        : partition_(std::move(partition)), disk_(disk) {}

    runtime::Shard& shard() const { return partition_->shard(); }
    std::string name() const;

    /// Gives `replay` all records that were written before the call, once they are committed; those of transactions
    /// when their marker says so. Errors: closed when this node ceases to lead; of the disk; corrupt, and those of
    /// `replay`.
    runtime::Task<Result<>> load(Replay replay);

    /// How many of the first records fit into one batch; at least one.
    std::size_t count_that_fits(std::span<const Record> records) const;
    /// Returns where they end. Requires: not empty.
    std::expected<Offset, protocol::ErrorCode> append(std::span<const Record> records);

    /// Calls `done` once what lies below `end` is committed, or with the error that prevents it.
    void when_committed(Offset end, std::move_only_function<void(protocol::ErrorCode)> done) {
        partition_->when_acknowledged(end, std::move(done));
    }

 private:
    runtime::Task<protocol::ErrorCode> wait_until_committed(Offset end);

    std::shared_ptr<replication::Partition> partition_;
    runtime::Disk& disk_;
};

}  // namespace moldau::coordinator
