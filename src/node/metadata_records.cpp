#include "metadata_records.h"

#include <fmt/format.h>

#include <moldau/protocol/record.h>
#include <moldau/protocol/writer.h>

namespace moldau::node {

std::vector<Bytes> encode_records(std::span<const metadata::VersionedRecord> records) {
    std::vector<Bytes> values;
    values.reserve(records.size());
    for (const auto& [record, version] : records) {
        protocol::Writer writer;
        protocol::encode_metadata_record(record, version, writer);
        values.push_back(writer.take());
    }
    return values;
}

Result<> replay_batch(const protocol::BatchView& batch, metadata::ImageBuilder& into) {
    protocol::RecordIterator records(batch.records(), batch.count());
    for (protocol::RecordView record; records.next(record);) {
        if (!record.value) return fail(Errc::corrupt, "a metadata record without value");
        const metadata::Provenance provenance{.last_offset = batch.base_offset() + record.offset_delta,
                                              .last_epoch = batch.partition_leader_epoch(),
                                              .last_timestamp = protocol::timestamp_of(batch, record)};
        if (auto replayed = into.replay_frame(*record.value, provenance); !replayed)
            return std::unexpected(
                std::move(replayed).error().within(fmt::format("metadata record {}", provenance.last_offset)));
    }
    if (!records.damage().empty()) return fail(Errc::corrupt, std::string(records.damage()));
    return {};
}

}  // namespace moldau::node
