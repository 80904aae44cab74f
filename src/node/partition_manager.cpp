#include "partition_manager.h"

#include <algorithm>
#include <iterator>
#include <set>
#include <string_view>
#include <utility>

#include <moldau/base/log.h>
#include <moldau/metadata/configs.h>

#include "at_once.h"

namespace moldau::node {
namespace {

using replication::Partition;
using runtime::Task;

/// Logs that are closed at once, each of which waits for the disk.
constexpr std::size_t closed_at_stop = 8;

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

Task<void> PartitionManager::apply(const metadata::Delta& delta, const metadata::Image& after) {
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
    std::set<std::pair<std::string_view, PartitionIndex>> in_delta;
    for (const Wanted& each : missing) in_delta.emplace(each.topic, each.index);
    std::vector<Wanted> again = due_again(after);
    std::erase_if(again, [&in_delta](const Wanted& each) { return in_delta.contains({each.topic, each.index}); });
    std::ranges::move(again, std::back_inserter(missing));
    co_await reconfigure(delta, after);
    retire_namesakes(missing);
    if (!std::exchange(tidied_up_, true)) co_await tidy_up(after);
    co_await open_all(std::move(missing), after);
    deleted_at_start_.clear();
    was_applied_ = true;
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

Task<void> PartitionManager::reconfigure(const metadata::Delta& delta, const metadata::Image& after) {
    using metadata::ResourceType;
    if (delta.configs.empty()) co_return;
    for (const metadata::ConfigResource& resource : delta.configs)
        for (const std::string& what : metadata::unusable_configs(after, resource))
            log::warn("a setting in the metadata{} is not used: {}",
                      resource.type == ResourceType::topic ? fmt::format(" of topic {}", resource.name) : "", what);
    const bool brokers = std::ranges::any_of(
        delta.configs, [](const metadata::ConfigResource& resource) { return resource.type == ResourceType::broker; });
    struct Change {
        std::shared_ptr<Partition> partition;
        std::shared_ptr<const TopicSettings> settings;
    };
    std::vector<std::vector<Change>> by_shard(world_.shards.size());
    std::optional<TopicId> of;
    std::shared_ptr<const TopicSettings> settings;
    for (const auto& [key, partition] : table_) {
        if (std::exchange(of, key.first) != key.first) {  // a topic's partitions stand together
            const metadata::TopicPtr topic = after.find_topic(key.first);
            const bool concerned = brokers || delta.configs.contains({ResourceType::topic, topic->name});
            settings = concerned ? std::make_shared<const TopicSettings>(settings_(after, topic->name)) : nullptr;
        }
        if (settings) by_shard[partition->shard().index()].push_back({partition, settings});
    }
    for (std::size_t i = 0; i < by_shard.size(); ++i) {
        if (by_shard[i].empty()) continue;
        co_await runtime::call_on(shard_, world_.shard(static_cast<unsigned>(i)), [changes = std::move(by_shard[i])] {
            for (const Change& each : changes) each.partition->set_config(each.settings->partition, each.settings->log);
        });
    }
}

Task<void> PartitionManager::tell(const Wanted& wanted, Partition& partition) {
    co_await on_shard(partition, [wanted](Partition& there) {
        wanted.leads ? there.become_leader(wanted.leader_epoch) : there.resign();
    });
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
    const bool clean = co_await tasks_.close() && was_applied_ && offline_.empty();
    std::vector<std::shared_ptr<Partition>> open;
    for (const auto& [key, partition] : table_) open.push_back(partition);
    co_await at_once(shard_, closed_at_stop, std::move(open),
                     [this](std::shared_ptr<Partition> next) { return close_for_good(std::move(next)); });
    if (!clean || !all_closed_) co_return std::nullopt;
    co_return *co_await collect_checkpoints();
}

Task<void> PartitionManager::close_for_good(std::shared_ptr<Partition> partition) {
    co_await close_one(*partition, protocol::ErrorCode::not_leader_or_follower);
    const Result<> closed =
        co_await runtime::run_blocking(world_.disk, shard_, [partition] { return partition->log().close(); });
    const storage::TopicPartition& name = partition->log().name();
    if (!closed) log::error("{}-{} did not close cleanly: {}", name.topic, name.partition, closed.error().message);
    all_closed_ = all_closed_ && closed;
}

}  // namespace moldau::node
