#pragma once
// A disk of byte vectors for tests: it can be full, fail to open and to sync, and forget what was not synced. Blocking
// work runs when the test says so.

#include <algorithm>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>

#include <moldau/runtime/disk.h>

namespace moldau::runtime {

class MemoryDisk final : public Disk {
 public:
    struct Inode {
        Bytes content;
        Bytes durable;
        Timestamp modified_at = no_timestamp;
    };

    std::uint64_t capacity_bytes = UINT64_MAX;  ///< writes that grow beyond it fail with no_space
    std::uint64_t other_bytes = 0;              ///< that others have taken of it
    bool fail_sync = false;
    bool fail_open = false;
    std::string fail_open_of;      ///< of this path
    Errc open_failure = Errc::io;  ///< what that is
    bool fail_write = false;
    int rename_without_room = 0;            ///< the n-th from now finds no room
    std::size_t max_open_files = SIZE_MAX;  ///< opens beyond it fail with no_descriptors
    std::string fail_rename_of;             ///< of this path
    std::function<void()> after_space;      ///< called once the free space is measured, before that is told
    std::function<void(const std::string& to)> after_rename;
    bool sync_on_write = false;           ///< the device writes back at once
    bool nothing_cached = false;          ///< reads would wait for the device
    std::size_t changes_left = SIZE_MAX;  ///< until the power fails: from then on no change is made
    std::size_t reads = 0;
    std::size_t posted = 0;  ///< pieces of work for the I/O pool
    std::size_t writes = 0;
    std::size_t syncs = 0;
    std::size_t open_files = 0;

    Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override {
        if (fail_open || path == fail_open_of) return fail(open_failure, "open of " + path);
        if (open_files >= max_open_files) return fail(Errc::no_descriptors, "open of " + path);
        const auto found = files_.find(path);
        if (found == files_.end()) {
            if (mode == OpenMode::read || mode == OpenMode::read_write)
                return fail(Errc::not_found, path + " is not there");
            if (!directories_.contains(parent_path(path))) return fail(Errc::not_found, parent_path(path));
            if (is_dark()) return fail(Errc::io, "open of " + path);
            auto made = files_[path] = std::make_shared<Inode>();
            name_changes_.push_back({{}, path, made});
            return std::unique_ptr<File>(new MemoryFile(*this, std::move(made)));
        }
        if (mode == OpenMode::create_new) return fail(Errc::exists, path + " is there");
        return std::unique_ptr<File>(new MemoryFile(*this, found->second));
    }

    Result<std::vector<DirectoryEntry>> list(const std::string& directory) override {
        if (!directories_.contains(directory)) return fail(Errc::not_found, directory + " is not there");
        std::vector<DirectoryEntry> entries;
        for (const auto& [path, inode] : files_)
            if (parent_path(path) == directory)
                entries.push_back({name_of(path), false, inode->content.size(), inode->modified_at});
        for (const std::string& path : directories_)
            if (path != directory && parent_path(path) == directory) entries.push_back({name_of(path), true, 0});
        std::ranges::sort(entries, {}, &DirectoryEntry::name);
        return entries;
    }

    Result<bool> exists(const std::string& path) override {
        return files_.contains(path) || directories_.contains(path);
    }

    Result<> create_directories(const std::string& path) override {
        for (std::string each = path; each != "." && each != "/"; each = parent_path(each)) directories_.insert(each);
        return {};
    }

    Result<> rename(const std::string& from, const std::string& to) override {
        if (directories_.contains(from)) {
            rename_directory(from, to);
            return {};
        }
        if (from == fail_rename_of) return fail(Errc::io, "rename of " + from);
        const auto found = files_.find(from);
        if (found == files_.end()) return fail(Errc::not_found, from + " is not there");
        if (rename_without_room > 0) {
            --rename_without_room;
            if (rename_without_room == 0) return fail(Errc::no_space, "rename of " + from);
        }
        if (is_dark()) return fail(Errc::io, "rename of " + from);
        name_changes_.push_back({from, to, found->second});
        files_[to] = found->second;
        files_.erase(from);
        if (after_rename) after_rename(to);
        return {};
    }

