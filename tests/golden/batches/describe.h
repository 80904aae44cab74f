#pragma once
// Says in text what batches hold, line by line as GoldenBatches.java does over Apache Kafka's own classes.

#include <string>
#include <vector>

#include <fmt/format.h>

#include <moldau/base/crc32c.h>
#include <moldau/protocol/compression.h>
#include <moldau/protocol/record.h>
#include <moldau/protocol/record_batch.h>

namespace moldau::protocol::golden {

inline std::string text_of_bytes(const std::optional<ByteView>& bytes) {
    if (!bytes) return "null";
    if (bytes->size() > 64) return fmt::format("{}bytes-crc32c-{:08x}", bytes->size(), crc32c(*bytes));
    std::string text = "x";
    for (const std::uint8_t byte : *bytes) text += fmt::format("{:02x}", byte);
    return text;
}

inline std::string describe_header(BatchView batch) {
    return fmt::format(
        "batch offsets={}..{} size={} epoch={} codec={} type={} transactional={} control={} horizon={} "
        "base_timestamp={} max_timestamp={} producer={}/{} sequence={}..{} count={}",
        batch.base_offset(), batch.last_offset(), batch.size_bytes(), batch.partition_leader_epoch(),
        to_string(*batch.codec()), static_cast<int>(batch.timestamp_type()), static_cast<int>(batch.is_transactional()),
        static_cast<int>(batch.is_control()), batch.delete_horizon().value_or(no_timestamp), batch.base_timestamp(),
        batch.max_timestamp(), batch.producer_id(), batch.producer_epoch(), batch.base_sequence(),
        batch.last_sequence(), batch.count());
}

inline std::string describe_record(BatchView batch, const RecordView& record) {
    const bool append_time = batch.timestamp_type() == TimestampType::log_append_time;
    std::string line =
        fmt::format("record offset={} timestamp={} key={} value={}", batch.base_offset() + record.offset_delta,
                    append_time ? batch.max_timestamp() : batch.base_timestamp() + record.timestamp_delta,
                    text_of_bytes(record.key), text_of_bytes(record.value));
    HeaderIterator headers = record.headers();
    for (HeaderView header; headers.next(header);)
        line += fmt::format(" {}:{}", text_of_bytes(bytes_of(header.key)), text_of_bytes(header.value));
    return line;
}

/// One line a batch and a record; the last line tells of damage, if any.
inline std::vector<std::string> describe(ByteView bytes) {
    std::vector<std::string> lines;
    Decompressor decompressor;
    BatchIterator batches(bytes);
    for (BatchView batch; batches.next(batch);) {
        lines.push_back(describe_header(batch));
        if (!batch.crc_ok()) lines.emplace_back("wrong CRC");
        if (batch.count() == 0) continue;
        const auto section = decompressor.decompress(*batch.codec(), batch.records(), 1 << 24);
        if (!section) {
            lines.push_back(section.error().message);
            continue;
        }
        RecordIterator records(*section, batch.count());
        for (RecordView record; records.next(record);) lines.push_back(describe_record(batch, record));
        if (!records.damage().empty()) lines.emplace_back(records.damage());
    }
    if (!batches.at_end()) lines.emplace_back(batches.stopped_at().reason);
    return lines;
}

}  // namespace moldau::protocol::golden
