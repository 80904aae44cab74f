#include "transaction_index.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include <moldau/base/log.h>

namespace moldau::storage {
namespace {

constexpr std::size_t piece_entries = 480;  // 16 KiB

/// What can stand behind an entry whose marker is at `before`.
bool is_plausible(const std::uint8_t* entry, const CompletedTransaction& parsed, Offset before, Offset segment_end) {
    return load_big_endian<std::int16_t>(entry) == 0 && parsed.last_offset > before &&
           parsed.last_offset < segment_end && parsed.first_offset.value() >= 0 &&
           parsed.first_offset < parsed.last_offset && parsed.last_stable_offset <= parsed.last_offset + 1;
}

}  // namespace

CompletedTransaction TransactionIndex::parse(const std::uint8_t* entry) {
    return {.producer_id = ProducerId(load_big_endian<std::int64_t>(entry + 2)),
            .first_offset = Offset(load_big_endian<std::int64_t>(entry + 10)),
            .last_offset = Offset(load_big_endian<std::int64_t>(entry + 18)),
            .last_stable_offset = Offset(load_big_endian<std::int64_t>(entry + 26)),
            .aborted = true};
}

Result<> TransactionIndex::create() {
    count_ = 0;
    auto removed = disk_.remove(path_);
    if (!removed && removed.error().code == Errc::not_found) return {};
    return removed;
}

Result<> TransactionIndex::append(const CompletedTransaction& transaction) {
    std::array<std::uint8_t, entry_bytes> entry{};
    store_big_endian(entry.data() + 2, transaction.producer_id.value());
    store_big_endian(entry.data() + 10, transaction.first_offset.value());
    store_big_endian(entry.data() + 18, transaction.last_offset.value());
    store_big_endian(entry.data() + 26, transaction.last_stable_offset.value());
    MOLDAU_TRY(file, disk_.open(path_, runtime::OpenMode::create));
    const ByteView parts[] = {entry};
    MOLDAU_CHECK(file->write_at(parts, count_ * entry_bytes));
    ++count_;
    return {};
}

Result<bool> TransactionIndex::ends_before(Offset marker) {
    if (count_ == 0) return true;
    std::array<std::uint8_t, entry_bytes> entry{};
    MOLDAU_CHECK(read(count_ - 1, 1, entry.data()));
    return parse(entry.data()).last_offset < marker;
}

Result<Offset> TransactionIndex::rewind(Offset end) {
    std::size_t keep = 0;
    Offset known_end = base_;
    const auto walked = walk(0, Offset(INT64_MAX), [&](const CompletedTransaction& entry) {
        if (entry.last_offset >= end) return false;
        ++keep;
        known_end = entry.last_offset + 1;
        return true;
    });
    if (!walked && walked.error().code != Errc::corrupt) return std::unexpected(walked.error());
    count_ = keep;
    if (walked) return end;
    log::warn("{}; it is made anew from offset {} on", walked.error().message, known_end);
    return known_end;
}

Result<> TransactionIndex::settle() {
    auto file = disk_.open(path_, runtime::OpenMode::read_write);
    if (!file && file.error().code == Errc::not_found && count_ == 0) return {};
    if (!file) return std::unexpected(std::move(file).error());
    MOLDAU_CHECK((*file)->truncate(count_ * entry_bytes));
    return (*file)->sync();
}

Result<bool> TransactionIndex::collect(const Range& range, std::vector<AbortedTransaction>& found) {
    MOLDAU_TRY(before, slots_before(range.begin));
    bool complete = false;
    // From two entries earlier: where a damaged one has led the search astray, it stands there out of order.
    const std::size_t from = before - std::min<std::size_t>(before, 2);
    MOLDAU_CHECK(walk(from, range.segment_end, [&](const CompletedTransaction& entry) {
        if (entry.last_offset >= range.begin && entry.first_offset < range.end)
            found.push_back({entry.producer_id, entry.first_offset});
        complete = entry.last_stable_offset >= range.end;
        return !complete;
    }));
    return complete;
}

Result<std::size_t> TransactionIndex::slots_before(Offset offset) {
    std::array<std::uint8_t, entry_bytes> entry{};
    std::size_t low = 0;
    std::size_t high = count_;
    while (low < high) {
        const std::size_t middle = low + (high - low) / 2;
        MOLDAU_CHECK(read(middle, 1, entry.data()));
        if (parse(entry.data()).last_offset < offset) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

Result<> TransactionIndex::read(std::size_t slot, std::size_t count, std::uint8_t* into) {
    MOLDAU_TRY(file, file_.get_or_open(disk_, path_, runtime::OpenMode::read));
    const std::size_t size = count * entry_bytes;
    MOLDAU_TRY(got, file->read_at({into, size}, slot * entry_bytes));
    if (got == size) return {};
    return fail(Errc::corrupt,
                fmt::format("{} ends at {} bytes, it had {}", path_, slot * entry_bytes + got, count_ * entry_bytes));
}

template <class Visit>
Result<> TransactionIndex::walk(std::size_t slot, Offset segment_end, Visit visit) {
    std::array<std::uint8_t, piece_entries * entry_bytes> piece;
    Offset before = base_ - 1;
    while (slot < count_) {
        const std::size_t entries = std::min(piece_entries, count_ - slot);
        MOLDAU_CHECK(read(slot, entries, piece.data()));
        for (std::size_t i = 0; i < entries; ++i, ++slot) {
            const std::uint8_t* at = piece.data() + i * entry_bytes;
            const CompletedTransaction entry = parse(at);
            if (!is_plausible(at, entry, before, segment_end))
                return fail(Errc::corrupt, fmt::format("{} at position {}: no aborted transaction of this segment",
                                                       path_, slot * entry_bytes));
            if (!visit(entry)) return {};
            before = entry.last_offset;
        }
    }
    return {};
}

}  // namespace moldau::storage
