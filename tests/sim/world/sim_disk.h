#pragma once
// A node's disk: a file system in memory that outlives the node's lives, with faults and a precise crash model.
//
// Content: see file_content.h. Names: creations, renames and removals reach the device when their directory is synced;
// at a crash any subset of the others survives in which each directory entry has its changes in order, a rename being
// one change of two entries. A killed process loses nothing: the page cache stays.

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <moldau/runtime/disk.h>

#include "file_content.h"
#include "simulation.h"

namespace moldau::sim {

struct DiskOptions {
    std::uint64_t capacity_bytes = std::uint64_t{1} << 30;
    Latency sync{std::chrono::microseconds(50), std::chrono::microseconds(500), std::chrono::milliseconds(50), 10};
    Latency call{std::chrono::nanoseconds(500), std::chrono::microseconds(10), std::chrono::milliseconds(5), 2};
    Latency pool{std::chrono::microseconds(2), std::chrono::microseconds(200), std::chrono::milliseconds(20), 10};
    unsigned would_block_per_mille = 100;  ///< of try_read_at
    unsigned short_read_per_mille = 50;    ///< of try_read_at
};

class SimDisk final : public runtime::Disk {
 public:
    SimDisk(Simulation& simulation, std::string name, DiskOptions options);
    ~SimDisk() override;

    Result<std::unique_ptr<runtime::File>> open(const std::string& path, runtime::OpenMode mode) override;
    Result<std::vector<runtime::DirectoryEntry>> list(const std::string& directory) override;
    Result<bool> exists(const std::string& path) override;
    Result<> create_directories(const std::string& path) override;
    Result<> rename(const std::string& from, const std::string& to) override;
    Result<> remove(const std::string& path) override;
    Result<> sync_directory(const std::string& directory) override;
    Result<runtime::DiskSpace> space(const std::string& directory) override;
    Result<std::unique_ptr<runtime::DirectoryLock>> lock(const std::string& directory) override;
    void post_blocking(runtime::Work& work) override;

    // What the world does to it.

    /// A node's life begins: its calls come from now on.
    void begin_life(Incarnation incarnation);
    /// The process is gone, the machine stays up: locks are free, in-flight syncs are forgotten.
    void end_life();
    /// The power is gone too, after end_life().
    void crash(Survival survival);

    /// Calls take `factor` times as long.
    void slow_down(unsigned factor) { slowness_ = factor; }
    void set_capacity(std::uint64_t bytes) { options_.capacity_bytes = bytes; }
    std::uint64_t used_bytes() const { return used_bytes_; }
    /// The next `count` syncs, of files or directories, fail.
    void fail_syncs(unsigned count) { syncs_to_fail_ = count; }
    /// Reads that touch the range fail until clear_read_failures().
    void fail_reads(const std::string& path, std::uint64_t position, std::uint64_t size);
    void clear_read_failures() { bad_ranges_.clear(); }
    /// What it refused a life of the node, now or earlier: a broker may give these as its reasons, and no others.
    struct Refusals {
        bool for_space = false;
        bool as_failing = false;  ///< a sync or a read
        bool any() const { return for_space || as_failing; }
        bool told_of_little_space = false;  ///< when asked how much there is
    };
    Refusals refusals(Incarnation life) const;
    /// The power goes at the `count`-th call from now that changes or syncs something: that call and all after it do
    /// nothing. `power_off` is called then, in the middle of the event. 0 takes the order back.
    void power_off_at(std::uint64_t count, std::function<void()> power_off);

    /// A sync of a directory that takes its time: it covers what was changed before it began, and is done by
    /// complete(). For whoever replays what a real disk was asked.
    class DirectorySync;
    Result<DirectorySync> begin_directory_sync(const std::string& directory);
    void complete(const DirectorySync& sync);

    /// Of the files in `directory` whose names end with `suffix`, read in the order of their names as one: the bytes
    /// from the first on that a crash may take. 0 where there is no such directory.
    std::uint64_t unsynced_tail_bytes(const std::string& directory, std::string_view suffix) const;
    /// Is called at each crash, before anything is lost.
    void before_crash(std::function<void()> look) { before_crash_ = std::move(look); }

    /// Of all names and contents, cached and durable.
    std::uint64_t state_hash() const;
    /// All files, sorted.
    std::vector<std::string> files() const;
    std::uint64_t changing_calls() const { return changing_calls_; }

 private:
    friend class SimFile;
    friend class SimDirectoryLock;

    struct Inode {
        bool is_directory = false;
        bool has_name = false;  ///< counted in used_bytes_
        std::string path;       ///< where it was made or renamed to; for messages, traces and bad ranges
        FileContent content;
        std::map<std::string, std::shared_ptr<Inode>> entries;
        std::map<std::string, std::shared_ptr<Inode>> durable_entries;
    };
    using InodePtr = std::shared_ptr<Inode>;

    struct EntryKey {
        InodePtr directory;
        std::string name;
        friend bool operator==(const EntryKey&, const EntryKey&) = default;
    };
    /// A change of one entry, or of two for a rename: each gets its new inode, null for none.
    struct NameChange {
        EntryKey entry;
        InodePtr inode;
        std::optional<EntryKey> renamed_to;  ///< then `inode` is what goes there and `entry` is left empty
        std::uint64_t sequence = 0;

        bool touches(const EntryKey& key) const { return entry == key || renamed_to == key; }
        void make_durable() const;
    };
    struct BadRange {
        std::string path;
        std::uint64_t begin;
        std::uint64_t end;
    };

    Result<EntryKey> parent_of(const std::string& path);
    InodePtr find(const std::string& path) const;
    void link(const EntryKey& entry, InodePtr inode);
    void note(EntryKey entry, InodePtr inode, std::optional<EntryKey> renamed_to);
    void unname(const InodePtr& inode);
    void resized(Inode& inode, std::uint64_t before);
    /// Begins a call that changes something; an error when the power is gone.
    Result<> begin_change();
    void spend(const Latency& latency);
    Duration sync_latency();
    bool sync_fails();
    bool read_fails(const Inode& inode, std::uint64_t position, std::uint64_t size);
    void settle(const InodePtr& directory, Survival survival);
    void hash_tree(const Inode& directory, std::uint64_t& hash) const;
    void list_tree(const Inode& directory, const std::string& prefix, std::vector<std::string>& files) const;

    Simulation& simulation_;
    const std::string name_;
    DiskOptions options_;
    SimRandom random_;
    Incarnation incarnation_ = no_incarnation;
    InodePtr root_;
    std::vector<NameChange> name_changes_;  ///< not durable, in order
    std::uint64_t last_name_change_ = 0;
    std::set<std::string> locked_;
    std::vector<BadRange> bad_ranges_;
    std::uint64_t used_bytes_ = 0;
    std::uint64_t changing_calls_ = 0;
    unsigned slowness_ = 1;
    unsigned syncs_to_fail_ = 0;
    std::uint64_t power_off_after_ = 0;  ///< changing calls left; 0: no order
    std::function<void()> power_off_;
    bool is_off_ = false;
    std::map<Incarnation, Refusals> refusals_;
    std::function<void()> before_crash_;
};

class SimDisk::DirectorySync {
 private:
    friend class SimDisk;
    InodePtr directory_;
    std::uint64_t covers_to_ = 0;
};

}  // namespace moldau::sim
