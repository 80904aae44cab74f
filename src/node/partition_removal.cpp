// How partitions leave this node: deleted topics, replicas that went elsewhere, and what earlier lives have left
// behind.

#include <map>
#include <set>
#include <utility>

#include <moldau/base/log.h>
#include <moldau/metadata/topic_name.h>
#include <moldau/storage/partition_metadata.h>

#include "at_once.h"
#include "partition_manager.h"

namespace moldau::node {
namespace {

using replication::Partition;
using runtime::Task;
using storage::PartitionDirectoryKind;
using storage::TopicPartition;

/// Partitions that are closed at once: each waits for its flush in flight.
constexpr std::size_t closed_at_once = 64;

}  // namespace

void PartitionManager::leave_all(const TopicId& id, const metadata::Topic& topic) {
    for (const auto& [index, registration] : topic.partitions) leave(id, {topic.name, index});
}

void PartitionManager::leave(const TopicId& id, const TopicPartition& name) {
    Leaving leaving{.topic_id = id, .name = name, .partition = nullptr};
    if (const auto* open = table_.find(std::pair(id, name.partition))) {
        leaving.partition = *open;
        --load_[(*open)->shard().index()];
        table_.erase(std::pair(id, name.partition));
    } else if (const auto failed = offline_.find(name); failed != offline_.end() && failed->second.topic_id == id) {
        offline_.erase(failed);
    } else {
        return;
    }
    leaving_.insert(name);
    retiring_.push_back(std::move(leaving));
}

void PartitionManager::retire_namesakes(const std::vector<Wanted>& wanted) {
    std::set<TopicPartition> names;
    for (const Wanted& each : wanted) names.insert({each.topic, each.index});
    std::vector<Leaving> namesakes;
    std::erase_if(retiring_, [&](Leaving& leaving) {
        if (!names.contains(leaving.name)) return false;
        namesakes.push_back(std::move(leaving));
        return true;
    });
    if (!namesakes.empty()) runtime::spawn(shard_, remove(std::move(namesakes), tasks_.enter()));
}

void PartitionManager::retire() {
    if (retiring_.empty()) return;
    runtime::spawn(shard_, remove(std::exchange(retiring_, {}), tasks_.enter()));
}

Task<void> PartitionManager::remove(std::vector<Leaving> leaving, runtime::Gate::Hold hold) {
    std::vector<Leaving*> each_of_them;
    each_of_them.reserve(leaving.size());
    for (Leaving& each : leaving) each_of_them.push_back(&each);
    co_await at_once(shard_, closed_at_once, std::move(each_of_them),
                     [this](Leaving* next) { return close_leaving(*next); });
    std::vector<storage::Departure> departures;
    std::map<runtime::Duration, std::vector<std::string>> removed;
    for (const Leaving& each : leaving) {
        departures.push_back(departure(each.name, PartitionDirectoryKind::removed));
        if (!each.has_directory) {
            departures.back().from.clear();
            continue;
        }
        removed[each.delete_delay].push_back(departures.back().to);
    }
    const Result<> taken_away = co_await take_away(std::move(departures));
    for (const Leaving& each : leaving) leaving_.erase(each.name);
    changed_.notify_all();
    if (!taken_away) {
        const TopicPartition& first = leaving.front().name;
        log::error("deleting {} partitions, {}-{} the first of them: {}", leaving.size(), first.topic, first.partition,
                   taken_away.error().message);
    }
    for (auto& [delay, paths] : removed)
        runtime::spawn(shard_, remove_directories(std::move(paths), delay, tasks_.enter()));
    (void)hold;
}

Task<void> PartitionManager::close_leaving(Leaving& leaving) {
    if (leaving.partition) {
        co_await cleaner_.release(*leaving.partition);  // its files are to have another name
        leaving.delete_delay = runtime::duration_of_ms(co_await on_shard(
            *leaving.partition, [](Partition& there) { return there.log().config().file_delete_delay_ms; }));
        co_await close_one(*leaving.partition, protocol::ErrorCode::unknown_topic_or_partition);
        co_return;
    }
    // What stands in its place, if anything, may be another's.
    const std::string path = runtime::join_path(directory_.path(), storage::partition_directory_name(leaving.name));
    const auto id = co_await runtime::run_blocking(
        world_.disk, shard_, [&disk = world_.disk, path] { return storage::read_partition_metadata(disk, path); });
    if (!id) log::error("deleting {}: {}", path, id.error().message);
    leaving.has_directory = id && (!*id || **id == leaving.topic_id);
}

storage::Departure PartitionManager::departure(const TopicPartition& name, PartitionDirectoryKind kind) const {
    return {.partition = name,
            .from = runtime::join_path(directory_.path(), storage::partition_directory_name(name)),
            .to = runtime::join_path(directory_.path(),
                                     storage::partition_directory_name(name, kind, shard_.random().uuid()))};
}

Task<Result<>> PartitionManager::take_away(std::vector<storage::Departure> departures) {
    if (departures.empty()) co_return Result<>{};
    co_await take_turn();
    for (const storage::Departure& each : departures) directory_.forget_start(each.partition);
    Result<> taken = co_await runtime::run_blocking(
        world_.disk, shard_,
        [&directory = directory_, leaving = std::move(departures)] { return directory.take_away(leaving); });
    end_turn();
    co_return taken;
}

Task<void> PartitionManager::tidy_up(const metadata::Image& image) {
    const auto there = co_await runtime::run_blocking(world_.disk, shard_,
                                                      [&directory = directory_] { return directory.partitions(); });
    if (!there) {
        log::error("{}", there.error().message);
        co_return;
    }
    aside_ = co_await runtime::run_blocking(world_.disk, shard_,
                                            [&disk = world_.disk, &there] { return find_aside(disk, *there); });
    std::vector<std::string> removed;
    for (const storage::PartitionDirectory& each : *there)
        if (each.name.kind == PartitionDirectoryKind::removed) removed.push_back(each.path);
    if (!removed.empty()) runtime::spawn(shard_, remove_directories(std::move(removed), {}, tasks_.enter()));
    std::vector<storage::Departure> going = strays(*there, image);
    const std::set<std::string> deleted = co_await runtime::run_blocking(
        world_.disk, shard_, [this, &going] { return of_deleted_topics(world_.disk, going, deleted_at_start_); });
    std::vector<std::string> deleted_now;
    for (storage::Departure& each : going) {
        if (deleted.contains(each.from)) {
            each.to = departure(each.partition, PartitionDirectoryKind::removed).to;
            deleted_now.push_back(each.to);
        } else if (!each.from.empty()) {
            log::warn("{} is of no replica of this node that the metadata knows; it is kept as {}", each.from, each.to);
        }
    }
    const Result<> moved = co_await take_away(std::move(going));
    if (!moved) log::error("moving aside what the metadata does not know: {}", moved.error().message);
    if (moved && !deleted_now.empty())
        runtime::spawn(shard_, remove_directories(std::move(deleted_now), {}, tasks_.enter()));
}

std::set<std::string> PartitionManager::of_deleted_topics(runtime::Disk& disk,
                                                          const std::vector<storage::Departure>& going,
                                                          const std::set<TopicId>& deleted) {
    std::set<std::string> found;
    for (const storage::Departure& each : going) {
        if (deleted.empty() || each.from.empty()) continue;
        const auto id = storage::read_partition_metadata(disk, each.from);
        if (id && *id && deleted.contains(**id)) found.insert(each.from);
    }
    return found;
}

PartitionManager::Aside PartitionManager::find_aside(runtime::Disk& disk,
                                                     const std::vector<storage::PartitionDirectory>& there) {
    Aside found;
    for (const storage::PartitionDirectory& each : there) {
        if (each.name.kind != PartitionDirectoryKind::stray) continue;
        const auto id = storage::read_partition_metadata(disk, each.path);
        if (id && *id) found.try_emplace({**id, each.name.partition.partition}, each.path);
    }
    return found;
}

// As Apache Kafka's LogManager.isStrayReplica() at its start. A directory of a topic that was made anew under its
// name moves when that is opened.
std::vector<storage::Departure> PartitionManager::strays(const std::vector<storage::PartitionDirectory>& there,
                                                         const metadata::Image& image) const {
    const auto is_ours = [&](const TopicPartition& name) {
        if (name.topic == metadata::cluster_metadata_topic) return true;
        const metadata::TopicPtr topic = image.find_topic(name.topic);
        const metadata::Partition* partition = topic ? topic->partitions.find(name.partition) : nullptr;
        return partition != nullptr && is_replica(*partition);
    };
    std::vector<storage::Departure> found;
    std::set<TopicPartition> noted = directory_.noted_at_start();
    for (const storage::PartitionDirectory& each : there) {
        const bool is_replica_directory =
            each.name.kind == PartitionDirectoryKind::current || each.name.kind == PartitionDirectoryKind::future;
        if (!is_replica_directory || is_ours(each.name.partition)) continue;
        found.push_back(departure(each.name.partition, PartitionDirectoryKind::stray));
        found.back().from = each.path;
        noted.erase(each.name.partition);
    }
    // Where somebody has removed the directory, too: a topic made anew would be held to them.
    for (const TopicPartition& name : noted)
        if (!is_ours(name)) found.push_back({.partition = name, .from = {}, .to = {}});
    return found;
}

Task<void> PartitionManager::remove_directories(std::vector<std::string> paths, runtime::Duration delay,
                                                runtime::Gate::Hold hold) {
    const auto due = runtime::after(shard_.now(), delay);
    while (!closing_ && shard_.now() < due) co_await changed_.wait(due);
    runtime::Disk& disk = world_.disk;
    for (const std::string& path : paths) {
        if (closing_) co_return;  // the next start removes them
        const Result<> removed =
            co_await runtime::run_blocking(disk, shard_, [&disk, path] { return runtime::remove_all(disk, path); });
        if (!removed && removed.error().code != Errc::not_found)
            log::error("removing {}: {}", path, removed.error().message);
    }
    (void)hold;
}

Task<void> PartitionManager::close_one(Partition& partition, protocol::ErrorCode reason) {
    return runtime::run_on(shard_, partition.shard(), [&partition, reason] { return partition.close(reason); });
}

}  // namespace moldau::node
