#include "sim_file.h"

#include <fmt/format.h>

#include <moldau/base/assert.h>

#include "sim_shard.h"

namespace moldau::sim {

Result<> SimFile::write_at(std::span<const ByteView> parts, std::uint64_t position) {
    MOLDAU_ASSERT(writable_);
    MOLDAU_CHECK(disk_.begin_change());
    disk_.spend(disk_.options_.call);
    FileContent& content = inode_->content;
    std::uint64_t total = 0;
    for (const ByteView part : parts) total += part.size();
    const std::uint64_t grows = std::max(content.size(), position + total) - content.size();
    const bool fits = disk_.used_bytes_ + grows <= disk_.options_.capacity_bytes;
    std::uint64_t left = total;
    if (!fits) {
        const std::uint64_t overwrites = total - std::min(grows, total);
        const std::uint64_t room =
            disk_.options_.capacity_bytes - std::min(disk_.used_bytes_, disk_.options_.capacity_bytes);
        left = overwrites + (room == 0 ? 0 : disk_.random_.between(0, std::min(room, total - overwrites - 1)));
        // A hole before the first byte takes no space, but is counted here: write nothing that grows then.
        if (position > content.size()) left = 0;
    }
    const std::uint64_t before = content.size();
    std::uint64_t hash = 0;
    for (ByteView part : parts) {
        part = part.first(std::min<std::uint64_t>(part.size(), left));
        content.write(position, part);
        position += part.size();
        left -= part.size();
        hash = mix(hash, hash_of(part));
    }
    disk_.resized(*inode_, before);
    disk_.simulation_.trace(EventKind::disk, disk_.incarnation_, inode_->path, total, hash);
    if (!fits) {
        disk_.refusals_[disk_.incarnation_].for_space = true;
        disk_.simulation_.count("disk full");
        return fail(Errc::no_space, fmt::format("{}: no space left on {}", inode_->path, disk_.name_));
    }
    return {};
}

Result<std::size_t> SimFile::read(MutableBytes into, std::uint64_t position) const {
    if (disk_.read_fails(*inode_, position, into.size()))
        return fail(Errc::io, fmt::format("{}: cannot read at {}", inode_->path, position));
    const ByteView data = inode_->content.data();
    if (position >= data.size()) return 0;
    const ByteView found = data.subspan(position, std::min<std::uint64_t>(into.size(), data.size() - position));
    std::ranges::copy(found, into.begin());
    return found.size();
}

Result<std::size_t> SimFile::read_at(MutableBytes into, std::uint64_t position) const {
    disk_.spend(disk_.options_.call);
    return read(into, position);
}

Result<std::size_t> SimFile::try_read_at(MutableBytes into, std::uint64_t position) const {
    if (disk_.random_.chance(disk_.options_.would_block_per_mille))
        return fail(Errc::would_block, "not in the page cache");
    if (into.size() > 1 && disk_.random_.chance(disk_.options_.short_read_per_mille))
        into = into.first(disk_.random_.between(1, into.size() - 1));
    return read(into, position);
}

Result<> SimFile::truncate(std::uint64_t size) {
    MOLDAU_ASSERT(writable_);
    MOLDAU_CHECK(disk_.begin_change());
    disk_.spend(disk_.options_.call);
    const std::uint64_t before = inode_->content.size();
    inode_->content.resize(size);
    disk_.resized(*inode_, before);
    disk_.simulation_.trace(EventKind::disk, disk_.incarnation_, inode_->path, before, size);
    return {};
}

Result<> SimFile::sync() {
    MOLDAU_CHECK(disk_.begin_change());
    disk_.spend(disk_.options_.sync);
    const std::uint64_t point = inode_->content.sync_point();
    disk_.simulation_.trace(EventKind::disk, disk_.incarnation_, inode_->path, point);
    if (disk_.sync_fails()) {
        inode_->content.fail_sync(point, disk_.random_);
        return fail(Errc::io, fmt::format("{}: sync failed", inode_->path));
    }
    inode_->content.complete_sync(point);
    return {};
}

void SimFile::async_sync(runtime::Shard& home, runtime::Handler<Result<>> handler) {
    auto& shard = static_cast<SimShard&>(home);
    // When the power goes now the event is still due, so that the handler lives until the node's end destroys it.
    (void)disk_.begin_change();
    disk_.simulation_.schedule_after(
        disk_.sync_latency(), EventKind::disk, {disk_.incarnation_, nullptr},
        [&disk = disk_, &shard, inode = inode_, point = inode_->content.sync_point(),
         handler = std::move(handler)]() mutable {
            Result<> outcome = disk.begin_change();
            if (!outcome) return;
            disk.simulation_.trace(EventKind::disk, disk.incarnation_, inode->path, point);
            if (disk.sync_fails()) {
                inode->content.fail_sync(point, disk.random_);
                outcome = fail(Errc::io, fmt::format("{}: sync failed", inode->path));
            } else {
                inode->content.complete_sync(point);
            }
            shard.complete(EventKind::disk, [handler = std::move(handler), outcome = std::move(outcome)]() mutable {
                std::move(handler)(std::move(outcome));
            });
        });
}

void SimFile::write_back(std::uint64_t, std::uint64_t) {
    // Nothing to do: a crash may find any page written back anyway.
}

}  // namespace moldau::sim
