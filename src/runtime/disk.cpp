#include <fmt/format.h>

#include <moldau/runtime/disk.h>

namespace moldau::runtime {

std::string join_path(std::string_view directory, std::string_view name) {
    if (directory.ends_with('/')) directory.remove_suffix(1);
    return fmt::format("{}/{}", directory, name);
}

std::string parent_path(std::string_view path) {
    const std::size_t slash = path.rfind('/');
    if (slash == std::string_view::npos) return ".";
    return std::string(path.substr(0, slash == 0 ? 1 : slash));
}

Result<Bytes> read_whole(Disk& disk, const std::string& path, std::uint64_t max_size_bytes) {
    MOLDAU_TRY(file, disk.open(path, OpenMode::read));
    MOLDAU_TRY(size, file->size());
    if (size > max_size_bytes)
        return fail(Errc::invalid, fmt::format("{} has {} bytes; at most {} are read", path, size, max_size_bytes));
    Bytes content(size);
    MOLDAU_TRY(read, file->read_at(content, 0));
    content.resize(read);
    return content;
}

Result<> write_atomically(Disk& disk, const std::string& path, ByteView content) {
    const std::string draft = path + ".tmp";
    {
        MOLDAU_TRY(file, disk.open(draft, OpenMode::create));
        MOLDAU_CHECK(file->truncate(0));
        const ByteView parts[] = {content};
        MOLDAU_CHECK(file->write_at(parts, 0));
        MOLDAU_CHECK(file->sync());
    }
    MOLDAU_CHECK(disk.rename(draft, path));
    return disk.sync_directory(parent_path(path));
}

Result<> write_below(Disk& disk, const std::string& directory, std::string_view path, ByteView content) {
    const std::string whole = join_path(directory, path);
    MOLDAU_CHECK(disk.create_directories(parent_path(whole)));
    MOLDAU_CHECK(disk.sync_directory(directory));
    return write_atomically(disk, whole, content);
}

Result<> overwrite(Disk& disk, const std::string& path, ByteView content) {
    MOLDAU_TRY(file, disk.open(path, OpenMode::create));
    MOLDAU_CHECK(file->truncate(0));
    const ByteView parts[] = {content};
    return file->write_at(parts, 0);
}

Result<> sync_file(Disk& disk, const std::string& path) {
    auto file = disk.open(path, OpenMode::read_write);
    if (!file && file.error().code == Errc::not_found) return {};
    if (!file) return std::unexpected(std::move(file).error());
    return (*file)->sync();
}

Result<> remove_all(Disk& disk, const std::string& path) {
    MOLDAU_TRY(is_link, disk.is_link(path));
    if (is_link) return disk.remove(path);
    MOLDAU_TRY(entries, disk.list(path));
    for (const DirectoryEntry& entry : entries) {
        const std::string child = join_path(path, entry.name);
        MOLDAU_CHECK(entry.is_directory ? remove_all(disk, child) : disk.remove(child));
    }
    return disk.remove(path);
}

}  // namespace moldau::runtime
