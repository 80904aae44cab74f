#include "cluster.h"

namespace moldau::controller {
namespace {

using namespace protocol;

class Topics : public testing::Test {
 protected:
    void SetUp() override { cluster.start_broker(1); }

    CreateTopicsRequest request(std::string name) {
        CreateTopicsRequest result;
        auto& topic = result.topics.emplace_back();
        topic.name = name;
        topic.num_partitions = -1;
        topic.replication_factor = -1;
        return result;
    }
    void with_config(CreateTopicsRequest& to, std::string key, std::optional<std::string> value) {
        auto& config = to.topics.front().configs.emplace_back();
        config.name = key;
        config.value.reset();
        if (value) config.value = Text(*value);
    }
    void with_assignment(CreateTopicsRequest& to, std::int32_t partition, std::vector<std::int32_t> brokers) {
        auto& assignment = to.topics.front().assignments.emplace_back();
        assignment.partition_index = PartitionIndex(partition);
        for (const std::int32_t broker : brokers) assignment.broker_ids.push_back(NodeId(broker));
    }
    void expect_refused(const CreateTopicsRequest& refused, ErrorCode code, std::string_view message) {
        const auto response = cluster.send(refused);
        ASSERT_EQ(response.topics.size(), 1U);
        EXPECT_EQ(response.topics[0].error_code, code);
        EXPECT_EQ(*response.topics[0].error_message, message);
        EXPECT_TRUE(response.topics[0].topic_id.is_zero());
        EXPECT_TRUE(cluster.last_records.empty());
    }

