#include <moldau/base/assert.h>
#include <moldau/protocol/record.h>

#include "batch/cursor.h"

namespace moldau::protocol {
namespace {

bool skip_headers(Cursor& cursor, std::int32_t count) {
    ByteView key;
    std::optional<ByteView> value;
    for (; count > 0; --count)
        if (!cursor.read_bytes(key) || !cursor.read_nullable(value)) return false;
    return true;
}

}  // namespace

bool HeaderIterator::next(HeaderView& header) {
    if (left_ == 0) return false;
    Cursor cursor{rest_.data(), rest_.data() + rest_.size()};
    ByteView key;
    MOLDAU_ASSERT(cursor.read_bytes(key) && cursor.read_nullable(header.value));
    header.key = text_of(key);
    rest_ = {cursor.at, cursor.end};
    --left_;
    return true;
}

RecordIterator::RecordIterator(ByteView section, std::int32_t count)
    : at_(section.data()), end_(section.data() + section.size()), left_(count) {
    if (count < 0) stop("the record count is negative");
}

bool RecordIterator::stop(std::string_view damage) {
    left_ = 0;
    at_ = end_;
    damage_ = damage;
    return false;
}

bool RecordIterator::next(RecordView& record) {
    if (left_ == 0) {
        if (at_ != end_ && damage_.empty()) return stop("bytes remain after the last record");
        return false;
    }
    Cursor section{at_, end_};
    ByteView body;
    if (!section.read_bytes(body)) return stop("a record's length exceeds the batch");
    Cursor cursor{body.data(), body.data() + body.size()};
    if (cursor.left() == 0) return stop("a record is empty");
    record.attributes = static_cast<std::int8_t>(*cursor.at++);
    if (!cursor.read_varlong(record.timestamp_delta)) return stop("a record ends in its timestamp");
    if (!cursor.read_varint(record.offset_delta)) return stop("a record ends in its offset");
    if (!cursor.read_nullable(record.key)) return stop("a key exceeds its record");
    if (!cursor.read_nullable(record.value)) return stop("a value exceeds its record");
    if (!cursor.read_varint(record.header_count)) return stop("a record ends before its header count");
    // A header takes two bytes at least.
    if (record.header_count < 0 || static_cast<std::size_t>(record.header_count) > cursor.left() / 2)
        return stop("a header count is negative or exceeds its record");
    record.header_bytes = {cursor.at, cursor.end};
    if (!skip_headers(cursor, record.header_count)) return stop("a header exceeds its record");
    if (cursor.at != cursor.end) return stop("a record has bytes after its headers");
    at_ = section.at;
    --left_;
    return true;
}

}  // namespace moldau::protocol
