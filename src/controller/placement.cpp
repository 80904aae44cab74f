#include "placement.h"

#include <algorithm>
#include <map>

namespace moldau::controller {

namespace {

/// Brokers in turn, beginning one further in each epoch.
class BrokerRing {
 public:
    void add(NodeId broker) { brokers_.push_back(broker); }

    void begin_anywhere(const RandomBits& random) {
        if (brokers_.empty()) return;
        std::ranges::sort(brokers_);
        offset_ = random() % brokers_.size();
    }

    void shuffle(const RandomBits& random) {
        for (std::size_t i = brokers_.size(); i > 1; --i) std::swap(brokers_[i - 1], brokers_[random() % i]);
    }

    /// no_node when all had their turn in this epoch.
    NodeId next(std::size_t epoch) {
        if (brokers_.empty()) return no_node;
        if (epoch_ != epoch) {
            epoch_ = epoch;
            given_ = 0;
            offset_ = (offset_ + 1) % brokers_.size();
        }
        if (given_ >= brokers_.size()) return no_node;
        return brokers_[(offset_ + given_++) % brokers_.size()];
    }

 private:
    std::vector<NodeId> brokers_;
    std::size_t offset_ = 0;
    std::size_t given_ = 0;
    std::size_t epoch_ = 0;
};

struct Rack {
    BrokerRing alive;
    BrokerRing fenced;

    NodeId next(std::size_t epoch) {
        const NodeId found = alive.next(epoch);
        return found != no_node ? found : fenced.next(epoch);
    }
};

class StripedPlacer {
 public:
    StripedPlacer(const metadata::Image& image, const RandomBits& random) : random_(random) {
        std::map<std::optional<std::string>, Rack> racks;
        for (const auto& [id, broker] : image.brokers) {
            if (has_only_cordoned_directories(broker)) continue;
            Rack& rack = racks[broker.rack];
            (broker.fenced ? rack.fenced : rack.alive).add(id);
            ++brokers_;
            if (!broker.fenced) ++alive_;
        }
        for (auto& [name, rack] : racks) {
            rack.alive.begin_anywhere(random_);
            rack.fenced.begin_anywhere(random_);
            racks_.push_back(std::move(rack));
        }
        if (!racks_.empty()) first_rack_ = random_() % racks_.size();
    }

    std::size_t brokers() const { return brokers_; }
    std::size_t alive() const { return alive_; }

    /// Requires: enough brokers, one alive.
    std::vector<NodeId> place(std::size_t replication_factor) {
        // After as many assignments as live brokers they would repeat.
        if (epoch_ == alive_ && alive_ > 1) {
            shuffle();
            epoch_ = 0;
        }
        first_rack_ %= racks_.size();
        std::vector<NodeId> replicas;
        const std::size_t leader_rack = place_leader(replicas);
        bool leader_rack_pending = true;  // it has given one already
        for (std::size_t rack = first_rack_; replicas.size() < replication_factor; rack = (rack + 1) % racks_.size()) {
            if (leader_rack_pending && rack == leader_rack) {
                leader_rack_pending = false;
                continue;
            }
            if (const NodeId broker = racks_[rack].next(epoch_); broker != no_node) replicas.push_back(broker);
        }
        ++epoch_;
        ++first_rack_;
        return replicas;
    }

 private:
    static bool has_only_cordoned_directories(const metadata::BrokerRegistration& broker) {
        if (!broker.cordoned_log_dirs || broker.log_dirs.empty()) return false;
        return std::ranges::all_of(broker.log_dirs, [&](const Uuid& directory) {
            return std::ranges::count(*broker.cordoned_log_dirs, directory) > 0;
        });
    }

    std::size_t place_leader(std::vector<NodeId>& replicas) {
        for (std::size_t rack = first_rack_;; rack = (rack + 1) % racks_.size()) {
            const NodeId broker = racks_[rack].alive.next(epoch_);
            if (broker == no_node) continue;
            replicas.push_back(broker);
            return rack;
        }
    }

    void shuffle() {
        for (std::size_t i = racks_.size(); i > 1; --i) std::swap(racks_[i - 1], racks_[random_() % i]);
        for (Rack& rack : racks_) {
            rack.alive.shuffle(random_);
            rack.fenced.shuffle(random_);
        }
    }

    const RandomBits& random_;
    std::vector<Rack> racks_;
    std::size_t brokers_ = 0;
    std::size_t alive_ = 0;
    std::size_t first_rack_ = 0;
    std::size_t epoch_ = 0;  // of the rings: one an assignment
};

}  // namespace

Result<std::vector<std::vector<NodeId>>> place_replicas(const metadata::Image& image, std::int32_t partitions,
                                                        std::int32_t replication_factor, const RandomBits& random) {
    StripedPlacer placer(image, random);
    if (replication_factor <= 0) {
        return fail(
            Errc::invalid,
            fmt::format("Invalid replication factor {}: the replication factor must be positive.", replication_factor));
    }
    if (placer.alive() == 0) {
        return fail(Errc::invalid, "All brokers are currently fenced or have all their log directories cordoned.");
    }
    if (static_cast<std::size_t>(replication_factor) > placer.brokers()) {
        return fail(Errc::invalid,
                    fmt::format("The target replication factor of {} cannot be reached because only {} broker(s) are "
                                "registered or some brokers have all their log directories cordoned.",
                                replication_factor, placer.brokers()));
    }
    std::vector<std::vector<NodeId>> assignments;
    assignments.reserve(static_cast<std::size_t>(partitions));
    for (std::int32_t i = 0; i < partitions; ++i) {
        assignments.push_back(placer.place(static_cast<std::size_t>(replication_factor)));
    }
    return assignments;
}

Uuid directory_of_new_replica(const metadata::Image& image, NodeId id) {
    const metadata::BrokerRegistration* broker = image.find_broker(id);
    if (broker == nullptr || broker->log_dirs.empty()) return metadata::migrating_directory;
    return broker->log_dirs.size() == 1 ? broker->log_dirs.front() : metadata::unassigned_directory;
}

}  // namespace moldau::controller
