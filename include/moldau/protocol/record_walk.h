#pragma once
// Walks the records of a batch, compressed or not, for what they are and not for what they hold: keys, values and
// headers are checked as RecordIterator checks them, and passed over. A compressed section goes by in pieces, so that
// memory does not grow with it (see Decompressor). On the shard that owns the decompressor.

#include <cstdint>
#include <optional>
#include <string_view>

#include <moldau/base/result.h>
#include <moldau/protocol/compression.h>
#include <moldau/protocol/record.h>
#include <moldau/protocol/record_batch.h>

namespace moldau::protocol {

/// Content that was passed over: it is there, and that is all that is kept of it.
struct Skipped {
    Skipped() = default;
    Skipped(ByteView) {}  // NOLINT(google-explicit-constructor): what a record's grammar takes becomes what it keeps
};

struct RecordSkeleton : RecordNumbers {
    std::optional<Skipped> key;
    std::optional<Skipped> value;
    Skipped header_bytes;
};

/// Walks as many records as the batch's header says, which must fill its section exactly.
class RecordWalk {
 public:
    /// Requires: the batch's codec exists. Bytes and decompressor are the walk's until its end, which has the
    /// decompressor give back what a large batch took. Sections of more than `max_section_bytes` are refused.
    RecordWalk(const BatchView& batch, Decompressor& decompressor, std::size_t max_section_bytes);
    ~RecordWalk() { decompressor_.release_excess(); }
    RecordWalk(const RecordWalk&) = delete;
    RecordWalk& operator=(const RecordWalk&) = delete;

    /// Moves to the next record; false after the last and at the first failure. The last is followed by the end of the
    /// section and of the compressed input alone.
    bool next(RecordSkeleton& record);

    /// After next() was false: what is wrong with the records, or empty; in the words of RecordIterator.
    std::string_view damage() const { return damage_; }
    /// After next() was false: why the section could not be decompressed, if that is what failed.
    const std::optional<Error>& decompression_error() const { return decompression_error_; }
    /// What was decompressed so far.
    std::size_t decompressed_bytes() const { return decompressor_.output_bytes(); }

 private:
    class Straddling;

    bool next_straddling(RecordSkeleton& record);
    bool expect_end();
    bool refill();
    bool stop(std::string_view damage);

    Decompressor& decompressor_;
    const std::uint8_t* at_ = nullptr;  ///< in the piece
    const std::uint8_t* end_ = nullptr;
    std::int32_t left_;
    std::string_view damage_;
    std::optional<Error> decompression_error_;
};

}  // namespace moldau::protocol
