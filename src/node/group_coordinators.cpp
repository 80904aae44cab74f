#include "group_coordinators.h"

#include <utility>

#include <moldau/metadata/topic_name.h>

namespace moldau::node {

using runtime::Task;

GroupCoordinators::GroupCoordinators(const runtime::World& world, NodeId self, const coordinator::GroupOptions& options)
    : world_(world), shard_(world.shard(0)), self_(self), options_(options) {}

GroupCoordinators::~GroupCoordinators() = default;

Task<void> GroupCoordinators::apply(const metadata::Delta& delta, const metadata::Image& after,
                                    const PartitionTable& partitions) {
    if (stopped_) co_return;
    std::map<PartitionIndex, Running> wanted;
    if (const metadata::TopicPtr topic = after.find_topic(metadata::consumer_offsets_topic)) {
        for (const auto& [index, partition] : topic->partitions) {
            if (partition.leader != self_) continue;
            // One that could not be opened comes later.
            if (const auto* open = partitions.find(std::pair(topic->id, index)))
                wanted.emplace(index, Running{nullptr, *open, partition.leader_epoch});
        }
    }
    std::vector<PartitionIndex> gone;
    for (const auto& [index, running] : running_) {
        const auto same = wanted.find(index);
        if (same != wanted.end() && same->second.partition == running.partition &&
            same->second.epoch == running.epoch) {
            wanted.erase(same);
        } else {
            gone.push_back(index);
        }
    }
    for (const PartitionIndex index : gone) co_await stop(index);
    for (auto& [index, running] : wanted)
        if (!stopped_) co_await start(index, std::move(running));

    std::vector<coordinator::ForgetTopics::Topic> deleted;
    for (const auto& [id, change] : delta.topics)
        if (change.before && after.find_topic(id) == nullptr) deleted.push_back({change.before->name, id});
    if (!deleted.empty()) forget_topics(std::move(deleted));
}

Task<void> GroupCoordinators::start(PartitionIndex index, Running running) {
    running.driver = std::make_shared<GroupDriver>(running.partition, world_.disk, [options = options_] {
        return std::make_unique<coordinator::GroupMachine>(options);
    });
    table_.set(index, running.driver);
    const auto driver = running.driver;
    running_.emplace(index, std::move(running));
    co_await runtime::call_on(shard_, driver->shard(), [driver] { driver->start(); });
}

Task<void> GroupCoordinators::stop(PartitionIndex index) {
    const auto found = running_.find(index);
    if (found == running_.end()) co_return;  // everything was stopped meanwhile
    const auto driver = found->second.driver;
    running_.erase(found);
    table_.erase(index);
    co_await runtime::call_on(shard_, driver->shard(), [driver] { driver->stop(); });
}

Task<void> GroupCoordinators::stop() {
    stopped_ = true;
    while (!running_.empty()) co_await stop(running_.begin()->first);
}

void GroupCoordinators::forget_topics(std::vector<coordinator::ForgetTopics::Topic> topics) {
    const auto request =
        std::make_shared<const coordinator::ForgetTopics>(coordinator::ForgetTopics{std::move(topics)});
    for (const auto& [index, running] : running_) {
        // Nobody waits for it: what is not forgotten now is told to nobody who knows the topic's id, and expires.
        running.driver->shard().post([driver = running.driver, request] {
            runtime::spawn(driver->shard(),
                           [](std::shared_ptr<GroupDriver> on,
                              std::shared_ptr<const coordinator::ForgetTopics> what) -> Task<void> {
                               co_await on->call<coordinator::Forgotten>(on->shard(), *what, {});
                           }(driver, request));
        });
    }
}

}  // namespace moldau::node
