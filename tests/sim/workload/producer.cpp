#include <algorithm>
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
    std::size_t lane = 0;
    Bytes bytes;
    std::vector<RecordId> ids;
    bool sent = false;                ///< on the connection of now
    std::optional<ErrorCode> answer;  ///< network_exception: the connection failed
};

/// What is under way to one partition: its batches leave in order.
struct Lane {
    Model::Partition partition;
    std::int32_t next_sequence = 0;
    bool acknowledged_any = false;
    std::deque<std::shared_ptr<Batch>> window = {};

    bool waits() const { return !window.empty() && !window.front()->answer; }
};

/// One producer of the partitions of one topic. A request takes at most one batch of each. Batches are tried again, the
/// very same bytes, until they are acknowledged; without idempotence one that failed is either tried again or given up.
class Producer {
 public:
    Producer(Workload& workload, runtime::World world, ProducerPlan plan)
        : session_(workload, world, fmt::format("producer{}", plan.id),
                   workload.simulation.split(fmt::format("producer{}", plan.id))),
          plan_(std::move(plan)),
          answered_(session_.shard()) {
        for (const Model::Partition& partition : plan_.partitions) lanes_.push_back({.partition = partition});
    }

    Task<> run() {
        if (plan_.idempotent) co_await get_producer_id();
        while (made_ < plan_.batches || !is_idle()) {
            const auto rpc = co_await session_.connect(plan_.partitions.front());
            fill();
            send_all(rpc);
            while (!any_is_answered()) co_await answered_.wait();
            for (Lane& lane : lanes_)
                if (!settle_front(lane)) co_await start_again(rpc, lane);
            if (session_.random().chance(300)) co_await session_.pause(milliseconds(0), plan_.longest_pause);
        }
    }

 private:
    using Request = std::vector<std::shared_ptr<Batch>>;  ///< of partitions of their own

    Task<> get_producer_id() {
        for (;;) {
            const auto rpc = co_await session_.connect({});
            protocol::InitProducerIdRequest request;
            request.transactional_id.reset();
            const auto answer = co_await session_.ask(rpc, std::move(request));
            if (answer)
                session_.judge("producer id", answer->message.error_code, rpc->peer_life(),
                               {ErrorCode::coordinator_not_available, ErrorCode::coordinator_load_in_progress});
            if (answer && answer->message.error_code == ErrorCode::none) {
                producer_id_ = answer->message.producer_id;
                producer_epoch_ = answer->message.producer_epoch;
                co_return;
            }
            co_await session_.pause(milliseconds(1), milliseconds(100));
        }
    }

    bool is_idle() const {
        return std::ranges::all_of(lanes_, [](const Lane& lane) { return lane.window.empty(); });
    }
    bool any_is_answered() const {
        return is_idle() ||
               std::ranges::any_of(lanes_, [](const Lane& lane) { return !lane.window.empty() && !lane.waits(); });
    }

    std::shared_ptr<Batch> make_batch(std::size_t index) {
        Lane& lane = lanes_[index];
        auto batch = std::make_shared<Batch>();
        batch->lane = index;
        protocol::BatchOptions options;
        if (plan_.idempotent) {
            options.producer_id = producer_id_;
            options.producer_epoch = producer_epoch_;
            options.base_sequence = lane.next_sequence;
        }
        protocol::BatchBuilder builder(options);
        const std::uint64_t count = session_.random().between(1, plan_.largest_batch_records);
        for (std::uint64_t i = 0; i < count; ++i) {
            const Payload payload = draw_payload();
            append(builder, payload);
            batch->ids.push_back(payload.id);
            session_.model().sent(lane.partition, payload);
        }
        lane.next_sequence = protocol::sequence_after(lane.next_sequence, static_cast<std::int32_t>(count));
        batch->bytes = builder.finish();
        ++made_;
        return batch;
    }

    Payload draw_payload() {
        Payload payload{{plan_.id, next_number_++}, plan_.acks, plan_.idempotent};
        if (plan_.keys == 0) return payload;
        payload.key = static_cast<std::uint32_t>(session_.random().below(plan_.keys));
        payload.deletes = session_.random().chance(100);
        return payload;
    }

    void append(protocol::BatchBuilder& builder, const Payload& payload) {
        const Bytes bytes = encode_payload(payload, session_.random().below(plan_.largest_record_bytes));
        const std::string key = fmt::format("{}", payload.key);
        const protocol::HeaderView header{"payload", ByteView(bytes)};
        protocol::RecordToWrite record{.timestamp = session_.shard().clock().wall_time()};
        if (plan_.keys > 0) record.key = bytes_of(key);
        if (payload.deletes)
            record.headers = {&header, 1};
        else
            record.value = bytes;
        builder.append(record);
    }

    void fill() {
        for (std::size_t i = 0; i < lanes_.size(); ++i) {
            Lane& lane = lanes_[i];
            if (lanes_.size() > 1 && session_.random().chance(300)) continue;
            // Kafka takes any first sequence of a producer that it does not know: the first batch goes alone.
            const unsigned in_flight = lane.acknowledged_any ? plan_.in_flight : 1;
            while (made_ < plan_.batches && lane.window.size() < in_flight) lane.window.push_back(make_batch(i));
        }
    }

