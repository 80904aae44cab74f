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
/// After which a partition whose files could not be read is tried again.
constexpr runtime::Duration retry_interval = std::chrono::seconds(30);

}  // namespace

PartitionManager::PartitionManager(const runtime::World& world, NodeId self, storage::LogDirectory& directory,
                                   std::span<const std::unique_ptr<replication::PartitionTools>> tools,
                                   TopicSettingsOf settings, runtime::Duration checkpoint_interval, Listener listener)
    : world_(world),
      shard_(world.shard(0)),
      self_(self),
      directory_(directory),
      tools_(tools),
      settings_(std::move(settings)),
      load_(tools.size()),
      checkpoint_interval_(checkpoint_interval),
      listener_(std::move(listener)),
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
            if (partition == nullptr || std::ranges::find(partition->replicas, self_) == partition->replicas.end())
                continue;
            const Wanted wanted{id, topic->name, index, partition->leader_epoch, partition->leader == self_};
            if (const auto* open = table_.find(std::pair(id, index))) {
                co_await tell(wanted, **open);
            } else {
                missing.push_back(wanted);
            }
        }
    }
    for (const auto& [name, offline] : offline_) {
        const bool is_in_delta = std::ranges::any_of(
            missing, [&](const Wanted& each) { return each.topic == name.topic && each.index == name.partition; });
        if (is_in_delta || !retry_due(offline)) continue;
        const metadata::TopicPtr topic = after.find_topic(offline.topic_id);
        const metadata::Partition* partition = topic ? topic->partitions.find(name.partition) : nullptr;
        if (partition != nullptr)
            missing.push_back(
                {offline.topic_id, name.topic, name.partition, partition->leader_epoch, partition->leader == self_});
    }
    co_await reconfigure(delta, after);
    retire_namesakes(missing);
    co_return co_await open_all(std::move(missing), after);
}

void PartitionManager::retire_namesakes(const std::vector<Wanted>& wanted) {
    std::set<storage::TopicPartition> names;
    for (const Wanted& each : wanted) names.insert({each.topic, each.index});
    std::erase_if(retiring_, [&](Leaving& leaving) {
        if (!names.contains(leaving.name)) return false;
        runtime::spawn(shard_, remove(std::move(leaving), tasks_.enter()));
        return true;
    });
}

