#pragma once
// Reads the primitive types of Kafka's protocol from a frame. The first error sticks: every later read gives zero or
// empty, so that decoding needs no checks in between and `ok()` is asked once at the end. Nothing is allocated here;
// lengths and counts are checked against what is left before anyone allocates for them. Text and bytes borrow from the
// frame. Lives on the stack of who decodes.
//
// Elements of arrays may take many times more memory than bytes in the frame: who decodes what strangers send says how
// much they may take in all.

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <moldau/base/bytes.h>
#include <moldau/base/result.h>
#include <moldau/base/uuid.h>

namespace moldau::protocol {

class Reader {
 public:
    /// A length or count: nothing when null.
    struct Length {
        bool null = true;
        std::size_t value = 0;
    };
    /// A tagged field's number, and the position right behind it.
    struct Tag {
        std::uint32_t number = 0;
        std::size_t end = 0;
    };

    static constexpr std::size_t unlimited = static_cast<std::size_t>(-1);

    /// `max_array_bytes`: memory for all arrays of the message together.
    explicit Reader(ByteView frame, std::size_t max_array_bytes = unlimited)
        : frame_(frame), max_array_bytes_(max_array_bytes) {}

    bool ok() const { return reason_ == nullptr; }
    /// What was wrong and at which byte; empty when nothing was.
    std::string error() const;
    /// Ok, and nothing is left; else Errc::invalid naming `what` was read.
    Result<> finish(std::string_view what) const;

    std::size_t position() const { return position_; }
    std::size_t remaining() const { return frame_.size() - position_; }

    template <std::integral T>
    T integer() {
        const std::uint8_t* from = take(sizeof(T));
        return from == nullptr ? T{} : load_big_endian<T>(from);
    }
    bool boolean() { return integer<std::uint8_t>() != 0; }
    double float64() { return std::bit_cast<double>(integer<std::uint64_t>()); }
    Uuid uuid();
    std::uint32_t uvarint();

    /// Lengths: compact (unsigned varint, plus one) in flexible versions, else 16 bits for text and 32 for bytes.
    Length text_length(bool compact);
    Length bytes_length(bool compact);
    /// Elements take at least `min_element_bytes` in the frame and `element_bytes` in memory, both above zero. A count
    /// that cannot fit into what is left, or takes more memory than is allowed, is an error.
    Length array_count(bool compact, std::size_t min_element_bytes, std::size_t element_bytes);
    /// What the arrays so far take in memory.
    std::size_t array_bytes() const { return array_bytes_; }

    /// `size` bytes of the frame, not copied; empty when they are not there.
    ByteView bytes(std::size_t size);

    Tag begin_tag();
    /// A field that was understood must fill its size exactly.
    void end_tag(Tag tag);
    void skip_tag(Tag tag) { position_ = tag.end; }
    /// Skips a whole section of tagged fields.
    void skip_tags();

    /// Records the first error. `reason` is a literal.
    void fail(const char* reason);

 private:
    const std::uint8_t* take(std::size_t size) {
        if (size > remaining()) {
            fail("the message ends before the field does");
            return nullptr;
        }
        const std::uint8_t* from = frame_.data() + position_;
        position_ += size;
        return from;
    }
    Length length(bool compact, bool is_text);

    ByteView frame_;
    std::size_t position_ = 0;
    std::size_t max_array_bytes_;
    std::size_t array_bytes_ = 0;  // at most max_array_bytes_
    const char* reason_ = nullptr;
    std::size_t failed_at_ = 0;
};

}  // namespace moldau::protocol
