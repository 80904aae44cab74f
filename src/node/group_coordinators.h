#pragma once
// Starts and stops the group coordinators as this node comes to lead partitions of __consumer_offsets and leaves them.
// Owned by the node, on the first shard; the drivers live on the shards of their partitions.

#include <map>
#include <memory>
#include <string>
#include <vector>

#include <moldau/coordinator/driver.h>
#include <moldau/coordinator/group_machine.h>
#include <moldau/metadata/image_builder.h>
#include <moldau/node/groups.h>
#include <moldau/node/view.h>
#include <moldau/runtime/world.h>

namespace moldau::node {

class GroupCoordinators {
 public:
    GroupCoordinators(const runtime::World& world, NodeId self, const coordinator::GroupOptions& options);
    ~GroupCoordinators();

    /// Makes the coordinators what `after` and the open partitions say, and has them forget topics that are gone.
    runtime::Task<void> apply(const metadata::Delta& delta, const metadata::Image& after,
                              const PartitionTable& partitions);

    const GroupTable& table() const { return table_; }

    /// All of them, for good: who waits is told. Before the partitions are closed.
    runtime::Task<void> stop();

 private:
    struct Running {
        std::shared_ptr<GroupDriver> driver;
        std::shared_ptr<replication::Partition> partition;
        LeaderEpoch epoch;
    };

    runtime::Task<void> start(PartitionIndex index, Running running);
    runtime::Task<void> stop(PartitionIndex index);
    void forget_topics(std::vector<coordinator::ForgetTopics::Topic> topics);

    /// On the driver's shard.
    template <class F>
    runtime::Task<bool> on_shard(GroupDriver& driver, F f);

    runtime::World world_;
    runtime::Shard& shard_;
    NodeId self_;
    coordinator::GroupOptions options_;
    std::map<PartitionIndex, Running> running_;
    bool stopped_ = false;
    GroupTable table_;
};

}  // namespace moldau::node
