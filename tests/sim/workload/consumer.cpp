#include <fmt/format.h>

#include <moldau/protocol/compression.h>
#include <moldau/protocol/messages/fetch.h>
#include <moldau/protocol/messages/list_offsets.h>
#include <moldau/protocol/record.h>
#include <moldau/protocol/record_batch.h>

#include "clients.h"

namespace moldau::sim {
namespace {

using protocol::ErrorCode;
using runtime::Task;
using std::chrono::milliseconds;

constexpr std::size_t largest_section = 1 << 20;
constexpr Timestamp latest{-1};
constexpr Timestamp earliest{-2};

class Consumer {
 public:
    Consumer(Workload& workload, runtime::World world, ConsumerPlan plan, std::string name)
        : session_(workload, world, name, workload.simulation.split(name)), plan_(std::move(plan)) {}

    Task<> consume() {
        while (!session_.workload().stopping) {
            co_await fetch_once();
            if (offset_ > 0 && session_.random().chance(plan_.rewind_per_mille)) {
                offset_ = static_cast<std::int64_t>(session_.random().below(static_cast<std::uint64_t>(offset_)));
                session_.workload().simulation.count("consumer reads again");
            }
            if (session_.random().chance(200)) co_await session_.pause(milliseconds(0), milliseconds(50));
        }
    }

    Task<> verify() {
        reading_.log_end = co_await offset_at(latest);
        offset_ = co_await offset_at(earliest);
        while (offset_ < reading_.log_end) co_await fetch_once();
        reading_.log_start = co_await offset_at(earliest);
        for (auto batch = sizes_.lower_bound(reading_.log_start); batch != sizes_.end(); ++batch)
            reading_.bytes += batch->second;
        session_.model().check_whole(plan_.partition, reading_);
    }

 private:
    Task<std::int64_t> offset_at(Timestamp timestamp) {
        for (;;) {
            const auto rpc = co_await session_.connect(plan_.partition);
            protocol::ListOffsetsRequest request;
            request.replica_id = no_node;
            auto& topic = request.topics.emplace_back();
            topic.name = protocol::Text(plan_.partition.topic);
            auto& partition = topic.partitions.emplace_back();
            partition.partition_index = PartitionIndex(plan_.partition.index);
            partition.timestamp = timestamp;
            const auto answer = co_await session_.ask(rpc, std::move(request));
            if (answer && answer->message.topics.size() == 1 && answer->message.topics[0].partitions.size() == 1) {
                const auto& found = answer->message.topics[0].partitions[0];
                if (found.error_code == ErrorCode::none) co_return found.offset.value();
            }
            session_.forget();
            co_await session_.pause(milliseconds(1), milliseconds(100));
        }
    }

