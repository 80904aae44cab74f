#include <algorithm>

#include <moldau/base/assert.h>
#include <moldau/protocol/batch_builder.h>
#include <moldau/protocol/record.h>
#include <moldau/storage/producer_state.h>

namespace moldau::storage {
namespace {

using protocol::BatchView;
using protocol::no_sequence;

bool follows(std::int32_t last, std::int32_t next) {
    return next == (last == no_sequence ? 0 : protocol::sequence_after(last, 1));
}

ProducerVerdict check_sequence(const ProducerEntry& entry, const BatchView& batch) {
    if (entry.epoch == no_producer_epoch) return ProducerVerdict::ok;
    const bool in_order = batch.producer_epoch() == entry.epoch ? follows(entry.last_sequence(), batch.base_sequence())
                                                                : batch.base_sequence() == 0;
    return in_order ? ProducerVerdict::ok : ProducerVerdict::out_of_order_sequence;
}

const ProducerBatch* find_duplicate(const ProducerEntry& entry, const BatchView& batch) {
    if (batch.producer_epoch() != entry.epoch) return nullptr;
    for (const ProducerBatch& known : entry.batches())
        if (known.first_sequence() == batch.base_sequence() && known.last_sequence == batch.last_sequence())
            return &known;
    return nullptr;
}

struct Marker {
    protocol::EndTransactionMarker content;
    Timestamp timestamp;
};

std::optional<Marker> marker_in(const BatchView& batch) {
    protocol::RecordIterator records(batch.records(), batch.count());
    protocol::RecordView record;
    if (!records.next(record)) return std::nullopt;
    const auto content = protocol::end_transaction_marker_of(record);
    if (!content) return std::nullopt;
    return Marker{*content, protocol::timestamp_of(batch, record)};
}

ProducerVerdict check_marker(const ProducerEntry& entry, const BatchView& batch) {
    const auto marker = marker_in(batch);
    if (marker && entry.coordinator_epoch > marker->content.coordinator_epoch)
        return ProducerVerdict::transaction_coordinator_fenced;
    return ProducerVerdict::ok;
}

// From transaction version 2 on a marker's epoch is newer than that of its transaction; the same epoch is a marker
// repeated, or the last epoch there is.
bool is_fenced(const ProducerEntry& entry, const BatchView& batch, std::int16_t transaction_version) {
    constexpr ProducerEpoch last_epoch{INT16_MAX};
    const ProducerEpoch epoch = batch.producer_epoch();
    if (!batch.is_control() || transaction_version < 2 || epoch != entry.epoch) return epoch < entry.epoch;
    return entry.in_transaction() && epoch != last_epoch;
}

ProducerCheck check_against(const ProducerEntry& entry, const BatchView& batch, ProducerOrigin origin,
                            std::int16_t transaction_version) {
    if (origin == ProducerOrigin::replication) return {};
    if (origin == ProducerOrigin::client) {
        if (const ProducerBatch* original = find_duplicate(entry, batch))
            return {ProducerVerdict::duplicate, *original};
    }
    if (is_fenced(entry, batch, transaction_version)) return {ProducerVerdict::invalid_producer_epoch};
    if (batch.is_control()) return {check_marker(entry, batch)};
    if (origin == ProducerOrigin::client) {
        const ProducerVerdict verdict = check_sequence(entry, batch);
        if (verdict != ProducerVerdict::ok) return {verdict};
    }
    if (entry.in_transaction() && !batch.is_transactional()) return {ProducerVerdict::invalid_txn_state};
    return {};
}

// True when it begins a transaction.
bool note_data(ProducerEntry& entry, const BatchView& batch) {
    entry.take_epoch(batch.producer_epoch());
    entry.add({.last_sequence = batch.last_sequence(),
               .offset_delta = static_cast<std::int32_t>(batch.last_offset() - batch.base_offset()),
               .last_offset = batch.last_offset(),
               .timestamp = batch.max_timestamp()});
    entry.last_timestamp = batch.max_timestamp();
    if (!batch.is_transactional() || entry.in_transaction()) return false;
    entry.current_txn_first_offset = batch.base_offset();
    return true;
}

void note_marker(ProducerEntry& entry, const BatchView& batch, const Marker& marker) {
    entry.take_epoch(batch.producer_epoch());
    entry.coordinator_epoch = marker.content.coordinator_epoch;
    entry.last_timestamp = marker.timestamp;
    entry.current_txn_first_offset = no_offset;
}

}  // namespace

std::int32_t ProducerBatch::first_sequence() const {
    // Back over the wrap from the largest sequence to 0.
    return static_cast<std::int32_t>(
        (static_cast<std::uint32_t>(last_sequence) - static_cast<std::uint32_t>(offset_delta)) & 0x7fffffffU);
}

void ProducerEntry::take_epoch(ProducerEpoch newer) {
    if (epoch == newer) return;
    count = 0;
    epoch = newer;
}

void ProducerEntry::add(const ProducerBatch& added) {
    if (count == retained_batches) {
        std::ranges::rotate(batch, batch.begin() + 1);
        --count;
    }
    batch[count++] = added;
}

ProducerCheck ProducerState::check(const BatchView& batch, ProducerOrigin origin,
                                   std::int16_t transaction_version) const {
    if (!batch.has_producer_id()) return {};
    const ProducerEntry* entry = find(batch.producer_id());
    return check_against(entry == nullptr ? ProducerEntry{} : *entry, batch, origin, transaction_version);
}

std::optional<CompletedTransaction> ProducerState::apply(const BatchView& batch, Timestamp used_at) {
    end_offset_ = std::max(end_offset_, batch.next_offset());
    if (!batch.has_producer_id()) return std::nullopt;
    if (batch.is_control()) return end_transaction(batch, used_at);
    ProducerEntry& entry = producers_[batch.producer_id()];
    entry.last_used = used_at;
    if (note_data(entry, batch)) open_transactions_[batch.base_offset()] = batch.producer_id();
    return std::nullopt;
}

std::optional<CompletedTransaction> ProducerState::end_transaction(const BatchView& batch, Timestamp used_at) {
    const auto marker = marker_in(batch);
    if (!marker) return std::nullopt;
    const ProducerId id = batch.producer_id();
    ProducerEntry& entry = producers_[id];
    entry.last_used = used_at;
    const Offset first = entry.current_txn_first_offset;
    note_marker(entry, batch, *marker);
    if (first == no_offset) return std::nullopt;
    open_transactions_.erase(first);
    unreplicated_[first] = {batch.base_offset()};
    const Offset stable = open_transactions_.empty() ? batch.base_offset() + 1 : open_transactions_.begin()->first;
    return CompletedTransaction{id, first, batch.base_offset(), stable, !marker->content.commit};
}

const ProducerEntry* ProducerState::find(ProducerId id) const {
    const auto found = producers_.find(id);
    return found == producers_.end() ? nullptr : &found->second;
}

void ProducerState::remove_expired(Timestamp now, std::int64_t expiration_ms) {
    std::erase_if(producers_, [&](const auto& item) {
        return !item.second.in_transaction() && now - item.second.last_used >= expiration_ms;
    });
}

void ProducerState::on_recovered(Timestamp now, std::int64_t expiration_ms) {
    const Timestamp earliest = now - (expiration_ms - std::min(recovery_grace_ms, expiration_ms));
    for (auto& [id, entry] : producers_) entry.last_used = std::clamp(entry.last_timestamp, earliest, now);
}

std::optional<Offset> ProducerState::first_unstable_offset() const {
    std::optional<Offset> first;
    if (!open_transactions_.empty()) first = open_transactions_.begin()->first;
    if (!unreplicated_.empty() && (!first || unreplicated_.begin()->first < *first))
        first = unreplicated_.begin()->first;
    return first;
}

void ProducerState::on_high_watermark(Offset high_watermark) {
    std::erase_if(unreplicated_, [&](const auto& item) { return item.second.last_offset < high_watermark; });
}

void ProducerState::clear(Offset end) {
    producers_.clear();
    open_transactions_.clear();
    unreplicated_.clear();
    end_offset_ = end;
}

}  // namespace moldau::storage
