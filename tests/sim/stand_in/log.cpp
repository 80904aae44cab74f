#include "log.h"

#include <moldau/protocol/record_batch.h>

namespace moldau::sim {

using protocol::BatchView;
using protocol::ErrorCode;
using runtime::Task;

Result<> StandInLog::recover() {
    MOLDAU_TRY(size, file_->size());
    Bytes content(size);
    MOLDAU_TRY(read, file_->read_at(content, 0));
    content.resize(read);
    protocol::BatchIterator batches(content);
    BatchView batch;
    while (batches.next(batch)) {
        if (bug_ != Bug::torn_tail_kept && !batch.crc_ok()) break;
        if (batch.base_offset().value() != next_offset_) break;
        place(batch.bytes());
    }
    MOLDAU_CHECK(file_->truncate(size_bytes_));
    MOLDAU_CHECK(file_->sync());
    durable_ = next_offset_;
    return {};
}

void StandInLog::place(ByteView bytes) {
    const BatchView batch(bytes);
    const std::int64_t end = batch.next_offset().value();
    batches_.push_back({size_bytes_, bytes.size(), batch.base_offset().value(), end});
    size_bytes_ += bytes.size();
    next_offset_ = end;
    if (!batch.has_producer_id()) return;
    auto& remembered = producers_[batch.producer_id().value()];
    remembered.push_back(
        {batch.base_sequence(), protocol::sequence_after(batch.last_sequence(), 1), batch.base_offset().value(), end});
    if (remembered.size() > 5) remembered.pop_front();
}

StandInLog::Appended StandInLog::append(ByteView bytes, bool acks_all) {
    Bytes own(bytes.begin(), bytes.end());
    const BatchView batch(own);
    if (failed_) return {ErrorCode::kafka_storage_error};
    if (batch.has_producer_id() && bug_ != Bug::duplicate_appended) {
        const auto& remembered = producers_[batch.producer_id().value()];
        for (const Remembered& old : remembered)
            if (old.base_sequence == batch.base_sequence())
                return {ErrorCode::none, old.base_offset, bug_ == Bug::duplicate_early ? 0 : old.end_offset};
        const std::int32_t due = remembered.empty() ? 0 : remembered.back().next_sequence;
        if (batch.base_sequence() != due) return {ErrorCode::out_of_order_sequence_number};
    }
    protocol::set_base_offset(own, Offset(next_offset_));
    protocol::set_partition_leader_epoch(own, LeaderEpoch(0));
    const ByteView parts[] = {own};
    if (!file_->write_at(parts, size_bytes_)) {
        if (!file_->truncate(size_bytes_)) failed_ = true;
        return {ErrorCode::kafka_storage_error};
    }
    const std::int64_t base_offset = next_offset_;
    place(own);
    if (acks_all) barriers_.insert(base_offset);
    changed_.notify_all();
    return {ErrorCode::none, base_offset, next_offset_};
}

Task<bool> StandInLog::wait_durable(std::int64_t offset) {
    if (bug_ == Bug::ack_before_sync) co_return true;
    while (durable_ < offset && !failed_) {
        if (syncing_) {
            co_await changed_.wait();
            continue;
        }
        syncing_ = true;
        const std::int64_t covered = next_offset_;
        const auto synced = co_await runtime::sync_file(*file_, shard_);
        syncing_ = false;
        if (synced)
            durable_ = bug_ == Bug::synced_too_much ? next_offset_ : covered;
        else
            failed_ = true;
        std::erase_if(barriers_, [this](std::int64_t base) { return base < durable_; });
        changed_.notify_all();
    }
    co_return !failed_;
}

std::int64_t StandInLog::high_watermark() const {
    if (bug_ == Bug::watermark_from_log_end) return next_offset_;
    return barriers_.empty() ? next_offset_ : *barriers_.begin();
}

Result<Bytes> StandInLog::read(std::int64_t offset, std::size_t max_bytes) const {
    auto batch = std::ranges::upper_bound(batches_, offset, {}, &Placed::end_offset);
    const auto first = batch;
    std::size_t size = 0;
    for (; batch != batches_.end() && batch->end_offset <= high_watermark(); ++batch) {
        if (size > 0 && size + batch->size > max_bytes) break;
        size += batch->size;
    }
    Bytes bytes(size);
    if (size == 0) return bytes;
    MOLDAU_TRY(read, file_->read_at(bytes, first->position));
    bytes.resize(read);
    return bytes;
}

}  // namespace moldau::sim
