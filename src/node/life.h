#pragma once
// What a node is between start and stop. On the first shard, but for next_producer_id() and describe_quorum(), which hop
// there.

#include <memory>
#include <optional>
#include <span>

#include <moldau/metadata/image_builder.h>
#include <moldau/node/node.h>
#include <moldau/protocol/batch_validator.h>
#include <moldau/protocol/compression.h>
#include <moldau/storage/flush_scheduler.h>
#include <moldau/storage/log_directory.h>

#include "metadata_log.h"
#include "partition_manager.h"

namespace moldau::node {

class Node::Life final : public MetadataLog::Listener {
 public:
    Life(const runtime::World& world, const NodeOptions& options, std::vector<View>& views);
    ~Life() override;

    runtime::Task<Result<>> start();
    runtime::Task<bool> stop();

    runtime::Task<Result<ProducerId>> next_producer_id();

    ControllerDriver& controller() { return *controller_; }
    MetadataLog& log() { return *metadata_log_; }
    const std::string& cluster_id() const { return cluster_id_; }
    void on_failure(std::move_only_function<void(Error)> notify) { notify_failure_ = std::move(notify); }

    Result<> on_batch(const protocol::BatchView& batch, bool of_snapshot) override;
    void on_snapshot_loaded(raft::SnapshotId id) override;
    void on_committed(Offset high_watermark) override;
    void on_leadership(const raft::Leadership& leadership) override;
    void on_failure(Error error) override;

 private:
    /// What each shard has for its partitions.
    struct ShardTools {
        ShardTools(runtime::Shard& shard, runtime::Disk& disk) : flusher(disk, shard) {}
        protocol::BatchValidator validator;
        protocol::Decompressor decompressor;
        storage::FlushScheduler flusher;
    };

    runtime::Task<Result<>> open_directory();
    runtime::Task<Result<>> open_metadata_log();
    runtime::Task<Result<>> join();
    runtime::Task<Result<>> heartbeat(bool want_shut_down);
    runtime::Task<void> publish_changes(runtime::Gate::Hold hold);
    runtime::Task<bool> publish_once();
    runtime::Task<bool> replace_views(std::shared_ptr<const metadata::Image> image);
    runtime::Task<bool> snapshot_if_due();
    runtime::Task<void> keep_alive(runtime::Gate::Hold hold);
    void activate_if_caught_up();
    metadata::BrokerConfig broker_config() const;
    TopicSettings topic_settings(const metadata::Image& image, std::string_view topic) const;

    runtime::World world_;
    runtime::Shard& shard_;
    const NodeOptions& options_;
    std::vector<View>& views_;

    std::string cluster_id_;
    Uuid incarnation_;
    std::unique_ptr<storage::LogDirectory> directory_;
    std::vector<std::unique_ptr<ShardTools>> tools_;
    std::unique_ptr<MetadataLog> metadata_log_;
    std::unique_ptr<ControllerDriver> controller_;
    std::unique_ptr<PartitionManager> partitions_;

    metadata::ImageBuilder builder_;
    std::optional<raft::Leadership> leadership_;  ///< told, and not yet acted upon
    Offset applied_end_{0};                       ///< of the log, in builder_
    Offset published_end_{0};                     ///< in the views
    std::uint64_t bytes_since_snapshot_ = 0;
    runtime::TimePoint last_snapshot_;
    BrokerEpoch broker_epoch_ = no_broker_epoch;

    runtime::Signal changed_;
    runtime::Gate tasks_;
    bool stopping_ = false;
    std::move_only_function<void(Error)> notify_failure_;
    std::optional<Error> failure_;

    ProducerId next_producer_id_{0};
    ProducerId producer_ids_end_{0};
    bool allocating_ = false;
};

}  // namespace moldau::node
