#include "stand_in.h"

#include <fmt/format.h>

#include <moldau/base/log.h>
#include <moldau/protocol/api_table.h>
#include <moldau/protocol/messages/api_versions.h>
#include <moldau/protocol/messages/create_topics.h>
#include <moldau/protocol/messages/fetch.h>
#include <moldau/protocol/messages/init_producer_id.h>
#include <moldau/protocol/messages/list_offsets.h>
#include <moldau/protocol/messages/metadata.h>
#include <moldau/protocol/messages/produce.h>
#include <moldau/protocol/messages/request_header.h>
#include <moldau/protocol/messages/response_header.h>
#include <moldau/protocol/reader.h>
#include <moldau/protocol/writer.h>

#include "log.h"
#include "world/read_some.h"

namespace moldau::sim {
namespace {

using protocol::ErrorCode;
using protocol::Text;
using runtime::Task;

const std::string directory(data_directory);

class StandIn final : public BrokerProcess {
 public:
    StandIn(const BrokerStart& start, Bug bug)
        : world_(start.world), shard_(world_.shard(0)), endpoint_(start.endpoint), exited_(start.exited), bug_(bug) {}

    /// It has nothing to put in order, and its page cache stays.
    void stop() override {
        shard_.post([this] { exited_(Exit::unclean); });
    }

    Result<> open() {
        MOLDAU_CHECK(world_.disk.create_directories(directory));
        MOLDAU_CHECK(world_.disk.sync_directory("/"));
        MOLDAU_TRY(lock, world_.disk.lock(directory));
        lock_ = std::move(lock);
        MOLDAU_TRY(entries, world_.disk.list(directory));
        for (const auto& entry : entries) {
            const std::size_t dash = entry.name.rfind('-');
            if (!entry.name.ends_with(".log") || dash == std::string::npos) continue;
            MOLDAU_CHECK(open_log(entry.name.substr(0, dash), std::stoi(entry.name.substr(dash + 1))));
        }
        if (const auto id = runtime::read_whole(world_.disk, directory + "/producer-id"))
            next_producer_id_ = std::stoll(std::string(text_of(*id)));
        // Names found here must not vanish later.
        return world_.disk.sync_directory(directory);
    }

    static Task<> listen(StandIn& self) {
        auto listener = self.world_.transport.listen(self.shard_, self.endpoint_);
        if (!listener) co_return;
        for (;;) {
            auto stream = co_await (*listener)->accept(self.shard_);
            if (!stream) co_return;
            runtime::spawn(self.shard_, serve(self, std::move(*stream)));
        }
    }

 private:
    Result<> open_log(const std::string& topic, std::int32_t partition) {
        MOLDAU_TRY(file, world_.disk.open(fmt::format("{}/{}-{}.log", directory, topic, partition),
                                          runtime::OpenMode::create));
        auto log = std::make_shared<StandInLog>(shard_, std::move(file), bug_);
        MOLDAU_CHECK(log->recover());
        logs_[{topic, partition}] = std::move(log);
        return {};
    }

    std::shared_ptr<StandInLog> find(const Text& topic, PartitionIndex partition) {
        const auto found = logs_.find({topic.str(), partition.value()});
        return found == logs_.end() ? nullptr : found->second;
    }

    static Task<bool> read_exactly(runtime::Stream& stream, MutableBytes into) {
        while (!into.empty()) {
            const auto read = co_await read_some(stream, into);
            if (!read || *read == 0) co_return false;
            into = into.subspan(*read);
        }
        co_return true;
    }

    static Task<bool> write_all(runtime::Stream& stream, ByteView bytes) {
        for (;;) {
            const ByteView parts[] = {bytes};
            const auto written = stream.try_write(parts);
            if (!written) co_return false;
            bytes = bytes.subspan(*written);
            if (bytes.empty()) co_return true;
            if (!co_await stream.wait_writable()) co_return false;
        }
    }

    static Task<> serve(StandIn& self, std::unique_ptr<runtime::Stream> stream) {
        for (;;) {
            Bytes size(4);
            if (!co_await read_exactly(*stream, size)) co_return;
            Bytes frame(load_big_endian<std::uint32_t>(size.data()));
            if (!co_await read_exactly(*stream, frame)) co_return;
            const Bytes answer = co_await self.answer(frame);
            if (!answer.empty() && !co_await write_all(*stream, answer)) co_return;
        }
    }

