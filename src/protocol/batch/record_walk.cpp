#include <algorithm>
#include <array>
#include <limits>

#include <moldau/protocol/record_walk.h>

#include "batch/cursor.h"
#include "batch/record_grammar.h"

namespace moldau::protocol {

/// What of a record (or of its length) is left, where it may go on in the next pieces. What is read behind the
/// section's end is of no worth: look at `ends_early()`.
class RecordWalk::Straddling {
 public:
    Straddling(RecordWalk& walk, std::size_t length) : walk_(walk), left_(length) {}

    std::size_t left() const { return left_; }
    /// The section had less.
    bool ends_early() const { return ends_early_; }

    std::uint8_t take_byte() {
        if (!has_bytes()) return 0;
        --left_;
        return *walk_.at_++;
    }

    bool read_varint(std::int32_t& value) {
        std::array<std::uint8_t, max_varint_bytes> bytes;
        std::uint32_t raw;
        if (read_uvarint(number_in(bytes), raw) == 0) return false;
        value = unzigzag(raw);
        return true;
    }

    bool read_varlong(std::int64_t& value) {
        std::array<std::uint8_t, max_varlong_bytes> bytes;
        std::uint64_t raw;
        if (read_uvarlong(number_in(bytes), raw) == 0) return false;
        value = unzigzag(raw);
        return true;
    }

    /// Requires: length ≤ left().
    Skipped take(std::size_t length) {
        while (length > 0 && has_bytes()) {
            const std::size_t here = std::min(length, static_cast<std::size_t>(walk_.end_ - walk_.at_));
            walk_.at_ += here;
            left_ -= here;
            length -= here;
        }
        return {};
    }

    Skipped rest() const { return {}; }

 private:
    bool has_bytes() {
        ends_early_ = walk_.at_ == walk_.end_ && !walk_.refill();
        return !ends_early_;
    }

    /// The bytes that a number has there, or as many as fit.
    ByteView number_in(MutableBytes bytes) {
        std::size_t size = 0;
        while (size < bytes.size() && left_ > 0 && has_bytes()) {
            bytes[size] = take_byte();
            if (bytes[size++] < 0x80) break;
        }
        return bytes.first(size);
    }

    RecordWalk& walk_;
    std::size_t left_;
    bool ends_early_ = false;
};

RecordWalk::RecordWalk(const BatchView& batch, Decompressor& decompressor, std::size_t max_section_bytes)
    : decompressor_(decompressor), left_(batch.count()) {
    decompressor_.start(*batch.codec(), batch.records(), max_section_bytes);
    if (left_ < 0) stop("the record count is negative");
}

bool RecordWalk::next(RecordSkeleton& record) {
    if (left_ == 0) return expect_end();
    if (at_ == end_) refill();
    Cursor piece{at_, end_};
    ByteView body;
    if (!read_bytes(piece, body)) return next_straddling(record);
    Cursor cursor{body.data(), body.data() + body.size()};
    if (const std::string_view damage = read_record(cursor, record); !damage.empty()) return stop(damage);
    at_ = piece.at;
    --left_;
    return true;
}

bool RecordWalk::next_straddling(RecordSkeleton& record) {
    constexpr std::string_view too_long = "a record's length exceeds the batch";
    std::int32_t length;
    if (!Straddling(*this, std::numeric_limits<std::size_t>::max()).read_varint(length) || length < 0)
        return stop(too_long);
    Straddling body(*this, static_cast<std::size_t>(length));
    const std::string_view damage = read_record(body, record);
    body.take(body.left());
    // A record that is cut short is told as such, whatever else is wrong with it.
    if (body.ends_early()) return stop(too_long);
    if (!damage.empty()) return stop(damage);
    --left_;
    return true;
}

bool RecordWalk::expect_end() {
    if (damage_.empty() && (at_ != end_ || refill())) return stop("bytes remain after the last record");
    return false;
}

// The next piece; false at the section's end.
bool RecordWalk::refill() {
    if (decompression_error_) return false;
    auto piece = decompressor_.next();
    if (!piece) {
        decompression_error_ = std::move(piece).error();
        return false;
    }
    at_ = piece->data();
    end_ = at_ + piece->size();
    return at_ != end_;
}

bool RecordWalk::stop(std::string_view damage) {
    left_ = 0;
    at_ = end_;
    // That the section ends where decompression fails is not the records' fault.
    if (!decompression_error_) damage_ = damage;
    return false;
}

}  // namespace moldau::protocol
