#pragma once
// A file of sorted entries of one size, of which the offset index and the time index are made. The active segment's is
// in memory and written behind; a closed one is searched with few reads. Owned by its index, on the log's shard.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <moldau/base/bytes.h>
#include <moldau/base/result.h>
#include <moldau/runtime/disk.h>
#include <moldau/storage/open_files.h>

namespace moldau::storage {

class IndexFile {
 public:
    /// Reads an entry's search key.
    using KeyOf = std::int64_t (*)(const std::uint8_t* entry);

    IndexFile(runtime::Disk& disk, std::string path, std::size_t entry_size, KeyOf key_of)
        : disk_(disk), path_(std::move(path)), entry_size_(entry_size), key_of_(key_of) {}

    const std::string& path() const { return path_; }
    std::size_t count() const { return count_; }
    std::uint64_t size_bytes() const { return count_ * entry_size_; }
    /// The file has another name now.
    void rename(std::string path) { path_ = std::move(path); }

    /// In memory and empty; the file, if there is one, is replaced by the next write_pending().
    void start_empty();
    /// Not in memory; `size_bytes` is the file's. Errors: corrupt when that is no whole number of entries.
    Result<> adopt(std::uint64_t size_bytes);
    /// Reads all into memory; what is behind the last whole entry is dropped. A missing file is empty.
    Result<> load();

    /// Requires: in memory.
    std::uint8_t* append();
    const std::uint8_t* at(std::size_t slot) const { return bytes_.data() + slot * entry_size_; }
    void truncate(std::size_t count);

    /// Writes what the file lacks, and cuts what it has too much. Requires: in memory.
    Result<> write_pending();
    /// Leaves memory; searched on disk from now on. Requires: nothing is pending.
    void seal();
    /// The last slot whose key is at most `target`, copied to `entry`; false when there is none.
    Result<bool> floor(std::int64_t target, std::uint8_t* entry);
    /// Copies the entry in `slot`. Requires: slot < count().
    Result<> read(std::size_t slot, std::uint8_t* entry);
    /// Copies the last entry; false when there is none.
    Result<bool> last(std::uint8_t* entry);

    /// Gives the descriptor back; the next search opens it again.
    void release() { file_.release(); }
    void join(OpenFiles* files) { file_.join(files); }

 private:
    Result<> read_slots(std::size_t first, std::size_t count, std::uint8_t* into);
    /// How many of `count` sorted entries have keys of at most `target`.
    std::size_t slots_up_to(const std::uint8_t* entries, std::size_t count, std::int64_t target) const;
    Result<bool> search_file(std::int64_t target, std::uint8_t* entry);
    void remember_edges(std::size_t first, std::size_t count, const std::uint8_t* entries);

    runtime::Disk& disk_;
    std::string path_;
    std::size_t entry_size_;
    KeyOf key_of_;
    std::size_t count_ = 0;
    std::size_t written_ = 0;  // entries of bytes_ that the file has
    bool cut_ = true;          // the file may hold more than written_ entries
    bool in_memory_ = false;
    Bytes bytes_;                            // all entries, while in memory
    std::optional<std::int64_t> first_key_;  // while not in memory, once they were seen
    std::optional<std::int64_t> last_key_;
    CachedFile file_;
};

}  // namespace moldau::storage