    Result<> remove(const std::string& path) override {
        if (const auto found = files_.find(path); found != files_.end()) {
            if (is_dark()) return fail(Errc::io, "removal of " + path);
            name_changes_.push_back({path, {}, found->second});
        }
        if (files_.erase(path) + directories_.erase(path) == 0) return fail(Errc::not_found, path + " is not there");
        return {};
    }

    Result<> sync_directory(const std::string& directory) override {
        if (fail_sync || is_dark()) return fail(Errc::io, "sync of " + directory);
        if (open_files >= max_open_files) return fail(Errc::no_descriptors, "sync of " + directory);
        std::erase_if(durable_names_, [&](const auto& item) { return parent_path(item.first) == directory; });
        for (const auto& [path, inode] : files_)
            if (parent_path(path) == directory) durable_names_[path] = inode;
        std::erase_if(name_changes_, [&](const NameChange& change) {
            return parent_path(change.to.empty() ? change.from : change.to) == directory;
        });
        return {};
    }

    Result<DiskSpace> space(const std::string&) override {
        const DiskSpace measured{capacity_bytes - std::min(used_bytes() + other_bytes, capacity_bytes), capacity_bytes};
        if (after_space) after_space();
        return measured;
    }

    Result<std::unique_ptr<DirectoryLock>> lock(const std::string& directory) override {
        if (!locks_->insert(directory).second) return fail(Errc::exists, directory + " is locked");
        return std::unique_ptr<DirectoryLock>(new Lock(locks_, directory));
    }

    void post_blocking(Work& work) override {
        ++posted;
        work_.push_back(&work);
    }

    /// Runs the blocking work queued so far; false when there was none.
    bool run_blocking_work() {
        std::deque<Work*> now;
        now.swap(work_);
        for (Work* work : now) work->run();
        return !now.empty();
    }
    std::size_t blocking_work() const { return work_.size(); }

    /// Power fails: names and bytes that were not synced are gone. Nothing may be open.
    void lose_unsynced() {
        files_ = durable_names_;
        for (auto& [path, inode] : files_) inode->content = inode->durable;
        name_changes_.clear();
    }
    /// The same, but each change of a name, and each file's bytes, may have reached the device: `did` says.
    template <class Did>
    void lose_some_unsynced(Did did) {
        for (const NameChange& change : name_changes_) {
            if (!did()) continue;
            if (!change.from.empty()) durable_names_.erase(change.from);
            if (!change.to.empty()) durable_names_[change.to] = change.inode;
        }
        for (auto& [path, inode] : durable_names_)
            if (did()) inode->durable = inode->content;
        lose_unsynced();
    }

    /// Holds what `other` holds now, as after a crash that loses nothing.
    void take_image_of(const MemoryDisk& other) {
        files_.clear();
        for (const auto& [path, inode] : other.files_) files_[path] = std::make_shared<Inode>(*inode);
        directories_ = other.directories_;
    }

    void set_modified(const std::string& path, Timestamp at) { files_.at(path)->modified_at = at; }
    Bytes& content(const std::string& path) { return files_.at(path)->content; }
    const Bytes& durable(const std::string& path) const { return files_.at(path)->durable; }
    bool has(const std::string& path) const { return files_.contains(path); }
    std::uint64_t used_bytes() const {
        std::uint64_t sum = 0;
        for (const auto& [path, inode] : files_) sum += inode->content.size();
        return sum;
    }

    ~MemoryDisk() override {
        while (!work_.empty()) {
            work_.front()->drop();
            work_.pop_front();
        }
    }

 private:
    class MemoryFile final : public File {
     public:
        MemoryFile(MemoryDisk& disk, std::shared_ptr<Inode> inode) : disk_(disk), inode_(std::move(inode)) {
            ++disk_.open_files;
        }
        ~MemoryFile() override { --disk_.open_files; }

