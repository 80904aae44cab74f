#pragma once
// A real file: one descriptor.

#include <atomic>
#include <string>

#include <moldau/runtime/disk.h>

#include "io_pool.h"

namespace moldau::posix {

class PosixFile final : public runtime::File {
 public:
    /// Takes `descriptor`. `syncs` must outlive the calls of async_sync, not the file.
    PosixFile(int descriptor, std::string path, IoPool& syncs)
        : descriptor_(descriptor), path_(std::move(path)), syncs_(syncs) {}
    PosixFile(const PosixFile&) = delete;
    PosixFile& operator=(const PosixFile&) = delete;
    ~PosixFile() override;

    Result<> write_at(std::span<const ByteView> parts, std::uint64_t position) override;
    Result<std::size_t> read_at(MutableBytes into, std::uint64_t position) const override;
    Result<std::size_t> try_read_at(MutableBytes into, std::uint64_t position) const override;
    Result<> truncate(std::uint64_t size) override;
    Result<std::uint64_t> size() const override;
    Result<> sync() override;
    void async_sync(runtime::Shard& home, runtime::Handler<Result<>> handler) override;
    void write_back(std::uint64_t position, std::uint64_t size) override;
    int descriptor() const override { return descriptor_; }

 private:
    const int descriptor_;
    const std::string path_;
    IoPool& syncs_;
    mutable std::atomic<bool> reads_cannot_try_ = false;  // this file system knows no RWF_NOWAIT
};

}  // namespace moldau::posix
