#include "context.h"

#include <moldau/base/assert.h>

namespace moldau::raft {

Context::Context(Options options, Recovered recovered)
    : options_(options),
      control_(std::move(recovered.control)),
      log_end_(recovered.log_end),
      durable_end_(recovered.durable_end),
      high_watermark_(recovered.applied_end),
      saved_(recovered.election) {
    MOLDAU_ASSERT(high_watermark_ <= durable_end_ && durable_end_ <= log_end_);
}

void Context::save(const ElectionState& state) {
    output_.persist.state = StateToSave{
        .state = state, .content = encode_quorum_state(state, control_.kraft_version(), control_.voters().ids())};
}

std::optional<Offset> Context::append_records(LeaderEpoch epoch, std::span<const Bytes> values, Timestamp timestamp,
                                              Grouping grouping) {
    MOLDAU_ASSERT(!values.empty());
    constexpr std::size_t most_beside_value = 32;  // of a record's bytes
    std::vector<protocol::BatchBuilder> batches;
    batches.emplace_back(protocol::BatchOptions{.base_offset = log_end_, .leader_epoch = epoch});
    for (const Bytes& value : values) {
        const std::size_t fuller = batches.back().size_bytes() + value.size() + most_beside_value;
        if (grouping == Grouping::many_batches && !batches.back().empty() && fuller > options_.max_batch_bytes)
            batches.emplace_back(
                protocol::BatchOptions{.base_offset = batches.back().next_offset(), .leader_epoch = epoch});
        batches.back().append({.timestamp = timestamp, .value = ByteView(value)});
        if (batches.back().size_bytes() > options_.max_batch_bytes) return std::nullopt;
    }
    for (protocol::BatchBuilder& batch : batches) append(std::move(batch), epoch);
    return log_end_ - 1;
}

void Context::append_control(LeaderEpoch epoch, std::span<const ControlRecord> records, Timestamp timestamp) {
    protocol::BatchBuilder batch({.base_offset = log_end_, .leader_epoch = epoch, .control = true});
    for (const ControlRecord& record : records) {
        control_.add(ControlRecordAt{batch.next_offset(), record});
        append_control_record(batch, record, timestamp);
    }
    append(std::move(batch), epoch);
}

void Context::append(protocol::BatchBuilder&& batch, LeaderEpoch epoch) {
    const Offset end = batch.next_offset();
    output_.persist.appends.push_back(
        {.base_offset = log_end_, .end_offset = end, .epoch = epoch, .batches = batch.finish()});
    log_end_ = end;
}

void Context::note_persisted(const Persisted& persisted) {
    MOLDAU_ASSERT(persisted.durable_end <= log_end_);
    MOLDAU_ASSERT(persisted.durable_end >= durable_end_);
    durable_end_ = persisted.durable_end;
    if (persisted.state) saved_ = *persisted.state;
}

void Context::commit_to(Offset end) {
    MOLDAU_ASSERT(end <= durable_end_);
    if (end <= high_watermark_) return;
    auto& apply = output_.apply;
    apply = CommittedRange{.begin = apply ? apply->begin : high_watermark_, .end = end};
    high_watermark_ = end;
}

}  // namespace moldau::raft
