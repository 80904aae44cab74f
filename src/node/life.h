#pragma once
// What a node is between start and stop. On the first shard, but for next_producer_id() and describe_quorum(), which
// hop there.

#include <memory>
#include <optional>
#include <span>

#include <moldau/metadata/image_builder.h>
#include <moldau/node/node.h>
#include <moldau/node/raft_driver.h>
#include <moldau/replication/partition.h>
#include <moldau/storage/log_directory.h>

#include "group_coordinators.h"
#include "partition_manager.h"

namespace moldau::node {

class Node::Life final : public MetadataListener {
 public:
    Life(const runtime::World& world, const NodeOptions& options, std::vector<View>& views);
    ~Life() override;

    runtime::Task<Result<>> start();
    runtime::Task<void> stop_coordinating();
    runtime::Task<bool> stop();

    runtime::Task<Result<ProducerId>> next_producer_id();

    ControllerDriver& controller() { return *controller_; }
    protocol::DescribeQuorumResponse describe_quorum() const { return raft_->core().describe_quorum(raft_->now()); }
    const std::string& cluster_id() const { return cluster_id_; }
    void on_failure(std::move_only_function<void(Error)> notify) { notify_failure_ = std::move(notify); }

    void on_snapshot(raft::SnapshotId id) override;
    Result<> on_snapshot_batch(const protocol::BatchView& batch) override;
    Result<> on_recovered(const protocol::BatchView& batch) override;
    void on_recovered_committed(Offset end) override;
    Result<> on_commit(const protocol::BatchView& batch) override;
    void on_leader_change(const raft::Leadership& leadership) override;
    std::optional<SnapshotRecords> snapshot_records() override;
    void on_lack_of_room() override;
    void on_failure(const Error& error) override;

 private:
    runtime::Task<Result<>> open_directory();
    runtime::Task<Result<>> open_metadata_log();
    /// Of the past only the outcome counts: what was finalised once may have been lowered since.
    runtime::Task<Result<>> check_rehearsal();
    runtime::Task<Result<>> join();
    Error not_joined(const Error& error) const;
    runtime::Task<Result<>> heartbeat(bool want_shut_down);
    /// Gets the next block, or waits for whoever is getting it.
    runtime::Task<Result<>> allocate_producer_ids(runtime::TimePoint deadline);
    runtime::Task<void> publish_changes(runtime::Gate::Hold hold);
    runtime::Task<void> publish_once();
    runtime::Task<void> replace_views(std::shared_ptr<const metadata::Image> image);
    runtime::Task<void> keep_alive(runtime::Gate::Hold hold);
    /// Notes what of the metadata log the next start holds it to.
    void note_metadata_log(storage::Checkpoints& checkpoints) const;
    metadata::BrokerConfig broker_config() const;
    /// Of recovery points, too.
    runtime::Duration checkpoint_interval() const;
    UpkeepTimes upkeep_times() const;
    coordinator::GroupOptions group_options() const;
    CleanerSettings cleaner_settings() const;
    TopicSettings topic_settings(const metadata::Image& image, std::string_view topic) const;

    runtime::World world_;
    runtime::Shard& shard_;
    const NodeOptions& options_;
    std::vector<View>& views_;

    std::string cluster_id_;
    Uuid incarnation_;
    std::unique_ptr<storage::LogDirectory> directory_;
    std::vector<std::unique_ptr<replication::PartitionTools>> tools_;  ///< one a shard
    std::unique_ptr<RaftDriver> raft_;
    std::unique_ptr<ControllerDriver> controller_;
    std::unique_ptr<PartitionManager> partitions_;
    std::unique_ptr<GroupCoordinators> groups_;

    metadata::ImageBuilder builder_;
    /// What the log will lead to, until that is committed: a start that is refused has written nothing.
    std::optional<metadata::ImageBuilder> rehearsal_;
    /// For an empty metadata log.
    std::vector<metadata::VersionedRecord> bootstrap_ = metadata::bootstrap_records();
    Offset applied_end_{0};    ///< of the log, in builder_
    bool caught_up_ = false;   ///< all that was committed before this start has been replayed
    Offset published_end_{0};  ///< in the views
    BrokerEpoch broker_epoch_ = no_broker_epoch;

    runtime::Signal changed_;
    runtime::Gate tasks_;
    bool stopping_ = false;  ///< the stop has begun: no more heartbeats
    bool left_ = false;      ///< the controller was told: nothing more is to be published
    std::move_only_function<void(Error)> notify_failure_;
    std::optional<Error> failure_;

    ProducerId next_producer_id_{0};
    ProducerId producer_ids_end_{0};
    bool allocating_ = false;
};

}  // namespace moldau::node
