#include "sim_disk.h"

#include <fmt/format.h>

#include <moldau/base/assert.h>

#include "sim_file.h"
#include "sim_shard.h"

namespace moldau::sim {
namespace {

/// With so much nobody needs to be careful: it is above what a life appends between two looks at it.
constexpr std::uint64_t little_space_bytes = 8 << 20;

std::vector<std::string> parts_of(const std::string& path) {
    std::vector<std::string> parts;
    std::size_t at = 0;
    while (at < path.size()) {
        const std::size_t slash = std::min(path.find('/', at), path.size());
        const std::string part = path.substr(at, slash - at);
        if (part == "..") parts.pop_back();
        if (!part.empty() && part != "." && part != "..") parts.push_back(part);
        at = slash + 1;
    }
    return parts;
}

std::unexpected<Error> missing(const std::string& path) {
    return fail(Errc::not_found, fmt::format("{}: no such file or directory", path));
}

}  // namespace

SimDisk::SimDisk(Simulation& simulation, std::string name, DiskOptions options)
    : simulation_(simulation),
      name_(std::move(name)),
      options_(options),
      random_(simulation.split(name_ + "/disk")),
      root_(std::make_shared<Inode>()) {
    root_->is_directory = true;
}

SimDisk::~SimDisk() = default;

// Names

SimDisk::InodePtr SimDisk::find(const std::string& path) const {
    InodePtr inode = root_;
    for (const std::string& part : parts_of(path)) {
        const auto entry = inode->entries.find(part);
        if (entry == inode->entries.end()) return nullptr;
        inode = entry->second;
    }
    return inode;
}

Result<SimDisk::EntryKey> SimDisk::parent_of(const std::string& path) {
    std::vector<std::string> parts = parts_of(path);
    MOLDAU_ASSERT(!parts.empty());
    EntryKey key{root_, std::move(parts.back())};
    parts.pop_back();
    for (const std::string& part : parts) {
        const auto entry = key.directory->entries.find(part);
        if (entry == key.directory->entries.end() || !entry->second->is_directory) return missing(path);
        key.directory = InodePtr(entry->second);
    }
    return key;
}

void SimDisk::link(const EntryKey& entry, InodePtr inode) {
    entry.directory->entries[entry.name] = inode;
    inode->has_name = true;
    note(entry, std::move(inode), std::nullopt);
}

void SimDisk::note(EntryKey entry, InodePtr inode, std::optional<EntryKey> renamed_to) {
    name_changes_.push_back({std::move(entry), std::move(inode), std::move(renamed_to), ++last_name_change_});
}

void SimDisk::unname(const InodePtr& inode) {
    inode->has_name = false;
    used_bytes_ -= inode->content.size();
}

void SimDisk::resized(Inode& inode, std::uint64_t before) {
    if (inode.has_name) used_bytes_ += inode.content.size() - before;
}

Result<std::unique_ptr<runtime::File>> SimDisk::open(const std::string& path, runtime::OpenMode mode) {
    using runtime::OpenMode;
    MOLDAU_TRY(entry, parent_of(path));
    const auto found = entry.directory->entries.find(entry.name);
    if (found != entry.directory->entries.end()) {
        if (mode == OpenMode::create_new) return fail(Errc::exists, fmt::format("{} exists", path));
        if (found->second->is_directory) return fail(Errc::invalid, fmt::format("{} is a directory", path));
        return std::make_unique<SimFile>(*this, found->second, mode != OpenMode::read);
    }
    if (mode == OpenMode::read || mode == OpenMode::read_write) return missing(path);
    MOLDAU_CHECK(begin_change());
    spend(options_.call);
    auto inode = std::make_shared<Inode>();
    inode->path = path;
    link(entry, inode);
    simulation_.trace(EventKind::disk, incarnation_, path, hash_of(path));
    return std::make_unique<SimFile>(*this, std::move(inode), true);
}

Result<std::vector<runtime::DirectoryEntry>> SimDisk::list(const std::string& directory) {
    const InodePtr inode = find(directory);
    if (inode == nullptr || !inode->is_directory) return missing(directory);
    std::vector<runtime::DirectoryEntry> entries;
    for (const auto& [name, child] : inode->entries)
        entries.push_back({name, child->is_directory, child->content.size()});
    return entries;
}

Result<bool> SimDisk::exists(const std::string& path) {
    return find(path) != nullptr;
}

Result<> SimDisk::create_directories(const std::string& path) {
    InodePtr inode = root_;
    for (const std::string& part : parts_of(path)) {
        const auto entry = inode->entries.find(part);
        if (entry != inode->entries.end()) {
            if (!entry->second->is_directory) return fail(Errc::exists, fmt::format("{}: {} is a file", path, part));
            inode = InodePtr(entry->second);
            continue;
        }
        MOLDAU_CHECK(begin_change());
        auto made = std::make_shared<Inode>();
        made->is_directory = true;
        made->path = path;
        link({inode, part}, made);
        simulation_.trace(EventKind::disk, incarnation_, path, hash_of(part));
        inode = std::move(made);
    }
    return {};
}

Result<> SimDisk::rename(const std::string& from, const std::string& to) {
    MOLDAU_TRY(source, parent_of(from));
    MOLDAU_TRY(target, parent_of(to));
    const auto found = source.directory->entries.find(source.name);
    if (found == source.directory->entries.end()) return missing(from);
    if (source == target) return {};
    const InodePtr inode = found->second;
    const auto replaced = target.directory->entries.find(target.name);
    if (replaced != target.directory->entries.end() &&
        (replaced->second->is_directory != inode->is_directory || !replaced->second->entries.empty()))
        return fail(Errc::exists, fmt::format("cannot rename {}: {} exists", from, to));
    MOLDAU_CHECK(begin_change());
    spend(options_.call);
    if (replaced != target.directory->entries.end()) unname(replaced->second);
    source.directory->entries.erase(source.name);
    target.directory->entries[target.name] = inode;
    inode->path = to;
    simulation_.trace(EventKind::disk, incarnation_, to, hash_of(from), hash_of(to));
    note(std::move(source), inode, std::move(target));
    return {};
}

Result<> SimDisk::remove(const std::string& path) {
    MOLDAU_TRY(entry, parent_of(path));
    const auto found = entry.directory->entries.find(entry.name);
    if (found == entry.directory->entries.end()) return missing(path);
    if (!found->second->entries.empty()) return fail(Errc::exists, fmt::format("{} is not empty", path));
    MOLDAU_CHECK(begin_change());
    spend(options_.call);
    unname(found->second);
    entry.directory->entries.erase(found);
    simulation_.trace(EventKind::disk, incarnation_, path, hash_of(path));
    note(std::move(entry), nullptr, std::nullopt);
    return {};
}

// Durability of names

void SimDisk::NameChange::make_durable() const {
    auto& entries = entry.directory->durable_entries;
    if (inode == nullptr || renamed_to)
        entries.erase(entry.name);
    else
        entries[entry.name] = inode;
    if (renamed_to) renamed_to->directory->durable_entries[renamed_to->name] = inode;
}

Result<> SimDisk::sync_directory(const std::string& directory) {
    MOLDAU_TRY(sync, begin_directory_sync(directory));
    MOLDAU_CHECK(begin_change());
    spend(options_.sync);
    simulation_.trace(EventKind::disk, incarnation_, directory, hash_of(directory));
    if (sync_fails()) return fail(Errc::io, fmt::format("{}: sync failed", directory));
    complete(sync);
    return {};
}

Result<SimDisk::DirectorySync> SimDisk::begin_directory_sync(const std::string& directory) {
    const InodePtr inode = find(directory);
    if (inode == nullptr || !inode->is_directory) return missing(directory);
    DirectorySync sync;
    sync.directory_ = inode;
    sync.covers_to_ = last_name_change_;
    return sync;
}

void SimDisk::complete(const DirectorySync& sync) {
    const InodePtr& inode = sync.directory_;
    // A rename between two directories takes the earlier changes of its other entry along.
    std::vector<bool> chosen(name_changes_.size());
    std::vector<EntryKey> needed;
    for (std::size_t i = name_changes_.size(); i-- > 0;) {
        const NameChange& change = name_changes_[i];
        if (change.sequence > sync.covers_to_) continue;
        const bool here =
            change.entry.directory == inode || (change.renamed_to && change.renamed_to->directory == inode);
        const auto touched = [&change](const EntryKey& key) { return change.touches(key); };
        if (!here && std::ranges::none_of(needed, touched)) continue;
        chosen[i] = true;
        if (!change.renamed_to || change.renamed_to->directory == change.entry.directory) continue;
        needed.push_back(change.entry);
        needed.push_back(*change.renamed_to);
    }
    std::vector<NameChange> rest;
    for (std::size_t i = 0; i < name_changes_.size(); ++i) {
        if (chosen[i])
            name_changes_[i].make_durable();
        else
            rest.push_back(std::move(name_changes_[i]));
    }
    name_changes_ = std::move(rest);
}

void SimDisk::crash(Survival survival) {
    if (before_crash_) before_crash_();
    std::vector<EntryKey> lost;
    for (const NameChange& change : name_changes_) {
        const auto touched = [&change](const EntryKey& key) { return change.touches(key); };
        bool kept = survival != Survival::nothing && std::ranges::none_of(lost, touched);
        if (survival == Survival::anything && random_.coin()) kept = false;
        if (kept) {
            change.make_durable();
            continue;
        }
        simulation_.count("name change lost");
        lost.push_back(change.entry);
        if (change.renamed_to) lost.push_back(*change.renamed_to);
    }
    name_changes_.clear();
    used_bytes_ = 0;
    settle(root_, survival);
    is_off_ = false;
    simulation_.trace(EventKind::disk, incarnation_, "crash", state_hash());
}

void SimDisk::settle(const InodePtr& directory, Survival survival) {
    directory->entries = directory->durable_entries;
    for (const auto& [name, inode] : directory->entries) {
        inode->has_name = true;
        if (inode->is_directory) {
            settle(inode, survival);
            continue;
        }
        if (inode->content.unsynced_writes() > 0) simulation_.count("unsynced file at a crash");
        inode->content.crash(random_, survival);
        used_bytes_ += inode->content.size();
    }
}

std::uint64_t SimDisk::unsynced_tail_bytes(const std::string& directory, std::string_view suffix) const {
    InodePtr inode = root_;
    bool safe = true;
    const auto step = [&safe](const InodePtr& from, const std::string& name, const InodePtr& to) {
        const auto durable = from->durable_entries.find(name);
        safe = safe && durable != from->durable_entries.end() && durable->second == to;
    };
    for (const std::string& part : parts_of(directory)) {
        const auto entry = inode->entries.find(part);
        if (entry == inode->entries.end()) return 0;
        step(inode, part, entry->second);
        inode = entry->second;
    }
    std::uint64_t bytes = 0;
    for (const auto& [name, file] : inode->entries) {
        if (!name.ends_with(suffix)) continue;
        step(inode, name, file);
        const std::uint64_t kept = safe ? file->content.safe_prefix() : 0;
        safe = safe && kept == file->content.size();
        bytes += file->content.size() - kept;
    }
    return bytes;
}

// The node's life

void SimDisk::begin_life(Incarnation incarnation) {
    incarnation_ = incarnation;
    is_off_ = false;
}

void SimDisk::end_life() {
    incarnation_ = no_incarnation;
    locked_.clear();
    power_off_at(0, nullptr);
}

Result<runtime::DiskSpace> SimDisk::space(const std::string&) {
    const std::uint64_t free = options_.capacity_bytes - std::min(used_bytes_, options_.capacity_bytes);
    if (free < little_space_bytes) refusals_[incarnation_].told_of_little_space = true;
    return runtime::DiskSpace{free, options_.capacity_bytes};
}

Result<std::unique_ptr<runtime::DirectoryLock>> SimDisk::lock(const std::string& directory) {
    MOLDAU_TRY(file, open(runtime::join_path(directory, ".lock"), runtime::OpenMode::create));
    if (!locked_.insert(directory).second)
        return fail(Errc::exists, fmt::format("{} is locked by another process", directory));
    return std::make_unique<SimDirectoryLock>(*this, directory, incarnation_);
}

void SimDisk::post_blocking(runtime::Work& work) {
    simulation_.schedule_after(options_.pool.draw(random_) * slowness_, EventKind::disk, {incarnation_, nullptr},
                               HeldWork(work));
}

// Faults

Result<> SimDisk::begin_change() {
    ++changing_calls_;
    const bool is_the_last = power_off_after_ == 1;
    if (power_off_after_ > 0) --power_off_after_;
    if (is_the_last) {
        is_off_ = true;
        simulation_.count("power off within a call");
        const auto power_off = std::exchange(power_off_, nullptr);
        if (power_off) power_off();
    }
    if (is_off_) return fail(Errc::io, "the power is off");
    return {};
}

void SimDisk::power_off_at(std::uint64_t count, std::function<void()> power_off) {
    power_off_after_ = count;
    power_off_ = std::move(power_off);
}

void SimDisk::spend(const Latency& latency) {
    if (SimShard* shard = simulation_.current_shard()) shard->stall(latency.draw(random_) * slowness_);
}

Duration SimDisk::sync_latency() {
    return options_.sync.draw(random_) * slowness_;
}

bool SimDisk::sync_fails() {
    if (syncs_to_fail_ == 0) return false;
    --syncs_to_fail_;
    refusals_[incarnation_].as_failing = true;
    simulation_.count("disk sync failure");
    return true;
}

void SimDisk::fail_reads(const std::string& path, std::uint64_t position, std::uint64_t size) {
    bad_ranges_.push_back({path, position, position + size});
}

bool SimDisk::read_fails(const Inode& inode, std::uint64_t position, std::uint64_t size) {
    const bool fails = std::ranges::any_of(bad_ranges_, [&](const BadRange& bad) {
        return bad.path == inode.path && position < bad.end && bad.begin < position + size;
    });
    if (!fails) return false;
    refusals_[incarnation_].as_failing = true;
    simulation_.count("disk read failure");
    return true;
}

SimDisk::Refusals SimDisk::refusals(Incarnation life) const {
    const auto found = refusals_.find(life);
    return found == refusals_.end() ? Refusals{} : found->second;
}

// What it holds

std::uint64_t SimDisk::state_hash() const {
    std::uint64_t hash = name_changes_.size();
    hash_tree(*root_, hash);
    return hash;
}

void SimDisk::hash_tree(const Inode& directory, std::uint64_t& hash) const {
    for (const auto& [name, inode] : directory.durable_entries) hash = mix(hash, hash_of(name));
    for (const auto& [name, inode] : directory.entries) {
        hash = mix(hash, hash_of(name));
        if (inode->is_directory)
            hash_tree(*inode, hash);
        else
            hash = mix(hash, inode->content.hash());
    }
}

std::vector<std::string> SimDisk::files() const {
    std::vector<std::string> files;
    list_tree(*root_, "", files);
    return files;
}

void SimDisk::list_tree(const Inode& directory, const std::string& prefix, std::vector<std::string>& files) const {
    for (const auto& [name, inode] : directory.entries) {
        if (inode->is_directory)
            list_tree(*inode, fmt::format("{}/{}", prefix, name), files);
        else
            files.push_back(fmt::format("{}/{}", prefix, name));
    }
}

}  // namespace moldau::sim
