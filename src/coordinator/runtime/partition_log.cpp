#include <algorithm>
#include <limits>
#include <map>
#include <utility>
#include <vector>

#include <moldau/coordinator/partition_log.h>
#include <moldau/protocol/batch_builder.h>
#include <moldau/protocol/compression.h>
#include <moldau/protocol/messages/produce.h>

namespace moldau::coordinator {
namespace {

using protocol::ErrorCode;
using runtime::Task;

constexpr std::size_t piece_bytes = 1 << 20;
/// Of a compressed batch of the broker's own topics.
constexpr std::size_t max_section_bytes = 256 << 20;

/// In a batch: its own size, deltas, sizes of key and value, no headers around what it holds.
std::size_t most_bytes_of(const Record& record) {
    return record.key.size() + (record.value ? record.value->size() : 0) + 32;
}

/// Hands records out in the order in which they count: those of a transaction with its marker.
class Replayer {
 public:
    explicit Replayer(const PartitionLog::Replay& replay) : replay_(replay) {}

    Result<> replay(const protocol::BatchView& batch) {
        if (!batch.crc_ok()) return fail(Errc::corrupt, "a batch with a wrong CRC");
        const auto codec = batch.codec();
        if (!codec) return fail(Errc::corrupt, "a batch of an unknown codec");
        MOLDAU_TRY(section, decompressor_.decompress(*codec, batch.records(), max_section_bytes));
        protocol::RecordIterator records(section, batch.count());
        for (protocol::RecordView record; records.next(record);) {
            const Offset offset = batch.base_offset() + record.offset_delta;
            if (batch.is_control()) {
                if (const auto marker = protocol::end_transaction_marker_of(record))
                    MOLDAU_CHECK(end_transaction(batch.producer_id(), marker->commit));
            } else if (batch.is_transactional()) {
                open_[batch.producer_id()].push_back(kept(offset, record));
            } else {
                MOLDAU_CHECK(replay_(offset, record));
            }
        }
        if (!records.damage().empty()) return fail(Errc::corrupt, std::string(records.damage()));
        decompressor_.release_excess();
        return {};
    }

 private:
    struct Kept {
        Offset offset;
        std::optional<Bytes> key;
        std::optional<Bytes> value;
    };
    static Kept kept(Offset offset, const protocol::RecordView& record) {
        Kept copy{.offset = offset, .key = {}, .value = {}};
        if (record.key) copy.key.emplace(record.key->begin(), record.key->end());
        if (record.value) copy.value.emplace(record.value->begin(), record.value->end());
        return copy;
    }
    Result<> end_transaction(ProducerId producer, bool commit) {
        const auto records = open_.extract(producer);
        if (records.empty() || !commit) return {};
        for (const Kept& each : records.mapped()) {
            protocol::RecordView record;
            if (each.key) record.key = *each.key;
            if (each.value) record.value = *each.value;
            MOLDAU_CHECK(replay_(each.offset, record));
        }
        return {};
    }

    const PartitionLog::Replay& replay_;
    protocol::Decompressor decompressor_;
    std::map<ProducerId, std::vector<Kept>> open_;
};

Result<Bytes> read_piece(replication::ReadOutcome& outcome) {
    outcome.check();
    if (outcome.error != ErrorCode::none)
        return fail(Errc::corrupt, fmt::format("its records cannot be read: {}", outcome.error));
    Bytes piece(outcome.records->size_bytes);
    MOLDAU_TRY(read, outcome.records->file->read_at(piece, outcome.records->position));
    piece.resize(read);
    return piece;
}

}  // namespace

std::string PartitionLog::name() const {
    const storage::TopicPartition& name = partition_->log().name();
    return fmt::format("{}-{}", name.topic, name.partition);
}

Task<ErrorCode> PartitionLog::wait_until_committed(Offset end) {
    struct Told {
        explicit Told(runtime::Shard& shard) : changed(shard) {}
        std::optional<ErrorCode> error;
        runtime::Signal changed;
    };
    const auto told = std::make_shared<Told>(shard());
    when_committed(end, [told](ErrorCode error) {
        told->error = error;
        told->changed.notify_all();
    });
    while (!told->error) co_await told->changed.wait();
    co_return *told->error;
}

Task<Result<>> PartitionLog::load(Replay replay) {
    // What a former leader wrote and nobody has seen committed will be.
    const Offset end = partition_->log().log_end();
    if (const ErrorCode error = co_await wait_until_committed(end); error != ErrorCode::none)
        co_return fail(Errc::closed, fmt::format("{} is not led any more: {}", name(), error));
    Replayer replayer(replay);
    Offset at = partition_->log().log_start();
    while (at < end) {
        auto outcome = partition_->read({.offset = at, .max_bytes = piece_bytes, .at_least_one = true}, nullptr);
        if (outcome.error == ErrorCode::not_leader_or_follower)
            co_return fail(Errc::closed, fmt::format("{} is not led any more", name()));
        if (outcome.error != ErrorCode::none || !outcome.records)
            co_return fail(Errc::io, fmt::format("{} at offset {}: {}", name(), at, outcome.error));
        const Result<Bytes> piece =
            co_await runtime::run_blocking(disk_, shard(), [&outcome] { return read_piece(outcome); });
        if (!piece) co_return std::unexpected(piece.error());
        const Offset before = at;
        protocol::BatchIterator batches(*piece);
        for (protocol::BatchView batch; batches.next(batch) && at < end;) {
            if (batch.next_offset() <= at) continue;
            if (auto replayed = replayer.replay(batch); !replayed)
                co_return std::unexpected(std::move(replayed).error().within(
                    fmt::format("{}, batch at offset {}", name(), batch.base_offset())));
            at = batch.next_offset();
        }
        if (at == before)
            co_return fail(Errc::corrupt, fmt::format("{} at offset {}: {}", name(), at, batches.stopped_at().reason));
    }
    co_return Result<>{};
}

std::size_t PartitionLog::count_that_fits(std::span<const Record> records) const {
    const std::size_t limit = partition_->max_batch_bytes();
    std::size_t bytes = protocol::batch_layout::records;
    std::size_t count = 0;
    for (const Record& record : records) {
        bytes += most_bytes_of(record);
        if (bytes > limit) break;
        ++count;
    }
    return std::max<std::size_t>(count, 1);
}

std::expected<Offset, ErrorCode> PartitionLog::append(std::span<const Record> records) {
    std::size_t bytes_needed = protocol::batch_layout::records;
    for (const Record& record : records) bytes_needed += most_bytes_of(record);
    // What no batch can hold; the partition knows what it takes below that.
    if (bytes_needed > std::numeric_limits<std::int32_t>::max()) return std::unexpected(ErrorCode::message_too_large);
    const Timestamp now = shard().clock().wall_time();
    protocol::BatchBuilder batch(protocol::BatchOptions{});
    for (const Record& record : records) {
        protocol::RecordToWrite written{.timestamp = now, .key = record.key};
        if (record.value) written.value = *record.value;
        batch.append(written);
    }
    Bytes bytes = batch.finish();
    const auto appended =
        partition_->append(bytes, {.acks_all = true, .produce_version = protocol::ProduceRequest::max_version});
    if (appended.error != ErrorCode::none) return std::unexpected(appended.error);
    return appended.end;
}

}  // namespace moldau::coordinator
