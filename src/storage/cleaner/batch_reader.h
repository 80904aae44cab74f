#pragma once
// Reads the batches of a closed segment whole, one after the other, each checked as recovery checks it. Part of a
// cleaning job, one thread at a time.

#include <memory>
#include <string>

#include <moldau/base/result.h>
#include <moldau/protocol/record_batch.h>
#include <moldau/runtime/disk.h>

namespace moldau::storage {

class BatchReader {
 public:
    /// Of [base, end), in a file of `size_bytes`. Batches of more than `max_batch_bytes` are not held.
    static Result<std::unique_ptr<BatchReader>> open(runtime::Disk& disk, std::string path, Offset base, Offset end,
                                                     std::uint64_t size_bytes, std::size_t max_batch_bytes);

    /// Moves to the next batch; false at the end of the file. Errors: corrupt, naming file and position: damage, or
    /// what the device does not give.
    Result<bool> next();

    /// Whole if is_held(), else its header alone. Valid until the next call.
    const protocol::BatchView& batch() const { return batch_; }
    bool is_held() const { return is_held_; }
    std::uint64_t position() const { return position_; }
    std::size_t size_bytes() const { return batch_bytes_; }
    bool at_end() const { return next_ == size_; }

    const runtime::File& file() const { return *file_; }

    /// An error of the current batch.
    std::unexpected<Error> damage(std::string_view what) const { return damage_at(position_, what); }

 private:
    BatchReader(std::unique_ptr<runtime::File> file, std::string path, Offset base, Offset end, std::uint64_t size,
                std::size_t max_batch_bytes);

    /// The bytes at `next_`, at least `wanted` where the file has them.
    Result<ByteView> window(std::size_t wanted);
    Result<bool> crc_is_right();
    std::unexpected<Error> damage_at(std::uint64_t position, std::string_view what) const;

    std::unique_ptr<runtime::File> file_;
    std::string path_;
    Offset base_;
    Offset end_;
    std::uint64_t size_;
    std::size_t max_batch_bytes_;
    std::uint64_t next_ = 0;  // where the next batch begins
    Offset next_offset_;
    Bytes buffer_;
    std::uint64_t buffered_from_ = 0;
    std::size_t buffered_ = 0;

    std::uint64_t position_ = 0;
    std::size_t batch_bytes_ = 0;
    protocol::BatchView batch_;
    bool is_held_ = false;
};

}  // namespace moldau::storage