    /// Framed; empty when there is none.
    Task<Bytes> answer(const Bytes& frame) {
        protocol::Reader reader(frame);
        const auto key = load_big_endian<std::int16_t>(frame.data());
        const auto version = load_big_endian<std::int16_t>(frame.data() + 2);
        const auto header = protocol::RequestHeader::decode(reader, protocol::request_header_version(key, version));
        protocol::Writer writer;
        const auto mark = writer.begin_frame();
        protocol::ResponseHeader response_header;
        response_header.correlation_id = header.correlation_id;
        response_header.encode(writer, protocol::response_header_version(key, version));
        switch (key) {
            case protocol::ProduceRequest::api_key: {
                const auto request = protocol::ProduceRequest::decode(reader, version);
                (co_await produce(request)).encode(writer, version);
                if (request.acks == 0) co_return Bytes{};
                break;
            }
            case protocol::FetchRequest::api_key:
                (co_await fetch(protocol::FetchRequest::decode(reader, version))).encode(writer, version);
                break;
            case protocol::ListOffsetsRequest::api_key:
                list_offsets(protocol::ListOffsetsRequest::decode(reader, version)).encode(writer, version);
                break;
            case protocol::MetadataRequest::api_key:
                metadata(protocol::MetadataRequest::decode(reader, version)).encode(writer, version);
                break;
            case protocol::CreateTopicsRequest::api_key:
                create_topics(protocol::CreateTopicsRequest::decode(reader, version)).encode(writer, version);
                break;
            case protocol::InitProducerIdRequest::api_key:
                init_producer_id().encode(writer, version);
                break;
            default:
                api_versions().encode(writer, version);
        }
        writer.end_frame(mark);
        co_return writer.take();
    }

    protocol::ApiVersionsResponse api_versions() {
        protocol::ApiVersionsResponse response;
        response.api_keys = {{0, 9, 12}, {1, 12, 12}, {2, 7, 7}, {3, 12, 12}, {18, 0, 4}, {19, 7, 7}, {22, 4, 4}};
        return response;
    }

    protocol::MetadataResponse metadata(const protocol::MetadataRequest& request) {
        protocol::MetadataResponse response;
        auto& broker = response.brokers.emplace_back();
        broker.node_id = NodeId(1);
        broker.host = Text(endpoint_.host);
        broker.port = endpoint_.port;
        for (const auto& wanted : request.topics.value()) {
            auto& topic = response.topics.emplace_back();
            topic.name = wanted.name;
            for (const auto& [key, log] : logs_) {
                if (key.first != wanted.name->view()) continue;
                auto& partition = topic.partitions.emplace_back();
                partition.partition_index = PartitionIndex(key.second);
                partition.leader_id = NodeId(1);
            }
            if (topic.partitions.empty()) topic.error_code = ErrorCode::unknown_topic_or_partition;
        }
        return response;
    }

    protocol::CreateTopicsResponse create_topics(const protocol::CreateTopicsRequest& request) {
        protocol::CreateTopicsResponse response;
        for (const auto& wanted : request.topics) {
            auto& topic = response.topics.emplace_back();
            topic.name = wanted.name;
            for (std::int32_t i = 0; i < wanted.num_partitions; ++i)
                if (!find(wanted.name, PartitionIndex(i)) && !open_log(wanted.name.str(), i))
                    topic.error_code = ErrorCode::kafka_storage_error;
            if (bug_ != Bug::no_directory_sync && !world_.disk.sync_directory(directory))
                topic.error_code = ErrorCode::kafka_storage_error;
        }
        return response;
    }

    protocol::InitProducerIdResponse init_producer_id() {
        protocol::InitProducerIdResponse response;
        const std::string next = std::to_string(next_producer_id_ + 1);
        if (runtime::write_atomically(world_.disk, directory + "/producer-id", bytes_of(next)))
            response.producer_id = ProducerId(next_producer_id_++);
        else
            response.error_code = ErrorCode::coordinator_not_available;
        return response;
    }

