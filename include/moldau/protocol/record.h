#pragma once
// The records inside a batch of format v2, as views of its uncompressed records section. Whoever holds those bytes may
// walk them, on any shard. Whoever does not need the content takes record_walk.h, which never holds it.
//
// A record: length varint, attributes i8, timestamp delta varlong, offset delta varint, key and value (each a varint
// length, negative: null, and bytes), header count varint, headers (key length varint and UTF-8, value as above).

#include <cstdint>
#include <optional>
#include <string_view>

#include <moldau/base/bytes.h>
#include <moldau/base/ids.h>

namespace moldau::protocol {

struct HeaderView {
    std::string_view key;
    std::optional<ByteView> value;
};

/// The headers of a record whose bounds RecordIterator has checked.
class HeaderIterator {
 public:
    HeaderIterator() = default;
    HeaderIterator(ByteView bytes, std::int32_t count) : rest_(bytes), left_(count) {}

    bool next(HeaderView& header);

 private:
    ByteView rest_;
    std::int32_t left_ = 0;
};

/// The numbers of a record.
struct RecordNumbers {
    std::int64_t timestamp_delta = 0;  ///< ms, to the batch's base timestamp
    std::int32_t offset_delta = 0;     ///< to the batch's base offset
    std::int32_t header_count = 0;
    std::int8_t attributes = 0;  ///< none defined so far
};

struct RecordView : RecordNumbers {
    std::optional<ByteView> key;
    std::optional<ByteView> value;
    ByteView header_bytes;

    HeaderIterator headers() const { return {header_bytes, header_count}; }
};

class BatchView;

/// When the record was made, as readers see it: by its own delta, or when the batch was appended. Wraps as Apache
/// Kafka's arithmetic does.
Timestamp timestamp_of(const BatchView& batch, const RecordNumbers& record);

/// Walks `count` records, which must fill `section` exactly. Every length is checked against what is left, headers
/// included; nothing is copied or allocated.
class RecordIterator {
 public:
    RecordIterator(ByteView section, std::int32_t count);

    /// Moves to the next record; false after the last and at the first damage.
    bool next(RecordView& record);

    /// After next() was false: what is wrong with the section, or empty.
    std::string_view damage() const { return damage_; }

 private:
    bool stop(std::string_view damage);

    const std::uint8_t* at_;
    const std::uint8_t* end_;
    std::int32_t left_;
    std::string_view damage_;
};

}  // namespace moldau::protocol
