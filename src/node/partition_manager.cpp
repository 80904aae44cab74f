#include "partition_manager.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include <moldau/base/log.h>
#include <moldau/storage/partition_metadata.h>

namespace moldau::node {
namespace {

using replication::Partition;
using runtime::Task;

/// Logs that are opened at once: opening waits for the disk.
constexpr std::size_t opened_at_once = 8;
constexpr runtime::Duration space_interval = std::chrono::seconds(1);

}  // namespace

PartitionManager::PartitionManager(const runtime::World& world, NodeId self, storage::LogDirectory& directory,
                                   std::span<const std::unique_ptr<replication::PartitionTools>> tools,
                                   TopicSettingsOf settings, runtime::Duration checkpoint_interval)
    : world_(world),
      shard_(world.shard(0)),
      self_(self),
      directory_(directory),
      tools_(tools),
      settings_(std::move(settings)),
      load_(tools.size()),
      checkpoint_interval_(checkpoint_interval),
      changed_(shard_),
      tasks_(shard_) {
    runtime::spawn(shard_, maintain(tasks_.enter()));
    runtime::spawn(shard_, remove_leftovers(tasks_.enter()));
}

PartitionManager::~PartitionManager() = default;

Task<bool> PartitionManager::apply(const metadata::Delta& delta, const metadata::Image& after) {
    std::vector<Wanted> missing;
    for (const auto& [id, change] : delta.topics) {
        const metadata::TopicPtr topic = after.find_topic(id);
        if (!topic) {
            // A start replays much at once: topics that came and went again were never opened.
            if (change.before) leave(id, *change.before);
            continue;
        }
        for (const PartitionIndex index : change.partitions) {
            const metadata::Partition* partition = topic->partitions.find(index);
            if (partition == nullptr || std::ranges::find(partition->replicas, self_) == partition->replicas.end()) continue;
            const Wanted wanted{id, topic->name, index, partition->leader_epoch, partition->leader == self_};
            if (const auto* open = table_.find(std::pair(id, index))) {
                co_await tell(wanted, **open);
            } else {
                missing.push_back(wanted);
            }
        }
    }
    co_await reconfigure(delta, after);
    retire_namesakes(missing);
    const bool opened = co_await open_all(std::move(missing), after);
    loaded_ = true;
    if (checkpoints_are_stale_.exchange(false)) co_await write_checkpoints();
    co_return opened;
}

void PartitionManager::retire_namesakes(const std::vector<Wanted>& wanted) {
    std::set<storage::TopicPartition> names;
    for (const Wanted& each : wanted) names.insert({each.topic, each.index});
    std::erase_if(retiring_, [&](std::shared_ptr<Partition>& partition) {
        if (!names.contains(partition->log().name())) return false;
        runtime::spawn(shard_, remove(std::move(partition), tasks_.enter()));
        return true;
    });
}

void PartitionManager::leave(const TopicId& id, const metadata::Topic& topic) {
    for (const auto& [index, registration] : topic.partitions)
        if (const auto* open = table_.find(std::pair(id, index))) {
            retiring_.push_back(*open);
            leaving_.insert((*open)->log().name());
            --load_[(*open)->shard().index()];
            table_.erase(std::pair(id, index));
        }
}

Task<bool> PartitionManager::reconfigure(const metadata::Delta& delta, const metadata::Image& after) {
    using metadata::ResourceType;
    const bool brokers = std::ranges::any_of(
        delta.configs, [](const metadata::ConfigResource& resource) { return resource.type == ResourceType::broker; });
    for (const auto& [key, partition] : table_) {
        const metadata::TopicPtr topic = after.find_topic(key.first);
        if (!brokers && !delta.configs.contains({ResourceType::topic, topic->name})) continue;
        const TopicSettings settings = settings_(after, topic->name);
        co_await on_shard(*partition, [settings](Partition& there) {
            there.set_config(settings.partition, settings.log);
            return true;
        });
    }
    co_return true;
}

template <class F>
auto PartitionManager::on_shard(Partition& partition, F f) -> Task<std::invoke_result_t<F&, Partition&>> {
    if (&partition.shard() == &shard_) co_return f(partition);
    co_return co_await runtime::call_on(shard_, partition.shard(), [&partition, f]() mutable { return f(partition); });
}

Task<bool> PartitionManager::tell(const Wanted& wanted, Partition& partition) {
    co_return co_await on_shard(partition, [wanted](Partition& there) {
        wanted.leads ? there.become_leader(wanted.leader_epoch) : there.resign();
        return true;
    });
}

Task<bool> PartitionManager::open_all(std::vector<Wanted> wanted, const metadata::Image& image) {
    std::reverse(wanted.begin(), wanted.end());  // taken from the back
    // Shared with the workers: at an end at once this coroutine may go before them.
    const auto workers = std::make_shared<runtime::Gate>(shard_);
    for (std::size_t i = 0; i < std::min(opened_at_once, wanted.size()); ++i)
        runtime::spawn(shard_, open_some(wanted, image, workers, workers->enter()));
    co_return co_await workers->close();
}

Task<void> PartitionManager::open_some(std::vector<Wanted>& queue, const metadata::Image& image,
                                       std::shared_ptr<runtime::Gate> workers, runtime::Gate::Hold hold) {
    while (!queue.empty()) {
        const Wanted next = std::move(queue.back());
        queue.pop_back();
        co_await open(next, settings_(image, next.topic));
    }
    (void)workers;
    (void)hold;  // goes before its gate
}

Task<bool> PartitionManager::open(const Wanted& wanted, const TopicSettings& settings) {
    const storage::TopicPartition name{wanted.topic, wanted.index};
    while (leaving_.contains(name) || writes_checkpoints_) co_await changed_.wait();
    storage::LogOptions options = directory_.options_for(name, settings.log, shard_.clock().wall_time());
    options.topic_id = wanted.topic_id;
    // After the start, what the checkpoints name is mostly a namesake, which they then forget.
    const bool may_forget = loaded_ && (options.recovery_point > Offset(0) || options.log_start > Offset(0) ||
                                        options.high_watermark > Offset(0));
    if (may_forget) writes_checkpoints_ = true;
    const Uuid unique = shard_.random().uuid();
    auto log = co_await runtime::run_blocking(
        world_.disk, shard_, [this, &options, &unique]() -> Result<std::unique_ptr<storage::Log>> {
            MOLDAU_CHECK(make_place(options, unique));
            return storage::Log::open(options);
        });
    if (may_forget) {
        writes_checkpoints_ = false;
        changed_.notify_all();
    }
    if (!log) {
        // It stays unopened: clients are told that the partition is not here, and nothing of it is touched.
        log::error("partition {}-{} is offline: {}", wanted.topic, wanted.index, log.error().message);
        co_return false;
    }
    const unsigned index = least_loaded();
    ++load_[index];
    runtime::Shard& there = world_.shard(index);
    // Made where it lives, since it joins what its shard keeps.
    const auto make = [this, index, &settings, &wanted, opened = std::make_shared<std::unique_ptr<storage::Log>>(
                                                            std::move(*log))] {
        auto partition = std::make_shared<Partition>(*tools_[index], std::move(*opened), settings.partition);
        if (wanted.leads) partition->become_leader(wanted.leader_epoch);
        return partition;
    };
    std::shared_ptr<Partition> partition;
    if (&there == &shard_) {
        partition = make();
    } else {
        partition = co_await runtime::call_on(shard_, there, make);
    }
    table_.set({wanted.topic_id, wanted.index}, std::move(partition));
    co_return true;
}

Result<> PartitionManager::make_place(storage::LogOptions& options, const Uuid& unique) {
    runtime::Disk& disk = world_.disk;
    const auto there = disk.list(options.directory);
    const bool absent = !there && there.error().code == Errc::not_found;
    MOLDAU_TRY(topic_id, absent ? std::optional<TopicId>() : storage::read_partition_metadata(disk, options.directory));
    const bool is_stray = topic_id && *topic_id != *options.topic_id;
    if (is_stray) {
        const std::string to = runtime::join_path(
            directory_.path(),
            storage::partition_directory_name(options.name, storage::PartitionDirectoryKind::stray, unique));
        log::warn("{} is of the deleted topic id {}; it is kept as {}", options.directory, *topic_id, to);
        MOLDAU_CHECK(disk.rename(options.directory, to));
        MOLDAU_CHECK(disk.sync_directory(directory_.path()));
    }
    // What the checkpoints say is of a namesake, unless a directory that was there before this start is lost.
    if (!is_stray && !(absent && loaded_)) return {};
    options.recovery_point = options.log_start = options.high_watermark = Offset(0);
    if (loaded_) return directory_.forget(options.name);
    checkpoints_are_stale_ = true;
    return {};
}

unsigned PartitionManager::least_loaded() const {
    return static_cast<unsigned>(std::ranges::min_element(load_) - load_.begin());
}

void PartitionManager::retire() {
    for (auto& partition : std::exchange(retiring_, {}))
        runtime::spawn(shard_, remove(std::move(partition), tasks_.enter()));
}

Task<void> PartitionManager::remove(std::shared_ptr<Partition> partition, runtime::Gate::Hold hold) {
    const storage::TopicPartition name = partition->log().name();
    const auto delay = std::chrono::milliseconds(partition->log().config().file_delete_delay_ms);
    co_await close_one(*partition, protocol::ErrorCode::unknown_topic_or_partition);
    const std::string from = partition->log().directory();
    const std::string to = runtime::join_path(
        directory_.path(), storage::partition_directory_name(name, storage::PartitionDirectoryKind::removed,
                                                             shard_.random().uuid()));
    runtime::Disk& disk = world_.disk;
    const Result<> renamed = co_await runtime::run_blocking(disk, shard_, [&disk, from, to]() -> Result<> {
        MOLDAU_CHECK(disk.rename(from, to));
        return disk.sync_directory(runtime::parent_path(to));
    });
    leaving_.erase(name);
    changed_.notify_all();
    if (!renamed) {
        log::error("deleting {}-{}: {}", name.topic, name.partition, renamed.error().message);
        co_return;
    }
    runtime::spawn(shard_, remove_directory(to, delay, std::move(hold)));
}

Task<void> PartitionManager::remove_directory(std::string path, runtime::Duration delay, runtime::Gate::Hold hold) {
    const auto due = runtime::after(shard_.now(), delay);
    while (!closing_ && shard_.now() < due) co_await changed_.wait(due);
    if (closing_) co_return;  // the next start removes it
    runtime::Disk& disk = world_.disk;
    const Result<> removed =
        co_await runtime::run_blocking(disk, shard_, [&disk, path] { return runtime::remove_all(disk, path); });
    if (!removed) log::error("removing {}: {}", path, removed.error().message);
    (void)hold;
}

Task<bool> PartitionManager::close_one(Partition& partition, protocol::ErrorCode reason) {
    if (&partition.shard() == &shard_) co_return co_await partition.close(reason);
    co_return co_await runtime::run_on(shard_, partition.shard(),
                                       [&partition, reason] { return partition.close(reason); });
}

Task<void> PartitionManager::remove_leftovers(runtime::Gate::Hold hold) {
    auto there = co_await runtime::run_blocking(world_.disk, shard_, [this] { return directory_.partitions(); });
    if (!there) {
        log::error("{}", there.error().message);
        co_return;
    }
    for (const storage::PartitionDirectory& each : *there)
        if (each.name.kind == storage::PartitionDirectoryKind::removed)
            runtime::spawn(shard_, remove_directory(each.path, {}, tasks_.enter()));
    (void)hold;
}

Task<void> PartitionManager::maintain(runtime::Gate::Hold hold) {
    auto next_retention = runtime::after(shard_.now(), std::chrono::seconds(30));
    auto next_checkpoint = runtime::after(shard_.now(), checkpoint_interval_);
    while (!closing_) {
        const auto next = std::min(runtime::after(shard_.now(), space_interval), next_checkpoint);
        while (!closing_ && shard_.now() < next) co_await changed_.wait(next);
        if (closing_) break;
        const Result<> measured =
            co_await runtime::run_blocking(world_.disk, shard_, [this] { return directory_.refresh_free_space(); });
        if (!measured) log::warn("cannot measure the free space: {}", measured.error().message);
        if (shard_.now() >= next_retention) {
            co_await apply_retention();
            next_retention = runtime::after(shard_.now(), retention_interval_);
        }
        // While the start loads, the table does not name all that the files do.
        if (!loaded_ || shard_.now() < next_checkpoint) continue;
        co_await write_checkpoints();
        next_checkpoint = runtime::after(shard_.now(), checkpoint_interval_);
    }
    (void)hold;
}

Task<bool> PartitionManager::write_checkpoints() {
    while (writes_checkpoints_) co_await changed_.wait();
    writes_checkpoints_ = true;
    const auto checkpoints = co_await collect_checkpoints();
    const Result<> written = co_await runtime::run_blocking(
        world_.disk, shard_, [this, checkpoints] { return directory_.write_checkpoints(*checkpoints); });
    if (!written) log::error("cannot write the checkpoints: {}", written.error().message);
    writes_checkpoints_ = false;
    changed_.notify_all();
    co_return written.has_value();
}

Task<bool> PartitionManager::apply_retention() {
    const PartitionTable table = table_;  // the one of now: it may change meanwhile
    for (const auto& [key, partition] : table) {
        const auto expired = co_await on_shard(*partition, [](Partition& there) { return there.apply_retention(); });
        const auto delay = std::chrono::milliseconds(partition->log().config().file_delete_delay_ms);
        if (!expired.empty()) runtime::spawn(shard_, remove_files(expired, delay, tasks_.enter()));
    }
    co_return true;
}

Task<void> PartitionManager::remove_files(std::vector<std::string> paths, runtime::Duration delay,
                                          runtime::Gate::Hold hold) {
    const auto due = runtime::after(shard_.now(), delay);
    while (!closing_ && shard_.now() < due) co_await changed_.wait(due);
    runtime::Disk& disk = world_.disk;
    const Result<> removed = co_await runtime::run_blocking(disk, shard_, [&disk, &paths]() -> Result<> {
        for (const std::string& path : paths) MOLDAU_CHECK(disk.remove(path));
        return {};
    });
    if (!removed) log::warn("old segments stay: {}", removed.error().message);
    (void)hold;
}

Task<std::shared_ptr<storage::Checkpoints>> PartitionManager::collect_checkpoints() {
    struct Ends {
        Offset recovery_point;
        Offset log_start;
        Offset high_watermark;
    };
    const auto checkpoints = std::make_shared<storage::Checkpoints>();
    const PartitionTable table = table_;
    for (const auto& [key, partition] : table) {
        const Ends ends = co_await on_shard(*partition, [](Partition& there) {
            const storage::Log& log = there.log();
            return Ends{log.recovery_point(), log.log_start(), std::min(there.high_watermark(), log.durable_end())};
        });
        const storage::TopicPartition& name = partition->log().name();
        checkpoints->recovery_points[name] = ends.recovery_point;
        checkpoints->log_starts[name] = ends.log_start;
        checkpoints->high_watermarks[name] = ends.high_watermark;
    }
    co_return checkpoints;
}

Task<std::optional<storage::Checkpoints>> PartitionManager::close() {
    closing_ = true;
    changed_.notify_all();
    bool clean = co_await tasks_.close();
    const PartitionTable table = table_;
    for (const auto& [key, partition] : table) {
        co_await close_one(*partition, protocol::ErrorCode::not_leader_or_follower);
        Partition& there = *partition;
        const Result<> closed =
            co_await runtime::run_blocking(world_.disk, shard_, [&there] { return there.log().close(); });
        if (!closed) log::error("{}-{} did not close cleanly: {}", there.log().name().topic,
                                there.log().name().partition, closed.error().message);
        clean = clean && closed;
    }
    if (!clean) co_return std::nullopt;
    co_return *co_await collect_checkpoints();
}

}  // namespace moldau::node
