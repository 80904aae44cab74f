// What each API asks the authorizer for, and what it answers who may do nothing: Apache Kafka's table of operations and
// resources. A whole node on a disk in memory serves the requests.

#include <array>
#include <set>
#include <string>

#include <gtest/gtest.h>

#include <moldau/metadata/configs.h>
#include <moldau/protocol/api_table.h>
#include <moldau/protocol/messages/alter_configs.h>
#include <moldau/protocol/messages/api_versions.h>
#include <moldau/protocol/messages/create_partitions.h>
#include <moldau/protocol/messages/create_topics.h>
#include <moldau/protocol/messages/delete_groups.h>
#include <moldau/protocol/messages/delete_topics.h>
#include <moldau/protocol/messages/describe_cluster.h>
#include <moldau/protocol/messages/describe_configs.h>
#include <moldau/protocol/messages/describe_groups.h>
#include <moldau/protocol/messages/describe_quorum.h>
#include <moldau/protocol/messages/describe_topic_partitions.h>
#include <moldau/protocol/messages/fetch.h>
#include <moldau/protocol/messages/find_coordinator.h>
#include <moldau/protocol/messages/heartbeat.h>
#include <moldau/protocol/messages/incremental_alter_configs.h>
#include <moldau/protocol/messages/init_producer_id.h>
#include <moldau/protocol/messages/join_group.h>
#include <moldau/protocol/messages/leave_group.h>
#include <moldau/protocol/messages/list_groups.h>
#include <moldau/protocol/messages/list_offsets.h>
#include <moldau/protocol/messages/metadata.h>
#include <moldau/protocol/messages/offset_commit.h>
#include <moldau/protocol/messages/offset_delete.h>
#include <moldau/protocol/messages/offset_fetch.h>
#include <moldau/protocol/messages/offset_for_leader_epoch.h>
#include <moldau/protocol/messages/produce.h>
#include <moldau/protocol/messages/sync_group.h>

#include "registry.h"
#include "serving_node.h"

namespace moldau::api {
namespace {

using protocol::ErrorCode;
using Asked = std::set<std::string>;

/// Allows nothing, and keeps what it was asked for, as "write topic there".
class RefuseAll final : public Authorizer {
 public:
    bool allows(const net::Peer&, Operation operation, ResourceType type, std::string_view name) override {
        asked.insert(fmt::format("{} {} {}", name_of(operation), name_of(type), name));
        return false;
    }
    bool allows_any(const net::Peer&, Operation operation, ResourceType type) override {
        asked.insert(fmt::format("{} any {}", name_of(operation), name_of(type)));
        return false;
    }

    Asked asked;

 private:
    static std::string_view name_of(Operation operation) {
        constexpr std::array<std::string_view, 13> names{"",
                                                         "",
                                                         "",
                                                         "read",
                                                         "write",
                                                         "create",
                                                         "delete",
                                                         "alter",
                                                         "describe",
                                                         "cluster action",
                                                         "describe configs",
                                                         "alter configs",
                                                         "idempotent write"};
        return names[static_cast<std::size_t>(operation)];
    }
    static std::string_view name_of(ResourceType type) {
        constexpr std::array<std::string_view, 6> names{"", "", "topic", "group", "cluster", "transactional id"};
        return names[static_cast<std::size_t>(type)];
    }
};

class Authorization : public testing::Test {
 protected:
    void SetUp() override { serving_.start_with_topic("there"); }
    void TearDown() override { serving_.stop(); }

    /// The answer to `request`; afterwards asked() is what the authorizer was asked for.
    template <class Request>
    typename Request::Response ask(const Request& request, std::int16_t version) {
        authorizer_.asked.clear();
        covered_.insert(Request::api_key);
        return serving_.ask(request, version);
    }
    template <class Request>
    typename Request::Response ask(const Request& request) {
        return ask(request, protocol::find_api(Request::api_key)->stable_version);
    }
    const Asked& asked() const { return authorizer_.asked; }
    void ask_about_groups();
    TopicId id() { return serving_.find_topic("there")->id; }