        Result<> write_at(std::span<const ByteView> parts, std::uint64_t position) override {
            ++disk_.writes;
            if (disk_.fail_write || disk_.is_dark()) return fail(Errc::io, "write");
            Bytes& content = inode_->content;
            for (const ByteView part : parts) {
                const std::uint64_t grows =
                    position + part.size() > content.size() ? position + part.size() - content.size() : 0;
                if (grows > 0 && disk_.used_bytes() + disk_.other_bytes + grows > disk_.capacity_bytes)
                    return fail(Errc::no_space, "the disk is full");
                if (grows > 0) content.resize(position + part.size());
                std::ranges::copy(part, content.begin() + static_cast<std::ptrdiff_t>(position));
                if (disk_.sync_on_write) inode_->durable = content;
                position += part.size();
            }
            return {};
        }
        Result<std::size_t> read_at(MutableBytes into, std::uint64_t position) const override {
            ++disk_.reads;
            const Bytes& content = inode_->content;
            if (position >= content.size()) return std::size_t{0};
            const std::size_t size = std::min<std::uint64_t>(into.size(), content.size() - position);
            std::memcpy(into.data(), content.data() + position, size);
            return size;
        }
        Result<std::size_t> try_read_at(MutableBytes into, std::uint64_t position) const override {
            if (disk_.nothing_cached) return fail(Errc::would_block, "not in the page cache");
            return read_at(into, position);
        }
        Result<> truncate(std::uint64_t size) override {
            if (disk_.is_dark()) return fail(Errc::io, "truncate");
            inode_->content.resize(size);
            return {};
        }
        Result<std::uint64_t> size() const override { return inode_->content.size(); }
        Result<> sync() override {
            ++disk_.syncs;
            if (disk_.fail_sync || disk_.is_dark()) return fail(Errc::io, "sync");
            inode_->durable = inode_->content;
            return {};
        }
        void async_sync(Shard& home, Handler<Result<>> handler) override {
            disk_.post_blocking(*new detail::CallWork<SyncCall, Result<>>(SyncCall{this}, home, std::move(handler)));
        }
        void write_back(std::uint64_t, std::uint64_t) override {}

     private:
        struct SyncCall {
            MemoryFile* file;
            Result<> operator()() { return file->sync(); }
        };
        MemoryDisk& disk_;
        std::shared_ptr<Inode> inode_;
    };

    class Lock final : public DirectoryLock {
     public:
        Lock(std::shared_ptr<std::set<std::string>> held, std::string directory)
            : held_(std::move(held)), directory_(std::move(directory)) {}
        ~Lock() override { held_->erase(directory_); }

     private:
        std::shared_ptr<std::set<std::string>> held_;
        std::string directory_;
    };

    /// A file was made (nothing in `from`), renamed or removed (nothing in `to`).
    struct NameChange {
        std::string from;
        std::string to;
        std::shared_ptr<Inode> inode;
    };

    /// Counts a change that is about to be made; true when the power is gone.
    bool is_dark() {
        if (changes_left != SIZE_MAX && changes_left > 0) --changes_left;
        return changes_left == 0;
    }

    static std::string name_of(const std::string& path) { return path.substr(path.rfind('/') + 1); }

    void rename_directory(const std::string& from, const std::string& to) {
        directories_.erase(from);
        directories_.insert(to);
        std::map<std::string, std::shared_ptr<Inode>> moved;
        for (const auto& [path, inode] : files_)
            moved[path.starts_with(from + "/") ? to + path.substr(from.size()) : path] = inode;
        files_ = std::move(moved);
    }

    std::map<std::string, std::shared_ptr<Inode>> files_;
    std::map<std::string, std::shared_ptr<Inode>> durable_names_;
    std::vector<NameChange> name_changes_;  // since their directory was synced
    std::set<std::string> directories_;
    std::shared_ptr<std::set<std::string>> locks_ = std::make_shared<std::set<std::string>>();
    std::deque<Work*> work_;
};

}  // namespace moldau::runtime
