#include "cluster.h"

#include <moldau/protocol/writer.h>

namespace moldau::controller {
namespace {

using namespace protocol;

TEST(Activation, of_an_empty_log_writes_the_bootstrap_records_in_a_transaction) {
    Cluster cluster;
    ASSERT_EQ(cluster.log.size(), 3U);
    EXPECT_EQ(*std::get<BeginTransactionRecord>(cluster.log[0].record).name, "Bootstrap records");
    EXPECT_EQ(std::get<FeatureLevelRecord>(cluster.log[1].record).name, "metadata.version");
    EXPECT_EQ(std::get<FeatureLevelRecord>(cluster.log[1].record).feature_level, 30);
    EXPECT_TRUE(std::holds_alternative<EndTransactionRecord>(cluster.log[2].record));
    EXPECT_TRUE(cluster.controller().activate().empty());
}

// Whoever runs that release reads them.
TEST(Activation, with_an_older_metadata_version_all_records_are_of_versions_that_it_knows) {
    for (std::int16_t version = metadata::min_metadata_version; version <= metadata::latest_metadata_version;
         ++version) {
        Cluster cluster({}, 1, version);
        EXPECT_EQ(cluster.image().metadata_version(), version);
        ControllerRegistrationRequest registration;
        registration.controller_id = NodeId(100);
        const auto registered = cluster.send(registration).error_code;
        EXPECT_EQ(registered, version < 15 ? ErrorCode::unsupported_version : ErrorCode::none);
        cluster.start_broker(1);
        EXPECT_EQ(cluster.create_topic("topic", 2).topics.at(0).error_code, ErrorCode::none);
        auto heartbeat = cluster.heartbeat_of(1);
        heartbeat.want_shut_down = true;
        cluster.send(heartbeat);
        cluster.now_ms += 60'000;  // its session ends
        cluster.start_broker(1, 2);
        for (const auto& [record, record_version] : cluster.log) {
            EXPECT_FALSE(version < 13 && std::holds_alternative<BeginTransactionRecord>(record));
            Writer writer;
            encode_metadata_record(record, record_version, writer);
            const Bytes frame = writer.take();
            const auto decoded = decode_metadata_record(frame);
            ASSERT_TRUE(decoded) << decoded.error().message;
            EXPECT_EQ(*decoded, record) << version << ' ' << record.index();
        }
    }
}

TEST(Brokers, are_born_fenced_and_unfenced_once_they_have_read_their_registration) {
    Cluster cluster;
    const auto registered = cluster.send(cluster.registration(1));
    EXPECT_EQ(registered.broker_epoch, BrokerEpoch(3));
    EXPECT_EQ(cluster.last_records.at(0).version, 4);
    EXPECT_TRUE(cluster.image().find_broker(NodeId(1))->fenced);

    auto heartbeat = cluster.heartbeat_of(1);
    heartbeat.current_metadata_offset = Offset(2);
    EXPECT_TRUE(cluster.send(heartbeat).is_fenced);
    heartbeat.current_metadata_offset = Offset(3);
    heartbeat.cordoned_log_dirs = std::vector<Uuid>{};
    const auto answer = cluster.send(heartbeat);
    EXPECT_FALSE(answer.is_fenced);
    EXPECT_TRUE(answer.is_caught_up);
    ASSERT_EQ(cluster.last_records.size(), 2U);
    EXPECT_EQ(cluster.last_records[0].version, 0);
    EXPECT_EQ(cluster.record<BrokerRegistrationChangeRecord>(0).fenced, -1);
    EXPECT_EQ(cluster.last_records[1].version, 3);
    cluster.send(heartbeat);
    EXPECT_TRUE(cluster.last_records.empty());
}

TEST(Brokers, leave_in_steps_as_kafka_writes_them) {
    Cluster cluster;
    cluster.start_broker(1);
    cluster.create_topic("events", 2);
    auto leave = cluster.heartbeat_of(1);
    leave.want_shut_down = true;
    EXPECT_FALSE(cluster.send(leave).should_shut_down);
    ASSERT_EQ(cluster.last_records.size(), 3U);
    EXPECT_EQ(cluster.last_records[0].version, 1);
    EXPECT_EQ(cluster.record<BrokerRegistrationChangeRecord>(0).in_controlled_shutdown, 1);
    EXPECT_EQ(cluster.record<PartitionChangeRecord>(1).leader, no_node);
    EXPECT_FALSE(cluster.record<PartitionChangeRecord>(1).isr.has_value());
    EXPECT_EQ(cluster.last_records[1].version, 2);

    EXPECT_TRUE(cluster.send(leave).should_shut_down);
    ASSERT_EQ(cluster.last_records.size(), 1U);
    EXPECT_EQ(cluster.record<BrokerRegistrationChangeRecord>(0).fenced, 1);
    EXPECT_EQ(cluster.partition("events", 0).isr, std::vector{NodeId(1)});
}

TEST(Brokers, lead_again_after_a_restart) {
    Cluster cluster;
    cluster.start_broker(1);
    cluster.create_topic("events", 2);
    auto leave = cluster.heartbeat_of(1);
    leave.want_shut_down = true;
    cluster.send(leave);
    cluster.send(leave);
    EXPECT_EQ(cluster.send(cluster.registration(1, 2)).error_code, ErrorCode::none);
    EXPECT_EQ(cluster.last_records.size(), 1U);
    cluster.send(cluster.heartbeat_of(1));
    ASSERT_EQ(cluster.last_records.size(), 3U);
    EXPECT_EQ(cluster.record<PartitionChangeRecord>(1).leader, NodeId(1));
    EXPECT_EQ(cluster.partition("events", 1).leader_epoch, LeaderEpoch(2));
}

TEST(Brokers, with_a_living_incarnation_are_refused_unless_it_is_known_to_be_dead) {
    Cluster cluster;
    cluster.start_broker(1);
    cluster.create_topic("events");
    EXPECT_EQ(cluster.send(cluster.registration(1, 2)).error_code, ErrorCode::duplicate_broker_registration);

    const auto taken = cluster.controller().handle(cluster.registration(1, 2), cluster.context(), true);
    EXPECT_EQ(taken.response.error_code, ErrorCode::none);
    ASSERT_EQ(taken.records.size(), 2U);
    EXPECT_EQ(std::get<PartitionChangeRecord>(taken.records[0].record).leader, no_node);

    cluster.now_ms += 9'001;
    EXPECT_EQ(cluster.send(cluster.registration(1, 2)).error_code, ErrorCode::none);
}

TEST(Brokers, of_another_cluster_or_without_finalised_features_are_refused) {
    Cluster cluster;
    auto other = cluster.registration(1);
    other.cluster_id = "another";
    EXPECT_EQ(cluster.send(other).error_code, ErrorCode::inconsistent_cluster_id);
    auto old = cluster.registration(1);
    for (auto& feature : old.features) {
        if (feature.name == "metadata.version") feature.max_supported_version = 29;
    }
    EXPECT_EQ(cluster.send(old).error_code, ErrorCode::unsupported_version);
    auto homeless = cluster.registration(1);
    homeless.log_dirs.clear();
    EXPECT_EQ(cluster.send(homeless).error_code, ErrorCode::invalid_registration);
    cluster.start_broker(2);
    auto thief = cluster.registration(1);
    thief.log_dirs = {Cluster::directory(2)};
    EXPECT_EQ(cluster.send(thief).error_code, ErrorCode::invalid_registration);
}

TEST(Brokers, that_fall_silent_are_fenced_and_others_lead) {
    Cluster cluster;
    cluster.start_broker(1);
    cluster.start_broker(2);
    CreateTopicsRequest create;
    auto& topic = create.topics.emplace_back();
    topic.name = "events";
    topic.num_partitions = -1;
    topic.replication_factor = -1;
    topic.assignments.emplace_back().broker_ids = {NodeId(1), NodeId(2)};
    cluster.send(create);

    cluster.now_ms = 5'000;
    cluster.send(cluster.heartbeat_of(2));
    EXPECT_EQ(cluster.controller().next_session_deadline_ms(), 9'001);
    cluster.now_ms = 9'000;
    EXPECT_TRUE(cluster.controller().fence_one_stale_broker(cluster.context()).empty());
    cluster.now_ms = 9'001;
    const Records fenced = cluster.controller().fence_one_stale_broker(cluster.context());
    ASSERT_EQ(fenced.size(), 2U);
    cluster.append(fenced);
    EXPECT_EQ(cluster.partition("events", 0).leader, NodeId(2));
    EXPECT_EQ(cluster.partition("events", 0).isr, std::vector{NodeId(2)});
    EXPECT_TRUE(cluster.image().find_broker(NodeId(1))->fenced);
    EXPECT_TRUE(cluster.controller().fence_one_stale_broker(cluster.context()).empty());
}

TEST(Brokers, with_a_stale_epoch_are_told_so) {
    Cluster cluster;
    cluster.start_broker(1);
    auto stale = cluster.heartbeat_of(1);
    stale.broker_epoch = BrokerEpoch(1);
    EXPECT_EQ(cluster.send(stale).error_code, ErrorCode::stale_broker_epoch);
    AllocateProducerIdsRequest ids;
    ids.broker_id = NodeId(1);
    ids.broker_epoch = BrokerEpoch(1);
    EXPECT_EQ(cluster.send(ids).error_code, ErrorCode::stale_broker_epoch);
}

TEST(Brokers, may_be_unregistered) {
    Cluster cluster;
    cluster.start_broker(1);
    UnregisterBrokerRequest request;
    request.broker_id = NodeId(1);
    EXPECT_EQ(cluster.send(request).error_code, ErrorCode::none);
    EXPECT_TRUE(cluster.image().brokers.empty());
    const auto again = cluster.send(request);
    EXPECT_EQ(again.error_code, ErrorCode::broker_id_not_registered);
    EXPECT_EQ(*again.error_message, "Broker ID 1 is not currently registered");
}

TEST(ProducerIds, are_given_in_blocks_that_never_repeat) {
    Cluster cluster;
    cluster.start_broker(1);
    AllocateProducerIdsRequest request;
    request.broker_id = NodeId(1);
    request.broker_epoch = cluster.image().find_broker(NodeId(1))->epoch;
    const auto first = cluster.send(request);
    EXPECT_EQ(first.producer_id_start, ProducerId(0));
    EXPECT_EQ(first.producer_id_len, 1000);
    EXPECT_EQ(cluster.record<ProducerIdsRecord>(0).next_producer_id, ProducerId(1000));
    EXPECT_EQ(cluster.send(request).producer_id_start, ProducerId(1000));
}

TEST(Controllers, register_with_their_endpoints) {
    Cluster cluster;
    ControllerRegistrationRequest request;
    request.controller_id = NodeId(100);
    auto& listener = request.listeners.emplace_back();
    listener.name = "CONTROLLER";
    listener.port = 9093;
    cluster.send(request);
    EXPECT_EQ(cluster.image().controllers.find(NodeId(100))->endpoints.at(0).port, 9093);
}

TEST(Features, change_only_to_levels_that_work_here) {
    Cluster cluster;
    cluster.start_broker(1);
    UpdateFeaturesRequest request;
    auto& update = request.feature_updates.emplace_back();
    update.feature = "metadata.version";
    update.max_version_level = 30;
    EXPECT_EQ(cluster.send(request).error_code, ErrorCode::none);
    EXPECT_TRUE(cluster.last_records.empty());
    request.feature_updates[0].max_version_level = 29;
    EXPECT_EQ(cluster.send(request).error_code, ErrorCode::invalid_update_version);
    request.feature_updates[0].feature = "share.version";
    request.feature_updates[0].max_version_level = 1;
    EXPECT_EQ(cluster.send(request).error_code, ErrorCode::invalid_update_version);
    EXPECT_TRUE(cluster.last_records.empty());
}

}  // namespace
}  // namespace moldau::controller
