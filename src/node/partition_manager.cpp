#include "partition_manager.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include <moldau/base/log.h>
#include <moldau/storage/partition_metadata.h>

#include "at_once.h"

namespace moldau::node {
namespace {

using replication::Partition;
using runtime::Task;

/// Logs that are opened at once. A recovery takes a thread of the disk for as long as it reads: acks=all and the
/// metadata log need the others.
constexpr std::size_t opened_at_once = 4;
/// Logs that are closed at once, each of which waits for the disk.
constexpr std::size_t closed_at_stop = 8;
/// After which a partition is tried again that found no room, or whose files could not be read.
constexpr runtime::Duration space_interval = std::chrono::seconds(1);
constexpr runtime::Duration retry_interval = std::chrono::seconds(30);

}  // namespace

PartitionManager::PartitionManager(const runtime::World& world, NodeId self, storage::LogDirectory& directory,
                                   std::span<const std::unique_ptr<replication::PartitionTools>> tools,
                                   TopicSettingsOf settings, CleanerSettingsOf cleaner_settings,
                                   const UpkeepTimes& times, Listener listener)
    : world_(world),
      shard_(world.shard(0)),
      self_(self),
      directory_(directory),
      tools_(tools),
      settings_(std::move(settings)),
      load_(tools.size()),
      times_(times),
      listener_(std::move(listener)),
      changed_(shard_),
      tasks_(shard_),
      cleaner_(world, shard_, directory, cleaner_ports(std::move(cleaner_settings))) {
    runtime::spawn(shard_, maintain(tasks_.enter()));
    runtime::spawn(shard_, cleaner_.run(tasks_.enter()));
}

PartitionManager::~PartitionManager() = default;

bool PartitionManager::is_replica(const metadata::Partition& partition) const {
    return std::ranges::find(partition.replicas, self_) != partition.replicas.end();
}

Task<bool> PartitionManager::apply(const metadata::Delta& delta, const metadata::Image& after) {
    std::vector<Wanted> missing;
    for (const auto& [id, change] : delta.topics) {
        const metadata::TopicPtr topic = after.find_topic(id);
        if (!topic) {
            // A start replays much at once: topics that came and went again were never opened.
            if (change.before) leave_all(id, *change.before);
            if (!tidied_up_) deleted_at_start_.insert(id);
            continue;
        }
        for (const PartitionIndex index : change.partitions) {
            const metadata::Partition* partition = topic->partitions.find(index);
            if (partition == nullptr || !is_replica(*partition)) {
                leave(id, {topic->name, index});
                continue;
            }
            const Wanted wanted{id, topic->name, index, partition->leader_epoch, partition->leader == self_};
            if (const auto* open = table_.find(std::pair(id, index))) {
                co_await tell(wanted, **open);
            } else {
                missing.push_back(wanted);
            }
        }
    }
    for (Wanted& again : due_again(after)) {
        const bool is_in_delta = std::ranges::any_of(
            missing, [&again](const Wanted& each) { return each.topic == again.topic && each.index == again.index; });
        if (!is_in_delta) missing.push_back(std::move(again));
    }
    co_await reconfigure(delta, after);
    retire_namesakes(missing);
    if (!std::exchange(tidied_up_, true)) co_await tidy_up(after);
    const bool opened = co_await open_all(std::move(missing), after);
    deleted_at_start_.clear();
    was_applied_ = true;
    co_return opened;
}

std::vector<PartitionManager::Wanted> PartitionManager::due_again(const metadata::Image& image) const {
    std::vector<Wanted> due;
    for (const auto& [name, offline] : offline_) {
        if (!retry_due(offline)) continue;
        const metadata::Partition* partition = image.find_partition(offline.topic_id, name.partition);
        MOLDAU_ASSERT(partition != nullptr);  // it would have left
        due.push_back(
            {offline.topic_id, name.topic, name.partition, partition->leader_epoch, partition->leader == self_});
    }
    return due;
}

Task<bool> PartitionManager::reconfigure(const metadata::Delta& delta, const metadata::Image& after) {
    using metadata::ResourceType;
    if (delta.configs.empty()) co_return true;
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

Task<bool> PartitionManager::tell(const Wanted& wanted, Partition& partition) {
    co_return co_await on_shard(partition, [wanted](Partition& there) {
        wanted.leads ? there.become_leader(wanted.leader_epoch) : there.resign();
        return true;
    });
}

Task<bool> PartitionManager::open_all(std::vector<Wanted> wanted, const metadata::Image& image) {
    std::map<std::string, TopicSettings> by_topic;
    for (const Wanted& each : wanted)
        if (!by_topic.contains(each.topic)) by_topic.emplace(each.topic, settings_(image, each.topic));
    co_return co_await at_once(shard_, opened_at_once, std::move(wanted), [this, &image, &by_topic](Wanted next) {
        const TopicSettings& settings = by_topic.at(next.topic);
        return open(std::move(next), image, settings);
    });
}

Task<bool> PartitionManager::open(Wanted wanted, const metadata::Image& image, const TopicSettings& settings) {
    const storage::TopicPartition name{wanted.topic, wanted.index};
    while (leaving_.contains(name)) co_await changed_.wait();
    Result<bool> place = co_await make_room(wanted, image);
    storage::LogOptions options = directory_.options_for(name, settings.log, shard_.clock().wall_time());
    options.topic_id = wanted.topic_id;
    if (place && *place) {  // nothing is noted of it, not even who wrote it: all that is there counts
        options.clean_shutdown = false;
        options.written_by_kafka = true;
    }
    bool sync_failed = false;
    options.sync_failed = &sync_failed;
    auto log =
        place ? co_await runtime::run_blocking(world_.disk, shard_, [&options] { return storage::Log::open(options); })
              : Result<std::unique_ptr<storage::Log>>(std::unexpected(std::move(place).error()));
    if (sync_failed) directory_.set_offline(log.error());
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
    const auto& producers = (*log)->producers().producers();
    for (auto each = producers.lower_bound(image.next_producer_id); each != producers.end(); ++each)
        taken_producer_ids_.insert(each->first);
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

Task<Result<bool>> PartitionManager::make_room(const Wanted& wanted, const metadata::Image& image) {
    const storage::TopicPartition name{wanted.topic, wanted.index};
    const std::string path = runtime::join_path(directory_.path(), storage::partition_directory_name(name));
    const auto there = co_await runtime::run_blocking(
        world_.disk, shard_, [this, &path] { return storage::read_partition_metadata(world_.disk, path); });
    if (!there) co_return std::unexpected(there.error());
    if (*there && **there != wanted.topic_id) {
        if (const metadata::TopicPtr owner = image.find_topic(**there))
            co_return fail(Errc::invalid,
                           fmt::format("{} is a directory of topic '{}', as its partition.metadata has it: "
                                       "put the right one in its place, and start again",
                                       path, owner->name));
        const bool was_deleted = deleted_at_start_.contains(**there);
        const storage::Departure aside = departure(
            name, was_deleted ? storage::PartitionDirectoryKind::removed : storage::PartitionDirectoryKind::stray);
        const Result<> moved = co_await take_away({aside});
        if (!moved) co_return std::unexpected(moved.error());
        if (was_deleted) {
            runtime::spawn(shard_, remove_directories({aside.to}, {}, tasks_.enter()));
        } else {
            log::warn("{} is of topic id {}, the topic's is {}: it is kept as {}, and the partition begins empty", path,
                      **there, wanted.topic_id, aside.to);
        }
    }
    co_return co_await bring_back(wanted, path);
}

Task<Result<bool>> PartitionManager::bring_back(const Wanted& wanted, std::string path) {
    const auto aside = aside_.find({wanted.topic_id, wanted.index});
    if (aside == aside_.end()) co_return false;
    std::string& from = aside->second;
    if (from.empty()) co_return true;
    co_await take_turn();
    const Result<bool> brought = co_await runtime::run_blocking(
        world_.disk, shard_, [&directory = directory_, &from, &path] { return directory.bring_back(from, path); });
    end_turn();
    if (brought && *brought) log::warn("the metadata knows {} again: it is back as {}", std::exchange(from, {}), path);
    co_return brought;
}

unsigned PartitionManager::least_loaded() const {
    return static_cast<unsigned>(std::ranges::min_element(load_) - load_.begin());
}

bool PartitionManager::retry_due(const Offline& offline) const {
    if (shard_.now() < offline.next_try) return false;
    return offline.why == Errc::io || offline.why == Errc::no_descriptors ||
           (offline.why == Errc::no_space && directory_.has_room(false, 0));
}

bool PartitionManager::retry_due() const {
    return std::ranges::any_of(offline_, [this](const auto& each) { return retry_due(each.second); });
}

Task<std::optional<storage::Checkpoints>> PartitionManager::close() {
    closing_ = true;
    changed_.notify_all();
    cleaner_.stop();
    // A clean start trusts every log: not one that could not be opened, or was not looked at.
    bool clean = co_await tasks_.close() && was_applied_ && offline_.empty();
    std::vector<std::shared_ptr<Partition>> open;
    for (const auto& [key, partition] : table_) open.push_back(partition);
    clean = co_await at_once(shard_, closed_at_stop, std::move(open),
                             [this](std::shared_ptr<Partition> next) { return close_for_good(std::move(next)); }) &&
            clean;
    if (!clean) co_return std::nullopt;
    co_return *co_await collect_checkpoints();
}

Task<bool> PartitionManager::close_for_good(std::shared_ptr<Partition> partition) {
    co_await close_one(*partition, protocol::ErrorCode::not_leader_or_follower);
    const Result<> closed =
        co_await runtime::run_blocking(world_.disk, shard_, [partition] { return partition->log().close(); });
    const storage::TopicPartition& name = partition->log().name();
    if (!closed) log::error("{}-{} did not close cleanly: {}", name.topic, name.partition, closed.error().message);
    co_return closed.has_value();
}

}  // namespace moldau::node
