#include <gtest/gtest.h>

#include <moldau/metadata/feature_levels.h>
#include <moldau/metadata/image_builder.h>
#include <moldau/metadata/image_writer.h>
#include <moldau/protocol/writer.h>

namespace moldau::metadata {
namespace {

using namespace protocol;

constexpr TopicId topic_id = Uuid::from_halves(1, 2);
constexpr Uuid directory = Uuid::from_halves(3, 4);

FeatureLevelRecord feature(std::string name, std::int16_t level) {
    FeatureLevelRecord record;
    record.name = name;
    record.feature_level = level;
    return record;
}

RegisterBrokerRecord broker(std::int32_t id, std::int64_t epoch) {
    RegisterBrokerRecord record;
    record.broker_id = NodeId(id);
    record.broker_epoch = BrokerEpoch(epoch);
    record.incarnation_id = Uuid::from_halves(9, static_cast<std::uint64_t>(epoch));
    record.rack.reset();
    record.log_dirs = {directory};
    auto& endpoint = record.end_points.emplace_back();
    endpoint.name = "PLAINTEXT";
    endpoint.host = "127.0.0.1";
    endpoint.port = 9092;
    return record;
}

TopicRecord topic(std::string name, TopicId id = topic_id) {
    TopicRecord record;
    record.name = name;
    record.topic_id = id;
    return record;
}

PartitionRecord partition(std::int32_t index, TopicId id = topic_id) {
    PartitionRecord record;
    record.partition_id = PartitionIndex(index);
    record.topic_id = id;
    record.replicas = {NodeId(1)};
    record.isr = {NodeId(1)};
    record.leader = NodeId(1);
    record.leader_epoch = LeaderEpoch(0);
    record.partition_epoch = 0;
    record.directories = {directory};
    return record;
}

PartitionChangeRecord leader_change(std::int32_t index, std::int32_t leader) {
    PartitionChangeRecord record;
    record.partition_id = PartitionIndex(index);
    record.topic_id = topic_id;
    record.leader = NodeId(leader);
    return record;
}

ConfigRecord config(ResourceType type, std::string resource, std::string key, std::optional<std::string> value) {
    ConfigRecord record;
    record.resource_type = static_cast<std::int8_t>(type);
    record.resource_name = resource;
    record.name = key;
    record.value.reset();
    if (value) record.value = Text(*value);
    return record;
}

ClientQuotaRecord quota(std::string user, double value, bool remove = false) {
    ClientQuotaRecord record;
    auto& entity = record.entity.emplace_back();
    entity.entity_type = "user";
    entity.entity_name = Text(user);
    record.key = "producer_byte_rate";
    record.value = value;
    record.remove = remove;
    return record;
}

void replay_all(ImageBuilder& builder, const std::vector<MetadataRecord>& records) {
    for (const MetadataRecord& record : records) {
        const auto result = builder.replay(record);
        ASSERT_TRUE(result.has_value()) << result.error().message;
    }
}

ImageBuilder cluster() {
    ImageBuilder builder;
    replay_all(builder, {feature("metadata.version", 30), broker(1, 5), topic("events"), partition(0), partition(1),
                         config(ResourceType::topic, "events", "retention.ms", "1000")});
    builder.take_delta();
    return builder;
}

TEST(Image, finds_topics_by_name_and_by_id) {
    const Image image = cluster().image();
    EXPECT_EQ(image.find_topic("events"), image.find_topic(topic_id));
    EXPECT_EQ(image.find_topic("events")->partitions.size(), 2U);
    EXPECT_EQ(image.find_topic("other"), nullptr);
    EXPECT_EQ(image.metadata_version(), 30);
    EXPECT_EQ(*image.find_config({ResourceType::topic, "events"}, "retention.ms"), "1000");
}

TEST(ImageBuilder, a_change_of_leader_raises_both_epochs_and_any_other_only_that_of_the_partition) {
    ImageBuilder builder = cluster();
    PartitionChangeRecord isr;
    isr.partition_id = PartitionIndex(0);
    isr.topic_id = topic_id;
    isr.isr = std::vector{NodeId(1), NodeId(2)};
    replay_all(builder, {isr});
    const Partition* changed = builder.image().find_partition(topic_id, PartitionIndex(0));
    EXPECT_EQ(changed->leader_epoch, LeaderEpoch(0));
    EXPECT_EQ(changed->partition_epoch, 1);
    EXPECT_EQ(changed->isr.size(), 2U);

    replay_all(builder, {leader_change(0, -1)});
    changed = builder.image().find_partition(topic_id, PartitionIndex(0));
    EXPECT_EQ(changed->leader, no_node);
    EXPECT_EQ(changed->leader_epoch, LeaderEpoch(1));
    EXPECT_EQ(changed->partition_epoch, 2);
}

TEST(ImageBuilder, an_older_image_stays_as_it_was) {
    ImageBuilder builder = cluster();
    const Image before = builder.image();
    RemoveTopicRecord remove;
    remove.topic_id = topic_id;
    replay_all(builder, {leader_change(0, 7), remove});
    EXPECT_EQ(before.find_partition(topic_id, PartitionIndex(0))->leader, NodeId(1));
    EXPECT_EQ(builder.image().find_topic("events"), nullptr);
}

TEST(ImageBuilder, a_topic_takes_its_settings_with_it) {
    ImageBuilder builder = cluster();
    RemoveTopicRecord remove;
    remove.topic_id = topic_id;
    replay_all(builder, {remove});
    EXPECT_TRUE(builder.image().configs.empty());
    const Delta delta = builder.take_delta();
    ASSERT_EQ(delta.topics.size(), 1U);
    EXPECT_EQ(delta.topics.begin()->second.before->name, "events");
    EXPECT_TRUE(delta.configs.contains({ResourceType::topic, "events"}));
}

TEST(ImageBuilder, the_delta_tells_created_from_changed) {
    ImageBuilder builder = cluster();
    const TopicId other = Uuid::from_halves(1, 3);
    replay_all(builder, {topic("other", other), partition(0, other), leader_change(1, -1)});
    const Delta delta = builder.take_delta();
    EXPECT_EQ(delta.topics.at(other).before, nullptr);
    EXPECT_EQ(delta.topics.at(other).partitions, std::set{PartitionIndex(0)});
    EXPECT_EQ(delta.topics.at(topic_id).before->partitions.find(PartitionIndex(1))->leader, NodeId(1));
    EXPECT_EQ(delta.topics.at(topic_id).partitions, std::set{PartitionIndex(1)});
    EXPECT_TRUE(builder.take_delta().empty());
}

TEST(ImageBuilder, a_setting_without_value_is_removed) {
    ImageBuilder builder = cluster();
    replay_all(builder, {config(ResourceType::topic, "events", "retention.ms", std::nullopt)});
    EXPECT_TRUE(builder.image().configs.empty());
}

TEST(ImageBuilder, a_broker_changes_at_its_own_epoch_alone) {
    ImageBuilder builder = cluster();
    BrokerRegistrationChangeRecord unfence;
    unfence.broker_id = NodeId(1);
    unfence.broker_epoch = BrokerEpoch(5);
    unfence.fenced = -1;
    replay_all(builder, {unfence});
    EXPECT_TRUE(builder.image().find_broker(NodeId(1))->active());
    unfence.broker_epoch = BrokerEpoch(4);
    const auto refused = builder.replay(unfence);
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().code, Errc::corrupt);
}

TEST(ImageBuilder, an_open_transaction_is_not_in_the_stable_image) {
    ImageBuilder builder = cluster();
    const TopicId other = Uuid::from_halves(1, 3);
    replay_all(builder, {leader_change(0, 3), BeginTransactionRecord{}, topic("other", other), leader_change(1, 3)});
    EXPECT_EQ(builder.stable_image().find_topic("other"), nullptr);
    EXPECT_NE(builder.image().find_topic("other"), nullptr);
    const Delta before = builder.take_delta();
    EXPECT_EQ(before.topics.at(topic_id).partitions, std::set{PartitionIndex(0)});

    replay_all(builder, {EndTransactionRecord{}});
    EXPECT_NE(builder.stable_image().find_topic("other"), nullptr);
    const Delta after = builder.take_delta();
    EXPECT_TRUE(after.topics.contains(other));
    EXPECT_TRUE(after.topics.at(topic_id).partitions.contains(PartitionIndex(1)));
}

TEST(ImageBuilder, an_aborted_transaction_leaves_nothing) {
    ImageBuilder builder = cluster();
    const Image before = builder.image();
    replay_all(builder, {BeginTransactionRecord{}, topic("other", Uuid::from_halves(1, 3)), leader_change(1, 3),
                         AbortTransactionRecord{}});
    EXPECT_TRUE(same_content(builder.image(), before));
    EXPECT_TRUE(builder.take_delta().empty());
}

TEST(ImageBuilder, records_that_contradict_the_image_are_refused) {
    ImageBuilder builder = cluster();
    EXPECT_FALSE(builder.replay(topic("events", Uuid::from_halves(8, 8))).has_value());
    EXPECT_FALSE(builder.replay(partition(0, Uuid::from_halves(8, 8))).has_value());
    EXPECT_FALSE(builder.replay(leader_change(9, 1)).has_value());
    EXPECT_FALSE(builder.replay(EndTransactionRecord{}).has_value());
}

TEST(ImageBuilder, quotas_are_replaced_and_removed_by_entity_and_key) {
    ImageBuilder builder;
    replay_all(builder, {quota("alice", 1), quota("alice", 2), quota("bob", 3)});
    EXPECT_EQ(builder.image().client_quotas.size(), 2U);
    replay_all(builder, {quota("alice", 0, true)});
    EXPECT_EQ(builder.image().client_quotas.size(), 1U);
}

TEST(ImageBuilder, what_it_keeps_does_not_borrow_from_the_frame) {
    Writer writer;
    encode_metadata_record(topic("borrowed"), 0, writer);
    Bytes frame = writer.take();
    ImageBuilder builder;
    ASSERT_TRUE(builder.replay_frame(frame, {Offset(3), LeaderEpoch(1), Timestamp(7)}).has_value());
    std::ranges::fill(frame, std::uint8_t{0});
    EXPECT_NE(builder.image().find_topic("borrowed"), nullptr);
    EXPECT_EQ(builder.image().provenance.last_offset, Offset(3));
}

TEST(ImageWriter, a_snapshot_replayed_gives_an_equal_image) {
    ImageBuilder builder = cluster();
    AccessControlEntryRecord acl;
    acl.id = Uuid::from_halves(5, 5);
    acl.principal = "User:alice";
    UserScramCredentialRecord scram;
    scram.name = "alice";
    scram.mechanism = 1;
    DelegationTokenRecord token;
    token.token_id = "token";
    ProducerIdsRecord ids;
    ids.next_producer_id = ProducerId(2000);
    RegisterControllerRecord controller;
    controller.controller_id = NodeId(3000);
    replay_all(builder, {quota("alice", 1.5), acl, scram, token, ids, controller, leader_change(0, -1),
                         config(ResourceType::broker, "", "log.retention.ms", "7")});

    ImageBuilder again;
    std::vector<std::size_t> order;
    for (const VersionedRecord& record : write_image(builder.image())) {
        Writer writer;
        encode_metadata_record(record.record, record.version, writer);
        ASSERT_TRUE(again.replay_frame(writer.view(), {}).has_value());
        order.push_back(record.record.index());
    }
    EXPECT_TRUE(same_content(again.image(), builder.image()));
    EXPECT_EQ(std::get<FeatureLevelRecord>(write_image(builder.image()).front().record).name, "metadata.version");
}

TEST(FeatureLevels, records_have_the_versions_that_the_level_allows) {
    EXPECT_EQ(versioned(RegisterBrokerRecord{}, 30).version, 4);
    EXPECT_EQ(versioned(RegisterBrokerRecord{}, 29).version, 3);
    EXPECT_EQ(versioned(PartitionRecord{}, 30).version, 2);
    EXPECT_EQ(versioned(PartitionRecord{}, 20).version, 1);
    EXPECT_EQ(versioned(PartitionRecord{}, 7).version, 0);
    BrokerRegistrationChangeRecord change;
    change.fenced = -1;
    EXPECT_EQ(versioned(change, 30).version, 0);
    change.in_controlled_shutdown = 1;
    EXPECT_EQ(versioned(change, 30).version, 1);
    change.cordoned_log_dirs = std::vector<Uuid>{};
    EXPECT_EQ(versioned(change, 30).version, 3);
}

TEST(FeatureLevels, what_is_finalised_beyond_what_works_is_refused_by_name) {
    ImageBuilder builder = cluster();
    EXPECT_TRUE(check_finalized_features(builder.image()).has_value());
    replay_all(builder, {feature("share.version", 1)});
    const auto refused = check_finalized_features(builder.image());
    ASSERT_FALSE(refused.has_value());
    EXPECT_NE(refused.error().message.find("share.version at level 1 (here at most 0)"), std::string::npos);
}

TEST(FeatureLevels, one_command_is_told_that_lowers_all_that_is_finalised_beyond_what_works) {
    ImageBuilder builder = cluster();
    replay_all(builder, {feature("group.version", 1), feature("transaction.version", 2), feature("new.version", 3)});
    const std::string message = check_finalized_features(builder.image()).error().message;
    EXPECT_NE(message.find("new.version at level 3 (here it is not known)"), std::string::npos) << message;
    EXPECT_NE(message.find("'kafka-features downgrade --feature group.version=0 --feature new.version=0 "
                           "--feature transaction.version=0'"),
              std::string::npos)
        << message;
}

TEST(FeatureLevels, a_level_below_the_lowest_is_refused) {
    ImageBuilder builder = cluster();
    replay_all(builder, {feature("metadata.version", 6)});
    EXPECT_NE(check_finalized_features(builder.image()).error().message.find("the lowest that works here is 7"),
              std::string::npos);
}

TEST(FeatureLevels, a_directory_is_formatted_with_metadata_version_alone) {
    const auto records = bootstrap_records();
    ASSERT_EQ(records.size(), 1U);
    EXPECT_EQ(std::get<FeatureLevelRecord>(records[0].record).feature_level, 30);
}

}  // namespace
}  // namespace moldau::metadata
