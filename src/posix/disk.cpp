#include <cerrno>
#include <csignal>
#include <dirent.h>
#include <fcntl.h>
#include <filesystem>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <moldau/posix/disk.h>

#include "io_pool.h"
#include "posix_file.h"
#include "system_error.h"

namespace moldau::posix {

using runtime::DirectoryEntry;
using runtime::OpenMode;

namespace {

constexpr mode_t file_mode = 0644;  // less the process's umask

class Descriptor {
 public:
    explicit Descriptor(int number) : number_(number) {}
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    ~Descriptor() {
        if (number_ >= 0) ::close(number_);
    }
    int get() const { return number_; }
    int release() { return std::exchange(number_, -1); }

 private:
    int number_;
};

int flags_of(OpenMode mode) {
    switch (mode) {
        case OpenMode::read:
            return O_RDONLY;
        case OpenMode::read_write:
            return O_RDWR;
        case OpenMode::create:
            return O_RDWR | O_CREAT;
        case OpenMode::create_new:
            return O_RDWR | O_CREAT | O_EXCL;
    }
    return O_RDONLY;
}

int open_file(const std::string& path, int flags) {
    // O_NONBLOCK: a FIFO in place of a file would have us wait for its other end; it means nothing to files.
    return uninterrupted([&] { return ::open(path.c_str(), flags | O_CLOEXEC | O_NONBLOCK, file_mode); });
}

/// A lock of the open file description. It conflicts with the process-wide record locks that the JVM takes, as they do
/// with it; but it is not lost when another descriptor of the file is closed, and it excludes this process too.
class PosixDirectoryLock final : public runtime::DirectoryLock {
 public:
    explicit PosixDirectoryLock(int descriptor) : descriptor_(descriptor) {}

 private:
    Descriptor descriptor_;
};

}  // namespace

PosixDisk::PosixDisk(DiskOptions options)
    : syncs_(std::make_unique<IoPool>("sync", options.sync_threads)),
      pool_(std::make_unique<IoPool>("io", options.io_threads)) {
    std::signal(SIGXFSZ, SIG_IGN);
}
PosixDisk::~PosixDisk() = default;

Result<std::unique_ptr<runtime::File>> PosixDisk::open(const std::string& path, OpenMode mode) {
    const int descriptor = open_file(path, flags_of(mode));
    if (descriptor < 0) return system_failure(errno, "open", path);
    return std::make_unique<PosixFile>(descriptor, path, *syncs_);
}

Result<std::vector<DirectoryEntry>> PosixDisk::list(const std::string& directory) {
    const std::unique_ptr<DIR, int (*)(DIR*)> handle(::opendir(directory.c_str()),
                                                     [](DIR* dir) { return ::closedir(dir); });
    if (handle == nullptr) return system_failure(errno, "list", directory);
    std::vector<DirectoryEntry> entries;
    while (true) {
        errno = 0;
        const dirent* entry = ::readdir(handle.get());
        if (entry == nullptr && errno != 0) return system_failure(errno, "list", directory);
        if (entry == nullptr) break;
        const std::string name = entry->d_name;
        if (name == "." || name == "..") continue;
        struct stat status{};
        if (::fstatat(::dirfd(handle.get()), name.c_str(), &status, 0) != 0) {
            const bool leads_nowhere = errno == ENOENT || errno == ELOOP;
            if (!leads_nowhere) return system_failure(errno, "stat", runtime::join_path(directory, name));
            if (::fstatat(::dirfd(handle.get()), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0)
                continue;  // removed meanwhile
            status.st_size = 0;
        }
        const bool is_directory = S_ISDIR(status.st_mode);
        entries.push_back(
            {.name = name,
             .is_directory = is_directory,
             .size = is_directory ? 0 : static_cast<std::uint64_t>(status.st_size),
             .modified_at = Timestamp(status.st_mtim.tv_sec * 1000 + status.st_mtim.tv_nsec / 1'000'000)});
    }
    std::ranges::sort(entries, {}, &DirectoryEntry::name);
    return entries;
}

Result<bool> PosixDisk::exists(const std::string& path) {
    struct stat status{};
    if (::stat(path.c_str(), &status) == 0) return true;
    if (errno == ENOENT || errno == ENOTDIR) return false;
    return system_failure(errno, "stat", path);
}

Result<bool> PosixDisk::is_link(const std::string& path) {
    struct stat status{};
    if (::lstat(path.c_str(), &status) != 0) return system_failure(errno, "stat", path);
    return S_ISLNK(status.st_mode);
}

Result<> PosixDisk::create_directories(const std::string& path) {
    std::error_code error;
    std::filesystem::create_directories(path, error);
    if (error) return system_failure(error.value(), "create directory", path);
    return {};
}

Result<> PosixDisk::rename(const std::string& from, const std::string& to) {
    if (uninterrupted([&] { return ::rename(from.c_str(), to.c_str()); }) != 0)
        return system_failure(errno, "rename", fmt::format("{} to {}", from, to));
    return {};
}

Result<> PosixDisk::remove(const std::string& path) {
    if (uninterrupted([&] { return ::remove(path.c_str()); }) != 0) return system_failure(errno, "remove", path);
    return {};
}

Result<> PosixDisk::sync_directory(const std::string& directory) {
    const Descriptor descriptor(open_file(directory, O_RDONLY | O_DIRECTORY));
    if (descriptor.get() < 0) return system_failure(errno, "open", directory);
    if (uninterrupted([&] { return ::fsync(descriptor.get()); }) != 0) return sync_failure(errno, "fsync", directory);
    return {};
}

Result<runtime::DiskSpace> PosixDisk::space(const std::string& directory) {
    struct statvfs status{};
    if (::statvfs(directory.c_str(), &status) != 0) return system_failure(errno, "statvfs", directory);
    const std::uint64_t unit_bytes = status.f_frsize;
    return runtime::DiskSpace{status.f_bavail * unit_bytes, status.f_blocks * unit_bytes};
}

Result<std::unique_ptr<runtime::DirectoryLock>> PosixDisk::lock(const std::string& directory) {
    const std::string path = runtime::join_path(directory, ".lock");
    Descriptor descriptor(open_file(path, O_RDWR | O_CREAT));
    if (descriptor.get() < 0) return system_failure(errno, "open", path);
    struct flock whole_file{};
    whole_file.l_type = F_WRLCK;
    whole_file.l_whence = SEEK_SET;
    if (::fcntl(descriptor.get(), F_OFD_SETLK, &whole_file) == 0)
        return std::make_unique<PosixDirectoryLock>(descriptor.release());
    if (errno == EAGAIN || errno == EACCES)
        return fail(Errc::exists,
                    fmt::format("{} is locked: another process uses this directory; stop it first", path));
    return system_failure(errno, "lock", path);
}

void PosixDisk::post_blocking(runtime::Work& work) {
    pool_->post(work);
}

void PosixDisk::post_sync(runtime::Work& work) {
    syncs_->post(work);
}

}  // namespace moldau::posix
