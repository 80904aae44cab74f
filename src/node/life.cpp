#include "life.h"

#include <chrono>
#include <utility>

#include <moldau/base/log.h>
#include <moldau/metadata/feature_levels.h>
#include <moldau/metadata/image_writer.h>
#include <moldau/metadata/topic_name.h>
#include <moldau/protocol/record.h>
#include <moldau/raft/format.h>

#include "directory_format.h"
#include "metadata_records.h"

namespace moldau::node {
namespace {

using runtime::Task;

constexpr runtime::Duration start_deadline = std::chrono::seconds(30);
constexpr runtime::Duration stop_deadline = std::chrono::seconds(10);
/// Apache Kafka also takes 0 and less, and sends without pause.
constexpr runtime::Duration shortest_heartbeat_interval = std::chrono::milliseconds(10);

storage::TopicPartition metadata_partition() {
    return {std::string(raft::metadata_topic_name), PartitionIndex(0)};
}

}  // namespace

Node::Life::Life(const runtime::World& world, const NodeOptions& options, std::vector<View>& views)
    : world_(world),
      shard_(world.shard(0)),
      options_(options),
      views_(views),
      incarnation_(shard_.random().uuid()),
      changed_(shard_),
      tasks_(shard_) {
    const storage::FlushConfig flush{.checkpoint_delay = checkpoint_interval()};
    const std::size_t files = options.max_open_files / world.shards.size();
    for (runtime::Shard* shard : world.shards)
        tools_.push_back(std::make_unique<replication::PartitionTools>(world.disk, *shard, flush, files));
}

Node::Life::~Life() = default;

Task<Result<>> Node::Life::start() {
    if (auto opened = co_await open_directory(); !opened) co_return opened;
    if (auto opened = co_await open_metadata_log(); !opened) co_return opened;
    partitions_ = std::make_unique<PartitionManager>(
        world_, options_.id, *directory_, tools_,
        [this](const metadata::Image& image, std::string_view topic) { return topic_settings(image, topic); },
        [this] { return cleaner_settings(); }, upkeep_times(),
        PartitionManager::Listener{.on_offline = [this](const Error& error) { on_failure(error); },
                                   .on_retry_due = [this] { changed_.notify_all(); },
                                   .on_checkpoint = [this](auto& checkpoints) { note_metadata_log(checkpoints); }});
    groups_ = std::make_unique<GroupCoordinators>(world_, options_.id, group_options());
    controller_ = std::make_unique<ControllerDriver>(
        shard_, *raft_,
        controller::ControllerOptions{
            .node = options_.id, .cluster_id = cluster_id_, .file = options_.file, .bootstrap = std::move(bootstrap_)});
    runtime::spawn(shard_, publish_changes(tasks_.enter()));
    raft_->start();
    if (auto joined = co_await join(); !joined) {
        if (failure_) co_return std::unexpected(*failure_);
        co_return joined;
    }
    runtime::spawn(shard_, keep_alive(tasks_.enter()));
    if (const std::size_t acls = builder_.stable_image().acls.size(); acls > 0)
        log::warn("the cluster has {} ACLs, which are kept but not applied so far: everybody is allowed everything",
                  acls);
    co_return Result<>{};
}

Task<Result<>> Node::Life::open_directory() {
    runtime::Disk& disk = world_.disk;
    if (options_.format_if_empty) {
        const DirectoryIdentity identity{.cluster_id = shard_.random().uuid().to_string(),
                                         .node_id = options_.id,
                                         .directory_id = shard_.random().uuid(),
                                         .now = shard_.clock().wall_time()};
        Result<> formatted = co_await runtime::run_blocking(disk, shard_, [this, &disk, &identity] {
            return format_if_empty(disk, options_.log_dir, identity, options_.controller_endpoints);
        });
        if (!formatted) co_return formatted;
    }
    auto opened = co_await runtime::run_blocking(
        disk, shard_, [this, &disk] { return open_log_directory(disk, options_.log_dir, options_.id); });
    if (!opened) co_return std::unexpected(std::move(opened).error());
    directory_ = std::move(*opened);
    for (const auto& tools : tools_) tools->directory = directory_.get();
    cluster_id_ = directory_->meta()->cluster_id;
    co_return Result<>{};
}

Task<Result<>> Node::Life::open_metadata_log() {
    const metadata::BrokerConfig config = broker_config();
    const storage::LogOptions known = directory_->options_for(metadata_partition(), {}, shard_.clock().wall_time());
    raft::VoterSet static_voters;
    if (options_.is_static_quorum) static_voters = raft::VoterSet({{.key = {options_.id, {}}, .endpoints = {}}});
    const RaftDriverOptions options{.disk = world_.disk,
                                    .shard = shard_,
                                    .directory = runtime::join_path(options_.log_dir, "__cluster_metadata-0"),
                                    .self = {options_.id, *directory_->meta()->directory_id},
                                    .static_voters = std::move(static_voters),
                                    .log_config = {},
                                    .high_watermark = known.high_watermark,
                                    .clean_shutdown = directory_->was_clean(),
                                    .written_by_kafka = directory_->written_by_kafka(),
                                    .snapshot_after_bytes = config.metadata_max_bytes_between_snapshots,
                                    .snapshot_interval_ms = config.metadata_max_snapshot_interval_ms};
    auto opened = co_await runtime::run_blocking(world_.disk, shard_,
                                                 [this, &options] { return RaftDriver::open(options, *this); });
    if (!opened) co_return std::unexpected(std::move(opened).error());
    if (Result<> works = co_await check_rehearsal(); !works) co_return works;
    raft_ = std::move(*opened);
    // Not before: a directory that was left cleanly and is damaged since is no crash at the next start either. The
    // partitions' logs, which are opened later, are held to their recovery points.
    co_return co_await runtime::run_blocking(world_.disk, shard_, [this] { return directory_->begin_writing(); });
}

Error Node::Life::not_joined(const Error& error) const {
    if (error.code != Errc::no_space) return error;
    return {error.code, fmt::format("{} is full, and the node's registration needs room; free space, and start again",
                                    options_.log_dir)};
}

Task<Result<>> Node::Life::join() {
    const auto deadline = runtime::after(shard_.now(), start_deadline);
    while (!controller_->is_active()) {
        if (failure_) co_return std::unexpected(*failure_);
        if (!co_await changed_.wait(deadline))
            co_return fail(Errc::timed_out, "the metadata quorum has elected no leader within 30 seconds");
    }
    protocol::ControllerRegistrationRequest controller;
    controller.controller_id = options_.id;
    controller.incarnation_id = shard_.random().uuid();  // each role has its own
    protocol::BrokerRegistrationRequest broker;
    broker.broker_id = options_.id;
    broker.cluster_id = protocol::Text(cluster_id_);
    broker.incarnation_id = incarnation_;
    broker.log_dirs = {*directory_->meta()->directory_id};
    broker.previous_broker_epoch = directory_->clean_broker_epoch();
    broker.rack.reset();
    if (options_.rack) broker.rack = protocol::Text(*options_.rack);
    for (const metadata::Endpoint& endpoint : options_.controller_endpoints) {
        auto& told = controller.listeners.emplace_back();
        told.name = protocol::Text(endpoint.name);
        told.host = protocol::Text(endpoint.host);
        told.port = endpoint.port;
        told.security_protocol = endpoint.security_protocol;
    }
    for (const metadata::Endpoint& endpoint : options_.advertised) {
        auto& told = broker.listeners.emplace_back();
        told.name = protocol::Text(endpoint.name);
        told.host = protocol::Text(endpoint.host);
        told.port = endpoint.port;
        told.security_protocol = endpoint.security_protocol;
    }
    for (const metadata::SupportedFeature& feature : metadata::registered_features()) {
        auto& to_controller = controller.features.emplace_back();
        to_controller.name = protocol::Text(feature.name);
        to_controller.min_supported_version = feature.min_version;
        to_controller.max_supported_version = feature.max_version;
        auto& to_broker = broker.features.emplace_back();
        to_broker.name = protocol::Text(feature.name);
        to_broker.min_supported_version = feature.min_version;
        to_broker.max_supported_version = feature.max_version;
    }
    const auto registered_controller = co_await controller_->call(shard_, controller, ControllerDriver::unbounded);
    if (!registered_controller) co_return std::unexpected(not_joined(registered_controller.error()));
    // The lock of the directory proves that no older incarnation lives.
    const auto registered = co_await controller_->call(shard_, broker, ControllerDriver::unbounded, true);
    if (!registered) co_return std::unexpected(not_joined(registered.error()));
    if (registered->error_code != protocol::ErrorCode::none)
        co_return fail(Errc::invalid, fmt::format("the controller refuses to register node {}: {}", options_.id,
                                                  registered->error_code));
    broker_epoch_ = registered->broker_epoch;
    co_return co_await heartbeat(false);
}

Task<Result<>> Node::Life::heartbeat(bool want_shut_down) {
    protocol::BrokerHeartbeatRequest request;
    request.broker_id = options_.id;
    request.broker_epoch = broker_epoch_;
    request.current_metadata_offset = published_end_ - 1;
    request.want_fence = false;
    request.want_shut_down = want_shut_down;
    request.cordoned_log_dirs.emplace();
    const auto answer = co_await controller_->call(shard_, request, ControllerDriver::unbounded);
    if (!answer) co_return std::unexpected(answer.error());
    if (answer->error_code != protocol::ErrorCode::none)
        co_return fail(Errc::invalid, fmt::format("the controller answers the heartbeat with {}", answer->error_code));
    co_return Result<>{};
}

Task<void> Node::Life::stop_coordinating() {
    if (groups_) co_await groups_->stop();
}

Task<bool> Node::Life::stop() {
    stopping_ = true;
    changed_.notify_all();
    const auto deadline = runtime::after(shard_.now(), stop_deadline);
    bool clean = !failure_;
    if (controller_ && controller_->is_active() && broker_epoch_ != no_broker_epoch) {
        // Gives up its leaderships first, then leaves.
        for (int i = 0; i < 2; ++i)
            if (const auto left = co_await heartbeat(true); !left) {
                log::warn("leaving the cluster: {}", left.error().message);
                break;
            }
    }
    left_ = true;
    changed_.notify_all();
    if (!co_await tasks_.close(deadline)) {
        // Who waits for the controller is told. What waits for the disk, a log that is being recovered, is waited for:
        // it must not outlive the node.
        if (controller_) controller_->deactivate();
        co_await tasks_.close();
    }
    if (groups_) co_await groups_->stop();
    std::optional<storage::Checkpoints> checkpoints;
    if (partitions_) checkpoints = co_await partitions_->close();
    clean = checkpoints && clean;
    if (controller_) controller_->deactivate();
    if (raft_) {
        const Result<> closed = co_await raft_->close();
        if (!closed) log::error("the metadata log did not close cleanly: {}", closed.error().message);
        clean = closed && clean;
        if (clean) note_metadata_log(*checkpoints);
    }
    if (directory_ && clean) {
        const BrokerEpoch epoch = broker_epoch_;
        const Result<> marked = co_await runtime::run_blocking(world_.disk, shard_, [this, &checkpoints, epoch] {
            return directory_->close_cleanly(*checkpoints, epoch);
        });
        if (!marked) log::error("cannot mark the shutdown as clean: {}", marked.error().message);
        clean = marked.has_value();
    }
    co_return clean;
}

void Node::Life::note_metadata_log(storage::Checkpoints& checkpoints) const {
    checkpoints.high_watermarks[metadata_partition()] = raft_->core().high_watermark();
}

void Node::Life::on_snapshot(raft::SnapshotId id) {
    builder_ = metadata::ImageBuilder();
    applied_end_ = id.end_offset;
}

Result<> Node::Life::on_snapshot_batch(const protocol::BatchView& batch) {
    return replay_batch(batch, builder_);
}

Result<> Node::Life::on_recovered(const protocol::BatchView& batch) {
    if (!rehearsal_) rehearsal_ = builder_;
    return batch.is_control() ? Result<>{} : replay_batch(batch, *rehearsal_);
}

Task<Result<>> Node::Life::check_rehearsal() {
    const metadata::Image& image = (rehearsal_ ? *rehearsal_ : builder_).stable_image();
    if (image.metadata_version() != 0) co_return metadata::check_finalized_features(image);
    const auto bootstrap = co_await runtime::run_blocking(
        world_.disk, shard_, [this] { return read_bootstrap(world_.disk, options_.log_dir); });
    if (!bootstrap) co_return std::unexpected(bootstrap.error());
    bootstrap_ = metadata::write_image(*bootstrap);
    co_return Result<>{};
}

void Node::Life::on_recovered_committed(Offset end) {
    builder_ = *std::exchange(rehearsal_, std::nullopt);
    applied_end_ = end;
    changed_.notify_all();
}

Result<> Node::Life::on_commit(const protocol::BatchView& batch) {
    rehearsal_.reset();
    if (!batch.is_control()) {
        MOLDAU_CHECK(replay_batch(batch, builder_));
        if (caught_up_) MOLDAU_CHECK(metadata::check_finalized_features(builder_.stable_image()));
    }
    applied_end_ = batch.next_offset();
    changed_.notify_all();
    return {};
}

void Node::Life::on_leader_change(const raft::Leadership& leadership) {
    if (leadership.leader_id == options_.id && leadership.epoch_start != no_offset && !failure_) {
        caught_up_ = true;
        controller_->activate(leadership.epoch, builder_.stable_image());
    } else {
        controller_->deactivate();
    }
    changed_.notify_all();
}

std::optional<MetadataListener::SnapshotRecords> Node::Life::snapshot_records() {
    if (builder_.in_transaction()) return std::nullopt;
    return [image = builder_.stable_image()] { return encode_records(metadata::write_image(image)); };
}

void Node::Life::on_lack_of_room() {
    if (controller_) controller_->on_lack_of_room();
}

void Node::Life::on_failure(const Error& error) {
    if (failure_) return;
    failure_ = error;
    if (error.code == Errc::io && directory_) directory_->set_offline(error);
    if (controller_) controller_->deactivate();  // who waits for a change is told
    changed_.notify_all();
    if (notify_failure_) notify_failure_(error);
}

Task<void> Node::Life::publish_changes(runtime::Gate::Hold hold) {
    // The state of long ago is not acted on: a topic that was made anew since would have its data taken for another's.
    while (!left_ && !caught_up_) co_await changed_.wait();
    while (caught_up_ && (!left_ || published_end_ < applied_end_)) {
        if (published_end_ < applied_end_ || partitions_->retry_due()) {
            co_await publish_once();
        } else {
            co_await changed_.wait();
        }
    }
    (void)hold;
}

Task<void> Node::Life::publish_once() {
    const Offset end = applied_end_;
    const auto image = std::make_shared<const metadata::Image>(builder_.stable_image());
    const metadata::Delta delta = builder_.take_delta();
    if (!delta.empty() || partitions_->retry_due()) {
        co_await partitions_->apply(delta, *image);
        co_await groups_->apply(delta, *image, partitions_->table());
        co_await replace_views(image);
        partitions_->retire();
    }
    published_end_ = end;
    controller_->on_published(end);
}

Task<void> Node::Life::replace_views(std::shared_ptr<const metadata::Image> image) {
    const View view{std::move(image), partitions_->table(), groups_->table(), raft_->core().kraft_version()};
    for (runtime::Shard* shard : world_.shards)
        co_await runtime::call_on(shard_, *shard, [this, shard, view] { views_[shard->index()] = view; });
}

Task<void> Node::Life::keep_alive(runtime::Gate::Hold hold) {
    runtime::TimePoint last_no_op = shard_.now();
    runtime::TimePoint next_heartbeat = shard_.now();
    while (!stopping_ && !failure_) {
        const metadata::BrokerConfig config = broker_config();
        const std::int32_t idle_ms = config.metadata_max_idle_interval_ms;  // 0: no such records
        const auto next_no_op =
            idle_ms > 0 ? runtime::after(last_no_op, runtime::duration_of_ms(idle_ms)) : runtime::never;
        const auto next = std::min(next_heartbeat, next_no_op);
        while (!stopping_ && !failure_ && shard_.now() < next) co_await changed_.wait(next);
        if (stopping_ || failure_) break;
        if (shard_.now() >= next_no_op) {
            last_no_op = shard_.now();
            controller_->write_no_op();
        }
        if (shard_.now() < next_heartbeat) continue;
        next_heartbeat = runtime::after(
            shard_.now(), std::max(shortest_heartbeat_interval, runtime::duration_of_ms(config.heartbeat_interval_ms)));
        // The log says by itself that it lacks room.
        if (const auto alive = co_await heartbeat(false); !alive && !is_shortage(alive.error()))
            log::warn("heartbeat: {}", alive.error().message);
        // Where the answer was held up, this node is heard of again before anybody is judged.
        if (shard_.now() < next_heartbeat) controller_->fence_stale_brokers();
    }
    (void)hold;
}

Task<Result<ProducerId>> Node::Life::next_producer_id() {
    const auto deadline = runtime::after(shard_.now(), ControllerDriver::default_patience);
    while (true) {
        while (next_producer_id_ == producer_ids_end_)
            if (auto more = co_await allocate_producer_ids(deadline); !more)
                co_return std::unexpected(std::move(more).error());
        const ProducerId id = next_producer_id_;
        ++next_producer_id_;
        if (!partitions_->is_taken(id)) co_return id;
    }
}

Task<Result<>> Node::Life::allocate_producer_ids(runtime::TimePoint deadline) {
    if (shard_.now() >= deadline) co_return fail(Errc::timed_out, "no block of producer ids came in time");
    if (allocating_) {
        co_await changed_.wait(deadline);
        co_return Result<>{};
    }
    allocating_ = true;
    protocol::AllocateProducerIdsRequest request;
    request.broker_id = options_.id;
    request.broker_epoch = broker_epoch_;
    const auto block = co_await controller_->call(shard_, request, deadline - shard_.now());
    allocating_ = false;
    changed_.notify_all();
    if (!block) co_return std::unexpected(block.error());
    if (block->error_code != protocol::ErrorCode::none)
        co_return fail(Errc::closed, fmt::format("the controller gives no producer ids: {}", block->error_code));
    next_producer_id_ = block->producer_id_start;
    producer_ids_end_ = block->producer_id_start + block->producer_id_len;
    co_return Result<>{};
}

runtime::Duration Node::Life::checkpoint_interval() const {
    constexpr std::int64_t shortest_ms = 100;
    return runtime::duration_of_ms(std::max(shortest_ms, broker_config().high_watermark_checkpoint_interval_ms));
}

UpkeepTimes Node::Life::upkeep_times() const {
    const metadata::BrokerConfig config = broker_config();
    return {.checkpoint_interval = checkpoint_interval(),
            .retention_interval = runtime::duration_of_ms(config.retention_check_interval_ms),
            .retention_delay = runtime::duration_of_ms(config.initial_task_delay_ms)};
}

CleanerSettings Node::Life::cleaner_settings() const {
    const metadata::BrokerConfig config = broker_config();
    return {.enabled = config.cleaner_enabled,
            .backoff = runtime::duration_of_ms(config.cleaner_backoff_ms),
            .map_bytes = static_cast<std::size_t>(std::max<std::int64_t>(config.cleaner_map_bytes, 0)),
            .map_load = config.cleaner_map_load,
            .bytes_per_second = config.cleaner_max_bytes_per_second};
}

metadata::BrokerConfig Node::Life::broker_config() const {
    return metadata::ConfigView(*views_[shard_.index()].image, options_.id, options_.file).broker();
}

coordinator::GroupOptions Node::Life::group_options() const {
    const metadata::BrokerConfig config = broker_config();
    return {.max_size = config.group_max_size,
            .initial_rebalance_delay_ms = config.group_initial_rebalance_delay_ms,
            .min_session_timeout_ms = config.group_min_session_timeout_ms,
            .max_session_timeout_ms = config.group_max_session_timeout_ms,
            .max_offset_metadata_bytes = config.offset_metadata_max_bytes,
            .offsets_retention_ms =
                std::chrono::milliseconds(std::chrono::minutes(config.offsets_retention_minutes)).count(),
            .retention_check_interval_ms = config.offsets_retention_check_interval_ms};
}

TopicSettings Node::Life::topic_settings(const metadata::Image& image, std::string_view topic) const {
    const metadata::ConfigView view(image, options_.id, options_.file);
    const metadata::TopicConfig config = view.topic(topic);
    TopicSettings settings;
    protocol::ValidatorConfig& validator = settings.partition.validator;
    validator.max_message_bytes = static_cast<std::size_t>(config.max_message_bytes);
    validator.timestamp_type = config.timestamp_type == metadata::TimestampType::log_append_time
                                   ? protocol::TimestampType::log_append_time
                                   : protocol::TimestampType::create_time;
    validator.timestamp_before_max_ms = config.timestamp_before_max_ms;
    validator.timestamp_after_max_ms = config.timestamp_after_max_ms;
    validator.compacted = config.cleanup_compact;
    if (config.compression_type != "producer") {
        validator.compression = config.compression_type == "uncompressed"
                                    ? protocol::Codec::none
                                    : protocol::codec_named(config.compression_type);
        if (validator.compression == protocol::Codec::gzip) validator.compression_level = config.gzip_level;
        if (validator.compression == protocol::Codec::lz4) validator.compression_level = config.lz4_level;
        if (validator.compression == protocol::Codec::zstd) validator.compression_level = config.zstd_level;
    }
    settings.partition.flush_before_commit =
        config.durability == metadata::Durability::disk || metadata::is_internal_topic(topic);
    storage::LogConfig& log = settings.log;
    log.segment_bytes = config.segment_bytes;
    // So that what is appended is closed in time to be compacted.
    log.segment_ms =
        config.cleanup_compact ? std::min(config.segment_ms, config.max_compaction_lag_ms) : config.segment_ms;
    log.segment_jitter_ms = config.segment_jitter_ms;
    log.segment_index_bytes = config.segment_index_bytes;
    log.index_interval_bytes = config.index_interval_bytes;
    log.retention_ms = config.retention_ms;
    log.retention_bytes = config.retention_bytes;
    log.file_delete_delay_ms = config.file_delete_delay_ms;
    log.cleanup_delete = config.cleanup_delete;
    log.cleanup_compact = config.cleanup_compact;
    log.min_cleanable_dirty_ratio = config.min_cleanable_dirty_ratio;
    log.min_compaction_lag_ms = config.min_compaction_lag_ms;
    log.max_compaction_lag_ms = config.max_compaction_lag_ms;
    log.delete_retention_ms = config.delete_retention_ms;
    log.producer_id_expiration_ms = view.broker().producer_id_expiration_ms;
    return settings;
}

}  // namespace moldau::node
