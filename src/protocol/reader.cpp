#include <moldau/base/assert.h>
#include <moldau/base/varint.h>
#include <moldau/protocol/reader.h>
#include <moldau/protocol/text.h>

namespace moldau::protocol {

std::string Reader::error() const {
    if (ok()) return {};
    return fmt::format("{} (at byte {} of {})", reason_, failed_at_, frame_.size());
}

Result<> Reader::finish(std::string_view what) const {
    if (!ok()) return moldau::fail(Errc::invalid, fmt::format("{}: {}", what, error()));
    if (remaining() > 0)
        return moldau::fail(Errc::invalid, fmt::format("{}: {} bytes follow its end", what, remaining()));
    return {};
}

void Reader::fail(const char* reason) {
    if (!ok()) return;
    reason_ = reason;
    failed_at_ = position_;
    position_ = frame_.size();
}

Uuid Reader::uuid() {
    Uuid id;
    if (const std::uint8_t* from = take(id.bytes.size())) std::memcpy(id.bytes.data(), from, id.bytes.size());
    return id;
}

std::uint32_t Reader::uvarint() {
    std::uint32_t value = 0;
    const std::size_t size = read_uvarint(frame_.subspan(position_), value);
    if (size == 0) {
        fail("an unsigned varint is cut off or too long");
        return 0;
    }
    position_ += size;
    return value;
}

Reader::Length Reader::length(bool compact, bool is_text) {
    // Kafka takes every negative length as null.
    std::int64_t size = 0;
    if (compact) {
        size = static_cast<std::int64_t>(uvarint()) - 1;
    } else if (is_text) {
        size = integer<std::int16_t>();
    } else {
        size = integer<std::int32_t>();
    }
    if (!ok() || size < 0) return {};
    return {.null = false, .value = static_cast<std::size_t>(size)};
}

Reader::Length Reader::text_length(bool compact) {
    const Length result = length(compact, true);
    if (result.value > max_text_bytes) {
        fail("a string is longer than 32767 bytes");
        return {};
    }
    return result;
}

Reader::Length Reader::bytes_length(bool compact) {
    return length(compact, false);
}

Reader::Length Reader::array_count(bool compact, std::size_t min_element_bytes, std::size_t element_bytes) {
    MOLDAU_ASSERT(min_element_bytes > 0 && element_bytes > 0);
    const Length result = length(compact, false);
    if (result.value > remaining() / min_element_bytes) {
        fail("an array announces more elements than the message can hold");
        return {};
    }
    if (result.value > (max_array_bytes_ - array_bytes_) / element_bytes) {
        fail("its arrays take more memory than a message may");
        return {};
    }
    array_bytes_ += result.value * element_bytes;
    return result;
}

ByteView Reader::bytes(std::size_t size) {
    const std::uint8_t* from = take(size);
    return from == nullptr ? ByteView{} : ByteView{from, size};
}

Reader::Tag Reader::begin_tag() {
    Tag tag;
    tag.number = uvarint();
    const std::uint32_t size = uvarint();
    if (size > remaining()) fail("a tagged field reaches past the end");
    tag.end = ok() ? position_ + size : position_;
    return tag;
}

void Reader::end_tag(Tag tag) {
    if (ok() && position_ != tag.end) fail("a tagged field does not fill its size");
}

void Reader::skip_tags() {
    for (std::uint32_t left = uvarint(); left > 0 && ok(); --left) skip_tag(begin_tag());
}

}  // namespace moldau::protocol
