#pragma once
// Appends the primitive types of Kafka's protocol to a growing buffer. Each message is encoded once: frames and tagged
// fields reserve room for their size and patch it. Records that are external (records_field.h) are not copied: the
// writer counts their size and remembers where they belong. Lives with who encodes; not shared.

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <moldau/base/bytes.h>
#include <moldau/base/uuid.h>

namespace moldau::protocol {

class Records;

class Writer {
 public:
    /// `size_bytes` bytes that the caller calls `id` belong before the buffer's byte `position`.
    struct Splice {
        std::size_t position;
        std::uint32_t id;
        std::size_t size_bytes;

        bool operator==(const Splice&) const = default;
    };
    struct Frame {
        std::size_t position;
        std::size_t external_before;
    };

    Writer() = default;
    explicit Writer(std::size_t expected_size_bytes) { buffer_.resize(expected_size_bytes); }

    /// What was written, without external records.
    ByteView view() const { return {buffer_.data(), size_}; }
    /// Gives the buffer away; the writer is empty then, without splices.
    Bytes take();
    /// In order of position.
    const std::vector<Splice>& splices() const { return splices_; }
    /// With external records.
    std::size_t total_size_bytes() const { return size_ + external_bytes_; }

    template <std::integral T>
    void integer(T value) {
        store_big_endian(grow(sizeof(T)), value);
    }
    void boolean(bool value) { integer<std::uint8_t>(value ? 1 : 0); }
    void float64(double value) { integer(std::bit_cast<std::uint64_t>(value)); }
    void uuid(const Uuid& id) { bytes(id.bytes); }
    void uvarint(std::uint32_t value);
    void bytes(ByteView bytes);

    /// Lengths, in the form that Reader describes. Requires: a text of at most 32767 bytes, others of at most 2^31 − 1.
    void text_length(std::size_t size, bool compact);
    void bytes_length(std::size_t size, bool compact);
    void null_text(bool compact) { null_length(compact, true); }
    void null_bytes(bool compact) { null_length(compact, false); }

    /// Length and content, or the length and a splice.
    void records(const Records& records, bool compact, bool nullable);

    /// A frame: four bytes of size, known at its end. One whose size these cannot tell is not to be sent: how large an
    /// answer becomes is not the programmer's to say.
    Frame begin_frame();
    void end_frame(Frame frame);
    bool is_too_large() const { return too_large_; }

    /// A tagged field. Requires: no external records inside.
    std::size_t begin_tag(std::uint32_t number);
    void end_tag(std::size_t mark);

 private:
    std::uint8_t* grow(std::size_t size) {
        if (size_ + size > buffer_.size()) enlarge(size);
        std::uint8_t* to = buffer_.data() + size_;
        size_ += size;
        return to;
    }
    void enlarge(std::size_t size);
    void null_length(bool compact, bool is_text);

    Bytes buffer_;  // its first size_ bytes are written
    std::size_t size_ = 0;
    std::size_t external_bytes_ = 0;  // the sum over splices_
    std::vector<Splice> splices_;
    bool too_large_ = false;  // a frame is
};

}  // namespace moldau::protocol
