#include <algorithm>

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

/// Of a partition that a session knows nothing of.
constexpr std::int64_t not_asked = -1;

/// How far a consumer is in one partition.
struct Cursor {
    Model::Partition partition;
    std::int64_t offset = 0;
    Model::Life life = 0;                   ///< the latest that told of records, or a log start, up to `offset`
    std::int64_t asked_offset = not_asked;  ///< that the fetch session knows
    std::int64_t high_watermark = 0;        ///< the latest that was told
    bool paused = false;                    ///< not fetched for now
    bool is_due = false;                    ///< it was behind when the fetch was sent
    std::int64_t committed_before = 0;      ///< when the fetch was sent
    unsigned answers_without = 0;           ///< in a row, though it was due
    std::uint64_t served = 0;               ///< the fetch that brought records last
    Model::Reading reading = {};
    std::map<std::int64_t, std::uint64_t> sizes = {};  ///< of batches, by base offset
};

class Consumer {
 public:
    Consumer(Workload& workload, runtime::World world, ConsumerPlan plan, std::string name)
        : session_(workload, world, name, workload.simulation.split(name)), plan_(std::move(plan)) {
        for (const Model::Partition& partition : plan_.partitions) cursors_.push_back({.partition = partition});
    }

    Task<> consume() {
        while (!session_.workload().converging) {
            co_await fetch_once();
            wander();
            if (session_.random().chance(200)) co_await session_.pause(milliseconds(0), milliseconds(50));
        }
        for (Cursor& cursor : cursors_) cursor.paused = false;
        while (std::ranges::any_of(cursors_, [this](const Cursor& cursor) {
            return cursor.offset < std::max(cursor.high_watermark, session_.model().committed(cursor.partition).end);
        }))
            co_await fetch_once();
    }

    Task<> verify() {
        co_await read_all();
        // What compaction takes away during a reading is in one part of it and not in the other.
        while (session_.model().compacts(plan_.partitions.front().topic)) {
            const auto before = readings();
            co_await read_all();
            if (readings() == before) break;
        }
        for (const Cursor& cursor : cursors_) session_.model().check_whole(cursor.partition, cursor.reading);
    }

 private:
    std::map<Model::Partition, std::set<std::int64_t>> readings() const {
        std::map<Model::Partition, std::set<std::int64_t>> all;
        for (const Cursor& cursor : cursors_) all.emplace(cursor.partition, cursor.reading.offsets);
        return all;
    }

    Task<> read_all() {
        for (Cursor& cursor : cursors_) {
            cursor.reading = {};
            cursor.sizes.clear();
            cursor.reading.log_end = (co_await offset_at(cursor.partition, latest)).offset;
            co_await begin_at_log_start(cursor);
        }
        while (std::ranges::any_of(cursors_, [](const Cursor& each) { return each.offset < each.reading.log_end; }))
            co_await fetch_once();
        for (Cursor& cursor : cursors_) {
            Model::Reading& reading = cursor.reading;
            // What stood behind that end and was not committed then may have been read, too.
            reading.log_end = std::max(reading.log_end, cursor.offset);
            reading.log_start = (co_await offset_at(cursor.partition, earliest)).offset;
            for (auto batch = cursor.sizes.lower_bound(reading.log_start); batch != cursor.sizes.end(); ++batch)
                reading.bytes += batch->second;
        }
    }

    Cursor& any_cursor() { return cursors_[session_.random().below(cursors_.size())]; }

    /// Sometimes goes back in a partition, leaves one, or comes back to one.
    void wander() {
        if (session_.random().chance(plan_.rewind_per_mille)) {
            Cursor& cursor = any_cursor();
            if (cursor.offset > 0) {
                cursor.offset =
                    static_cast<std::int64_t>(session_.random().below(static_cast<std::uint64_t>(cursor.offset)));
                session_.workload().simulation.count("consumer reads again");
            }
        }
        if (cursors_.size() == 1 || !session_.random().chance(plan_.pause_per_mille)) return;
        Cursor& cursor = any_cursor();
        cursor.paused = !cursor.paused;
        if (std::ranges::all_of(cursors_, &Cursor::paused)) cursor.paused = false;
    }

