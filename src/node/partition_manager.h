#pragma once
// Opens, closes and reconfigures this node's partitions as the metadata says. Owned by the node, on the first shard;
// the partitions themselves live on their own.

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <vector>

#include <moldau/metadata/image_builder.h>
#include <moldau/node/view.h>
#include <moldau/runtime/world.h>
#include <moldau/storage/log_directory.h>

namespace moldau::node {

/// The settings of a topic, as they hold on this node.
struct TopicSettings {
    replication::PartitionConfig partition;
    storage::LogConfig log;
};
using TopicSettingsOf = std::function<TopicSettings(const metadata::Image& image, std::string_view topic)>;

class PartitionManager {
 public:
    PartitionManager(const runtime::World& world, NodeId self, storage::LogDirectory& directory,
                     std::span<const std::unique_ptr<replication::PartitionTools>> tools, TopicSettingsOf settings);
    ~PartitionManager();

    /// Makes the partitions what `after` says: opens the new ones, tells leaders and settings. Those that are gone leave
    /// the table at once but serve until retire() is called.
    runtime::Task<bool> apply(const metadata::Delta& delta, const metadata::Image& after);

    /// Closes what apply() took out of the table. Call once no view names it any more.
    void retire();

    const PartitionTable& table() const { return table_; }

    /// Makes everything durable and writes the checkpoints of a clean shutdown.
    runtime::Task<bool> close();

 private:
    struct Wanted {
        TopicId topic_id;
        std::string topic;
        PartitionIndex index;
        LeaderEpoch leader_epoch;
        bool leads = false;
    };

    runtime::Task<bool> open_all(std::vector<Wanted> wanted, const metadata::Image& image);
    runtime::Task<void> open_some(std::vector<Wanted>& queue, const metadata::Image& image, runtime::Gate::Hold hold);
    runtime::Task<bool> open(const Wanted& wanted, const TopicSettings& settings);
    runtime::Task<bool> tell(const Wanted& wanted, replication::Partition& partition);
    runtime::Task<void> remove(std::shared_ptr<replication::Partition> partition);
    runtime::Task<void> maintain();
    runtime::Task<bool> maintain_one(std::shared_ptr<replication::Partition> partition);
    unsigned least_loaded() const;

    runtime::World world_;
    runtime::Shard& shard_;
    NodeId self_;
    storage::LogDirectory& directory_;
    std::span<const std::unique_ptr<replication::PartitionTools>> tools_;  ///< one a shard
    TopicSettingsOf settings_;
    PartitionTable table_;
    std::vector<unsigned> load_;  ///< partitions a shard
    std::vector<std::shared_ptr<replication::Partition>> retiring_;
    runtime::Gate tasks_;
    bool closing_ = false;
};

}  // namespace moldau::node
