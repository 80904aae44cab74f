#include <algorithm>

#include <fmt/format.h>

#include <moldau/base/log.h>
#include <moldau/storage/spare_file.h>

namespace moldau::storage {
namespace {

std::uint64_t size_on(const runtime::DiskSpace& space) {
    return std::min(SpareFile::max_size_bytes, space.total_bytes / SpareFile::share);
}

/// What no file system compresses: zeros may take no room at all.
Bytes incompressible(std::uint64_t size_bytes) {
    Bytes content(size_bytes);
    std::uint64_t state = 0;
    for (auto& byte : content) {
        state = state * 6364136223846793005U + 1442695040888963407U;  // Knuth's MMIX generator
        byte = static_cast<std::uint8_t>(state >> 56);
    }
    return content;
}

}  // namespace

Result<> SpareFile::open() {
    const auto turn = turns_.take();
    MOLDAU_TRY(space, disk_.space(directory_));
    auto file = disk_.open(path_, runtime::OpenMode::read_write);
    if (!file) return {};  // keep() tells of it
    MOLDAU_TRY(size, (*file)->size());
    is_whole_ = size >= size_on(space);
    // The other half is retention's, however often a node starts.
    const std::uint64_t half = size_on(space) / 2;
    if (space.free_bytes >= half || size <= half) return {};
    is_whole_ = false;
    log::warn("the disk of {} is full: half of {} is given up for the start", directory_, name);
    Result<> cut = (*file)->truncate(half);
    if (cut) cut = (*file)->sync();  // a journal may give blocks to others only once it is written
    return !cut && is_shortage(cut.error()) ? Result<>() : cut;
}

Result<> SpareFile::keep() {
    const auto turn = turns_.take();
    if (is_whole_) return {};
    MOLDAU_TRY(space, disk_.space(directory_));
    const std::uint64_t size = size_on(space);
    if (space.free_bytes < free_factor * size) return {};
    auto file = disk_.open(path_, runtime::OpenMode::create);
    if (!file) {
        is_whole_ = !is_shortage(file.error());
        if (is_whole_) log::warn("no spare file is kept: {}", file.error().message);
        return {};
    }
    Result<> made = fill(**file, size);
    is_whole_ = made.has_value();
    if (made || !is_shortage(made.error())) return made;
    // Part of it is of no use to us.
    auto removed = disk_.remove(path_);
    if (!removed && removed.error().code != Errc::not_found) return removed;
    return {};
}

Result<bool> SpareFile::give_up() {
    const auto turn = turns_.take();
    is_whole_ = false;
    auto removed = disk_.remove(path_);
    if (!removed && removed.error().code == Errc::not_found) return false;
    if (!removed) return std::unexpected(std::move(removed).error());
    if (auto synced = disk_.sync_directory(directory_); !synced && !is_shortage(synced.error()))
        return std::unexpected(std::move(synced).error());
    log::warn("the disk of {} is full: {} is given up for the notes that let old segments go", directory_, name);
    return true;
}

Result<> SpareFile::fill(runtime::File& file, std::uint64_t size_bytes) {
    MOLDAU_CHECK(file.truncate(0));
    const Bytes content = incompressible(size_bytes);
    const ByteView parts[] = {content};
    MOLDAU_CHECK(file.write_at(parts, 0));
    MOLDAU_CHECK(file.sync());
    return disk_.sync_directory(directory_);
}

}  // namespace moldau::storage