    Task<protocol::ProduceResponse> produce(const protocol::ProduceRequest& request) {
        protocol::ProduceResponse response;
        for (const auto& data : request.topic_data) {
            auto& topic = response.responses.emplace_back();
            topic.name = data.name;
            for (const auto& records : data.partition_data) {
                auto& partition = topic.partition_responses.emplace_back();
                partition.index = records.index;
                const auto log = find(data.name, records.index);
                if (log == nullptr) {
                    partition.error_code = ErrorCode::unknown_topic_or_partition;
                    continue;
                }
                const auto appended = log->append(records.records.view(), request.acks == -1);
                partition.error_code = appended.error;
                partition.base_offset = Offset(appended.base_offset);
                if (request.acks != -1 || appended.error != ErrorCode::none) continue;
                const bool durable = co_await log->wait_durable(appended.end_offset);
                if (!durable) partition.error_code = ErrorCode::kafka_storage_error;
            }
        }
        co_return response;
    }

    Task<protocol::FetchResponse> fetch(const protocol::FetchRequest& request) {
        protocol::FetchResponse response;
        const auto deadline = shard_.now() + std::chrono::milliseconds(request.max_wait_ms);
        for (const auto& wanted : request.topics) {
            auto& topic = response.responses.emplace_back();
            topic.topic = wanted.topic;
            for (const auto& asked : wanted.partitions) {
                auto& partition = topic.partitions.emplace_back();
                partition.partition_index = asked.partition;
                const auto log = find(wanted.topic, asked.partition);
                if (log == nullptr) {
                    partition.error_code = ErrorCode::unknown_topic_or_partition;
                    continue;
                }
                const std::int64_t offset = asked.fetch_offset.value();
                while (request.min_bytes > 0 && offset == log->high_watermark())
                    if (!co_await log->wait_change(deadline)) break;
                if (offset > log->high_watermark()) partition.error_code = ErrorCode::offset_out_of_range;
                partition.high_watermark = Offset(log->high_watermark());
                if (const auto bytes = log->read(offset, static_cast<std::size_t>(asked.partition_max_bytes)))
                    partition.records = protocol::Records::own(*bytes);
                else
                    partition.error_code = ErrorCode::kafka_storage_error;
            }
        }
        co_return response;
    }

    protocol::ListOffsetsResponse list_offsets(const protocol::ListOffsetsRequest& request) {
        protocol::ListOffsetsResponse response;
        for (const auto& wanted : request.topics) {
            auto& topic = response.topics.emplace_back();
            topic.name = wanted.name;
            for (const auto& asked : wanted.partitions) {
                auto& partition = topic.partitions.emplace_back();
                partition.partition_index = asked.partition_index;
                const auto log = find(wanted.name, asked.partition_index);
                if (log == nullptr)
                    partition.error_code = ErrorCode::unknown_topic_or_partition;
                else
                    partition.offset = Offset(asked.timestamp.value() == -2 ? 0 : log->high_watermark());
            }
        }
        return response;
    }

    runtime::World world_;
    runtime::Shard& shard_;
    const runtime::Endpoint endpoint_;
    const std::function<void(Exit)> exited_;
    const Bug bug_;
    std::unique_ptr<runtime::DirectoryLock> lock_;
    std::map<std::pair<std::string, std::int32_t>, std::shared_ptr<StandInLog>> logs_;
    std::int64_t next_producer_id_ = 1;
};

}  // namespace

std::vector<std::pair<std::string_view, Bug>> all_bugs() {
    return {{"none", Bug::none},
            {"ack_before_sync", Bug::ack_before_sync},
            {"no_directory_sync", Bug::no_directory_sync},
            {"torn_tail_kept", Bug::torn_tail_kept},
            {"duplicate_appended", Bug::duplicate_appended},
            {"duplicate_early", Bug::duplicate_early},
            {"watermark_from_log_end", Bug::watermark_from_log_end},
            {"synced_too_much", Bug::synced_too_much}};
}

BrokerProgram stand_in_program(Bug bug) {
    const auto start = [bug](const BrokerStart& options) -> std::shared_ptr<BrokerProcess> {
        auto broker = std::make_shared<StandIn>(options, bug);
        if (const auto opened = broker->open(); !opened) {
            log::info("the stand-in does not open: {}", opened.error().message);
            return broker;  // serves nobody until it is started again
        }
        runtime::spawn(options.world.shard(0), StandIn::listen(*broker));
        return broker;
    };
    return {.start = start, .draw_settings = nullptr};
}

}  // namespace moldau::sim