    Cluster cluster;
};

TEST_F(Topics, are_created_by_a_topic_its_settings_and_its_partitions) {
    auto create = request("events");
    create.topics[0].num_partitions = 2;
    with_config(create, "retention.ms", "5000");
    const auto response = cluster.send(create);
    const auto& result = response.topics.at(0);
    EXPECT_EQ(result.error_code, ErrorCode::none);
    EXPECT_FALSE(result.error_message.has_value());
    EXPECT_EQ(result.num_partitions, 2);
    EXPECT_EQ(result.replication_factor, 1);
    ASSERT_EQ(cluster.last_records.size(), 4U);
    EXPECT_EQ(cluster.record<TopicRecord>(0).name, "events");
    EXPECT_EQ(cluster.record<ConfigRecord>(1).name, "retention.ms");
    const auto& partition = cluster.record<PartitionRecord>(2);
    EXPECT_EQ(partition.replicas, std::vector{NodeId(1)});
    EXPECT_EQ(partition.isr, std::vector{NodeId(1)});
    EXPECT_EQ(partition.leader, NodeId(1));
    EXPECT_EQ(partition.leader_epoch, LeaderEpoch(0));
    EXPECT_EQ(partition.partition_epoch, 0);
    EXPECT_EQ(partition.directories, std::vector{Cluster::directory(1)});
    EXPECT_EQ(cluster.last_records[2].version, 2);
    const auto retention =
        std::ranges::find(*result.configs, "retention.ms", [](const auto& c) { return c.name.view(); });
    EXPECT_EQ(retention->config_source, 1);
}

TEST_F(Topics, use_the_defaults_of_server_properties) {
    Cluster other({{"num.partitions", "7"}, {"default.replication.factor", "2"}});
    other.start_broker(1);
    other.start_broker(2);
    const auto response = other.send(request("events"));
    EXPECT_EQ(response.topics.at(0).num_partitions, 7);
    EXPECT_EQ(response.topics.at(0).replication_factor, 2);
}

TEST_F(Topics, are_not_created_when_only_validated) {
    auto create = request("events");
    create.validate_only = true;
    const auto response = cluster.send(create);
    EXPECT_EQ(response.topics.at(0).num_partitions, 1);
    EXPECT_TRUE(cluster.last_records.empty());
    EXPECT_EQ(cluster.image().find_topic("events"), nullptr);
}

TEST_F(Topics, with_bad_names_are_refused) {
    expect_refused(request("bad name!"), ErrorCode::invalid_topic_exception,
                   "Topic name is invalid: 'bad name!' contains one or more characters other than ASCII alphanumerics, "
                   "'.', '_' and '-'");
    expect_refused(request(""), ErrorCode::invalid_topic_exception,
                   "Topic name is invalid: the empty string is not allowed");
    expect_refused(request(".."), ErrorCode::invalid_topic_exception, "Topic name is invalid: '..' is not allowed");
    expect_refused(request("__cluster_metadata"), ErrorCode::invalid_request,
                   "Creation of internal topic __cluster_metadata is prohibited.");
    EXPECT_EQ(cluster.send(request(std::string(249, 'x'))).topics.at(0).error_code, ErrorCode::none);
    EXPECT_EQ(cluster.send(request(std::string(250, 'x'))).topics.at(0).error_code, ErrorCode::invalid_topic_exception);
}

TEST_F(Topics, that_look_alike_in_metrics_are_refused_until_the_other_is_gone) {
    cluster.create_topic("admin.dot");
    expect_refused(request("admin_dot"), ErrorCode::invalid_topic_exception,
                   "Topic 'admin_dot' collides with existing topic: admin.dot");
    DeleteTopicsRequest remove;
    remove.topic_names.push_back("admin.dot");
    cluster.send(remove);
    EXPECT_EQ(cluster.send(request("admin_dot")).topics.at(0).error_code, ErrorCode::none);
}

TEST_F(Topics, that_exist_are_refused) {
    cluster.create_topic("events");
    expect_refused(request("events"), ErrorCode::topic_already_exists, "Topic 'events' already exists.");
}

TEST_F(Topics, with_bad_numbers_are_refused) {
    auto create = request("events");
    create.topics[0].replication_factor = 2;
    expect_refused(create, ErrorCode::invalid_replication_factor,
                   "Unable to replicate the partition 2 time(s): The target replication factor of 2 cannot be reached "
                   "because only 1 broker(s) are registered or some brokers have all their log directories cordoned.");
    create.topics[0].replication_factor = 0;
    expect_refused(create, ErrorCode::invalid_replication_factor,
                   "Replication factor must be larger than 0, or -1 to use the default value.");
    create.topics[0].replication_factor = 1;
    create.topics[0].num_partitions = -2;
    expect_refused(create, ErrorCode::invalid_partitions,
                   "Number of partitions was set to an invalid non-positive value.");
    create.topics[0].num_partitions = 100000;
    expect_refused(create, ErrorCode::policy_violation, "Excessively large number of partitions per request.");
}

TEST_F(Topics, with_bad_settings_are_refused) {
    auto unknown = request("events");
    with_config(unknown, "no.such.key", "1");
    expect_refused(unknown, ErrorCode::invalid_config, "Unknown topic config name: no.such.key");
    auto misspelt = request("events");
    with_config(misspelt, "cleanup.polcy", "compact");
    expect_refused(misspelt, ErrorCode::invalid_config,
                   "Unknown topic config name: cleanup.polcy; did you mean cleanup.policy?");
    auto null = request("events");
    with_config(null, "retention.ms", std::nullopt);
    expect_refused(null, ErrorCode::invalid_config, "Null value not supported for topic configs: retention.ms");
    auto bad = request("events");
    with_config(bad, "retention.ms", "soon");
    expect_refused(bad, ErrorCode::invalid_config,
                   "Invalid value soon for configuration retention.ms: Not a number of type LONG");
}

TEST_F(Topics, given_twice_are_refused_once_and_the_others_are_created) {
    auto create = request("twice");
    create.topics.push_back(create.topics[0]);
    create.topics.push_back(request("once").topics[0]);
    const auto response = cluster.send(create);
    ASSERT_EQ(response.topics.size(), 2U);
    EXPECT_EQ(response.topics[0].name, "once");
    EXPECT_EQ(response.topics[0].error_code, ErrorCode::none);
    EXPECT_EQ(response.topics[1].error_code, ErrorCode::invalid_request);
    EXPECT_EQ(*response.topics[1].error_message, "Duplicate topic name.");
}

TEST_F(Topics, may_come_with_their_assignment) {
    auto create = request("events");
    with_assignment(create, 1, {1});
    with_assignment(create, 0, {1});
    EXPECT_EQ(cluster.send(create).topics.at(0).num_partitions, 2);
    EXPECT_EQ(cluster.record<PartitionRecord>(1).partition_id, PartitionIndex(0));
}

TEST_F(Topics, with_bad_assignments_are_refused) {
    auto counted = request("events");
    with_assignment(counted, 0, {1});
    counted.topics[0].num_partitions = 1;
    expect_refused(counted, ErrorCode::invalid_request,
                   "A manual partition assignment was specified, but numPartitions was not set to -1.");
    auto unknown = request("events");
    with_assignment(unknown, 0, {9});
    expect_refused(unknown, ErrorCode::invalid_replica_assignment,
                   "The manual partition assignment includes broker 9, but no such broker is registered.");
    auto twice = request("events");
    with_assignment(twice, 0, {1, 1});
    expect_refused(twice, ErrorCode::invalid_replica_assignment,
                   "The manual partition assignment includes the broker 1 more than once.");
    auto gap = request("events");
    with_assignment(gap, 0, {1});
    with_assignment(gap, 2, {1});
    expect_refused(gap, ErrorCode::invalid_replica_assignment,
                   "partitions should be a consecutive 0-based integer sequence");
}

TEST_F(Topics, spread_over_racks_and_lead_evenly) {
    Cluster racks;
    for (std::int32_t id = 1; id <= 6; ++id) racks.start_broker(id, 1, id <= 3 ? "a" : "b");
    racks.create_topic("events", 12, 2);
    std::map<NodeId, int> leaders;
    for (const auto& [index, partition] : racks.image().find_topic("events")->partitions) {
        ++leaders[partition.leader];
        EXPECT_NE(partition.replicas[0].value() <= 3, partition.replicas[1].value() <= 3);
        EXPECT_EQ(partition.leader, partition.replicas[0]);
    }
    EXPECT_EQ(leaders.size(), 6U);
    for (const auto& [broker, count] : leaders) EXPECT_EQ(count, 2) << broker.value();
}

TEST_F(Topics, are_deleted_by_name_or_id) {
    cluster.create_topic("by-name");
    cluster.create_topic("by-id");
    const TopicId id = cluster.image().find_topic("by-id")->id;
    DeleteTopicsRequest remove;
    remove.topics.emplace_back().name = Text("by-name");
    remove.topics.emplace_back().topic_id = id;
    remove.topics.emplace_back().topic_id = Uuid::from_halves(4, 4);
    remove.topics.emplace_back().name = Text("unknown");
    remove.topics.emplace_back();
    const auto response = cluster.send(remove);
    std::map<ErrorCode, int> codes;
    for (const auto& result : response.responses) ++codes[result.error_code];
    EXPECT_EQ(codes, (std::map<ErrorCode, int>{{ErrorCode::none, 2},
                                               {ErrorCode::unknown_topic_id, 1},
                                               {ErrorCode::unknown_topic_or_partition, 1},
                                               {ErrorCode::invalid_request, 1}}));
    EXPECT_TRUE(cluster.image().topics_by_name.empty());
    EXPECT_TRUE(cluster.image().topics_by_id.empty());
}

class Partitions : public Topics {
 protected:
    void SetUp() override {
        Topics::SetUp();
        cluster.create_topic("events", 3);
    }
    CreatePartitionsRequest more(std::int32_t count) {
        CreatePartitionsRequest request;
        auto& topic = request.topics.emplace_back();
        topic.name = "events";
        topic.count = count;
        topic.assignments.reset();
        return request;
    }
    std::string refusal(const CreatePartitionsRequest& request) {
        const auto response = cluster.send(request);
        EXPECT_TRUE(cluster.last_records.empty());
        return response.results.at(0).error_message.value_or("").str();
    }
};

TEST_F(Partitions, are_added_behind_those_that_are_there) {
    EXPECT_EQ(cluster.send(more(5)).results.at(0).error_code, ErrorCode::none);
    ASSERT_EQ(cluster.last_records.size(), 2U);
    EXPECT_EQ(cluster.record<PartitionRecord>(0).partition_id, PartitionIndex(3));
    EXPECT_EQ(cluster.image().find_topic("events")->partitions.size(), 5U);
}

TEST_F(Partitions, are_refused_when_they_are_no_increase) {
    EXPECT_EQ(refusal(more(3)), "Topic already has 3 partition(s).");
    EXPECT_EQ(refusal(more(2)), "The topic events currently has 3 partition(s); 2 would not be an increase.");
    EXPECT_EQ(refusal(more(100000)), "Excessively large number of partitions per request.");
}

TEST_F(Partitions, of_an_internal_topic_stay_as_many_as_they_are) {
    cluster.create_topic("__consumer_offsets", 3);
    auto request = more(5);
    request.topics[0].name = "__consumer_offsets";
    EXPECT_EQ(cluster.send(request).results.at(0).error_code, ErrorCode::invalid_partitions);
    EXPECT_TRUE(refusal(request).ends_with("nothing of it would be found again.")) << refusal(request);
}

TEST_F(Partitions, are_refused_when_assigned_wrongly) {
    auto request = more(4);
    request.topics[0].assignments.emplace();
    request.topics[0].assignments->emplace_back().broker_ids = {NodeId(1)};
    request.topics[0].assignments->emplace_back().broker_ids = {NodeId(1)};
    EXPECT_EQ(refusal(request), "Attempted to add 1 additional partition(s), but only 2 assignment(s) were specified.");
    request.topics[0].assignments->pop_back();
    request.topics[0].assignments->front().broker_ids = {NodeId(7)};
    EXPECT_EQ(refusal(request), "The manual partition assignment includes broker 7, but no such broker is registered.");
}

}  // namespace
}  // namespace moldau::controller
