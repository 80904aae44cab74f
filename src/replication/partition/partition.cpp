#include <algorithm>
#include <utility>

#include <moldau/base/log.h>
#include <moldau/metadata/topic_name.h>
#include <moldau/replication/partition.h>

namespace moldau::replication {
namespace {

using protocol::ErrorCode;

constexpr std::int64_t latest_timestamp = -1;
constexpr std::int64_t earliest_timestamp = -2;
constexpr std::int64_t max_timestamp = -3;
constexpr std::int64_t earliest_local_timestamp = -4;
constexpr std::int64_t latest_tiered_timestamp = -5;
constexpr std::int64_t earliest_pending_upload_timestamp = -6;

/// Segments that retention deletes before others have their turn on the shard.
constexpr std::size_t deleted_in_one_turn = 32;

AppendOutcome refuse(ErrorCode error, std::string message, Offset log_start = no_offset) {
    return {.error = error, .message = std::move(message), .log_start = log_start};
}

/// Of a read: as Kafka answers it.
ReadOutcome failed_read(const Error& error) {
    switch (error.code) {
        case Errc::not_found:
            return {.error = ErrorCode::offset_out_of_range};
        case Errc::corrupt:
            return {.error = ErrorCode::corrupt_message};
        default:
            return {.error = ErrorCode::kafka_storage_error};
    }
}

ErrorCode error_of(const Error& error) {
    switch (error.code) {
        case Errc::no_space:
        case Errc::no_descriptors:
        case Errc::io:
        case Errc::corrupt:
        case Errc::not_found:  // somebody took a file or a directory away
        case Errc::exists:
            return ErrorCode::kafka_storage_error;
        default:
            return ErrorCode::unknown_server_error;
    }
}

}  // namespace

void ReadOutcome::check() {
    if (!needs_check()) return;
    const auto checked = std::exchange(records->check, nullptr)->run(*records);
    if (checked) return;
    log::error("records are not sent: {}", checked.error().message);
    *this = failed_read(checked.error());
}

PartitionTools::PartitionTools(runtime::Disk& disk, runtime::Shard& on, storage::FlushConfig config,
                               std::size_t max_open_files)
    : shard(on),
      flusher(disk, on, config,
              [this](storage::Log& log) {
                  if (const auto partition = by_log.find(&log); partition != by_log.end())
                      partition->second->on_durable();
              }),
      open_files(max_open_files) {}

Partition::Partition(PartitionTools& tools, std::unique_ptr<storage::Log> log, const PartitionConfig& config)
    : tools_(tools),
      log_(std::move(log)),
      config_(config),
      core_(config.flush_before_commit),
      is_internal_(metadata::is_internal_topic(log_->name().topic)) {
    tools_.by_log.emplace(log_.get(), this);
    log_->join(&tools_.open_files);
    // What recovery found counts as durable after the next flush, which nobody else may ask for.
    if (log_->needs_flush()) tools_.flusher.flush_later(*log_);
}

Partition::~Partition() {
    // Who still holds a closed partition may outlive its shard's tools.
    if (!detached_) tools_.by_log.erase(log_.get());
}

void Partition::become_leader(LeaderEpoch epoch) {
    if (leading_ && epoch == core_.leader_epoch()) return;  // something else about the partition changed
    // Metadata that was restored from an older copy may lead with an epoch that the records have left behind. In the
    // log epochs never go back: readers and recovery take that for damage.
    stamped_epoch_ = std::max(epoch, log_->epochs().latest_epoch().value_or(epoch));
    if (stamped_epoch_ != epoch)
        log::warn("{}-{} is led with epoch {}, and has records of epoch {}: the metadata is older than they are",
                  log_->name().topic, log_->name().partition, epoch, stamped_epoch_);
    log_->assign_epoch(stamped_epoch_, log_->log_end());
    core_.become_leader(epoch, log_->log_end(), log_->durable_end());
    leading_ = true;
    if (core_.wants_flush()) tools_.flusher.flush_now(*log_);
    on_progress();
}

void Partition::resign() {
    leading_ = false;
    answer_waiters(ErrorCode::not_leader_or_follower);
}

void Partition::set_config(const PartitionConfig& config, const storage::LogConfig& log_config) {
    config_ = config;
    log_->set_config(log_config);
    core_.set_flush_before_commit(config.flush_before_commit);
    on_progress();
}

ErrorCode Partition::check_leading(LeaderEpoch current_leader_epoch) const {
    if (closed_ != ErrorCode::none) return closed_;
    if (log_->failure() || tools_.directory->is_offline()) return ErrorCode::kafka_storage_error;
    if (!leading_) return ErrorCode::not_leader_or_follower;
    if (current_leader_epoch == no_leader_epoch) return ErrorCode::none;
    if (current_leader_epoch < core_.leader_epoch()) return ErrorCode::fenced_leader_epoch;
    if (current_leader_epoch > core_.leader_epoch()) return ErrorCode::unknown_leader_epoch;
    return ErrorCode::none;
}

AppendOutcome Partition::append(MutableBytes records, const AppendRequest& request) {
    if (const ErrorCode error = check_leading(no_leader_epoch); error != ErrorCode::none) return {.error = error};
    const Offset log_start = log_->log_start();
    if (!tools_.directory->has_room(is_internal_, records.size()))
        return refuse(ErrorCode::kafka_storage_error, "the disk is full; free space, and appends go on by themselves",
                      log_start);
    const Timestamp now = tools_.shard.clock().wall_time();
    const Offset first = log_->log_end();
    auto validated = tools_.validator.validate(records, config_.validator,
                                               {.next_offset = first,
                                                .leader_epoch = stamped_epoch_,
                                                .now = now,
                                                .origin = protocol::AppendOrigin::client,
                                                .produce_version = request.produce_version,
                                                .allowance = request.allowance});
    if (!validated) {
        auto& refused = validated.error();
        return {.error = static_cast<ErrorCode>(refused.error),
                .message = std::move(refused.message),
                .record_errors = std::move(refused.record_errors),
                .log_start = refused.is_content ? log_start : no_offset};
    }
    const protocol::BatchView batch = validated->batch();
    if (const auto limit = static_cast<std::size_t>(log_->config().segment_bytes); batch.size_bytes() > limit)
        return refuse(ErrorCode::record_list_too_large,
                      fmt::format("the record batch has {} bytes, segment.bytes is {}", batch.size_bytes(), limit));
    if (batch.is_transactional())
        return refuse(ErrorCode::invalid_request, "transactions are not supported by this version of the broker",
                      log_start);
    const storage::ProducerCheck check = log_->producers().check(batch, storage::ProducerOrigin::client);
    if (check.verdict == storage::ProducerVerdict::duplicate) {
        const Offset end = check.original.last_offset + 1;
        // The original may have come with acks=1, and nobody has waited for the disk yet.
        if (request.acks_all && core_.acknowledged_end() < end) tools_.flusher.flush_now(*log_);
        return {.base_offset = check.original.first_offset(),
                .log_append_time = check.original.timestamp,  // as Kafka answers
                .log_start = log_start,
                .end = end};
    }
    if (check.verdict != storage::ProducerVerdict::ok) return refuse_producer(check, batch, log_start);

    const ByteView batches[] = {batch.bytes()};
    const std::size_t segments = log_->segment_count();
    if (const auto appended = log_->append(batches, now); !appended) {
        log::warn("cannot append to {}-{}: {}", log_->name().topic, log_->name().partition, appended.error().message);
        if (log_->failure()) {
            on_durable();
        } else if (log_->needs_flush()) {
            tools_.flusher.flush_later(*log_);
        }
        return refuse(error_of(appended.error()), appended.error().message, log_start);
    }
    tools_.directory->note_appended(batch.size_bytes());
    const Offset end = log_->log_end();
    core_.on_append(first, end, request.acks_all);
    // As Kafka does: what is not flushed is in a segment or two, whose files stay open until then.
    const bool rolled = log_->segment_count() > segments;
    if (core_.wants_flush() || rolled) {
        tools_.flusher.flush_now(*log_);
    } else {
        tools_.flusher.flush_later(*log_);
    }
    on_progress();
    return {.base_offset = first,
            .log_append_time = validated->log_append_time.value_or(no_timestamp),
            .log_start = log_start,
            .end = end};
}

AppendOutcome Partition::refuse_producer(const storage::ProducerCheck& check, const protocol::BatchView& batch,
                                         Offset log_start) const {
    const storage::ProducerEntry* known = log_->producers().find(batch.producer_id());
    if (check.verdict == storage::ProducerVerdict::out_of_order_sequence)
        return refuse(
            ErrorCode::out_of_order_sequence_number,
            fmt::format("producer {} sent sequence {}, {} was expected", batch.producer_id(), batch.base_sequence(),
                        known && known->epoch == batch.producer_epoch()
                            ? protocol::sequence_after(known->last_sequence(), 1)
                            : 0),
            log_start);
    return refuse(ErrorCode::invalid_producer_epoch,
                  fmt::format("producer {} sent epoch {}, it is at {}", batch.producer_id(), batch.producer_epoch(),
                              known ? known->epoch : no_producer_epoch),
                  log_start);
}

void Partition::when_acknowledged(Offset end, std::move_only_function<void(ErrorCode)> done) {
    if (core_.acknowledged_end() >= end) return done(ErrorCode::none);
    if (const ErrorCode error = check_leading(no_leader_epoch); error != ErrorCode::none) return done(error);
    ack_waiters_.emplace(end, std::move(done));
}

ReadOutcome Partition::read(const ReadRequest& request, const std::shared_ptr<FetchWaiter>& waiter) {
    if (waiter) fetch_waiters_.arm(waiter);
    if (const ErrorCode error = check_leading(request.current_leader_epoch); error != ErrorCode::none)
        return {.error = error};
    const Offset committed = core_.high_watermark();
    ReadOutcome outcome{.high_watermark = committed,
                        .last_stable_offset = log_->last_stable_offset(committed),
                        .log_start = log_->log_start()};
    if (request.last_fetched_epoch != no_leader_epoch) {
        const storage::EpochEnd end = log_->end_offset_for_epoch(request.last_fetched_epoch);
        // Where the log knows nothing of that epoch, or holds the offset no more, it cannot tell how far they agree.
        if (end.epoch == no_leader_epoch || end.end_offset == no_offset || request.offset < log_->log_start())
            return {.error = ErrorCode::offset_out_of_range};
        if (end.end_offset < request.offset || end.epoch < request.last_fetched_epoch) {
            outcome.diverging = DivergingEpoch{end.epoch, end.end_offset};
            return outcome;
        }
    }
    const bool inside = request.offset >= log_->log_start() && request.offset <= log_->log_end();
    if (!inside) return {.error = ErrorCode::offset_out_of_range};
    if (request.isolation == Isolation::read_committed) outcome.aborted.emplace();
    const Offset end = readable_end(request.isolation);
    if (request.offset >= end) {
        // Who reads to the end must not take an earlier one for it: what is there will be committed in a moment.
        if (core_.is_catching_up()) return {.error = ErrorCode::not_leader_or_follower};
        return outcome;
    }
    const auto done = read_records(
        {.from = request.offset, .max_bytes = request.max_bytes, .up_to = end, .at_least_one = request.at_least_one},
        outcome);
    // What others of the same answer hold is given back with it.
    if (done || (is_shortage(done.error()) && !request.at_least_one)) return outcome;
    log::error("cannot read {}-{} at {}: {}", log_->name().topic, log_->name().partition, request.offset,
               done.error().message);
    return failed_read(done.error());
}

Result<> Partition::read_records(const storage::ReadRequest& wanted, ReadOutcome& outcome) {
    MOLDAU_TRY(slice, log_->read(wanted));
    if (slice.size_bytes == 0 || slice.first_batch_incomplete) return {};
    if (outcome.aborted) {
        MOLDAU_TRY(aborted, log_->aborted_in(slice, wanted));
        outcome.aborted = std::move(aborted);
    }
    outcome.records = std::move(slice);
    return {};
}

OffsetOutcome Partition::find_offset(Timestamp timestamp, LeaderEpoch current_leader_epoch, Isolation isolation) {
    if (const ErrorCode error = check_leading(current_leader_epoch); error != ErrorCode::none) return {.error = error};
    const Offset end = readable_end(isolation);
    switch (timestamp.value()) {
        case latest_timestamp:
            if (core_.is_catching_up()) return {.error = ErrorCode::offset_not_available};
            return {.offset = end, .leader_epoch = core_.leader_epoch()};
        case earliest_timestamp:
        case earliest_local_timestamp:
            return {.offset = log_->log_start(),
                    .leader_epoch = log_->epochs().epoch_of(log_->log_start()).value_or(no_leader_epoch)};
        case latest_tiered_timestamp:
        case earliest_pending_upload_timestamp:
            return {};  // without tiering there is none
        default:
            break;
    }
    auto found = timestamp.value() == max_timestamp ? log_->find_max_timestamp(tools_.decompressor)
                                                    : log_->find_by_timestamp(timestamp, tools_.decompressor);
    if (!found) {
        log::error("cannot look up a time in {}-{}: {}", log_->name().topic, log_->name().partition,
                   found.error().message);
        return {.error = ErrorCode::kafka_storage_error};
    }
    if (!*found || (*found)->offset >= end) {
        if (core_.is_catching_up()) return {.error = ErrorCode::offset_not_available};
        return {};
    }
    return {.timestamp = (*found)->timestamp, .offset = (*found)->offset, .leader_epoch = (*found)->leader_epoch};
}

EpochEndOutcome Partition::epoch_end(LeaderEpoch current_leader_epoch, LeaderEpoch requested) const {
    if (const ErrorCode error = check_leading(current_leader_epoch); error != ErrorCode::none) return {.error = error};
    const storage::EpochEnd end = log_->end_offset_for_epoch(requested);
    return {.leader_epoch = end.epoch, .end_offset = end.end_offset};
}

Result<std::optional<storage::Expiry>> Partition::find_expired() {
    if (closed_ != ErrorCode::none) return std::nullopt;
    const Timestamp now = tools_.shard.clock().wall_time();
    log_->remove_expired_producers(now);
    auto due = log_->find_expired(now, core_.high_watermark());
    if (due || is_shortage(due.error())) return due;
    log::error("retention of {}-{}: {}", log_->name().topic, log_->name().partition, due.error().message);
    if (log_->failure()) on_durable();
    return due;
}

void Partition::let_go(const storage::Expiry& expiry) {
    if (closed_ != ErrorCode::none) return;
    log_->let_go(expiry);
    fetch_waiters_.fire(tools_.shard);  // sessions are told where it starts now
}

std::vector<std::string> Partition::delete_expired() {
    // The directory of a closed partition may be gone, or another's by now.
    if (closed_ != ErrorCode::none) return {};
    auto deleted = log_->delete_expired(deleted_in_one_turn);
    if (deleted) return std::move(*deleted);
    log::error("retention of {}-{}: {}", log_->name().topic, log_->name().partition, deleted.error().message);
    return {};
}

Result<std::optional<storage::Cleanable>> Partition::find_cleanable() {
    if (closed_ != ErrorCode::none) return std::nullopt;
    return log_->find_cleanable(tools_.shard.clock().wall_time(), core_.high_watermark());
}

runtime::Task<void> Partition::close(ErrorCode reason) {
    refuse_all(reason);
    co_await tools_.flusher.forget(*log_);
    if (log_->failure()) tools_.directory->set_offline(*log_->failure());  // of a flush that ended meanwhile
    tools_.by_log.erase(log_.get());
    log_->join(nullptr);
    detached_ = true;
}

void Partition::refuse_all(ErrorCode reason) {
    closed_ = reason;
    leading_ = false;
    answer_waiters(reason);
}

void Partition::answer_waiters(ErrorCode reason) {
    auto waiters = std::exchange(ack_waiters_, {});
    for (auto& [end, done] : waiters) done(reason);
    fetch_waiters_.fire(tools_.shard);
}

void Partition::on_durable() {
    core_.on_durable(log_->durable_end());
    on_progress();
    if (!log_->failure()) return;
    tools_.directory->set_offline(*log_->failure());
    refuse_all(ErrorCode::kafka_storage_error);
}

void Partition::on_progress() {
    // Who is told may append at once; the loop below goes on with that, and the stack stays flat.
    if (std::exchange(is_telling_, true)) return;
    const Offset told_before = told_committed_;
    do {
        if (core_.high_watermark() != std::exchange(told_committed_, core_.high_watermark()))
            log_->on_high_watermark(told_committed_);
        while (!ack_waiters_.empty() && ack_waiters_.begin()->first <= core_.acknowledged_end()) {
            auto waiter = ack_waiters_.extract(ack_waiters_.begin());
            waiter.mapped()(ErrorCode::none);
        }
    } while (core_.high_watermark() != told_committed_);
    is_telling_ = false;
    if (told_committed_ != told_before) fetch_waiters_.fire(tools_.shard);
}

}  // namespace moldau::replication
