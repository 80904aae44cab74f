#include "posix_file.h"

#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "system_error.h"

namespace moldau::posix {

namespace {

constexpr std::size_t max_buffers_a_call = 64;

/// The parts of one pwritev: `parts` from byte `skip` of the first on. Returns how many vectors were filled.
std::size_t fill_vectors(std::span<const ByteView> parts, std::size_t skip, std::span<iovec> vectors) {
    std::size_t count = 0;
    for (const ByteView part : parts) {
        if (count == vectors.size()) break;
        const ByteView rest = part.subspan(skip);
        skip = 0;
        vectors[count++] = {const_cast<std::uint8_t*>(rest.data()), rest.size()};
    }
    return count;
}

}  // namespace

PosixFile::~PosixFile() {
    ::close(descriptor_);
}

Result<> PosixFile::write_at(std::span<const ByteView> parts, std::uint64_t position) {
    std::size_t skip = 0;  // bytes of the first part that are written
    while (true) {
        while (!parts.empty() && skip == parts.front().size()) {
            parts = parts.subspan(1);
            skip = 0;
        }
        if (parts.empty()) return {};
        iovec vectors[max_buffers_a_call];
        const std::size_t count = fill_vectors(parts, skip, vectors);
        const ssize_t written = uninterrupted(
            [&] { return ::pwritev(descriptor_, vectors, static_cast<int>(count), static_cast<off_t>(position)); });
        if (written < 0) return system_failure(errno, "write", path_);
        // A full disk gives a short write first and its error at the next call.
        if (written == 0) return system_failure(EIO, "write", path_);
        position += static_cast<std::uint64_t>(written);
        for (auto left = static_cast<std::size_t>(written); left > 0;) {
            const std::size_t step = std::min(left, parts.front().size() - skip);
            left -= step;
            skip += step;
            if (skip == parts.front().size()) {
                parts = parts.subspan(1);
                skip = 0;
            }
        }
    }
}

Result<std::size_t> PosixFile::read_at(MutableBytes into, std::uint64_t position) const {
    std::size_t done = 0;
    while (done < into.size()) {
        const ssize_t count = uninterrupted([&] {
            return ::pread(descriptor_, into.data() + done, into.size() - done, static_cast<off_t>(position + done));
        });
        if (count < 0) return system_failure(errno, "read", path_);
        if (count == 0) break;
        done += static_cast<std::size_t>(count);
    }
    return done;
}

Result<std::size_t> PosixFile::try_read_at(MutableBytes into, std::uint64_t position) const {
    if (reads_cannot_try_.load(std::memory_order_relaxed)) return system_failure(EAGAIN, "read", path_);
    const iovec vector{into.data(), into.size()};
    const ssize_t count =
        uninterrupted([&] { return ::preadv2(descriptor_, &vector, 1, static_cast<off_t>(position), RWF_NOWAIT); });
    if (count >= 0) return static_cast<std::size_t>(count);
    if (errno == EOPNOTSUPP) {
        reads_cannot_try_.store(true, std::memory_order_relaxed);
        return system_failure(EAGAIN, "read", path_);
    }
    return system_failure(errno, "read", path_);
}

Result<> PosixFile::truncate(std::uint64_t size) {
    if (uninterrupted([&] { return ::ftruncate(descriptor_, static_cast<off_t>(size)); }) != 0)
        return system_failure(errno, "truncate", path_);
    return {};
}

Result<std::uint64_t> PosixFile::size() const {
    struct stat status{};
    if (::fstat(descriptor_, &status) != 0) return system_failure(errno, "stat", path_);
    if (S_ISFIFO(status.st_mode)) return fail(Errc::invalid, fmt::format("{} is a FIFO, not a file", path_));
    return static_cast<std::uint64_t>(status.st_size);
}

Result<> PosixFile::sync() {
    if (uninterrupted([&] { return ::fdatasync(descriptor_); }) != 0) return sync_failure(errno, "fdatasync", path_);
    return {};
}

void PosixFile::async_sync(runtime::Shard& home, runtime::Handler<Result<>> handler) {
    auto sync_here = [this] { return sync(); };
    syncs_.post(*new runtime::detail::CallWork<decltype(sync_here), Result<>>(sync_here, home, std::move(handler)));
}

void PosixFile::write_back(std::uint64_t position, std::uint64_t size) {
    // Only a hint: where it fails, the sync that follows does the work, and reports.
    ::sync_file_range(descriptor_, static_cast<off64_t>(position), static_cast<off64_t>(size), SYNC_FILE_RANGE_WRITE);
}

}  // namespace moldau::posix
