#include "cleaner/batch_reader.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "batch_scanner.h"

namespace moldau::storage {
namespace {

constexpr std::size_t piece_bytes = 256UL << 10;

}  // namespace

BatchReader::BatchReader(std::unique_ptr<runtime::File> file, std::string path, Offset base, Offset end,
                         std::uint64_t size, std::size_t max_batch_bytes)
    : file_(std::move(file)),
      path_(std::move(path)),
      base_(base),
      end_(end),
      size_(size),
      max_batch_bytes_(std::max(max_batch_bytes, piece_bytes)),
      next_offset_(base) {}

Result<std::unique_ptr<BatchReader>> BatchReader::open(runtime::Disk& disk, std::string path, Offset base, Offset end,
                                                       std::uint64_t size_bytes, std::size_t max_batch_bytes) {
    auto file = disk.open(path, runtime::OpenMode::read);
    if (!file && is_shortage(file.error())) return std::unexpected(std::move(file).error());
    if (!file) return fail(Errc::corrupt, std::move(file).error().message);
    return std::unique_ptr<BatchReader>(
        new BatchReader(std::move(*file), std::move(path), base, end, size_bytes, max_batch_bytes));
}

std::unexpected<Error> BatchReader::damage_at(std::uint64_t position, std::string_view what) const {
    return fail(Errc::corrupt, fmt::format("{} at position {}: {}", path_, position, what));
}

Result<ByteView> BatchReader::window(std::size_t wanted) {
    const std::uint64_t left = size_ - next_;
    wanted = std::min<std::uint64_t>(wanted, left);
    std::size_t skip = next_ - buffered_from_;
    if (skip > buffered_ || buffered_ - skip < wanted) {
        const std::size_t kept = skip < buffered_ ? buffered_ - skip : 0;
        if (kept > 0) std::memmove(buffer_.data(), buffer_.data() + skip, kept);
        const std::size_t full = std::min<std::uint64_t>(std::max(wanted, piece_bytes), left);
        buffer_.resize(full);
        if (buffer_.capacity() > 4 * full && full == piece_bytes) buffer_.shrink_to_fit();
        auto read = file_->read_at(MutableBytes(buffer_).subspan(kept), next_ + kept);
        if (!read) return damage_at(next_, read.error().message);
        buffered_from_ = next_;
        buffered_ = kept + *read;
        skip = 0;
        if (buffered_ < wanted) return damage_at(next_, "the file ends before");
    }
    return ByteView(buffer_).subspan(skip, buffered_ - skip);
}

Result<bool> BatchReader::crc_is_right() {
    if (is_held_) return batch_.crc_ok();
    Bytes scratch;
    BatchScanner scanner(*file_, next_, next_ + batch_bytes_, BatchScanner::Depth::checksums, scratch);
    if (!scanner.next())
        return damage_at(next_, scanner.status() ? "nothing is there" : scanner.status().error().message);
    return scanner.crc_ok();
}

Result<bool> BatchReader::next() {
    using protocol::BatchStatus;
    if (next_ == size_) return false;
    MOLDAU_TRY(header, window(protocol::batch_layout::header_bytes));
    protocol::ParsedBatch parsed = protocol::parse_batch(header);
    if (parsed.status == BatchStatus::corrupt || parsed.status == BatchStatus::old_magic)
        return damage_at(next_, parsed.reason);
    if (header.size() < protocol::batch_layout::header_bytes || parsed.size_bytes > size_ - next_)
        return damage_at(next_, "the file ends inside a batch");
    batch_bytes_ = parsed.size_bytes;
    is_held_ = batch_bytes_ <= max_batch_bytes_;
    if (is_held_) {
        MOLDAU_TRY(whole, window(batch_bytes_));
        batch_ = protocol::BatchView(whole.first(batch_bytes_));
    } else {
        batch_ = protocol::BatchView(header.first(protocol::batch_layout::header_bytes));
    }
    MOLDAU_TRY(right, crc_is_right());
    if (!right) return damage_at(next_, "the CRC is wrong");
    if (const std::string_view order = order_damage(batch_, base_, next_offset_); !order.empty())
        return damage_at(next_, order);
    if (batch_.next_offset() > end_) return damage_at(next_, "the offsets are higher than the segment's");
    next_offset_ = batch_.next_offset();
    position_ = next_;
    next_ += batch_bytes_;
    return true;
}

}  // namespace moldau::storage
