#include <string>

#include <fmt/format.h>

#include <moldau/protocol/reader.h>
#include <moldau/protocol/writer.h>
#include <moldau/raft/control_records.h>

namespace moldau::raft {
namespace {

using protocol::ControlType;

// In the order of ControlRecord's alternatives.
constexpr ControlType types[] = {ControlType::leader_change, ControlType::snapshot_header, ControlType::snapshot_footer,
                                 ControlType::kraft_version, ControlType::voters};

// Kafka writes version 0 of all of them; their field "version" says the same.
constexpr std::int16_t written_version = 0;

template <class T>
Result<ControlRecord> decode(ByteView value) {
    protocol::Reader field(value);
    const auto version = field.integer<std::int16_t>();
    if (!field.ok() || version < T::min_version || version > T::max_version) {
        return fail(Errc::corrupt, fmt::format("a {} of version {}, but {} to {} are known", T::message_name, version,
                                               T::min_version, T::max_version));
    }
    protocol::Reader reader(value);
    ControlRecord record = T::decode(reader, version);
    if (auto done = reader.finish(T::message_name); !done) {
        return fail(Errc::corrupt, std::move(done).error().message);
    }
    return record;
}

Result<ControlRecord> decode(ControlType type, ByteView value) {
    switch (type) {
        case ControlType::leader_change:
            return decode<protocol::LeaderChangeMessage>(value);
        case ControlType::snapshot_header:
            return decode<protocol::SnapshotHeaderRecord>(value);
        case ControlType::snapshot_footer:
            return decode<protocol::SnapshotFooterRecord>(value);
        case ControlType::kraft_version:
            return decode<protocol::KRaftVersionRecord>(value);
        case ControlType::voters:
            return decode<protocol::VotersRecord>(value);
        case ControlType::abort:
        case ControlType::commit:
            break;
    }
    return fail(Errc::corrupt, "a transaction marker in the metadata log");
}

}  // namespace

void append_control_record(protocol::BatchBuilder& batch, const ControlRecord& record, Timestamp timestamp) {
    protocol::Writer writer;
    std::visit([&](const auto& message) { message.encode(writer, written_version); }, record);
    const Bytes key = protocol::control_record_key(types[record.index()]);
    batch.append({.timestamp = timestamp, .key = ByteView(key), .value = writer.view()});
}

Result<std::vector<ControlRecordAt>> read_control_records(const protocol::BatchView& batch) {
    std::vector<ControlRecordAt> records;
    protocol::RecordIterator iterator(batch.records(), batch.count());
    for (protocol::RecordView view; iterator.next(view);) {
        const auto type = protocol::control_type_of(view);
        if (!type) continue;
        MOLDAU_TRY(record, decode(*type, view.value.value_or(ByteView())));
        records.push_back({batch.base_offset() + view.offset_delta, std::move(record)});
    }
    if (!iterator.damage().empty()) {
        return fail(Errc::corrupt,
                    fmt::format("control batch at offset {}: {}", batch.base_offset(), iterator.damage()));
    }
    return records;
}

}  // namespace moldau::raft
