#include <limits>

#include <fmt/format.h>

#include <moldau/base/assert.h>
#include <moldau/base/number.h>
#include <moldau/raft/snapshot.h>

namespace moldau::raft {
namespace {

constexpr std::size_t offset_digits = 20;
constexpr std::size_t epoch_digits = 10;
// Small enough for a reader's memory, large enough to be cheap.
constexpr std::size_t data_batch_bytes = 1 << 20;

}  // namespace

std::string snapshot_file_name(SnapshotId id) {
    return fmt::format("{:020}-{:010}{}", id.end_offset.value(), id.epoch.value(), snapshot_suffix);
}

std::optional<SnapshotId> parse_snapshot_file_name(std::string_view name) {
    if (name.size() != offset_digits + 1 + epoch_digits + snapshot_suffix.size() || name[offset_digits] != '-' ||
        !name.ends_with(snapshot_suffix)) {
        return std::nullopt;
    }
    const auto offset = parse_number<std::int64_t>(name.substr(0, offset_digits));
    const auto epoch = parse_number<std::int32_t>(name.substr(offset_digits + 1, epoch_digits));
    if (!offset || !epoch || *offset < 0 || *epoch < 0) return std::nullopt;
    return SnapshotId{Offset(*offset), LeaderEpoch(*epoch)};
}

SnapshotWriter::SnapshotWriter(LeaderEpoch epoch, const SnapshotHeader& header, Timestamp now) : epoch_(epoch) {
    auto batch = begin(true);
    protocol::SnapshotHeaderRecord record;
    record.last_contained_log_timestamp = header.last_contained_log_timestamp;
    append_control_record(batch, record, now);
    if (header.kraft_version > 0) {
        protocol::KRaftVersionRecord version;
        version.kraft_version = header.kraft_version;
        append_control_record(batch, version, now);
        append_control_record(batch, header.voters.to_record(), now);
    }
    end(std::move(batch));
}

protocol::BatchBuilder SnapshotWriter::begin(bool control) const {
    return protocol::BatchBuilder({.base_offset = next_offset_, .leader_epoch = epoch_, .control = control});
}

void SnapshotWriter::end(protocol::BatchBuilder&& batch) {
    next_offset_ = batch.next_offset();
    const Bytes bytes = batch.finish();
    ready_.insert(ready_.end(), bytes.begin(), bytes.end());
}

void SnapshotWriter::end_data() {
    if (!data_) return;
    end(std::move(*data_));
    data_.reset();
}

void SnapshotWriter::append(ByteView value, Timestamp now) {
    MOLDAU_ASSERT(!finished_);
    const protocol::RecordToWrite record{.timestamp = now, .value = value};
    if (data_ && data_->size_bytes() + protocol::BatchBuilder::record_size_bound(record) > data_batch_bytes) end_data();
    if (!data_) data_.emplace(begin(false));
    data_->append(record);
}

void SnapshotWriter::finish(Timestamp now) {
    MOLDAU_ASSERT(!finished_);
    end_data();
    auto batch = begin(true);
    append_control_record(batch, protocol::SnapshotFooterRecord{}, now);
    end(std::move(batch));
    finished_ = true;
}

void SnapshotReader::feed(ByteView bytes) {
    pending_.erase(pending_.begin(), pending_.begin() + static_cast<std::ptrdiff_t>(read_));
    read_ = 0;
    pending_.insert(pending_.end(), bytes.begin(), bytes.end());
}

Result<bool> SnapshotReader::next(protocol::BatchView& batch) {
    for (;;) {
        const auto parsed = protocol::parse_batch(ByteView(pending_).subspan(read_));
        if (parsed.status == protocol::BatchStatus::incomplete) return false;
        if (parsed.status != protocol::BatchStatus::whole) return fail(Errc::corrupt, std::string(parsed.reason));
        if (!parsed.batch.crc_ok()) {
            return fail(Errc::corrupt,
                        fmt::format("the batch at offset {} has a wrong CRC", parsed.batch.base_offset()));
        }
        if (footer_) return fail(Errc::corrupt, "a batch behind the snapshot's footer");
        read_ += parsed.size_bytes;
        if (!parsed.batch.is_control()) {
            if (!header_) return fail(Errc::corrupt, "a data batch before the snapshot's header");
            batch = parsed.batch;
            return true;
        }
        MOLDAU_CHECK(take_control(parsed.batch));
    }
}

Result<> SnapshotReader::take_control(const protocol::BatchView& batch) {
    MOLDAU_TRY(records, read_control_records(batch));
    for (const auto& [offset, record] : records) {
        if (const auto* header = std::get_if<protocol::SnapshotHeaderRecord>(&record)) {
            if (header_) return fail(Errc::corrupt, "a second header in a snapshot");
            header_.emplace();
            header_->last_contained_log_timestamp = header->last_contained_log_timestamp;
            continue;
        }
        if (!header_) return fail(Errc::corrupt, "the snapshot does not begin with its header");
        if (const auto* version = std::get_if<protocol::KRaftVersionRecord>(&record)) {
            header_->kraft_version = version->kraft_version;
        } else if (const auto* voters = std::get_if<protocol::VotersRecord>(&record)) {
            header_->voters = VoterSet::from_record(*voters);
        } else if (std::holds_alternative<protocol::SnapshotFooterRecord>(record)) {
            footer_ = true;
        } else {
            return fail(Errc::corrupt, "a LeaderChange in a snapshot");
        }
    }
    return {};
}

Result<> SnapshotReader::finish() const {
    if (!footer_) return fail(Errc::corrupt, "the snapshot ends before its footer");
    if (read_ != pending_.size()) {
        return fail(Errc::corrupt, fmt::format("{} bytes behind the snapshot's footer", pending_.size() - read_));
    }
    return {};
}

}  // namespace moldau::raft
