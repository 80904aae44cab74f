#include "produce/accumulator.h"

namespace moldau::cli {

Accumulator::Opened::iterator Accumulator::open(std::int32_t partition, runtime::TimePoint now) {
    protocol::BatchOptions batch;
    batch.codec = options_.codec;
    if (options_.producer_id != no_producer_id) {
        batch.producer_id = options_.producer_id;
        batch.producer_epoch = options_.producer_epoch;
        batch.base_sequence = next_sequences_[partition];
    }
    return open_.emplace(partition, Open{protocol::BatchBuilder(batch), now}).first;
}

void Accumulator::add(std::int32_t partition, const protocol::RecordToWrite& record, runtime::TimePoint now) {
    const std::size_t size = protocol::BatchBuilder::record_size_bound(record);
    auto at = open_.find(partition);
    if (at != open_.end() && at->second.builder.size_bytes() + size > options_.batch_size_bytes) {
        close(at);
        at = open_.end();
    }
    if (at == open_.end()) at = open(partition, now);
    protocol::BatchBuilder& builder = at->second.builder;
    const std::size_t before = builder.empty() ? 0 : builder.size_bytes();
    builder.append(record);
    open_bytes_ += builder.size_bytes() - before;
    if (builder.size_bytes() >= options_.batch_size_bytes) close(at);
}

Accumulator::Opened::iterator Accumulator::close(Opened::iterator at) {
    protocol::BatchBuilder& builder = at->second.builder;
    Batch batch;
    batch.partition = at->first;
    batch.number = next_number_++;
    batch.records = builder.count();
    batch.deadline = runtime::after(at->second.since, options_.delivery_timeout);
    open_bytes_ -= builder.size_bytes();
    batch.bytes = builder.finish(compressor_);
    if (options_.producer_id != no_producer_id) {
        std::int32_t& next = next_sequences_[at->first];
        next = protocol::sequence_after(next, batch.records);
    }
    at = open_.erase(at);
    on_closed_(std::move(batch));
    return at;
}

void Accumulator::close_due(runtime::TimePoint now) {
    for (auto at = open_.begin(); at != open_.end();)
        at = runtime::after(at->second.since, options_.linger) <= now ? close(at) : std::next(at);
}

void Accumulator::close_all() {
    for (auto at = open_.begin(); at != open_.end();) at = close(at);
}

runtime::TimePoint Accumulator::next_due() const {
    runtime::TimePoint due = runtime::never;
    for (const auto& [partition, open] : open_) due = std::min(due, runtime::after(open.since, options_.linger));
    return due;
}

}  // namespace moldau::cli
