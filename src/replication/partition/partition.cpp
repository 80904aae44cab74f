#include <moldau/replication/partition.h>

#include <algorithm>
#include <utility>

#include <moldau/base/log.h>

namespace moldau::replication {
namespace {

using protocol::ErrorCode;

AppendOutcome refuse(ErrorCode error, std::string message, Offset log_start = no_offset) {
    return {.error = error, .message = std::move(message), .log_start = log_start};
}

ErrorCode error_of(const Error& error) {
    switch (error.code) {
        case Errc::no_space:
        case Errc::io:
        case Errc::corrupt: return ErrorCode::kafka_storage_error;
        default: return ErrorCode::unknown_server_error;
    }
}

}  // namespace

Partition::Partition(const PartitionTools& tools, std::unique_ptr<storage::Log> log, const PartitionConfig& config)
    : tools_(tools), log_(std::move(log)), config_(config), core_(config.flush_before_commit) {}

Partition::~Partition() = default;

void Partition::become_leader(LeaderEpoch epoch) {
    core_.become_leader(epoch, log_->log_end(), log_->durable_end());
    log_->begin_epoch(epoch);
    leading_ = true;
    if (core_.wants_flush()) flush();
    fetch_waiters_.fire(tools_.shard);
}

void Partition::set_config(const PartitionConfig& config, const storage::LogConfig& log_config) {
    const Offset before = core_.high_watermark();
    config_ = config;
    log_->set_config(log_config);
    core_.set_flush_before_commit(config.flush_before_commit);
    on_committed(before);
}

ErrorCode Partition::check_leading(LeaderEpoch current_leader_epoch) const {
    if (closed_ != ErrorCode::none) return closed_;
    if (!leading_) return ErrorCode::not_leader_or_follower;
    if (current_leader_epoch == no_leader_epoch) return ErrorCode::none;
    if (current_leader_epoch < core_.leader_epoch()) return ErrorCode::fenced_leader_epoch;
    if (current_leader_epoch > core_.leader_epoch()) return ErrorCode::unknown_leader_epoch;
    return ErrorCode::none;
}

AppendOutcome Partition::append(MutableBytes records, const AppendRequest& request) {
    if (const ErrorCode error = check_leading(no_leader_epoch); error != ErrorCode::none)
        return {.error = error};
    const Offset log_start = log_->log_start();
    const Timestamp now = tools_.shard.clock().wall_time();
    // A duplicate is looked for before offsets are written into the batch; its answer is the original's.
    auto validated = tools_.validator.validate(records, config_.validator,
                                               {.next_offset = log_->log_end(),
                                                .leader_epoch = core_.leader_epoch(),
                                                .now = now,
                                                .origin = protocol::AppendOrigin::client,
                                                .produce_version = request.produce_version});
    if (!validated) {
        auto& refused = validated.error();
        return {.error = static_cast<ErrorCode>(refused.error),
                .message = std::move(refused.message),
                .record_errors = std::move(refused.record_errors),
                .log_start = log_start};
    }
    const protocol::BatchView batch = validated->batch();
    if (batch.is_transactional())
        return refuse(ErrorCode::invalid_record, "transactions are not supported by this version of the broker",
                      log_start);
    if (batch.has_producer_id()) {
        const storage::ProducerCheck check = log_->check_producer(batch, now);
        switch (check.verdict) {
            case storage::ProducerVerdict::accepted: break;
            case storage::ProducerVerdict::duplicate:
                return {.base_offset = check.duplicate_first,
                        .log_append_time = check.duplicate_timestamp,
                        .log_start = log_start,
                        .end = check.duplicate_last + 1};
            case storage::ProducerVerdict::out_of_order:
                return refuse(ErrorCode::out_of_order_sequence_number, check.message, log_start);
            case storage::ProducerVerdict::fenced:
                return refuse(ErrorCode::invalid_producer_epoch, check.message, log_start);
        }
    }
    const ByteView batches[] = {batch.bytes()};
    if (const auto appended = log_->append(batches); !appended) {
        log::warn("cannot append to {}: {}", log_->name(), appended.error().message);
        return refuse(error_of(appended.error()), appended.error().message, log_start);
    }
    const Offset before = core_.high_watermark();
    const Offset end = validated->last_offset + 1;
    core_.on_append(validated->first_offset, end, request.acks_all);
    if (core_.wants_flush()) {
        flush();
    } else {
        tools_.flusher.flush_soon(*log_);
    }
    on_committed(before);
    return {.base_offset = validated->first_offset,
            .log_append_time = validated->log_append_time.value_or(no_timestamp),
            .log_start = log_start,
            .end = end};
}

}  // namespace moldau::replication
