#include "cleaner/batch_content.h"

#include <string>

namespace moldau::storage {
namespace {

/// More than that is given back between two batches.
constexpr std::size_t kept_bytes = 4UL << 20;

}  // namespace

Result<bool> BatchContent::load(const protocol::BatchView& batch) {
    if (batch.is_transactional() || batch.is_control()) return false;
    count_ = batch.count();
    MOLDAU_TRY(is_whole, decompress(batch));
    if (!is_whole) return false;
    return offsets_rise(batch);
}

Result<bool> BatchContent::decompress(const protocol::BatchView& batch) {
    const auto codec = batch.codec();
    if (!codec) return fail(Errc::corrupt, "a batch of an unknown codec");
    section_ = batch.records();
    if (*codec == protocol::Codec::none) return section_.size() <= max_bytes_;
    if (pieces_.capacity() > kept_bytes) Bytes().swap(pieces_);
    pieces_.clear();
    decompressor_.start(*codec, batch.records(), SIZE_MAX);
    for (;;) {
        auto piece = decompressor_.next();
        if (!piece) return fail(Errc::corrupt, std::move(piece).error().message);
        if (piece->empty()) break;
        if (piece->size() > max_bytes_ - pieces_.size()) {
            decompressor_.release_excess();
            return false;
        }
        pieces_.insert(pieces_.end(), piece->begin(), piece->end());
    }
    decompressor_.release_excess();
    section_ = pieces_;
    return true;
}

Result<bool> BatchContent::offsets_rise(const protocol::BatchView& batch) const {
    protocol::RecordIterator all = records();
    protocol::RecordView record;
    std::int32_t last = -1;
    bool rise = true;
    while (all.next(record)) {
        rise = rise && record.offset_delta > last && record.offset_delta <= batch.last_offset_delta();
        last = record.offset_delta;
    }
    if (!all.damage().empty()) return fail(Errc::corrupt, std::string(all.damage()));
    return rise;
}

}  // namespace moldau::storage
