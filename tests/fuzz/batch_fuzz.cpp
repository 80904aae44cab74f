// Bytes from outside through everything that reads batches: iterators, decompressors, the validator. The first byte
// chooses the configuration and whether the checksum is made right, without which nothing behind it would be reached.

#include <cstdint>

#include <moldau/base/assert.h>
#include <moldau/protocol/batch_builder.h>
#include <moldau/protocol/batch_validator.h>
#include <moldau/protocol/compression.h>
#include <moldau/protocol/record.h>
#include <moldau/protocol/record_batch.h>
#include <moldau/protocol/record_walk.h>

namespace moldau::protocol {
namespace {

constexpr std::size_t output_limit = 1UL << 20;
constexpr std::uint8_t renew_checksum = 0x01;
constexpr std::uint8_t append_time = 0x02;
constexpr std::uint8_t compacted = 0x04;
constexpr std::uint8_t coordinator = 0x08;
constexpr unsigned target_shift = 4;

// Reads every byte that the views give access to.
void touch(const std::optional<ByteView>& bytes) {
    [[maybe_unused]] static volatile std::uint8_t sink;
    if (bytes)
        for (const std::uint8_t byte : *bytes) sink = byte;
}

void walk_records(ByteView section, std::int32_t count) {
    RecordIterator records(section, count);
    for (RecordView record; records.next(record);) {
        touch(record.key);
        touch(record.value);
        (void)end_transaction_marker_of(record);
        HeaderIterator headers = record.headers();
        for (HeaderView header; headers.next(header);) {
            touch(bytes_of(header.key));
            touch(header.value);
        }
    }
}

// The walk in pieces must see what the iterator sees in the whole, and nothing in what is not a whole.
void walk_in_pieces(BatchView batch, const std::optional<ByteView>& section) {
    static Decompressor small_pieces(7);
    RecordWalk walk(batch, small_pieces, output_limit);
    RecordIterator records(section.value_or(ByteView{}), batch.count());
    RecordSkeleton walked;
    RecordView record;
    while (walk.next(walked)) {
        if (!section) continue;
        MOLDAU_ASSERT(records.next(record));
        MOLDAU_ASSERT(walked.timestamp_delta == record.timestamp_delta && walked.offset_delta == record.offset_delta);
        MOLDAU_ASSERT(walked.key.has_value() == record.key.has_value());
    }
    if (section) {
        MOLDAU_ASSERT(!records.next(record));
        MOLDAU_ASSERT(!walk.decompression_error() && walk.damage() == records.damage());
    } else {
        MOLDAU_ASSERT(walk.decompression_error() || !walk.damage().empty());
    }
}

void walk_batches(ByteView bytes, Decompressor& decompressor) {
    BatchIterator batches(bytes);
    for (BatchView batch; batches.next(batch);) {
        (void)batch.crc_ok();
        (void)batch.next_offset();
        (void)batch.last_sequence();
        const auto codec = batch.codec();
        if (!codec) continue;
        const auto section = decompressor.decompress(*codec, batch.records(), output_limit);
        if (section) walk_records(*section, batch.count());
        walk_in_pieces(batch, section ? std::optional(*section) : std::nullopt);
    }
}

void decompress_all(ByteView bytes, Decompressor& decompressor) {
    for (const Codec codec : {Codec::gzip, Codec::snappy, Codec::lz4, Codec::zstd}) {
        const auto output = decompressor.decompress(codec, bytes, output_limit);
        MOLDAU_ASSERT(!output || output->size() <= output_limit);
    }
}

void validate(std::uint8_t choices, Bytes bytes, BatchValidator& validator) {
    if (parse_batch(bytes).status == BatchStatus::whole && (choices & renew_checksum) != 0)
        store_big_endian(bytes.data() + batch_layout::crc, parse_batch(bytes).batch.computed_crc());
    ValidatorConfig config{.compacted = (choices & compacted) != 0, .max_decompressed_bytes = output_limit};
    if ((choices & append_time) != 0) config.timestamp_type = TimestampType::log_append_time;
    config.compression = codec_of(static_cast<std::uint8_t>(choices >> target_shift));
    AppendContext context{.next_offset = Offset(1'000'000), .leader_epoch = LeaderEpoch(4), .now = Timestamp(1000)};
    if ((choices & coordinator) != 0) context.origin = AppendOrigin::coordinator;
    const auto valid = validator.validate(bytes, config, context);
    if (!valid) {
        MOLDAU_ASSERT(valid.error().error > 0 && !valid.error().message.empty());
        return;
    }
    // What is appended must be readable again, at the offsets that were given.
    const BatchView batch = valid->batch();
    MOLDAU_ASSERT(parse_batch(batch.bytes()).status == BatchStatus::whole);
    MOLDAU_ASSERT(batch.crc_ok() && batch.base_offset() == valid->first_offset);
    if (context.origin == AppendOrigin::client)
        MOLDAU_ASSERT(valid->last_offset - valid->first_offset + 1 == valid->count);
}

}  // namespace
}  // namespace moldau::protocol

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace moldau;
    static protocol::Decompressor decompressor;
    static protocol::BatchValidator validator;
    if (size == 0) return 0;
    const ByteView bytes(data + 1, size - 1);
    protocol::walk_batches(bytes, decompressor);
    protocol::decompress_all(bytes, decompressor);
    protocol::validate(data[0], {bytes.begin(), bytes.end()}, validator);
    return 0;
}