    protocol::FetchRequest request() {
        protocol::FetchRequest request;
        request.cluster_id.reset();
        request.replica_id = no_node;
        request.max_wait_ms = static_cast<std::int32_t>(session_.random().between(0, 500));
        request.min_bytes = static_cast<std::int32_t>(session_.random().below(2));
        request.max_bytes = 1 << 20;
        request.session_id = fetch_session_;
        request.session_epoch = fetch_epoch_;
        if (fetch_session_ != 0 && offset_ == asked_offset_) return request;
        asked_offset_ = offset_;
        auto& topic = request.topics.emplace_back();
        topic.topic = protocol::Text(plan_.partition.topic);
        topic.topic_id = session_.topic_id();
        auto& partition = topic.partitions.emplace_back();
        partition.partition = PartitionIndex(plan_.partition.index);
        partition.fetch_offset = Offset(offset_);
        partition.partition_max_bytes = static_cast<std::int32_t>(session_.random().between(1, 100'000));
        return request;
    }

    void end_fetch_session() {
        fetch_session_ = 0;
        fetch_epoch_ = session_.random().coin() ? 0 : -1;
    }

    Task<> fetch_once() {
        const auto rpc = co_await session_.connect(plan_.partition);
        if (rpc != fetched_from_) end_fetch_session();
        fetched_from_ = rpc;
        const auto answer = co_await session_.ask(rpc, request());
        if (!answer) co_return end_fetch_session();
        const protocol::FetchResponse& response = answer->message;
        session_.workload().simulation.count(fmt::format("fetch {}", protocol::name_of(response.error_code)));
        if (response.error_code != ErrorCode::none) co_return end_fetch_session();
        fetch_session_ = response.session_id;
        fetch_epoch_ = fetch_session_ == 0 ? fetch_epoch_ : fetch_epoch_ + 1;
        if (fetch_session_ != 0) session_.workload().simulation.count("fetch within a session");
        for (const auto& topic : response.responses) {
            for (const auto& partition : topic.partitions) {
                if (partition.error_code == ErrorCode::none) {
                    read(partition, rpc->peer_life());
                    continue;
                }
                session_.workload().simulation.count(fmt::format("fetch {}", protocol::name_of(partition.error_code)));
                end_fetch_session();
                if (partition.error_code == ErrorCode::offset_out_of_range)
                    offset_ = co_await offset_at(earliest);
                else
                    session_.forget();
                co_await session_.pause(milliseconds(1), milliseconds(50));
            }
        }
    }

    void read(const protocol::FetchResponse::PartitionData& partition, Model::Life life) {
        session_.model().high_watermark(plan_.partition, plan_.id, partition.high_watermark.value(), life);
        protocol::BatchIterator batches(partition.records.view());
        protocol::BatchView batch;
        while (batches.next(batch)) {
            if (!batch.crc_ok()) return broken("a batch with a wrong checksum", batch.base_offset().value());
            sizes_[batch.base_offset().value()] = batch.bytes().size();
            const auto codec = batch.codec();
            if (!codec) return broken("an unknown codec", batch.base_offset().value());
            const auto section = decompressor_.decompress(*codec, batch.records(), largest_section);
            if (!section) return broken("records that cannot be decompressed", batch.base_offset().value());
            protocol::RecordIterator records(*section, batch.count());
            protocol::RecordView record;
            while (records.next(record)) {
                const std::int64_t at = batch.base_offset().value() + record.offset_delta;
                if (at < offset_) continue;
                if (at != offset_) return broken(fmt::format("offset {} follows", at), offset_);
                if (at >= partition.high_watermark.value()) return broken("a record past the high watermark", at);
                const auto payload = decode_payload(record.value.value_or(ByteView{}));
                if (!payload) return broken("a record that nobody wrote", at);
                session_.model().observed(plan_.partition, at, *payload, life);
                reading_.records.insert(payload->id);
                ++offset_;
            }
            if (!records.damage().empty()) return broken("damaged records", batch.base_offset().value());
        }
        if (!batches.at_end() && batches.stopped_at().status != protocol::BatchStatus::incomplete)
            broken(fmt::format("bytes that are no batch ({}, {} of {} bytes are left, high watermark {})",
                               batches.stopped_at().reason, batches.rest().size(), partition.records.view().size(),
                               partition.high_watermark),
                   offset_);
    }

    void broken(std::string_view what, std::int64_t at) {
        session_.model().broken(fmt::format("{}-{}: {} at {}", plan_.partition.topic, plan_.partition.index, what, at));
    }

    Session session_;
    const ConsumerPlan plan_;
    std::int64_t offset_ = 0;
    std::int64_t asked_offset_ = -1;
    std::int32_t fetch_session_ = 0;
    std::int32_t fetch_epoch_ = 0;
    std::shared_ptr<Rpc> fetched_from_;
    protocol::Decompressor decompressor_;
    Model::Reading reading_;
    std::map<std::int64_t, std::uint64_t> sizes_;  ///< of batches, by base offset
};

}  // namespace

Task<> consume(Workload& workload, runtime::World world, ConsumerPlan plan) {
    const std::string name = fmt::format("consumer{}", plan.id);
    Consumer consumer(workload, world, std::move(plan), name);
    co_await consumer.consume();
}

Task<> verify(Workload& workload, runtime::World world, ConsumerPlan plan, unsigned& done) {
    const std::string name = fmt::format("verifier{}", plan.id);
    Consumer consumer(workload, world, std::move(plan), name);
    co_await consumer.verify();
    ++done;
}

}  // namespace moldau::sim
