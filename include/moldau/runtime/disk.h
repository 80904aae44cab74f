#pragma once
// Files as a port. posix has the real one; the simulator's loses, tears and delays what was not synced.

#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include <moldau/base/bytes.h>
#include <moldau/base/ids.h>
#include <moldau/base/result.h>
#include <moldau/runtime/async.h>

namespace moldau::runtime {

/// An open file. Calls without `async_` may be made from any one thread at a time, except that reads and syncs may run
/// beside writes. What is written is in the page cache; only a completed sync makes it durable.
class File {
 public:
    virtual ~File() = default;  ///< closes it

    /// Writes all parts, one behind the other, at `position`. On failure (Errc::no_space, Errc::io) any prefix may have
    /// been written: the caller truncates back.
    virtual Result<> write_at(std::span<const ByteView> parts, std::uint64_t position) = 0;

    /// Reads until `into` is full or the file ends; returns the bytes read. May wait for the device.
    virtual Result<std::size_t> read_at(MutableBytes into, std::uint64_t position) const = 0;

    /// As read_at, but Errc::would_block where it would wait for the device. May return fewer bytes than there are.
    virtual Result<std::size_t> try_read_at(MutableBytes into, std::uint64_t position) const = 0;

    virtual Result<> truncate(std::uint64_t size) = 0;
    virtual Result<std::uint64_t> size() const = 0;

    /// Makes everything written before the call durable (fdatasync). Waits. After a failure the state of the file is
    /// unknown: never try again.
    virtual Result<> sync() = 0;

    /// The same on the I/O pool; covers what was written before this call, nothing that is written after it.
    virtual void async_sync(Shard& home, Handler<Result<>> handler) = 0;

    /// Asks the system to begin writing a range to the device, without waiting. Makes nothing durable.
    virtual void write_back(std::uint64_t position, std::uint64_t size) = 0;

    /// The system's descriptor for Stream::send_file; −1 where there is none.
    virtual int descriptor() const { return -1; }
};

enum class OpenMode {
    read,        ///< must exist
    read_write,  ///< must exist
    create,      ///< read and write, made when missing
    create_new,  ///< read and write, Errc::exists when there
};

struct DirectoryEntry {
    std::string name;
    bool is_directory;
    std::uint64_t size;
    Timestamp modified_at = no_timestamp;  ///< of a file, where the disk keeps it
};

struct DiskSpace {
    std::uint64_t free_bytes;  ///< that we may use
    std::uint64_t total_bytes;
};

/// Keeps other processes out of a directory while it lives.
class DirectoryLock {
 public:
    virtual ~DirectoryLock() = default;
};

/// A file system. Paths are absolute or relative to where the process started. Creating, renaming and removing are
/// durable only after sync_directory of the directory that holds the name.
class Disk {
 public:
    virtual ~Disk() = default;

    virtual Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) = 0;
    /// Sorted by name. An entry is what a link leads to; a link to nothing is an empty file.
    virtual Result<std::vector<DirectoryEntry>> list(const std::string& directory) = 0;
    virtual Result<bool> exists(const std::string& path) = 0;
    /// Whether `path` itself is a symbolic link: list() and open() follow them.
    virtual Result<bool> is_link(const std::string&) { return false; }
    virtual Result<> create_directories(const std::string& path) = 0;
    virtual Result<> rename(const std::string& from, const std::string& to) = 0;  ///< replaces `to`
    virtual Result<> remove(const std::string& path) = 0;                         ///< a file or an empty directory
    virtual Result<> sync_directory(const std::string& directory) = 0;
    virtual Result<DiskSpace> space(const std::string& directory) = 0;  ///< of the file system that holds it
    /// Takes the lock file `.lock` in `directory`; Errc::exists when another process holds it.
    virtual Result<std::unique_ptr<DirectoryLock>> lock(const std::string& directory) = 0;

    /// Queues work that may wait for the device; it runs on the I/O pool, beside the shards.
    virtual void post_blocking(Work& work) = 0;
    /// The same for work that makes changes durable, which producers wait for: it does not stand behind cold reads,
    /// recoveries and removals, nor they behind it.
    virtual void post_sync(Work& work) { post_blocking(work); }
};

namespace detail {

template <class F>
auto run_beside(Disk& disk, void (Disk::*post)(Work&), Shard& home, F callable) {
    using R = std::invoke_result_t<F&>;
    using Tell = typename Telling<R>::Tell;
    return Telling<R>::async([&disk, post, &home, callable = std::move(callable)](Tell tell) mutable {
        (disk.*post)(*new CallWork<F, R>(std::move(callable), home, std::move(tell)));
    });
}

}  // namespace detail

/// Runs `callable`, which may wait for the device, on the I/O pool and brings its result home. Requires: on `home`.
template <class F>
auto run_blocking(Disk& disk, Shard& home, F callable) {
    return detail::run_beside(disk, &Disk::post_blocking, home, std::move(callable));
}

/// Runs `callable`, which may wait for the device, on the I/O pool, and nobody hears of it; it is dropped at the end.
template <class F>
void post_blocking(Disk& disk, F callable) {
    disk.post_blocking(*new detail::CallableWork<F>(std::move(callable)));
}

/// For works on the I/O pool of which only one is to be at something. Shards never wait for it.
class Turns {
 public:
    using Held = std::unique_lock<std::mutex>;
    [[nodiscard]] Held take() { return Held(mutex_); }
    [[nodiscard]] Held take_if_free() { return Held(mutex_, std::try_to_lock); }

 private:
    std::mutex mutex_;
};

/// As run_blocking, for a callable that makes changes durable.
template <class F>
auto run_sync(Disk& disk, Shard& home, F callable) {
    return detail::run_beside(disk, &Disk::post_sync, home, std::move(callable));
}

/// Completes when what was written to `file` before is durable. Requires: on `home`.
inline auto sync_file(File& file, Shard& home) {
    return async<Result<>>([&file, &home](Handler<Result<>> handler) { file.async_sync(home, std::move(handler)); });
}

/// The whole content. Errc::invalid when it is larger than `max_size_bytes`. Waits for the device.
Result<Bytes> read_whole(Disk& disk, const std::string& path, std::uint64_t max_size_bytes = 1 << 30);

/// Replaces `path` so that after a crash it holds either the old content or the new: writes `path`.tmp, syncs it,
/// renames, syncs the directory. Waits for the device.
Result<> write_atomically(Disk& disk, const std::string& path, ByteView content);

/// The same for `path` below `directory`, which is there; directories on the way are made, durably.
Result<> write_below(Disk& disk, const std::string& directory, std::string_view path, ByteView content);

/// Gives `path` that content in place: a crash before a sync leaves anything. Errors: no_space; no_descriptors; io.
Result<> overwrite(Disk& disk, const std::string& path, ByteView content);

/// Makes what was written to `path` durable; it may have been removed meanwhile. Waits for the device.
Result<> sync_file(Disk& disk, const std::string& path);

/// `directory`/`name`.
std::string join_path(std::string_view directory, std::string_view name);
/// All before the last slash; "." when there is none.
std::string parent_path(std::string_view path);

/// Removes a directory with all that is in it; of a symbolic link only the link. Waits for the device.
Result<> remove_all(Disk& disk, const std::string& path);

}  // namespace moldau::runtime
