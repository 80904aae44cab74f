#include "offset_index.h"

#include <moldau/base/assert.h>

namespace moldau::storage {
namespace {

std::int64_t relative_offset_of(const std::uint8_t* entry) {
    return load_big_endian<std::int32_t>(entry);
}

}  // namespace

OffsetIndex::OffsetIndex(runtime::Disk& disk, std::string path, Offset base)
    : file_(disk, std::move(path), entry_bytes, relative_offset_of), base_(base) {}

OffsetIndex::Entry OffsetIndex::parse(const std::uint8_t* from) const {
    return {base_ + relative_offset_of(from), load_big_endian<std::uint32_t>(from + 4)};
}

void OffsetIndex::append(Offset last_offset, std::uint64_t position) {
    MOLDAU_ASSERT(file_.count() == 0 || (last().offset < last_offset && last().position < position));
    std::uint8_t* entry = file_.append();
    store_big_endian(entry, static_cast<std::int32_t>(last_offset - base_));
    store_big_endian(entry + 4, static_cast<std::uint32_t>(position));
}

Result<OffsetIndex::Entry> OffsetIndex::floor(Offset offset) {
    std::uint8_t entry[entry_bytes];
    MOLDAU_TRY(found, file_.floor(offset - base_, entry));
    return found ? parse(entry) : Entry{base_, 0};
}

Result<std::optional<OffsetIndex::Entry>> OffsetIndex::first_at(std::uint64_t position) {
    std::optional<Entry> found;
    std::uint8_t entry[entry_bytes];
    std::size_t low = 0;
    std::size_t high = file_.count();
    while (low < high) {
        const std::size_t middle = low + (high - low) / 2;
        MOLDAU_CHECK(file_.read(middle, entry));
        if (const Entry at = parse(entry); at.position < position) {
            low = middle + 1;
        } else {
            found = at;
            high = middle;
        }
    }
    return found;
}

Result<OffsetIndex::Entry> OffsetIndex::read_last() {
    std::uint8_t entry[entry_bytes];
    MOLDAU_TRY(found, file_.last(entry));
    return found ? parse(entry) : Entry{base_, 0};
}

void OffsetIndex::truncate_to_position(std::uint64_t position) {
    std::size_t count = file_.count();
    while (count > 0 && entry_at(count - 1).position >= position) --count;
    file_.truncate(count);
}

void OffsetIndex::drop_implausible(std::uint64_t segment_size) {
    Entry before{base_ - 1, 0};
    std::size_t count = 0;
    for (; count < file_.count(); ++count) {
        const Entry entry = entry_at(count);
        if (entry.offset <= before.offset || entry.position <= before.position || entry.position >= segment_size) break;
        before = entry;
    }
    file_.truncate(count);
}

}  // namespace moldau::storage
