#include "partition_change.h"

#include <algorithm>

namespace moldau::controller {

namespace {

using metadata::Partition;

bool contains(const std::vector<NodeId>& nodes, NodeId node) {
    return std::ranges::count(nodes, node) > 0;
}

class Election {
 public:
    Election(const metadata::Image& image, BrokerChange change) : image_(image), change_(change) {}

    struct Result {
        NodeId leader = no_node;
        bool unclean = false;
    };

    Result elect(const Partition& partition, const std::vector<NodeId>& isr, bool unclean_allowed) const {
        const auto may_lead = [&](NodeId node) { return contains(isr, node) && acceptable(node); };
        if (may_lead(partition.leader)) return {partition.leader, false};
        if (const auto found = std::ranges::find_if(partition.replicas, may_lead); found != partition.replicas.end()) {
            return {*found, false};
        }
        if (!unclean_allowed) return {};
        const auto found = std::ranges::find_if(partition.replicas, [&](NodeId node) { return acceptable(node); });
        return found == partition.replicas.end() ? Result{} : Result{*found, true};
    }

 private:
    bool acceptable(NodeId node) const {
        if (node == change_.leaves) return false;
        if (node == change_.arrives) return true;
        const metadata::BrokerRegistration* broker = image_.find_broker(node);
        return broker != nullptr && broker->active();
    }

    const metadata::Image& image_;
    BrokerChange change_;
};

}  // namespace

void add_partition_changes(const metadata::Image& image, const metadata::ConfigView& config, BrokerChange change,
                           const std::function<bool(const Partition&)>& concerned, Records& records) {
    const Election election(image, change);
    for (const auto& [id, topic] : image.topics_by_id) {
        std::optional<bool> unclean_allowed;  // asked for once a topic, where needed
        for (const auto& [index, partition] : topic->partitions) {
            if (!concerned(partition)) continue;
            if (!unclean_allowed) unclean_allowed = config.topic(topic->name).unclean_leader_election;
            std::vector<NodeId> isr = partition.isr;
            std::erase(isr, change.leaves);
            const auto elected = election.elect(partition, isr, *unclean_allowed);

            protocol::PartitionChangeRecord record;
            record.partition_id = index;
            record.topic_id = id;
            if (elected.leader != partition.leader) record.leader = elected.leader;
            if (elected.unclean && elected.leader != partition.leader) {
                record.isr = std::vector{elected.leader};
                record.leader_recovery_state = static_cast<std::int8_t>(metadata::LeaderRecoveryState::recovering);
            } else if (!isr.empty() && isr != partition.isr) {
                record.isr = isr;
            }
            if (elected.leader == partition.leader && !record.isr) continue;
            records.push_back(metadata::versioned(std::move(record), image.metadata_version()));
        }
    }
}

bool leads_any_partition(const metadata::Image& image, NodeId broker) {
    for (const auto& [id, topic] : image.topics_by_id) {
        for (const auto& [index, partition] : topic->partitions) {
            if (partition.leader == broker) return true;
        }
    }
    return false;
}

}  // namespace moldau::controller
