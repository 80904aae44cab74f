#include "batch_scanner.h"

#include <algorithm>

#include <moldau/base/crc32c.h>

namespace moldau::storage {
namespace {

constexpr std::size_t header_chunk_bytes = 8192;
constexpr std::size_t checksum_chunk_bytes = 64 * 1024;

Error ends_inside() {
    return {Errc::corrupt, "the file ends inside a batch"};
}

}  // namespace

Result<ByteView> BatchScanner::window(std::uint64_t position, std::size_t size) {
    const std::uint64_t window_end = window_begin_ + window_size_;
    // A header is wanted in one piece, what is summed up need not be.
    const std::uint64_t least_end = position + std::min(size, protocol::batch_layout::header_bytes);
    if (position < window_begin_ || least_end > window_end) {
        std::size_t chunk = depth_ == Depth::checksums ? checksum_chunk_bytes : header_chunk_bytes;
        // Headers far apart: what is between them need not be read.
        if (depth_ == Depth::headers && size_ >= header_chunk_bytes / 2) chunk = size;
        chunk = std::min<std::uint64_t>(chunk, end_ - position);
        if (buffer_.size() < chunk) buffer_.resize(chunk);
        MOLDAU_TRY(read, file_.read_at(MutableBytes(buffer_).first(chunk), position));
        window_begin_ = position;
        window_size_ = read;
    }
    const std::uint64_t skip = position - window_begin_;
    return ByteView(buffer_).subspan(skip, std::min<std::uint64_t>(size, window_size_ - skip));
}

Result<std::uint32_t> BatchScanner::crc_of(std::uint64_t position, std::size_t size) {
    std::uint32_t crc = 0;
    while (size > 0) {
        MOLDAU_TRY(piece, window(position, size));
        if (piece.empty()) return std::unexpected(ends_inside());
        crc = crc32c(piece, crc);
        position += piece.size();
        size -= piece.size();
    }
    return crc;
}

bool BatchScanner::stop(Error error) {
    status_ = std::unexpected(std::move(error));
    return false;
}

bool BatchScanner::next() {
    using protocol::BatchStatus;
    if (next_ >= end_ || !status_) return false;
    const std::size_t left = end_ - next_;
    auto header = window(next_, std::min(left, header_.size()));
    if (!header) return stop(std::move(header).error());
    const protocol::ParsedBatch parsed = protocol::parse_batch(*header);
    if (parsed.status == BatchStatus::corrupt || parsed.status == BatchStatus::old_magic)
        return stop({Errc::corrupt, std::string(parsed.reason)});
    if (header->size() < header_.size() || parsed.size_bytes > left) return stop(ends_inside());
    size_ = static_cast<std::uint32_t>(parsed.size_bytes);
    std::ranges::copy(*header, header_.begin());
    batch_ = protocol::BatchView(header_);
    if (depth_ == Depth::checksums) {
        const std::size_t covered = protocol::batch_layout::attributes;
        auto crc = crc_of(next_ + covered, size_ - covered);
        if (!crc) return stop(std::move(crc).error());
        crc_ok_ = *crc == batch_.crc();
    }
    position_ = next_;
    next_ += size_;
    return true;
}

std::string_view order_damage(const protocol::BatchView& batch, Offset base, Offset next) {
    // Each before what it keeps from overflowing.
    if (batch.base_offset() < std::max(base, next) || batch.last_offset_delta() < 0 ||
        batch.base_offset() - base > INT32_MAX || batch.last_offset() - base > INT32_MAX)
        return "the offsets do not follow";
    return {};
}

}  // namespace moldau::storage
