#include <moldau/base/assert.h>
#include <moldau/base/varint.h>
#include <moldau/protocol/records_field.h>
#include <moldau/protocol/text.h>
#include <moldau/protocol/writer.h>

namespace moldau::protocol {

namespace {
constexpr std::size_t max_length = 0x7fffffff;
}  // namespace

Bytes Writer::take() {
    buffer_.resize(size_);
    Bytes result = std::move(buffer_);
    *this = Writer();
    return result;
}

void Writer::enlarge(std::size_t size) {
    buffer_.resize(std::max(size_ + size, 2 * buffer_.size() + 64));
}

void Writer::uvarint(std::uint32_t value) {
    std::uint8_t encoded[max_varint_bytes];
    bytes({encoded, write_uvarint(encoded, value)});
}

void Writer::bytes(ByteView bytes) {
    if (!bytes.empty()) std::memcpy(grow(bytes.size()), bytes.data(), bytes.size());
}

void Writer::text_length(std::size_t size, bool compact) {
    MOLDAU_ASSERT(size <= max_text_bytes);
    if (compact) {
        uvarint(static_cast<std::uint32_t>(size + 1));
    } else {
        integer(static_cast<std::int16_t>(size));
    }
}

void Writer::bytes_length(std::size_t size, bool compact) {
    MOLDAU_ASSERT(size <= max_length);
    if (compact) {
        uvarint(static_cast<std::uint32_t>(size + 1));
    } else {
        integer(static_cast<std::int32_t>(size));
    }
}

void Writer::null_length(bool compact, bool is_text) {
    if (compact) {
        uvarint(0);
    } else if (is_text) {
        integer(std::int16_t{-1});
    } else {
        integer(std::int32_t{-1});
    }
}

void Writer::records(const Records& records, bool compact, bool nullable) {
    if (records.is_null() && nullable) return null_bytes(compact);
    bytes_length(records.size_bytes(), compact);
    if (!records.is_external()) return bytes(records.view());
    splices_.push_back({.position = size_, .id = records.external_id(), .size_bytes = records.size_bytes()});
    external_bytes_ += records.size_bytes();
}

Writer::Frame Writer::begin_frame() {
    const Frame frame{.position = size_, .external_before = external_bytes_};
    integer(std::int32_t{0});
    return frame;
}

void Writer::end_frame(Frame frame) {
    const std::size_t size = size_ - frame.position - 4 + external_bytes_ - frame.external_before;
    if (size > max_length) too_large_ = true;
    store_big_endian(buffer_.data() + frame.position, static_cast<std::int32_t>(size));
}

std::size_t Writer::begin_tag(std::uint32_t number) {
    uvarint(number);
    // Most sizes fit into one byte; end_tag moves the content when this one does not.
    integer(std::uint8_t{0});
    return size_;
}

void Writer::end_tag(std::size_t mark) {
    MOLDAU_ASSERT(splices_.empty() || splices_.back().position < mark);
    const std::size_t size = size_ - mark;
    std::uint8_t encoded[max_varint_bytes];
    const std::size_t length = write_uvarint(encoded, static_cast<std::uint32_t>(size));
    if (length > 1) {
        grow(length - 1);
        std::uint8_t* content = buffer_.data() + mark;
        std::memmove(content + length - 1, content, size);
    }
    std::memcpy(buffer_.data() + mark - 1, encoded, length);
}

}  // namespace moldau::protocol