void PartitionManager::leave(const TopicId& id, const metadata::Topic& topic) {
    for (const auto& [index, registration] : topic.partitions) {
        Leaving leaving{id, {topic.name, index}, nullptr};
        if (const auto* open = table_.find(std::pair(id, index))) {
            leaving.partition = *open;
            --load_[(*open)->shard().index()];
            table_.erase(std::pair(id, index));
        } else if (offline_.erase(leaving.name) == 0) {
            continue;
        }
        leaving_.insert(leaving.name);
        retiring_.push_back(std::move(leaving));
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
    while (leaving_.contains(name)) co_await changed_.wait();
    Result<> place = co_await make_room(wanted);
    storage::LogOptions options = directory_.options_for(name, settings.log, shard_.clock().wall_time());
    options.topic_id = wanted.topic_id;
    auto log =
        place ? co_await runtime::run_blocking(world_.disk, shard_, [&options] { return storage::Log::open(options); })
              : Result<std::unique_ptr<storage::Log>>(std::unexpected(std::move(place).error()));
    if (!log) {
        // It stays unopened: clients are told that the partition is not here, and nothing of it is touched.
        const runtime::Duration pause = is_shortage(log.error()) ? space_interval : retry_interval;
        const Offline offline{wanted.topic_id, log.error().code, runtime::after(shard_.now(), pause)};
        const auto [there, is_new] = offline_.try_emplace(name, offline);
        if (is_new || there->second.why != offline.why)
            log::error("partition {}-{} is offline: {}", wanted.topic, wanted.index, log.error().message);
        there->second = offline;
        co_return false;
    }
    if (offline_.erase(name) > 0) log::info("partition {}-{} is back", wanted.topic, wanted.index);
    const unsigned index = least_loaded();
    ++load_[index];
    runtime::Shard& there = world_.shard(index);
    // Made where it lives, since it joins what its shard keeps.
    const auto make = [this, index, &settings, &wanted,
                       opened = std::make_shared<std::unique_ptr<storage::Log>>(std::move(*log))] {
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

Task<Result<>> PartitionManager::make_room(const Wanted& wanted) {
    const storage::TopicPartition name{wanted.topic, wanted.index};
    const std::string path = runtime::join_path(directory_.path(), storage::partition_directory_name(name));
    const auto there = co_await runtime::run_blocking(
        world_.disk, shard_, [this, &path] { return storage::read_partition_metadata(world_.disk, path); });
    if (!there) co_return std::unexpected(there.error());
    if (!*there || **there == wanted.topic_id) co_return Result<>{};
    const auto kept_as = co_await take_away(name, storage::PartitionDirectoryKind::stray);
    if (!kept_as) co_return std::unexpected(kept_as.error());
    log::warn("{} is of the deleted topic id {}; it is kept as {}", path, **there, *kept_as);
    co_return Result<>{};
}

Task<Result<std::string>> PartitionManager::take_away(storage::TopicPartition name,
                                                      storage::PartitionDirectoryKind kind) {
    const std::string from = runtime::join_path(directory_.path(), storage::partition_directory_name(name));
    const std::string to =
        runtime::join_path(directory_.path(), storage::partition_directory_name(name, kind, shard_.random().uuid()));
    co_await take_turn();
    directory_.forget_start(name);
    const Result<> renamed = co_await runtime::run_blocking(world_.disk, shard_, [&]() -> Result<> {
        MOLDAU_CHECK(directory_.forget(name));
        MOLDAU_CHECK(world_.disk.rename(from, to));
        return world_.disk.sync_directory(directory_.path());
    });
    end_turn();
    if (!renamed) co_return std::unexpected(renamed.error());
    co_return to;
}

Task<bool> PartitionManager::take_turn() {
    while (turn_taken_) co_await changed_.wait();
    co_return turn_taken_ = true;
}

void PartitionManager::end_turn() {
    turn_taken_ = false;
    changed_.notify_all();
}

unsigned PartitionManager::least_loaded() const {
    return static_cast<unsigned>(std::ranges::min_element(load_) - load_.begin());
}

void PartitionManager::retire() {
    for (Leaving& leaving : std::exchange(retiring_, {}))
        runtime::spawn(shard_, remove(std::move(leaving), tasks_.enter()));
}

Task<void> PartitionManager::remove(Leaving leaving, runtime::Gate::Hold hold) {
    const storage::LogConfig config = leaving.partition ? leaving.partition->log().config() : storage::LogConfig();
    const Result<std::string> removed = co_await remove_now(leaving);
    leaving_.erase(leaving.name);
    changed_.notify_all();
    if (removed) {
        const auto delay = std::chrono::milliseconds(config.file_delete_delay_ms);
        runtime::spawn(shard_, remove_directory(*removed, delay, std::move(hold)));
    } else if (removed.error().code != Errc::not_found) {
        log::error("deleting {}-{}: {}", leaving.name.topic, leaving.name.partition, removed.error().message);
    }
}

Task<Result<std::string>> PartitionManager::remove_now(Leaving& leaving) {
    if (leaving.partition) {
        co_await close_one(*leaving.partition, protocol::ErrorCode::unknown_topic_or_partition);
    } else {
        // What stands in its place, if anything, may be another's.
        const std::string path = runtime::join_path(directory_.path(), storage::partition_directory_name(leaving.name));
        const auto id = co_await runtime::run_blocking(
            world_.disk, shard_, [this, &path] { return storage::read_partition_metadata(world_.disk, path); });
        if (!id) co_return std::unexpected(id.error());
        if (*id && **id != leaving.topic_id) co_return fail(Errc::not_found, path + " is another topic's");
    }
    co_return co_await take_away(leaving.name, storage::PartitionDirectoryKind::removed);
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
        if (retry_due()) listener_.on_retry_due();
        if (directory_.is_offline() && listener_.on_offline)
            std::exchange(listener_.on_offline, nullptr)(directory_.offline_reason());
        if (shard_.now() < next_checkpoint) continue;
        co_await write_checkpoints();
        next_checkpoint = runtime::after(shard_.now(), checkpoint_interval_);
    }
    (void)hold;
}

bool PartitionManager::retry_due(const Offline& offline) const {
    if (shard_.now() < offline.next_try) return false;
    return offline.why == Errc::io || offline.why == Errc::no_descriptors ||
           (offline.why == Errc::no_space && directory_.has_room(false, 0));
}

bool PartitionManager::retry_due() const {
    return std::ranges::any_of(offline_, [this](const auto& each) { return retry_due(each.second); });
}

Task<bool> PartitionManager::write_checkpoints() {
    co_await take_turn();
    const auto checkpoints = co_await collect_checkpoints();
    const Result<> written = co_await runtime::run_blocking(
        world_.disk, shard_, [this, checkpoints] { return directory_.write_checkpoints(*checkpoints); });
    if (!written) log::error("cannot write the checkpoints: {}", written.error().message);
    end_turn();
    co_return written.has_value();
}

Task<bool> PartitionManager::apply_retention() {
    const PartitionTable table = table_;  // the one of now: it may change meanwhile
    for (const auto& [key, partition] : table) {
        const auto [expired, delay_ms] = co_await on_shard(*partition, [](Partition& there) {
            return std::pair(there.apply_retention(), there.log().config().file_delete_delay_ms);
        });
        if (!expired.empty())
            runtime::spawn(shard_, remove_files(expired, std::chrono::milliseconds(delay_ms), tasks_.enter()));
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
    // A clean start trusts every log: not one that could not be opened.
    bool clean = co_await tasks_.close() && offline_.empty();
    const PartitionTable table = table_;
    for (const auto& [key, partition] : table) {
        co_await close_one(*partition, protocol::ErrorCode::not_leader_or_follower);
        Partition& there = *partition;
        const Result<> closed =
            co_await runtime::run_blocking(world_.disk, shard_, [&there] { return there.log().close(); });
        if (!closed)
            log::error("{}-{} did not close cleanly: {}", there.log().name().topic, there.log().name().partition,
                       closed.error().message);
        clean = clean && closed;
    }
    if (!clean) co_return std::nullopt;
    co_return *co_await collect_checkpoints();
}

}  // namespace moldau::node
