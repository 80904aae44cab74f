#include "consume/records_reader.h"

#include <algorithm>
#include <vector>

#include <fmt/format.h>

#include <moldau/protocol/batch_builder.h>

namespace moldau::cli {

using protocol::BatchView;

namespace {

/// What a compressed batch may become at most; brokers refuse larger ones long before.
constexpr std::size_t max_batch_output_bytes = std::size_t{1} << 30;

/// Which producers' transactional batches are of an aborted transaction, while a walk goes on.
class AbortedProducers {
 public:
    explicit AbortedProducers(std::span<const AbortedTransaction> aborted) : left_(aborted.begin(), aborted.end()) {
        std::ranges::sort(left_, std::greater<>(), &AbortedTransaction::first_offset);  // taken from the back
    }

    bool holds(const BatchView& batch) {
        while (!left_.empty() && left_.back().first_offset <= batch.last_offset()) {
            open_.insert(left_.back().producer);
            left_.pop_back();
        }
        return batch.is_transactional() && open_.contains(batch.producer_id());
    }
    void on_abort_marker(ProducerId producer) { open_.erase(producer); }

 private:
    std::vector<AbortedTransaction> left_;
    std::set<ProducerId> open_;
};

bool is_abort_marker(const BatchView& batch) {
    protocol::RecordIterator records(batch.records(), batch.count());
    protocol::RecordView record;
    return records.next(record) && protocol::control_type_of(record) == protocol::ControlType::abort;
}

}  // namespace

Offset end_of_batches(ByteView records, Offset from) {
    protocol::BatchIterator batches(records);
    BatchView batch;
    while (batches.next(batch)) from = std::max(from, batch.next_offset());
    return from;
}

Result<bool> RecordsReader::read_batch(const BatchView& batch, Offset from, const OnRecord& on_record) {
    const auto damaged = [&batch](std::string_view how) {
        return fail(Errc::corrupt, fmt::format("the batch at offset {} is damaged: {}", batch.base_offset(), how));
    };
    if (!batch.crc_ok()) return damaged("its checksum is wrong");
    const auto codec = batch.codec();
    if (!codec) return damaged("there is no such codec");
    const Result<ByteView> section = decompressor_.decompress(*codec, batch.records(), max_batch_output_bytes);
    if (!section) return damaged(section.error().message);
    protocol::RecordIterator records(*section, batch.count());
    protocol::RecordView record;
    while (records.next(record)) {
        const Offset offset = batch.base_offset() + record.offset_delta;
        if (offset < from) continue;
        if (!on_record(offset, protocol::timestamp_of(batch, record), record)) return false;
    }
    if (!records.damage().empty()) return damaged(records.damage());
    decompressor_.release_excess();
    return true;
}

Result<> RecordsReader::read(ByteView records, Offset from, std::span<const AbortedTransaction> aborted,
                             const OnRecord& on_record) {
    AbortedProducers aborted_producers(aborted);
    protocol::BatchIterator batches(records);
    BatchView batch;
    while (batches.next(batch)) {
        const bool is_aborted = aborted_producers.holds(batch);
        if (batch.is_control()) {
            if (is_abort_marker(batch)) aborted_producers.on_abort_marker(batch.producer_id());
            continue;
        }
        if (is_aborted || batch.next_offset() <= from) continue;
        MOLDAU_TRY(wants_more, read_batch(batch, from, on_record));
        if (!wants_more) return {};
    }
    // The last batch may be cut off: it comes whole with the next fetch.
    if (!batches.at_end() && batches.stopped_at().status != protocol::BatchStatus::incomplete)
        return fail(Errc::corrupt, fmt::format("the records fetched are damaged: {}", batches.stopped_at().reason));
    return {};
}

}  // namespace moldau::cli
