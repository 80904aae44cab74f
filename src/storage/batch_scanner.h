#pragma once
// Walks the batches of a file, headers alone or in full. Lives on the stack of who scans; the buffer is lent, so that a
// log reuses one.

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
        headers,  ///< batch() has its header alone
        whole     ///< and batch() is whole, its CRC not looked at
    };

    /// Scans [position, end) of `file`.
    BatchScanner(const runtime::File& file, std::uint64_t position, std::uint64_t end, Depth depth, Bytes& buffer)
        : file_(file), next_(position), end_(end), depth_(depth), buffer_(buffer) {}

    /// Moves to the next batch; false at the end, before damage (Errc::corrupt) and at errors of the device.
    bool next();

    const protocol::BatchView& batch() const { return batch_; }
    std::uint64_t position() const { return position_; }
    std::uint32_t size_bytes() const { return size_; }

    /// After next() was false: why. Ok means that the end was reached.
    const Result<>& status() const { return status_; }
    /// Where the next batch begins, or the damage.
    std::uint64_t next_position() const { return next_; }

 private:
    /// Brings [next_, next_ + size) into the buffer as far as the file goes.
    Result<ByteView> window(std::size_t size);
    bool stop(Error error);

    const runtime::File& file_;
    std::uint64_t position_ = 0;
    std::uint64_t next_;
    std::uint64_t end_;
    Depth depth_;
    Bytes& buffer_;
    std::uint64_t window_begin_ = 0;
    std::size_t window_size_ = 0;
    protocol::BatchView batch_;
    std::uint32_t size_ = 0;
    Result<> status_;
};

/// Why `batch` cannot stand in a segment that begins at `base`, behind batches up to `next`; empty when it can.
std::string_view order_damage(const protocol::BatchView& batch, Offset base, Offset next);

}  // namespace moldau::storage
