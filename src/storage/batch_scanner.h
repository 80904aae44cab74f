#pragma once
// Walks the batches of a file, by their headers or through all their bytes. Lives on the stack of who scans; the buffer
// is lent, so that a log reuses one, and stays small whatever the batches' sizes.

#include <array>
#include <cstdint>
#include <string_view>

#include <moldau/base/bytes.h>
#include <moldau/base/result.h>
#include <moldau/protocol/record_batch.h>
#include <moldau/runtime/disk.h>

namespace moldau::storage {

class BatchScanner {
 public:
    enum class Depth : std::uint8_t {
        headers,   ///< what is between them need not be read
        checksums  ///< and crc_ok() tells of all bytes of a batch
    };

    /// Scans [position, end) of `file`.
    BatchScanner(const runtime::File& file, std::uint64_t position, std::uint64_t end, Depth depth, Bytes& buffer)
        : file_(file), next_(position), end_(end), depth_(depth), buffer_(buffer) {}
    BatchScanner(const BatchScanner&) = delete;
    BatchScanner& operator=(const BatchScanner&) = delete;

    /// Moves to the next batch; false at the end, before damage (Errc::corrupt) and at errors of the device.
    bool next();

    /// Its header alone.
    const protocol::BatchView& batch() const { return batch_; }
    /// Requires: Depth::checksums.
    bool crc_ok() const { return crc_ok_; }
    std::uint64_t position() const { return position_; }
    std::uint32_t size_bytes() const { return size_; }

    /// After next() was false: why. Ok means that the end was reached.
    const Result<>& status() const { return status_; }
    /// Where the next batch begins, or the damage.
    std::uint64_t next_position() const { return next_; }

 private:
    /// [position, position + size) as far as the buffer and the file go; not empty unless the file ends before. Valid
    /// until the next call.
    Result<ByteView> window(std::uint64_t position, std::size_t size);
    /// Of the `size` bytes at `position`; Errc::corrupt when the file ends before.
    Result<std::uint32_t> crc_of(std::uint64_t position, std::size_t size);
    bool stop(Error error);

    const runtime::File& file_;
    std::uint64_t position_ = 0;
    std::uint64_t next_;
    std::uint64_t end_;
    Depth depth_;
    Bytes& buffer_;
    std::uint64_t window_begin_ = 0;
    std::size_t window_size_ = 0;
    std::array<std::uint8_t, protocol::batch_layout::header_bytes> header_{};
    protocol::BatchView batch_;
    std::uint32_t size_ = 0;
    bool crc_ok_ = false;
    Result<> status_;
};

/// Why `batch` cannot stand in a segment that begins at `base`, behind batches up to `next`; empty when it can.
std::string_view order_damage(const protocol::BatchView& batch, Offset base, Offset next);

}  // namespace moldau::storage
