// The bytes of ProducerState's snapshots: version i16, CRC-32C u32 of all behind it, and the entries. A producer has
// one entry a remembered batch, oldest first, at least one; Apache Kafka keeps the last of them.

#include <moldau/base/crc32c.h>
#include <moldau/protocol/reader.h>
#include <moldau/protocol/records/producer_snapshot.h>
#include <moldau/protocol/writer.h>
#include <moldau/storage/producer_state.h>

namespace moldau::storage {
namespace {

using protocol::ProducerSnapshot;

constexpr std::int16_t version = 1;
constexpr std::size_t crc_position = 2;
constexpr std::size_t entries_position = 6;
constexpr std::uint64_t without_entries_bytes = 10;
constexpr std::uint64_t entry_bytes = 46;

ProducerSnapshot::ProducerEntry base_entry(ProducerId id, const ProducerEntry& entry) {
    ProducerSnapshot::ProducerEntry out;
    out.producer_id = id;
    out.epoch = entry.epoch;
    out.last_sequence = protocol::no_sequence;
    out.last_offset = no_offset;
    out.timestamp = entry.last_timestamp;
    out.coordinator_epoch = entry.coordinator_epoch;
    out.current_txn_first_offset = entry.current_txn_first_offset;
    return out;
}

void restore(ProducerEntry& entry, const ProducerSnapshot::ProducerEntry& from) {
    entry.take_epoch(from.epoch);
    entry.coordinator_epoch = from.coordinator_epoch;
    entry.last_timestamp = entry.last_used = from.timestamp;
    entry.current_txn_first_offset =
        from.current_txn_first_offset.value() >= 0 ? from.current_txn_first_offset : no_offset;
    if (from.last_offset.value() < 0) return;
    entry.add({.last_sequence = from.last_sequence,
               .offset_delta = from.offset_delta,
               .last_offset = from.last_offset,
               .timestamp = from.timestamp});
}

}  // namespace

Bytes ProducerState::encode_snapshot() const {
    ProducerSnapshot snapshot;
    for (const auto& [id, entry] : producers_) {
        const std::span<const ProducerBatch> batches = entry.batches();
        if (batches.empty()) snapshot.producer_entries.push_back(base_entry(id, entry));
        for (std::size_t i = 0; i < batches.size(); ++i) {
            ProducerSnapshot::ProducerEntry& out = snapshot.producer_entries.emplace_back(base_entry(id, entry));
            out.last_sequence = batches[i].last_sequence;
            out.last_offset = batches[i].last_offset;
            out.offset_delta = batches[i].offset_delta;
            // The last entry's is the producer's own, which a marker may have moved on.
            if (i + 1 < batches.size()) out.timestamp = batches[i].timestamp;
        }
    }
    protocol::Writer writer;
    writer.integer(version);
    snapshot.encode(writer, version);
    Bytes file = writer.take();
    store_big_endian(file.data() + crc_position, crc32c(ByteView(file).subspan(entries_position)));
    return file;
}

std::uint64_t ProducerState::max_snapshot_bytes() const {
    return without_entries_bytes + producers_.size() * ProducerEntry::retained_batches * entry_bytes;
}

Result<> ProducerState::decode_snapshot(ByteView file, Offset end) {
    if (file.size() < entries_position) return fail(Errc::corrupt, "a producer snapshot that ends in its header");
    protocol::Reader reader(file);
    if (const auto found = reader.integer<std::int16_t>(); found != version)
        return fail(Errc::corrupt, fmt::format("version {} of a producer snapshot; 1 is known", found));
    const ProducerSnapshot snapshot = ProducerSnapshot::decode(reader, version);
    if (const auto finished = reader.finish("producer snapshot"); !finished)
        return fail(Errc::corrupt, finished.error().message);
    if (snapshot.crc != crc32c(file.subspan(entries_position)))
        return fail(Errc::corrupt, "the CRC of a producer snapshot is wrong");
    clear(end);
    for (const ProducerSnapshot::ProducerEntry& entry : snapshot.producer_entries)
        restore(producers_[entry.producer_id], entry);
    for (const auto& [id, entry] : producers_)
        if (entry.in_transaction()) open_transactions_[entry.current_txn_first_offset] = id;
    return {};
}

}  // namespace moldau::storage
