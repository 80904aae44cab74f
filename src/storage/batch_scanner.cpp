#include "batch_scanner.h"

#include <algorithm>

#include <fmt/format.h>

namespace moldau::storage {
namespace {

constexpr std::size_t header_chunk_bytes = 8192;
constexpr std::size_t whole_chunk_bytes = 256 * 1024;

}  // namespace

Result<ByteView> BatchScanner::window(std::size_t size) {
    if (next_ < window_begin_ || next_ + size > window_begin_ + window_size_) {
        std::size_t chunk = depth_ == Depth::whole ? whole_chunk_bytes : header_chunk_bytes;
        // Headers far apart: what is between them need not be read.
        if (depth_ == Depth::headers && size_ >= header_chunk_bytes / 2) chunk = size;
        chunk = std::min<std::uint64_t>(std::max(chunk, size), end_ - next_);
        if (buffer_.size() < chunk) buffer_.resize(chunk);
        MOLDAU_TRY(read, file_.read_at(MutableBytes(buffer_).first(chunk), next_));
        window_begin_ = next_;
        window_size_ = read;
    }
    const std::uint64_t skip = next_ - window_begin_;
    return ByteView(buffer_).subspan(skip, std::min<std::uint64_t>(size, window_size_ - skip));
}

bool BatchScanner::stop(Error error) {
    status_ = std::unexpected(std::move(error));
    return false;
}

bool BatchScanner::next() {
    using protocol::BatchStatus;
    if (next_ >= end_ || !status_) return false;
    const std::size_t left = end_ - next_;
    auto header = window(std::min(left, protocol::batch_layout::header_bytes));
    if (!header) return stop(std::move(header).error());
    const protocol::ParsedBatch parsed = protocol::parse_batch(*header);
    if (parsed.status == BatchStatus::corrupt || parsed.status == BatchStatus::old_magic)
        return stop({Errc::corrupt, std::string(parsed.reason)});
    if (header->size() < protocol::batch_layout::header_bytes || parsed.size_bytes > left)
        return stop({Errc::corrupt, "the file ends inside a batch"});
    size_ = static_cast<std::uint32_t>(parsed.size_bytes);
    batch_ = protocol::BatchView(*header);
    if (depth_ == Depth::whole) {
        auto bytes = window(size_);
        if (!bytes) return stop(std::move(bytes).error());
        if (bytes->size() < size_) return stop({Errc::corrupt, "the file ends inside a batch"});
        batch_ = protocol::BatchView(*bytes);
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
