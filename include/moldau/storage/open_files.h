#pragma once
// Bounds the files that the logs of one shard hold open: the one that was used longest ago gives its descriptor back,
// and is opened again at its next use. OpenFiles is the shard's, on that shard, and outlives the logs that joined it; a
// CachedFile is its segment's or index's.

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <string>

#include <moldau/base/result.h>
#include <moldau/runtime/disk.h>

namespace moldau::storage {

class CachedFile;

class OpenFiles {
 public:
    explicit OpenFiles(std::size_t limit = SIZE_MAX) : limit_(limit) {}
    OpenFiles(const OpenFiles&) = delete;
    OpenFiles& operator=(const OpenFiles&) = delete;

    std::size_t count() const { return order_.size(); }

 private:
    friend class CachedFile;

    /// Gives files back until there are `most`, as far as they may go.
    void shrink_to(std::size_t most);

    std::size_t limit_;
    std::list<CachedFile*> order_;  // the one that was used last first
};

class CachedFile {
 public:
    /// `must_stay` outlives it: while true the file stays open, since the system tells of failed writes through
    /// descriptors that were open then.
    explicit CachedFile(const bool* must_stay = nullptr) : must_stay_(must_stay) {}
    ~CachedFile() { release(); }
    CachedFile(const CachedFile&) = delete;
    CachedFile& operator=(const CachedFile&) = delete;

    /// Counts among `files` from now on, or nowhere when null.
    void join(OpenFiles* files);

    /// Null when it is not open. Who uses a file keeps the pointer for so long: it may be given back meanwhile.
    std::shared_ptr<runtime::File> get();
    /// Requires: not open. Errors: of Disk::open.
    Result<std::shared_ptr<runtime::File>> open(runtime::Disk& disk, const std::string& path, runtime::OpenMode mode);
    /// The open file, opened when it was not.
    Result<std::shared_ptr<runtime::File>> get_or_open(runtime::Disk& disk, const std::string& path,
                                                       runtime::OpenMode mode);
    /// Gives the descriptor back.
    void release();

 private:
    friend class OpenFiles;

    const bool* must_stay_;
    OpenFiles* files_ = nullptr;
    std::shared_ptr<runtime::File> file_;
    std::list<CachedFile*>::iterator place_;  // while it is open and counted
};

}  // namespace moldau::storage
