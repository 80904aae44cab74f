#include "produce/producer.h"

#include <algorithm>

#include <fmt/format.h>

#include <moldau/protocol/messages/produce.h>

namespace moldau::cli {

using protocol::ErrorCode;
using runtime::Task;
using runtime::TimePoint;

namespace {

// Asked by name, as the user does: a topic that is deleted and made anew goes on.
constexpr std::int16_t last_version_with_names = 12;

protocol::ProduceRequest request_of(const ProducerOptions& options, const std::vector<Batch>& batches) {
    protocol::ProduceRequest request;
    request.acks = options.acks;
    request.timeout_ms = 30'000;
    auto& topic = request.topic_data.emplace_back();
    topic.name = protocol::Text::borrow(options.topic);
    for (const Batch& batch : batches) {
        auto& partition = topic.partition_data.emplace_back();
        partition.index = PartitionIndex(batch.partition);
        partition.records = protocol::Records::borrow(batch.bytes);
    }
    return request;
}

}  // namespace

Producer::Producer(Session& session, ProducerOptions options, AccumulatorOptions batches, Progress* progress)
    : session_(session),
      shard_(session.shard()),
      options_(std::move(options)),
      progress_(progress),
      idempotent_(batches.producer_id != no_producer_id),
      accumulator_(batches,
                   [this](Batch batch) {
                       const std::int32_t index = batch.partition;
                       closed_bytes_ += batch.bytes.size();
                       partitions_[index].ready.push_back(std::move(batch));
                       if (batch_closed_) batch_closed_(index);
                   }),
      outage_(shard_),
      progress_made_(shard_),
      gate_(shard_) {}

Producer::~Producer() {
    shard_.timers().cancel(wake_);
}

void Producer::add(std::int32_t partition, const protocol::RecordToWrite& record) {
    ++added_;
    if (!stopped_) accumulator_.add(partition, record, shard_.now());
}

bool Producer::may_send(const Partition& partition, TimePoint now) const {
    return !partition.ready.empty() && partition.returned.empty() && partition.not_before <= now &&
           partition.in_flight < options_.max_batches_per_partition;
}

std::vector<Batch> Producer::collect(NodeId leader, TimePoint now) {
    std::vector<Batch> batches;
    std::size_t size = 0;
    for (auto& [index, partition] : partitions_) {
        if (!may_send(partition, now) || session_.leader_of(options_.topic, index) != leader) continue;
        if (!batches.empty() && size + partition.ready.front().bytes.size() > options_.max_request_bytes) continue;
        size += partition.ready.front().bytes.size();
        batches.push_back(std::move(partition.ready.front()));
        partition.ready.pop_front();
        ++partition.in_flight;
    }
    return batches;
}

void Producer::dispatch() {
    const TimePoint now = shard_.now();
    accumulator_.close_due(now);
    expire(now);
    if (stopped_) drop_unsent();

    TimePoint wake = accumulator_.next_due();
    bool missing_leader = false;
    std::set<NodeId> leaders;
    for (const auto& [index, partition] : partitions_) {
        if (partition.ready.empty()) continue;
        wake = std::min(wake, partition.ready.front().deadline);
        if (partition.not_before > now) wake = std::min(wake, partition.not_before);
        if (!may_send(partition, now)) continue;
        const NodeId leader = session_.leader_of(options_.topic, index);
        if (leader == no_node) {
            missing_leader = true;
        } else {
            leaders.insert(leader);
        }
    }
    for (const NodeId leader : leaders) {
        while (requests_[leader] < options_.max_requests_per_leader) {
            std::vector<Batch> batches = collect(leader, now);
            if (batches.empty()) break;
            ++requests_[leader];
            runtime::spawn(shard_, send(leader, std::move(batches), gate_.enter()));
        }
    }
    if (missing_leader) {
        ask_for_leaders();
        if (!refreshing_) wake = std::min(wake, no_refresh_before_);
    }
    wake_at(wake);
}

Task<void> Producer::send(NodeId leader, std::vector<Batch> batches, [[maybe_unused]] runtime::Gate::Hold hold) {
    const protocol::ProduceRequest request = request_of(options_, batches);
    CallOptions call;
    call.node = leader;
    call.max_version = last_version_with_names;
    call.answered = options_.acks != 0;
    const std::int32_t first = batches.front().partition;
    outage_.begin();
    auto answer = co_await session_.call(request, call);
    --requests_[leader];
    const std::int64_t acknowledged_before = acknowledged_;
    if (!answer) {
        settle_failed(std::move(batches), answer.error());
    } else if (!call.answered) {
        for (Batch& batch : batches) settle(std::move(batch), ErrorCode::none, std::nullopt);
    } else {
        std::map<std::int32_t, const protocol::ProduceResponse::PartitionProduceResponse*> answers;
        for (const auto& topic : (*answer)->responses)
            for (const auto& partition : topic.partition_responses) answers[partition.index.value()] = &partition;
        for (Batch& batch : batches) {
            const auto found = answers.find(batch.partition);
            if (found == answers.end()) {
                settle(std::move(batch), ErrorCode::unknown_server_error,
                       protocol::Text("the broker's answer leaves the partition out"));
            } else {
                settle(std::move(batch), found->second->error_code, found->second->error_message);
            }
        }
    }
    if (acknowledged_ > acknowledged_before) {
        outage_.succeeded();
    } else {
        outage_.failed(partitions_[first].last_failure);
    }
    dispatch();
    progress_made_.notify_all();
}

void Producer::settle(Batch batch, ErrorCode error, const std::optional<protocol::Text>& message) {
    Partition& partition = partitions_[batch.partition];
    const std::int32_t index = batch.partition;
    --partition.in_flight;
    // An earlier batch is on its way back: the broker cannot take this one before it.
    const bool behind_a_failure =
        idempotent() && error == ErrorCode::out_of_order_sequence_number && !partition.returned.empty();
    if (error == ErrorCode::none || error == ErrorCode::duplicate_sequence_number) {
        partition.failures_in_row = 0;
        acknowledged_ += batch.records;
        closed_bytes_ -= batch.bytes.size();
        if (progress_ != nullptr) progress_->add(batch.records, static_cast<std::int64_t>(batch.bytes.size()));
    } else if (protocol::is_retriable(error) || behind_a_failure) {
        send_again(std::move(batch), reason_of(error, message));
    } else {
        give_up(batch, failure_of(error, fmt::format("partition {} of topic '{}'", index, options_.topic), message));
    }
    landed(index);
}

void Producer::settle_failed(std::vector<Batch> batches, const Failure& failure) {
    for (Batch& batch : batches) {
        const std::int32_t index = batch.partition;
        --partitions_[index].in_flight;
        if (failure.retriable || failure.code == ExitCode::timed_out) {
            send_again(std::move(batch), failure.message);
        } else {
            give_up(batch, failure);
        }
        landed(index);
    }
}

void Producer::send_again(Batch batch, std::string reason) {
    Partition& partition = partitions_[batch.partition];
    partition.last_failure = std::move(reason);
    partition.returned.push_back(std::move(batch));
}

/// When all that was under way has come back, what is to be sent again goes to the front, in its order.
void Producer::landed(std::int32_t index) {
    Partition& partition = partitions_[index];
    if (partition.in_flight > 0 || partition.returned.empty()) return;
    std::ranges::sort(partition.returned, std::greater<>(), &Batch::number);
    for (Batch& batch : partition.returned) partition.ready.push_front(std::move(batch));
    partition.returned.clear();
    const runtime::Duration back_off =
        std::min(options_.last_back_off, options_.first_back_off * (1 << std::min(partition.failures_in_row, 10U)));
    ++partition.failures_in_row;
    partition.not_before = runtime::after(shard_.now(), back_off);
    ask_for_leaders();
}

void Producer::give_up(const Batch& batch, Failure failure) {
    closed_bytes_ -= batch.bytes.size();
    stop(std::move(failure));
}

void Producer::stop(Failure failure) {
    if (stopped_) return;
    stopped_ = true;
    failure_ = std::move(failure);
    if (stopped_notice_) stopped_notice_();
}

void Producer::expire(TimePoint now) {
    for (auto& [index, partition] : partitions_) {
        while (!partition.ready.empty() && partition.ready.front().deadline <= now) {
            give_up(partition.ready.front(),
                    {ExitCode::timed_out,
                     fmt::format("partition {} of topic '{}': not delivered in time; last: {}", index, options_.topic,
                                 partition.last_failure.empty() ? "it has no leader" : partition.last_failure)});
            partition.ready.pop_front();
        }
    }
}

void Producer::drop_unsent() {
    accumulator_.close_all();
    for (auto& [index, partition] : partitions_) {
        for (const Batch& batch : partition.ready) closed_bytes_ -= batch.bytes.size();
        partition.ready.clear();
    }
}

void Producer::ask_for_leaders() {
    if (refreshing_ || stopped_ || shard_.now() < no_refresh_before_) return;
    refreshing_ = true;
    runtime::spawn(shard_, refresh(gate_.enter()));
}

Task<void> Producer::refresh([[maybe_unused]] runtime::Gate::Hold hold) {
    // A failure is met again by the next one who asks; the batches' deadlines end that.
    if (co_await session_.refresh(std::vector<std::string>{options_.topic})) {
        note_whether_topic_is_there();
    } else {
        topic_gone_since_.reset();  // a broker that starts again may know it a little later
    }
    refreshing_ = false;
    no_refresh_before_ = runtime::after(shard_.now(), options_.first_back_off);
    dispatch();
    progress_made_.notify_all();
}

void Producer::note_whether_topic_is_there() {
    const TopicInfo* topic = session_.topic(options_.topic);
    if (topic == nullptr || topic->error != ErrorCode::unknown_topic_or_partition) {
        topic_gone_since_.reset();
    } else if (!topic_gone_since_) {
        topic_gone_since_ = shard_.now();
    } else if (shard_.now() >= runtime::after(*topic_gone_since_, options_.topic_patience)) {
        stop({ExitCode::not_found, fmt::format("topic '{}' is not there any more: it was deleted", options_.topic)});
    }
}

void Producer::wake_at(TimePoint at) {
    shard_.timers().cancel(wake_);
    wake_ = {};
    if (at == runtime::never) return;
    // Never at once: what is due now was handled by whoever asks.
    at = std::max(at, runtime::after(shard_.now(), std::chrono::milliseconds(1)));
    wake_ = shard_.timers().add(at, [this] {
        wake_ = {};
        dispatch();
        progress_made_.notify_all();
    });
}

bool Producer::is_settled() const {
    return std::ranges::all_of(partitions_, [](const auto& entry) {
        const Partition& partition = entry.second;
        return partition.ready.empty() && partition.returned.empty() && partition.in_flight == 0;
    });
}

Task<void> Producer::wait_for_room() {
    while (!stopped_ && closed_bytes_ + accumulator_.open_bytes() > options_.max_buffered_bytes)
        co_await progress_made_.wait();
}

Task<void> Producer::finish() {
    accumulator_.close_all();
    dispatch();
    while (!is_settled()) co_await progress_made_.wait();
    outage_.end();
    co_await gate_.close();
    shard_.timers().cancel(wake_);
}

}  // namespace moldau::cli