    struct Told {
        std::int64_t offset;
        Model::Life life;
    };

    Task<Told> offset_at(Model::Partition where, Timestamp timestamp) {
        for (;;) {
            const auto rpc = co_await session_.connect(where);
            protocol::ListOffsetsRequest request;
            request.replica_id = no_node;
            auto& topic = request.topics.emplace_back();
            topic.name = protocol::Text(where.topic);
            auto& partition = topic.partitions.emplace_back();
            partition.partition_index = PartitionIndex(where.index);
            partition.timestamp = timestamp;
            const auto answer = co_await session_.ask(rpc, std::move(request));
            if (answer && answer->message.topics.size() == 1 && answer->message.topics[0].partitions.size() == 1) {
                const auto& found = answer->message.topics[0].partitions[0];
                session_.judge("list offsets", found.error_code, rpc->peer_life(),
                               {ErrorCode::offset_not_available, ErrorCode::leader_not_available});
                if (found.error_code == ErrorCode::none) co_return Told{found.offset.value(), rpc->peer_life()};
            }
            session_.forget();
            co_await session_.pause(milliseconds(1), milliseconds(100));
        }
    }

    Task<> begin_at_log_start(Cursor& cursor) {
        const Told start = co_await offset_at(cursor.partition, earliest);
        cursor.offset = start.offset;
        cursor.life = start.life;
    }

    /// A broker of `life` does not have the offset.
    Task<> leave_offset(Cursor& cursor, Model::Life life) {
        Model::OutOfRange told{
            .offset = cursor.offset, .told_by = cursor.life, .committed = cursor.committed_before, .life = life};
        co_await begin_at_log_start(cursor);
        told.log_start = cursor.offset;
        told.start_told_by = cursor.life;
        session_.model().out_of_range(cursor.partition, told);
    }

