#include <deque>

#include <fmt/format.h>

#include <moldau/protocol/batch_builder.h>
#include <moldau/protocol/messages/init_producer_id.h>
#include <moldau/protocol/messages/produce.h>

#include "clients.h"

namespace moldau::sim {
namespace {

using protocol::ErrorCode;
using runtime::Task;
using std::chrono::milliseconds;

struct Batch {
    Bytes bytes;
    std::vector<RecordId> ids;
    bool sent = false;                ///< on the connection of now
    std::optional<ErrorCode> answer;  ///< network_exception: the connection failed
};

/// One producer of one partition. Batches leave in order and are tried again, the very same bytes, until they are
/// acknowledged; without idempotence one that failed is either tried again or given up.
class Producer {
 public:
    Producer(Workload& workload, runtime::World world, ProducerPlan plan)
        : session_(workload, world, fmt::format("producer{}", plan.id),
                   workload.simulation.split(fmt::format("producer{}", plan.id))),
          plan_(std::move(plan)),
          answered_(session_.shard()) {}

    Task<> run() {
        if (plan_.idempotent) co_await get_producer_id();
        while (made_ < plan_.batches || !window_.empty()) {
            const auto rpc = co_await session_.connect(plan_.partition);
            fill_and_send(rpc);
            while (!window_.empty() && !window_.front()->answer) co_await answered_.wait();
            if (!settle_front()) co_await start_again(rpc);
            if (session_.random().chance(300)) co_await session_.pause(milliseconds(0), plan_.longest_pause);
        }
    }

 private:
    Task<> get_producer_id() {
        for (;;) {
            const auto rpc = co_await session_.connect({});
            protocol::InitProducerIdRequest request;
            request.transactional_id.reset();
            const auto answer = co_await session_.ask(rpc, std::move(request));
            if (answer && answer->message.error_code == ErrorCode::none) {
                producer_id_ = answer->message.producer_id;
                producer_epoch_ = answer->message.producer_epoch;
                co_return;
            }
            co_await session_.pause(milliseconds(1), milliseconds(100));
        }
    }

    std::shared_ptr<Batch> make_batch() {
        auto batch = std::make_shared<Batch>();
        protocol::BatchOptions options;
        if (plan_.idempotent) {
            options.producer_id = producer_id_;
            options.producer_epoch = producer_epoch_;
            options.base_sequence = next_sequence_;
        }
        protocol::BatchBuilder builder(options);
        const std::uint64_t count = session_.random().between(1, plan_.largest_batch_records);
        for (std::uint64_t i = 0; i < count; ++i) {
            const Payload payload{{plan_.id, next_number_++}, plan_.acks, plan_.idempotent};
            const Bytes value = encode_payload(payload, session_.random().below(plan_.largest_record_bytes));
            builder.append({.timestamp = session_.shard().clock().wall_time(), .value = value});
            batch->ids.push_back(payload.id);
            session_.model().sent(plan_.partition, payload);
        }
        next_sequence_ = protocol::sequence_after(next_sequence_, static_cast<std::int32_t>(count));
        batch->bytes = builder.finish();
        ++made_;
        return batch;
    }

    void fill_and_send(const std::shared_ptr<Rpc>& rpc) {
        // Kafka takes any first sequence of a producer that it does not know: the first batch goes alone.
        const unsigned in_flight = acknowledged_any_ ? plan_.in_flight : 1;
        while (made_ < plan_.batches && window_.size() < in_flight) window_.push_back(make_batch());
        for (const auto& batch : window_) {
            if (batch->sent) continue;
            batch->sent = true;
            batch->answer.reset();
            if (plan_.acks == Acks::none) {
                rpc->tell(request_for(*batch), session_.version_of<protocol::ProduceRequest>());
                batch->answer = ErrorCode::none;
                continue;
            }
            runtime::spawn(session_.shard(), send(*this, rpc, batch));
        }
    }

    protocol::ProduceRequest request_for(const Batch& batch) {
        protocol::ProduceRequest request;
        request.transactional_id.reset();
        request.acks = static_cast<std::int16_t>(plan_.acks);
        request.timeout_ms = 4000;
        auto& topic = request.topic_data.emplace_back();
        topic.name = protocol::Text(plan_.partition.topic);
        topic.topic_id = session_.topic_id();
        auto& partition = topic.partition_data.emplace_back();
        partition.index = PartitionIndex(plan_.partition.index);
        partition.records = protocol::Records::borrow(batch.bytes);
        return request;
    }

    static Task<> send(Producer& self, std::shared_ptr<Rpc> rpc, std::shared_ptr<Batch> batch) {
        const auto answer = co_await self.session_.ask(rpc, self.request_for(*batch));
        batch->answer = ErrorCode::network_exception;
        if (answer && answer->message.responses.size() == 1 &&
            answer->message.responses[0].partition_responses.size() == 1) {
            const auto& response = answer->message.responses[0].partition_responses[0];
            batch->answer = response.error_code;
            if (response.error_code == ErrorCode::none)
                self.session_.model().acknowledged(self.plan_.partition, batch->ids, response.base_offset.value(),
                                                   self.plan_.acks, rpc->peer_life());
        }
        self.session_.workload().simulation.count(fmt::format("produce {}", protocol::name_of(*batch->answer)));
        self.answered_.notify_all();
    }

    /// Takes what was acknowledged from the front; false when the front has failed.
    bool settle_front() {
        while (!window_.empty() && window_.front()->answer == ErrorCode::none) {
            acknowledged_any_ = true;
            window_.pop_front();
        }
        if (window_.empty() || !window_.front()->answer) return true;
        const ErrorCode error = *window_.front()->answer;
        const bool may_be_gone = error == ErrorCode::out_of_order_sequence_number ||
                                 error == ErrorCode::unknown_producer_id || error == ErrorCode::invalid_producer_epoch;
        if (plan_.idempotent && may_be_gone)
            session_.model().broken(fmt::format(
                "{}-{}: the oldest batch of producer {}, from record {} on, got {}, all before it were "
                "acknowledged",
                plan_.partition.topic, plan_.partition.index, plan_.id, window_.front()->ids.front().number, error));
        return false;
    }

    Task<> start_again(const std::shared_ptr<Rpc>& rpc) {
        // Later batches in flight are answered first, so that none is tried while its first sending still is under way.
        if (session_.random().coin()) rpc->close(Errc::closed, "the producer starts again");
        for (const auto& batch : window_)
            while (batch->sent && !batch->answer) co_await answered_.wait();
        session_.forget();
        for (const auto& batch : window_) batch->sent = batch->answer == ErrorCode::none;
        if (!plan_.idempotent && session_.random().coin()) window_.pop_front();
        session_.workload().simulation.count("produce again");
        co_await session_.pause(milliseconds(1), milliseconds(100));
    }

    Session session_;
    const ProducerPlan plan_;
    runtime::Signal answered_;
    ProducerId producer_id_ = no_producer_id;
    ProducerEpoch producer_epoch_ = no_producer_epoch;
    std::int32_t next_sequence_ = 0;
    std::uint64_t next_number_ = 0;
    std::uint64_t made_ = 0;
    bool acknowledged_any_ = false;
    std::deque<std::shared_ptr<Batch>> window_;
};

}  // namespace

Task<> produce(Workload& workload, runtime::World world, ProducerPlan plan, unsigned& done) {
    Producer producer(workload, world, std::move(plan));
    co_await producer.run();
    ++done;
}

}  // namespace moldau::sim
