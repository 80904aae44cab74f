#include "log_batches.h"

#include <fmt/format.h>

#include <moldau/storage/log_names.h>

namespace moldau::node {
namespace {

std::string slice_path(const storage::Log& log, const storage::LogSlice& slice) {
    return runtime::join_path(log.directory(), storage::offset_file_name(slice.segment_base, storage::suffix::log));
}

}  // namespace

Result<> for_each_batch(storage::Log& log, Offset from, Offset end,
                        const std::function<Result<>(const protocol::BatchView&)>& take) {
    constexpr std::size_t piece_bytes = 1 << 20;
    std::string path = log.directory();
    const auto corrupt = [&](std::string_view reason) {
        return fail(Errc::corrupt, fmt::format("{} at offset {}: {}", path, from, reason));
    };
    Bytes piece;
    while (from < end) {
        MOLDAU_TRY(slice, log.read({.from = from, .max_bytes = piece_bytes, .up_to = end, .at_least_one = true}));
        if (slice.file == nullptr || slice.size_bytes == 0) return corrupt("nothing to read");
        path = slice_path(log, slice);
        piece.resize(slice.size_bytes);
        MOLDAU_TRY(read, slice.file->read_at(piece, slice.position));
        const Offset before = from;
        protocol::BatchIterator batches(ByteView(piece).first(read));
        for (protocol::BatchView batch; batches.next(batch);) {
            if (!batch.crc_ok()) return corrupt("a batch with a wrong CRC");
            if (batch.base_offset() < from) continue;
            MOLDAU_CHECK(take(batch));
            from = batch.next_offset();
        }
        if (from == before) return corrupt(batches.stopped_at().reason);
    }
    return {};
}

}  // namespace moldau::node
