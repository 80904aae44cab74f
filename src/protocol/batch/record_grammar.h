#pragma once
// The grammar of a record, over bytes that lie in a row (Cursor) or that come in pieces (RecordWalk's): a body tells
// how much of the record is left, reads its numbers and takes its content, as what the record keeps of content.

#include <cstdint>
#include <optional>
#include <string_view>

#include <moldau/protocol/record.h>

namespace moldau::protocol {

/// A varint length and that many bytes; a negative length is null.
template <class Body, class Content>
bool read_nullable(Body& body, std::optional<Content>& content) {
    std::int32_t length;
    if (!body.read_varint(length)) return false;
    if (length < 0) {
        content.reset();
        return true;
    }
    if (static_cast<std::size_t>(length) > body.left()) return false;
    content = body.take(static_cast<std::size_t>(length));
    return true;
}

/// As read_nullable, but null is refused.
template <class Body, class Content>
bool read_bytes(Body& body, Content& content) {
    std::int32_t length;
    if (!body.read_varint(length) || length < 0 || static_cast<std::size_t>(length) > body.left()) return false;
    content = body.take(static_cast<std::size_t>(length));
    return true;
}

/// Reads the record that `body` is, behind its length; what is wrong with it, or empty. In line, so that a Cursor's
/// position stays in registers.
template <class Body, class Record>
[[gnu::always_inline]] inline std::string_view read_record(Body& body, Record& record) {
    if (body.left() == 0) return "a record is empty";
    record.attributes = static_cast<std::int8_t>(body.take_byte());
    if (!body.read_varlong(record.timestamp_delta)) return "a record ends in its timestamp";
    if (!body.read_varint(record.offset_delta)) return "a record ends in its offset";
    if (!read_nullable(body, record.key)) return "a key exceeds its record";
    if (!read_nullable(body, record.value)) return "a value exceeds its record";
    if (!body.read_varint(record.header_count)) return "a record ends before its header count";
    // A header takes two bytes at least.
    if (record.header_count < 0 || static_cast<std::size_t>(record.header_count) > body.left() / 2)
        return "a header count is negative or exceeds its record";
    record.header_bytes = body.rest();
    decltype(record.header_bytes) key;
    decltype(record.value) value;
    for (std::int32_t left = record.header_count; left > 0; --left)
        if (!read_bytes(body, key) || !read_nullable(body, value)) return "a header exceeds its record";
    if (body.left() != 0) return "a record has bytes after its headers";
    return {};
}

}  // namespace moldau::protocol
