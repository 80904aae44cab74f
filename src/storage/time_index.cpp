#include "time_index.h"

namespace moldau::storage {
namespace {

std::int64_t timestamp_of(const std::uint8_t* entry) {
    return load_big_endian<std::int64_t>(entry);
}

}  // namespace

TimeIndex::TimeIndex(runtime::Disk& disk, std::string path, Offset base)
    : file_(disk, std::move(path), entry_bytes, timestamp_of), base_(base) {}

TimeIndex::Entry TimeIndex::parse(const std::uint8_t* from) const {
    return {Timestamp(timestamp_of(from)), base_ + load_big_endian<std::int32_t>(from + 8)};
}

void TimeIndex::maybe_append(Entry entry) {
    if (entry.timestamp == no_timestamp) return;
    if (file_.count() > 0 && entry.timestamp <= parse(file_.at(file_.count() - 1)).timestamp) return;
    std::uint8_t* slot = file_.append();
    store_big_endian(slot, entry.timestamp.value());
    store_big_endian(slot + 8, static_cast<std::int32_t>(entry.offset - base_));
}

Result<TimeIndex::Entry> TimeIndex::floor(Timestamp timestamp) {
    std::uint8_t entry[entry_bytes];
    MOLDAU_TRY(found, file_.floor(timestamp.value(), entry));
    return found ? parse(entry) : Entry{no_timestamp, base_};
}

Result<TimeIndex::Entry> TimeIndex::last() {
    std::uint8_t entry[entry_bytes];
    MOLDAU_TRY(found, file_.last(entry));
    return found ? parse(entry) : Entry{no_timestamp, base_};
}

void TimeIndex::truncate_to_offset(Offset end) {
    std::size_t count = file_.count();
    while (count > 0 && parse(file_.at(count - 1)).offset >= end) --count;
    file_.truncate(count);
}

void TimeIndex::drop_implausible() {
    Entry before{no_timestamp, base_ - 1};
    std::size_t count = 0;
    for (; count < file_.count(); ++count) {
        const Entry entry = parse(file_.at(count));
        const bool padding = entry.timestamp.value() == 0 && entry.offset == base_;
        if (padding || entry.timestamp <= before.timestamp || entry.offset <= before.offset) break;
        before = entry;
    }
    file_.truncate(count);
}

}  // namespace moldau::storage
