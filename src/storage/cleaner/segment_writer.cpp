#include "cleaner/segment_writer.h"

#include <algorithm>

#include <fmt/format.h>

#include <moldau/storage/log_names.h>

namespace moldau::storage {
namespace {

constexpr std::size_t written_at_once = 256UL << 10;

/// Fills `piece`. What cannot be read is damage of the source, not a failure of what is written to.
Result<> read_whole_piece(const runtime::File& from, std::uint64_t position, MutableBytes piece) {
    auto read = from.read_at(piece, position);
    if (!read) return fail(Errc::corrupt, std::move(read).error().message);
    if (*read != piece.size()) return fail(Errc::corrupt, "a file became shorter while it was compacted");
    return {};
}

}  // namespace

SegmentWriter::SegmentWriter(runtime::Disk& disk, const std::string& directory, Offset base, Timestamp now,
                             std::int32_t index_interval_bytes)
    : disk_(disk),
      segment_(std::make_unique<Segment>(disk, directory, base, now, suffix::cleaned)),
      index_interval_bytes_(index_interval_bytes) {}

Result<> SegmentWriter::create() {
    return segment_->create();
}

Result<> SegmentWriter::note(const protocol::BatchView& batch, std::size_t size_bytes) {
    // Positions are 31 bits in the index. Batches may grow a little where they get a delete horizon.
    if (this->size_bytes() + size_bytes > INT32_MAX)
        return fail(Errc::unsupported, fmt::format("{} would become larger than 2 GiB", segment_->path(suffix::log)));
    segment_->note(batch, this->size_bytes(), size_bytes, index_interval_bytes_);
    return {};
}

Result<> SegmentWriter::add(const protocol::BatchView& batch) {
    MOLDAU_CHECK(note(batch, batch.size_bytes()));
    pending_.insert(pending_.end(), batch.bytes().begin(), batch.bytes().end());
    return pending_.size() < written_at_once ? Result<>() : write_pending();
}

Result<> SegmentWriter::copy(const runtime::File& from, std::uint64_t position, const protocol::BatchView& header,
                             std::size_t size_bytes) {
    MOLDAU_CHECK(write_pending());
    MOLDAU_CHECK(note(header, size_bytes));
    for (std::size_t copied = 0; copied < size_bytes; copied += pending_.size()) {
        if (copied > 0) MOLDAU_CHECK(write_pending());
        pending_.resize(std::min(written_at_once, size_bytes - copied));
        MOLDAU_CHECK(read_whole_piece(from, position + copied, pending_));
    }
    return write_pending();
}

Result<> SegmentWriter::write_pending() {
    if (pending_.empty()) return {};
    const ByteView parts[] = {pending_};
    bool broken = false;
    MOLDAU_CHECK(segment_->write(parts, pending_.size(), &broken));
    pending_.clear();
    return {};
}

void SegmentWriter::write_back() {
    const std::uint64_t from = segment_->written_back;
    auto file = segment_->file();
    if (!file || segment_->size_bytes() == from) return;
    (*file)->write_back(from, segment_->size_bytes() - from);
    segment_->written_back = segment_->size_bytes();
}

Result<> SegmentWriter::add_transactions(const std::string& path, std::uint64_t size_bytes) {
    if (size_bytes == 0) return {};
    auto from = disk_.open(path, runtime::OpenMode::read);
    if (!from && is_shortage(from.error())) return std::unexpected(std::move(from).error());
    if (!from) return fail(Errc::corrupt, std::move(from).error().message);
    MOLDAU_TRY(to, disk_.open(segment_->transaction_index().path(), runtime::OpenMode::create));
    Bytes piece;
    for (std::uint64_t copied = 0; copied < size_bytes; copied += piece.size()) {
        piece.resize(std::min<std::uint64_t>(written_at_once, size_bytes - copied));
        MOLDAU_CHECK(read_whole_piece(**from, copied, piece));
        const ByteView parts[] = {piece};
        MOLDAU_CHECK(to->write_at(parts, transaction_bytes_));
        transaction_bytes_ += piece.size();
    }
    return {};
}

Result<> SegmentWriter::finish() {
    MOLDAU_CHECK(write_pending());
    Bytes().swap(pending_);
    MOLDAU_CHECK(segment_->finish_indexes());
    segment_->seal();
    segment_->transaction_index().adopt(transaction_bytes_);
    MOLDAU_TRY(file, segment_->file());
    MOLDAU_CHECK(file->sync());
    MOLDAU_CHECK(runtime::sync_file(disk_, segment_->path(suffix::index)));
    MOLDAU_CHECK(runtime::sync_file(disk_, segment_->path(suffix::time_index)));
    if (transaction_bytes_ > 0) MOLDAU_CHECK(runtime::sync_file(disk_, segment_->path(suffix::txn_index)));
    segment_->dirty = segment_->cut_back = segment_->index_dirty = false;
    segment_->release_files();
    return {};
}

// A file that is still `.cleaned`, or is so again, tells a start that the others do not count: it goes last.
Result<> SegmentWriter::discard(runtime::Disk& disk, const std::string& directory, Offset base, bool staged) {
    const auto path_of = [&](std::string_view each, std::string_view mark) {
        return runtime::join_path(directory, fmt::format("{}{}", offset_file_name(base, each), mark));
    };
    const auto unless_gone = [](Result<> done) {
        return !done && done.error().code == Errc::not_found ? Result<>() : done;
    };
    if (staged) {
        MOLDAU_CHECK(
            unless_gone(disk.rename(path_of(suffix::log, suffix::swap), path_of(suffix::log, suffix::cleaned))));
        MOLDAU_CHECK(disk.sync_directory(directory));
        for (const std::string_view each : suffix::log_last)
            MOLDAU_CHECK(unless_gone(disk.remove(path_of(each, suffix::swap))));
        MOLDAU_CHECK(disk.sync_directory(directory));
    }
    for (const std::string_view each : suffix::log_last)
        MOLDAU_CHECK(unless_gone(disk.remove(path_of(each, suffix::cleaned))));
    return {};
}

}  // namespace moldau::storage
