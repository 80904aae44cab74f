#pragma once
// An open file of a SimDisk. Owned by the broker under test; ends with the life that opened it.

#include "sim_disk.h"

namespace moldau::sim {

class SimFile final : public runtime::File {
 public:
    SimFile(SimDisk& disk, SimDisk::InodePtr inode, bool writable)
        : disk_(disk), inode_(std::move(inode)), writable_(writable) {}

    Result<> write_at(std::span<const ByteView> parts, std::uint64_t position) override;
    Result<std::size_t> read_at(MutableBytes into, std::uint64_t position) const override;
    Result<std::size_t> try_read_at(MutableBytes into, std::uint64_t position) const override;
    Result<> truncate(std::uint64_t size) override;
    Result<std::uint64_t> size() const override { return inode_->content.size(); }
    Result<> sync() override;
    void async_sync(runtime::Shard& home, runtime::Handler<Result<>> handler) override;
    void write_back(std::uint64_t position, std::uint64_t size) override;

    /// The two ends of a sync, for whoever replays what a real file was asked: see FileContent.
    std::uint64_t sync_point() const { return inode_->content.sync_point(); }
    void complete_sync(std::uint64_t point) { inode_->content.complete_sync(point); }

 private:
    Result<std::size_t> read(MutableBytes into, std::uint64_t position) const;

    SimDisk& disk_;
    SimDisk::InodePtr inode_;
    bool writable_;
};

class SimDirectoryLock final : public runtime::DirectoryLock {
 public:
    SimDirectoryLock(SimDisk& disk, std::string directory, Incarnation holder)
        : disk_(disk), directory_(std::move(directory)), holder_(holder) {}
    ~SimDirectoryLock() override {
        if (disk_.incarnation_ == holder_) disk_.locked_.erase(directory_);
    }

 private:
    SimDisk& disk_;
    std::string directory_;
    Incarnation holder_;
};

}  // namespace moldau::sim