    protocol::FetchRequest request() {
        protocol::FetchRequest request;
        request.cluster_id.reset();
        request.replica_id = no_node;
        request.max_wait_ms = static_cast<std::int32_t>(session_.random().between(0, 500));
        request.min_bytes = static_cast<std::int32_t>(session_.random().below(2));
        request.max_bytes =
            session_.random().chance(300) ? static_cast<std::int32_t>(session_.random().between(1, 20'000)) : 1 << 20;
        request.session_id = fetch_session_;
        request.session_epoch = fetch_epoch_;
        // As Apache Kafka's consumers do: what brought records goes behind the others.
        std::ranges::sort(cursors_, {},
                          [](const Cursor& each) { return std::pair(each.served, each.partition.index); });
        for (Cursor& cursor : cursors_) {
            if (cursor.paused)
                leave(request, cursor);
            else if (cursor.asked_offset != cursor.offset)
                name(request, cursor);
        }
        return request;
    }

    /// Later requests of the session need not name it until its offset is another.
    void name(protocol::FetchRequest& request, Cursor& cursor) {
        cursor.asked_offset = cursor.offset;
        if (request.topics.empty()) {
            auto& topic = request.topics.emplace_back();
            topic.topic = protocol::Text(cursor.partition.topic);
            topic.topic_id = session_.topic_id();
        }
        auto& partition = request.topics.front().partitions.emplace_back();
        partition.partition = PartitionIndex(cursor.partition.index);
        partition.fetch_offset = Offset(cursor.offset);
        partition.partition_max_bytes = static_cast<std::int32_t>(session_.random().between(1, 100'000));
    }

    void leave(protocol::FetchRequest& request, Cursor& cursor) {
        if (std::exchange(cursor.asked_offset, not_asked) == not_asked) return;
        if (request.forgotten_topics_data.empty()) {
            auto& topic = request.forgotten_topics_data.emplace_back();
            topic.topic = protocol::Text(cursor.partition.topic);
            topic.topic_id = session_.topic_id();
        }
        request.forgotten_topics_data.front().partitions.emplace_back(cursor.partition.index);
    }

    /// The next request names every partition.
    void end_fetch_session() {
        fetch_session_ = 0;
        fetch_epoch_ = session_.random().coin() ? 0 : -1;
        for (Cursor& cursor : cursors_) cursor.asked_offset = not_asked;
    }

    Task<> fetch_once() {
        const auto rpc = co_await session_.connect(plan_.partitions.front());
        if (rpc != fetched_from_) end_fetch_session();
        fetched_from_ = rpc;
        for (Cursor& cursor : cursors_) {
            cursor.is_due = is_behind(cursor, rpc->peer_life());
            cursor.committed_before = session_.model().committed(cursor.partition).end;
        }
        const auto answer = co_await session_.ask(rpc, request());
        if (!answer) co_return end_fetch_session();
        const protocol::FetchResponse& response = answer->message;
        session_.judge("fetch", response.error_code, rpc->peer_life());
        if (response.error_code != ErrorCode::none) co_return end_fetch_session();
        fetch_session_ = response.session_id;
        if (fetch_session_ == 0) {
            end_fetch_session();
        } else {
            ++fetch_epoch_;
            session_.workload().simulation.count("fetch within a session");
        }
        ++fetches_;
        for (const auto& topic : response.responses) {
            for (const auto& partition : topic.partitions) {
                Cursor* const cursor = find(partition.partition_index);
                if (cursor == nullptr) co_return;
                if (partition.error_code == ErrorCode::none) {
                    if (!partition.records.view().empty()) cursor->served = fetches_;
                    read(*cursor, partition, rpc->peer_life());
                    continue;
                }
                // A leader that has just come back tells nobody where the log ends before all that it has is durable.
                session_.judge("fetch", partition.error_code, rpc->peer_life(),
                               {ErrorCode::offset_out_of_range, ErrorCode::not_leader_or_follower});
                end_fetch_session();
                cursor->is_due = false;
                if (partition.error_code == ErrorCode::offset_out_of_range)
                    co_await leave_offset(*cursor, rpc->peer_life());
                else
                    session_.forget();
                co_await session_.pause(milliseconds(1), milliseconds(50));
            }
        }
        for (Cursor& cursor : cursors_) check_progress(cursor);
    }

    /// Whether a broker of this life has told that there are records which the consumer has not read.
    bool is_behind(const Cursor& cursor, Model::Life life) {
        const Model::Committed committed = session_.model().committed(cursor.partition);
        return !cursor.paused && committed.life == life && committed.end > cursor.offset;
    }

    /// The first of an answer comes whatever its size, and those that have come wait for the others.
    void check_progress(Cursor& cursor) {
        if (!cursor.is_due) cursor.answers_without = 0;
        if (cursor.is_due && ++cursor.answers_without > 2 * cursors_.size() + 1)
            broken(cursor, fmt::format("{} fetches brought nothing, there is more", cursor.answers_without),
                   cursor.offset);
    }

    Cursor* find(PartitionIndex index) {
        for (Cursor& cursor : cursors_)
            if (cursor.partition.index == index.value() && !cursor.paused) return &cursor;
        session_.model().broken(
            fmt::format("{}-{} is answered, nobody asked for it", plan_.partitions.front().topic, index));
        return nullptr;
    }

    static std::optional<Payload> payload_of(const protocol::RecordView& record) {
        if (record.value) return decode_payload(*record.value);
        protocol::HeaderIterator headers = record.headers();
        protocol::HeaderView header;
        return headers.next(header) ? decode_payload(header.value.value_or(ByteView{})) : std::nullopt;
    }

    static void advance(Cursor& cursor, std::int64_t offset, Model::Life life) {
        cursor.offset = offset;
        cursor.life = std::max(cursor.life, life);
        cursor.is_due = false;
    }

    void read(Cursor& cursor, const protocol::FetchResponse::PartitionData& partition, Model::Life life) {
        const bool compacts = session_.model().compacts(cursor.partition.topic);
        cursor.high_watermark = partition.high_watermark.value();
        session_.model().high_watermark(cursor.partition, plan_.id, cursor.high_watermark, life);
        // Who reads until there is nothing more would take this for the end.
        if (partition.records.view().empty() && cursor.offset >= cursor.high_watermark &&
            cursor.high_watermark < cursor.committed_before)
            broken(cursor, "the end is told, there is more", cursor.high_watermark);
        protocol::BatchIterator batches(partition.records.view());
        protocol::BatchView batch;
        while (batches.next(batch)) {
            if (!batch.crc_ok()) return broken(cursor, "a batch with a wrong checksum", batch.base_offset().value());
            cursor.sizes[batch.base_offset().value()] = batch.bytes().size();
            const auto codec = batch.codec();
            if (!codec) return broken(cursor, "an unknown codec", batch.base_offset().value());
            const auto section = decompressor_.decompress(*codec, batch.records(), largest_section);
            if (!section) return broken(cursor, "records that cannot be decompressed", batch.base_offset().value());
            protocol::RecordIterator records(*section, batch.count());
            protocol::RecordView record;
            while (records.next(record)) {
                const std::int64_t at = batch.base_offset().value() + record.offset_delta;
                if (at < cursor.offset) continue;
                if (at != cursor.offset && !compacts)
                    return broken(cursor, fmt::format("offset {} follows", at), cursor.offset);
                if (at >= partition.high_watermark.value())
                    return broken(cursor, "a record past the high watermark", at);
                const auto payload = payload_of(record);
                if (!payload) return broken(cursor, "a record that nobody wrote", at);
                session_.model().observed(cursor.partition, at, *payload, life);
                cursor.reading.records.insert(payload->id);
                cursor.reading.offsets.insert(at);
                advance(cursor, at + 1, life);
            }
            if (!records.damage().empty()) return broken(cursor, "damaged records", batch.base_offset().value());
            const std::int64_t end = batch.last_offset().value() + 1;
            if (cursor.offset >= end) continue;
            if (!compacts) return broken(cursor, "a batch without its last records", end - 1);
            session_.workload().simulation.count("compacted batch read");
            advance(cursor, end, life);
        }
        if (!batches.at_end() && batches.stopped_at().status != protocol::BatchStatus::incomplete)
            broken(cursor,
                   fmt::format("bytes that are no batch ({}, {} of {} bytes are left, high watermark {})",
                               batches.stopped_at().reason, batches.rest().size(), partition.records.view().size(),
                               partition.high_watermark),
                   cursor.offset);
    }

    void broken(const Cursor& cursor, std::string_view what, std::int64_t at) {
        session_.model().broken(
            fmt::format("{}-{}: {} at {}", cursor.partition.topic, cursor.partition.index, what, at));
    }

    Session session_;
    const ConsumerPlan plan_;
    std::vector<Cursor> cursors_;  ///< of each partition
    std::int32_t fetch_session_ = 0;
    std::int32_t fetch_epoch_ = 0;
    std::uint64_t fetches_ = 0;
    std::shared_ptr<Rpc> fetched_from_;
    protocol::Decompressor decompressor_;
};

}  // namespace

Task<> consume(Workload& workload, runtime::World world, ConsumerPlan plan, unsigned& done) {
    const std::string name = fmt::format("consumer{}", plan.id);
    Consumer consumer(workload, world, std::move(plan), name);
    co_await consumer.consume();
    ++done;
}

Task<> verify(Workload& workload, runtime::World world, ConsumerPlan plan, unsigned& done) {
    const std::string name = fmt::format("verifier{}", plan.id);
    Consumer consumer(workload, world, std::move(plan), name);
    co_await consumer.verify();
    ++done;
}

}  // namespace moldau::sim