    void send_all(const std::shared_ptr<Rpc>& rpc) {
        for (;;) {
            Request together;
            for (const Lane& lane : lanes_) {
                const auto next = std::ranges::find(lane.window, false, &Batch::sent);
                if (next == lane.window.end()) continue;
                if (!together.empty() && session_.random().chance(300)) continue;  // with a later request
                (*next)->sent = true;
                (*next)->answer.reset();
                together.push_back(*next);
            }
            if (together.empty()) return;
            if (together.size() > 1) session_.workload().simulation.count("produce to several partitions");
            if (plan_.acks == Acks::none) {
                rpc->tell(request_for(together), session_.version_of<protocol::ProduceRequest>());
                for (const auto& batch : together) batch->answer = ErrorCode::none;
                continue;
            }
            runtime::spawn(session_.shard(), send(*this, rpc, std::move(together)));
        }
    }

    protocol::ProduceRequest request_for(const Request& batches) {
        protocol::ProduceRequest request;
        request.transactional_id.reset();
        request.acks = static_cast<std::int16_t>(plan_.acks);
        request.timeout_ms = 4000;
        auto& topic = request.topic_data.emplace_back();
        topic.name = protocol::Text(plan_.partitions.front().topic);
        topic.topic_id = session_.topic_id();
        for (const auto& batch : batches) {
            auto& partition = topic.partition_data.emplace_back();
            partition.index = PartitionIndex(lanes_[batch->lane].partition.index);
            partition.records = protocol::Records::borrow(batch->bytes);
        }
        return request;
    }

    static Task<> send(Producer& self, std::shared_ptr<Rpc> rpc, Request batches) {
        const auto answer = co_await self.session_.ask(rpc, self.request_for(batches));
        for (const auto& batch : batches) {
            batch->answer = answer ? self.settle(answer->message, *batch, rpc->peer_life())
                                   : std::optional(ErrorCode::network_exception);
            if (!answer) self.session_.workload().simulation.count("produce NETWORK_EXCEPTION");
        }
        self.answered_.notify_all();
    }

    /// Each partition has its own answer.
    ErrorCode settle(const protocol::ProduceResponse& response, const Batch& batch, Model::Life life) {
        const Model::Partition& partition = lanes_[batch.lane].partition;
        const protocol::ProduceResponse::PartitionProduceResponse* found = nullptr;
        for (const auto& topic : response.responses)
            for (const auto& one : topic.partition_responses)
                if (one.index.value() == partition.index) found = &one;
        if (found == nullptr) {
            session_.model().broken(fmt::format("{}-{}: a Produce has no answer", partition.topic, partition.index));
            return ErrorCode::network_exception;
        }
        if (found->error_code == ErrorCode::none)
            session_.model().acknowledged(partition, batch.ids, found->base_offset.value(), plan_.acks, life);
        judge(found->error_code, batch, life);
        return found->error_code;
    }

    void judge(ErrorCode error, const Batch& batch, Model::Life life) {
        const bool is_too_large = batch.bytes.size() > session_.workload().segment_bytes(life);
        if (is_too_large && error == ErrorCode::record_list_too_large)
            session_.judge("produce", error, life, {error});
        else if (plan_.idempotent)  // that the front does not get it is seen to below
            session_.judge("produce", error, life, {ErrorCode::out_of_order_sequence_number});
        else
            session_.judge("produce", error, life);
    }

    /// Takes what was acknowledged from the front; false when the front has failed.
    bool settle_front(Lane& lane) {
        while (!lane.window.empty() && lane.window.front()->answer == ErrorCode::none) {
            lane.acknowledged_any = true;
            lane.window.pop_front();
        }
        if (lane.window.empty() || !lane.window.front()->answer) return true;
        const ErrorCode error = *lane.window.front()->answer;
        const bool may_be_gone = error == ErrorCode::out_of_order_sequence_number ||
                                 error == ErrorCode::unknown_producer_id || error == ErrorCode::invalid_producer_epoch;
        if (plan_.idempotent && may_be_gone)
            session_.model().broken(fmt::format(
                "{}-{}: the oldest batch of producer {}, from record {} on, got {}, all before it were "
                "acknowledged",
                lane.partition.topic, lane.partition.index, plan_.id, lane.window.front()->ids.front().number, error));
        return false;
    }

    Task<> start_again(const std::shared_ptr<Rpc>& rpc, Lane& lane) {
        // Later batches in flight are answered first, so that none is tried while its first sending still is under way.
        if (session_.random().coin()) rpc->close(Errc::closed, "the producer starts again");
        for (const auto& batch : lane.window)
            while (batch->sent && !batch->answer) co_await answered_.wait();
        session_.forget();
        for (const auto& batch : lane.window) batch->sent = batch->answer == ErrorCode::none;
        if (!plan_.idempotent && session_.random().coin()) lane.window.pop_front();
        session_.workload().simulation.count("produce again");
        co_await session_.pause(milliseconds(1), milliseconds(100));
    }

    Session session_;
    const ProducerPlan plan_;
    runtime::Signal answered_;
    ProducerId producer_id_ = no_producer_id;
    ProducerEpoch producer_epoch_ = no_producer_epoch;
    std::uint64_t next_number_ = 0;
    std::uint64_t made_ = 0;
    std::vector<Lane> lanes_;  ///< of each partition
};

}  // namespace

Task<> produce(Workload& workload, runtime::World world, ProducerPlan plan, unsigned& done) {
    Producer producer(workload, world, std::move(plan));
    co_await producer.run();
    ++done;
}

}  // namespace moldau::sim
