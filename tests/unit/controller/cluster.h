#pragma once
// A controller with its log, for tests: what it decides is appended and replayed at once.

#include <random>

#include <gtest/gtest.h>

#include <moldau/controller/controller.h>

namespace moldau::controller {

inline constexpr char cluster_id[] = "cluster";

class Cluster {
 public:
    explicit Cluster(metadata::Properties file = {}, std::uint64_t seed = 1,
                     std::int16_t metadata_version = metadata::latest_metadata_version)
        : options_{NodeId(100), cluster_id, std::move(file), metadata::bootstrap_records(metadata_version)},
          random_(seed),
          controller_(options_, {}, 0) {
        append(controller_.activate());
    }

    Context context() {
        return {now_ms, Offset(static_cast<std::int64_t>(log.size())), [this] { return random_(); }};
    }

    void append(const Records& records) {
        for (const VersionedRecord& record : records) {
            const auto replayed = controller_.replay(record.record, Offset(static_cast<std::int64_t>(log.size())));
            ASSERT_TRUE(replayed.has_value()) << replayed.error().message;
            log.push_back(record);
        }
    }

    template <class Request>
    auto send(const Request& request) {
        auto outcome = controller_.handle(request, context());
        last_records = outcome.records;
        append(outcome.records);
        return std::move(outcome.response);
    }

    protocol::BrokerRegistrationRequest registration(std::int32_t id, std::uint64_t incarnation = 1,
                                                     std::optional<std::string> rack = std::nullopt) {
        protocol::BrokerRegistrationRequest request;
        request.broker_id = NodeId(id);
        request.cluster_id = cluster_id;
        request.incarnation_id = Uuid::from_halves(static_cast<std::uint64_t>(id), incarnation);
        request.rack.reset();
        if (rack) request.rack = protocol::Text(*rack);
        request.log_dirs = {directory(id)};
        for (const metadata::SupportedFeature& feature : metadata::registered_features()) {
            auto& to = request.features.emplace_back();
            to.name = feature.name;
            to.min_supported_version = feature.min_version;
            to.max_supported_version = feature.max_version;
        }
        auto& listener = request.listeners.emplace_back();
        listener.name = "PLAINTEXT";
        listener.host = "127.0.0.1";
        listener.port = 9092;
        return request;
    }

    protocol::BrokerHeartbeatRequest heartbeat_of(std::int32_t id) {
        protocol::BrokerHeartbeatRequest request;
        request.broker_id = NodeId(id);
        request.broker_epoch = image().find_broker(NodeId(id))->epoch;
        request.current_metadata_offset = Offset(static_cast<std::int64_t>(log.size()) - 1);
        return request;
    }

    /// Registered and unfenced.
    void start_broker(std::int32_t id, std::uint64_t incarnation = 1, std::optional<std::string> rack = std::nullopt) {
        ASSERT_EQ(send(registration(id, incarnation, std::move(rack))).error_code, protocol::ErrorCode::none);
        const auto answer = send(heartbeat_of(id));
        ASSERT_FALSE(answer.is_fenced);
    }

    protocol::CreateTopicsResponse create_topic(std::string name, std::int32_t partitions = 1,
                                                std::int16_t factor = 1) {
        protocol::CreateTopicsRequest request;
        auto& topic = request.topics.emplace_back();
        topic.name = name;
        topic.num_partitions = partitions;
        topic.replication_factor = factor;
        return send(request);
    }

    const metadata::Partition& partition(std::string_view topic, std::int32_t index) {
        return *image().find_topic(topic)->partitions.find(PartitionIndex(index));
    }

    static Uuid directory(std::int32_t id) { return Uuid::from_halves(7, 1000 + static_cast<std::uint64_t>(id)); }
    const metadata::Image& image() const { return controller_.image(); }
    Controller& controller() { return controller_; }

    template <class Record>
    const Record& record(std::size_t index) const {
        return std::get<Record>(last_records.at(index).record);
    }

    std::int64_t now_ms = 0;
    Records log;
    Records last_records;  // of the last send

 private:
    ControllerOptions options_;
    std::mt19937_64 random_;
    Controller controller_;
};

}  // namespace moldau::controller
