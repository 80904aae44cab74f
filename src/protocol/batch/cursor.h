#pragma once
// Reads the numbers and lengths of records; most take one or two bytes, which are read in line.

#include <moldau/base/varint.h>

namespace moldau::protocol {

/// A position in bytes that come from outside. Every read says whether there was enough.
class Cursor {
 public:
    Cursor(const std::uint8_t* from, const std::uint8_t* to) : at(from), end(to) {}

    const std::uint8_t* at;
    const std::uint8_t* end;

    std::size_t left() const { return static_cast<std::size_t>(end - at); }

    /// Requires: left() > 0.
    std::uint8_t take_byte() { return *at++; }

    bool read_varint(std::int32_t& value) {
        std::uint32_t raw;
        if (!read_short(raw)) {
            const std::size_t taken = read_uvarint({at, end}, raw);
            if (taken == 0) return false;
            at += taken;
        }
        value = unzigzag(raw);
        return true;
    }

    bool read_varlong(std::int64_t& value) {
        std::uint64_t raw;
        std::uint32_t short_raw;
        if (read_short(short_raw)) {
            raw = short_raw;
        } else {
            const std::size_t taken = read_uvarlong({at, end}, raw);
            if (taken == 0) return false;
            at += taken;
        }
        value = unzigzag(raw);
        return true;
    }

    /// Requires: length ≤ left().
    ByteView take(std::size_t length) {
        const ByteView taken(at, length);
        at += length;
        return taken;
    }

    /// All that is left.
    ByteView rest() const { return {at, end}; }

 private:
    /// A number of one or two bytes; false leaves the rest of them, and the end, to the caller.
    bool read_short(std::uint32_t& raw) {
        if (left() < 2) return false;
        const std::uint32_t first = at[0];
        if (first < 0x80) {
            raw = first;
            at += 1;
            return true;
        }
        const std::uint32_t second = at[1];
        if (second >= 0x80) return false;
        raw = (first & 0x7f) | second << 7;
        at += 2;
        return true;
    }
};

}  // namespace moldau::protocol