    RefuseAll authorizer_;
    ServingNode serving_{authorizer_};
    std::set<std::int16_t> covered_;
};

constexpr std::int16_t last_version_with_names = 12;

template <class Request>
Request about_topic(std::string_view name) {
    Request request;
    auto& topic = request.topics.emplace_back();
    topic.name = protocol::Text(std::string(name));
    return request;
}

void Authorization::ask_about_groups() {
    // A member asks for the group alone, and for topics only once that is granted.
    const auto as_member = [&](auto request) {
        request.group_id = "g";
        EXPECT_EQ(ask(request).error_code, ErrorCode::group_authorization_failed) << request.message_name;
        EXPECT_EQ(asked(), Asked{"read group g"});
    };
    as_member(protocol::JoinGroupRequest());
    protocol::SyncGroupRequest sync;
    sync.protocol_type = sync.protocol_name = "x";
    as_member(sync);
    as_member(protocol::HeartbeatRequest());
    as_member(protocol::LeaveGroupRequest());

    auto commit = about_topic<protocol::OffsetCommitRequest>("there");
    commit.group_id = "g";
    commit.topics[0].partitions.emplace_back();
    EXPECT_EQ(ask(commit).topics.at(0).partitions.at(0).error_code, ErrorCode::group_authorization_failed);
    EXPECT_EQ(asked(), Asked{"read group g"});
    protocol::OffsetFetchRequest fetch;
    fetch.groups.emplace_back().group_id = "g";
    EXPECT_EQ(ask(fetch).groups.at(0).error_code, ErrorCode::group_authorization_failed);
    EXPECT_EQ(asked(), Asked{"describe group g"});
    auto deletion = about_topic<protocol::OffsetDeleteRequest>("there");
    deletion.group_id = "g";
    EXPECT_EQ(ask(deletion).error_code, ErrorCode::group_authorization_failed);
    EXPECT_EQ(asked(), Asked{"delete group g"});

    EXPECT_TRUE(ask(protocol::ListGroupsRequest()).groups.empty());
    EXPECT_EQ(asked(), Asked{"describe cluster kafka-cluster"});
    protocol::DescribeGroupsRequest describe;
    describe.groups = {"g"};
    EXPECT_EQ(ask(describe).groups.at(0).error_code, ErrorCode::group_authorization_failed);
    EXPECT_EQ(asked(), Asked{"describe group g"});
    protocol::DeleteGroupsRequest removal;
    removal.groups_names = {"g"};
    EXPECT_EQ(ask(removal).results.at(0).error_code, ErrorCode::group_authorization_failed);
    EXPECT_EQ(asked(), Asked{"delete group g"});
}

TEST_F(Authorization, EachApiAsksForWhatApacheKafkaAsksFor) {
    for (const std::string name : {"there", "nowhere"}) {
        protocol::ProduceRequest produce;
        produce.acks = 1;
        auto& produced = produce.topic_data.emplace_back();
        produced.name = protocol::Text(name);
        produced.partition_data.emplace_back();
        EXPECT_EQ(ask(produce, last_version_with_names).responses.at(0).partition_responses.at(0).error_code,
                  ErrorCode::topic_authorization_failed);
        EXPECT_EQ(asked(), Asked{"write topic " + name});

        protocol::FetchRequest fetch;
        fetch.max_bytes = 1000;
        auto& fetched = fetch.topics.emplace_back();
        fetched.topic = protocol::Text(name);
        fetched.partitions.emplace_back();
        EXPECT_EQ(ask(fetch, last_version_with_names).responses.at(0).partitions.at(0).error_code,
                  ErrorCode::topic_authorization_failed);
        EXPECT_EQ(asked(), Asked{"read topic " + name});
        fetch.replica_id = NodeId(1);
        EXPECT_EQ(ask(fetch, last_version_with_names).responses.at(0).partitions.at(0).error_code,
                  ErrorCode::topic_authorization_failed);
        EXPECT_EQ(asked(), Asked{"cluster action cluster kafka-cluster"});

        auto offsets = about_topic<protocol::ListOffsetsRequest>(name);
        offsets.topics[0].partitions.emplace_back();
        EXPECT_EQ(ask(offsets).topics.at(0).partitions.at(0).error_code, ErrorCode::topic_authorization_failed);
        EXPECT_EQ(asked(), Asked{"describe topic " + name});

        protocol::OffsetForLeaderEpochRequest epochs;
        auto& asked_epochs = epochs.topics.emplace_back();
        asked_epochs.topic = protocol::Text(name);
        asked_epochs.partitions.emplace_back();
        EXPECT_EQ(ask(epochs).topics.at(0).partitions.at(0).error_code, ErrorCode::topic_authorization_failed);
        EXPECT_EQ(asked(), Asked{"describe topic " + name});

        protocol::MetadataRequest metadata;
        metadata.topics.emplace().emplace_back().name = protocol::Text(name);
        metadata.allow_auto_topic_creation = true;
        const auto described = ask(metadata);
        EXPECT_EQ(described.topics.at(0).error_code, ErrorCode::topic_authorization_failed);
        EXPECT_EQ(described.topics.at(0).name->view(), name);
        EXPECT_EQ(asked(), Asked{"describe topic " + name});

        auto partitions = about_topic<protocol::DescribeTopicPartitionsRequest>(name);
        EXPECT_EQ(ask(partitions).topics.at(0).error_code, ErrorCode::topic_authorization_failed);
        EXPECT_EQ(asked(), Asked{"describe topic " + name});

        auto creation = about_topic<protocol::CreateTopicsRequest>(name);
        creation.topics[0].num_partitions = creation.topics[0].replication_factor = 1;
        EXPECT_EQ(ask(creation).topics.at(0).error_code, ErrorCode::topic_authorization_failed);
        EXPECT_EQ(asked(), (Asked{"create cluster kafka-cluster", "create topic " + name}));

        auto more = about_topic<protocol::CreatePartitionsRequest>(name);
        more.topics[0].count = 2;
        EXPECT_EQ(ask(more).results.at(0).error_code, ErrorCode::topic_authorization_failed);
        EXPECT_EQ(asked(), Asked{"alter topic " + name});

        protocol::DeleteTopicsRequest deletion;
        deletion.topics.emplace_back().name = protocol::Text(name);
        EXPECT_EQ(ask(deletion).responses.at(0).error_code, ErrorCode::topic_authorization_failed);
        EXPECT_TRUE(asked().contains("delete topic " + name) || asked().contains("describe topic " + name));
    }
    EXPECT_NE(serving_.find_topic("there"), nullptr);

    struct Resource {
        metadata::ResourceType type;
        std::string name;
        std::string told;  ///< as the authorizer is asked
        ErrorCode error;
    };
    for (const Resource& resource :
         {Resource{metadata::ResourceType::topic, "there", "topic there", ErrorCode::topic_authorization_failed},
          Resource{metadata::ResourceType::broker, "1", "cluster kafka-cluster",
                   ErrorCode::cluster_authorization_failed},
          Resource{metadata::ResourceType::broker, "", "cluster kafka-cluster",
                   ErrorCode::cluster_authorization_failed},
          Resource{metadata::ResourceType::group, "g", "group g", ErrorCode::group_authorization_failed}}) {
        const auto name_it = [&resource](auto& asked_for) {
            asked_for.resource_type = static_cast<std::int8_t>(resource.type);
            asked_for.resource_name = protocol::Text(resource.name);
        };
        protocol::DescribeConfigsRequest describe;
        name_it(describe.resources.emplace_back());
        EXPECT_EQ(ask(describe).results.at(0).error_code, resource.error);
        EXPECT_EQ(asked(), Asked{"describe configs " + resource.told});
        protocol::AlterConfigsRequest alter;
        name_it(alter.resources.emplace_back());
        EXPECT_EQ(ask(alter).responses.at(0).error_code, resource.error);
        EXPECT_EQ(asked(), Asked{"alter configs " + resource.told});
        protocol::IncrementalAlterConfigsRequest incremental;
        name_it(incremental.resources.emplace_back());
        EXPECT_EQ(ask(incremental).responses.at(0).error_code, resource.error);
        EXPECT_EQ(asked(), Asked{"alter configs " + resource.told});
    }

    protocol::InitProducerIdRequest idempotent;
    idempotent.transactional_id.reset();
    EXPECT_EQ(ask(idempotent).error_code, ErrorCode::cluster_authorization_failed);
    EXPECT_EQ(asked(), (Asked{"idempotent write cluster kafka-cluster", "write any topic"}));
    protocol::InitProducerIdRequest transactional;
    transactional.transactional_id = "t";
    EXPECT_EQ(ask(transactional).error_code, ErrorCode::transactional_id_authorization_failed);
    EXPECT_EQ(asked(), Asked{"write transactional id t"});

    protocol::FindCoordinatorRequest find;
    find.coordinator_keys = {"k"};
    EXPECT_EQ(ask(find).coordinators.at(0).error_code, ErrorCode::group_authorization_failed);
    EXPECT_EQ(asked(), Asked{"describe group k"});
    find.key_type = 1;
    EXPECT_EQ(ask(find).coordinators.at(0).error_code, ErrorCode::transactional_id_authorization_failed);
    EXPECT_EQ(asked(), Asked{"describe transactional id k"});

    ask_about_groups();

    EXPECT_EQ(ask(protocol::DescribeQuorumRequest()).error_code, ErrorCode::cluster_authorization_failed);
    EXPECT_EQ(asked(), Asked{"describe cluster kafka-cluster"});
    // These tell what every client needs to begin with.
    EXPECT_EQ(ask(protocol::DescribeClusterRequest()).error_code, ErrorCode::none);
    EXPECT_EQ(asked(), Asked{});
    protocol::ApiVersionsRequest versions;
    versions.client_software_name = versions.client_software_version = "x";
    EXPECT_EQ(ask(versions).error_code, ErrorCode::none);
    EXPECT_EQ(asked(), Asked{});

    for (const ServedApi& api : served_apis())
        EXPECT_TRUE(covered_.contains(api.key)) << protocol::find_api(api.key)->name << " is not in this table";
}

TEST_F(Authorization, ByIdStrangersLearnNoName) {
    protocol::MetadataRequest metadata;
    metadata.topics.emplace().emplace_back().topic_id = id();
    const auto described = ask(metadata);
    EXPECT_EQ(described.topics.at(0).error_code, ErrorCode::topic_authorization_failed);
    EXPECT_FALSE(described.topics.at(0).name);
    EXPECT_EQ(described.topics.at(0).topic_id, id());

    protocol::DeleteTopicsRequest deletion;
    deletion.topics.emplace_back().topic_id = id();
    const auto deleted = ask(deletion);
    EXPECT_EQ(deleted.responses.at(0).error_code, ErrorCode::topic_authorization_failed);
    EXPECT_FALSE(deleted.responses.at(0).name);
}

TEST_F(Authorization, MetadataTakesNoIdsBeforeVersion12) {
    protocol::MetadataRequest metadata;
    auto& topics = metadata.topics.emplace();
    topics.emplace_back().topic_id = id();
    topics.back().name = "x";
    topics.emplace_back().name = "there";
    for (const std::int16_t version : {10, 11}) {
        const auto described = ask(metadata, version);
        ASSERT_EQ(described.topics.size(), 2U);
        for (const auto& topic : described.topics) EXPECT_EQ(topic.error_code, ErrorCode::invalid_request);
    }
}

}  // namespace
}  // namespace moldau::api
