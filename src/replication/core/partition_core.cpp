#include <algorithm>

#include <moldau/base/assert.h>
#include <moldau/replication/partition_core.h>

namespace moldau::replication {

void PartitionCore::become_leader(LeaderEpoch epoch, Offset log_end, Offset durable_end) {
    MOLDAU_ASSERT(durable_end <= log_end);
    leader_epoch_ = epoch;
    epoch_start_ = log_end_ = log_end;
    durable_end_ = durable_end;
    barriers_.clear();
    if (durable_end < log_end) barriers_.push_back({durable_end, log_end});
    advance();
}

void PartitionCore::on_append(Offset first, Offset end, bool acks_all) {
    MOLDAU_ASSERT(first == log_end_);
    log_end_ = end;
    if (acks_all && flush_before_commit_) barriers_.push_back({first, end});
    advance();
}

void PartitionCore::on_durable(Offset durable_end) {
    durable_end_ = std::max(durable_end_, durable_end);
    while (!barriers_.empty() && barriers_.front().end <= durable_end_) barriers_.pop_front();
    advance();
}

void PartitionCore::set_flush_before_commit(bool flush) {
    flush_before_commit_ = flush;
    if (!flush) barriers_.clear();
    advance();
}

Offset PartitionCore::acknowledged_end() const {
    return flush_before_commit_ ? std::min(high_watermark_, durable_end_) : high_watermark_;
}

void PartitionCore::advance() {
    const Offset reach = barriers_.empty() ? log_end_ : barriers_.front().first;
    high_watermark_ = std::max(high_watermark_, reach);
}

}  // namespace moldau::replication
