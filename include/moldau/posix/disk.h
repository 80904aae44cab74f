#pragma once
// The real file system. Owned by main; used from every shard. Two pools of threads run what may wait for a device, one
// of them syncs alone; all but the first thread of each are started when there is something for them to do.

#include <memory>

#include <moldau/runtime/disk.h>

namespace moldau::posix {

class IoPool;

struct DiskOptions {
    /// How many syncs run at once. Files that are synced in parallel gain up to about eight.
    unsigned sync_threads = 8;
    /// How many other waits for devices do.
    unsigned io_threads = 8;
};

/// Destroy it after Shards::join() and before the Shards: what its pool still holds is dropped then.
class PosixDisk final : public runtime::Disk {
 public:
    /// Ignores SIGXFSZ in this process: a file that reaches a limit (ulimit -f) fails its write with Errc::no_space.
    explicit PosixDisk(DiskOptions options = {});
    ~PosixDisk() override;

    Result<std::unique_ptr<runtime::File>> open(const std::string& path, runtime::OpenMode mode) override;
    Result<std::vector<runtime::DirectoryEntry>> list(const std::string& directory) override;
    Result<bool> exists(const std::string& path) override;
    Result<bool> is_link(const std::string& path) override;
    Result<> create_directories(const std::string& path) override;
    Result<> rename(const std::string& from, const std::string& to) override;
    Result<> remove(const std::string& path) override;
    Result<> sync_directory(const std::string& directory) override;
    Result<runtime::DiskSpace> space(const std::string& directory) override;
    Result<std::unique_ptr<runtime::DirectoryLock>> lock(const std::string& directory) override;
    void post_blocking(runtime::Work& work) override;
    void post_sync(runtime::Work& work) override;

 private:
    std::unique_ptr<IoPool> syncs_;
    std::unique_ptr<IoPool> pool_;
};

}  // namespace moldau::posix
