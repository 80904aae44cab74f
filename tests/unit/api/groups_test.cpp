// Groups as clients reach them: where they find their coordinator, what the handlers add to the coordinator's answers.

#include <gtest/gtest.h>

#include <moldau/metadata/topic_name.h>
#include <moldau/protocol/messages/delete_groups.h>
#include <moldau/protocol/messages/delete_topics.h>
#include <moldau/protocol/messages/describe_groups.h>
#include <moldau/protocol/messages/find_coordinator.h>
#include <moldau/protocol/messages/heartbeat.h>
#include <moldau/protocol/messages/join_group.h>
#include <moldau/protocol/messages/leave_group.h>
#include <moldau/protocol/messages/list_groups.h>
#include <moldau/protocol/messages/metadata.h>
#include <moldau/protocol/messages/offset_commit.h>
#include <moldau/protocol/messages/offset_delete.h>
#include <moldau/protocol/messages/offset_fetch.h>
#include <moldau/protocol/messages/sync_group.h>

#include "serving_node.h"

namespace moldau::api {
namespace {

using protocol::ErrorCode;
using protocol::Text;

class Groups : public testing::Test {
 protected:
    void SetUp() override { serving_.start_with_topic("there"); }
    void TearDown() override { serving_.stop(); }

    template <class Request>
    typename Request::Response ask(const Request& request, std::int16_t version) {
        return serving_.ask(request, version);
    }
    template <class Request>
    typename Request::Response ask(const Request& request) {
        return ask(request, protocol::find_api(Request::api_key)->stable_version);
    }
    protocol::FindCoordinatorResponse::Coordinator find(std::string_view group) {
        protocol::FindCoordinatorRequest request;
        request.coordinator_keys.push_back(Text(std::string(group)));
        return ask(request).coordinators.at(0);
    }
    ErrorCode commit(std::string_view topic, std::int32_t partition, std::int64_t offset) {
        protocol::OffsetCommitRequest request;
        request.group_id = "g";
        auto& committed = request.topics.emplace_back();
        committed.name = Text(std::string(topic));
        auto& part = committed.partitions.emplace_back();
        part.partition_index = PartitionIndex(partition);
        part.committed_offset = Offset(offset);
        return ask(request, 9).topics.at(0).partitions.at(0).error_code;
    }
    std::int64_t committed(std::string_view topic) {
        protocol::OffsetFetchRequest request;
        request.groups.emplace_back().group_id = "g";
        auto& wanted = request.groups[0].topics.emplace().emplace_back();
        wanted.name = Text(std::string(topic));
        wanted.partition_indexes = {PartitionIndex(0)};
        return ask(request, 9).groups.at(0).topics.at(0).partitions.at(0).committed_offset.value();
    }

    AllowAll allow_;
    ServingNode serving_{allow_};
};

TEST_F(Groups, TheirTopicIsMadeWhenSomebodyAsksForACoordinator) {
    EXPECT_EQ(commit("there", 0, 1), ErrorCode::not_coordinator);
    EXPECT_EQ(serving_.find_topic(metadata::consumer_offsets_topic), nullptr);
    const auto found = find("g");
    EXPECT_EQ(found.error_code, ErrorCode::none);
    EXPECT_EQ(found.node_id, NodeId(1));
    EXPECT_EQ(found.port, 9092);
    EXPECT_EQ(found.key, "g");
    const auto topic = serving_.find_topic(metadata::consumer_offsets_topic);
    ASSERT_NE(topic, nullptr);
    EXPECT_EQ(topic->partitions.size(), 50U);
    EXPECT_EQ(commit("there", 0, 1), ErrorCode::none);
}

TEST_F(Groups, TheirTopicIsMadeByMetadataWithTheirSettings) {
    protocol::MetadataRequest request;
    request.allow_auto_topic_creation = true;
    request.topics.emplace().emplace_back().name = Text(std::string(metadata::consumer_offsets_topic));
    ask(request);
    const auto topic = serving_.find_topic(metadata::consumer_offsets_topic);
    ASSERT_NE(topic, nullptr);
    EXPECT_EQ(topic->partitions.size(), 50U);
}

TEST_F(Groups, OldVersionsAskForOneCoordinator) {
    protocol::FindCoordinatorRequest request;
    request.key = "g";
    const auto response = ask(request, 3);
    EXPECT_EQ(response.error_code, ErrorCode::none);
    EXPECT_EQ(response.error_message, "NONE") << "as Apache Kafka says";
    EXPECT_EQ(response.node_id, NodeId(1));
}

TEST_F(Groups, OffsetsAreOfPartitionsThatAreThere) {
    find("g");
    EXPECT_EQ(commit("nowhere", 0, 1), ErrorCode::unknown_topic_or_partition);
    EXPECT_EQ(commit("there", 1, 1), ErrorCode::unknown_topic_or_partition);
    EXPECT_EQ(commit("there", 0, 7), ErrorCode::none);
    EXPECT_EQ(committed("there"), 7);
    EXPECT_EQ(committed("nowhere"), -1);
}

TEST_F(Groups, WhatIsRefusedAndWhatIsDoneOfATopicIsToldTogether) {
    find("g");
    protocol::OffsetCommitRequest commit;
    commit.group_id = "g";
    auto& committing = commit.topics.emplace_back();
    committing.name = "there";
    for (const int index : {0, 7, 0}) committing.partitions.emplace_back().partition_index = PartitionIndex(index);
    const auto committed = ask(commit, 9);
    ASSERT_EQ(committed.topics.size(), 1U);
    ASSERT_EQ(committed.topics[0].partitions.size(), 3U);
    EXPECT_EQ(committed.topics[0].partitions[0].error_code, ErrorCode::unknown_topic_or_partition);
    EXPECT_EQ(committed.topics[0].partitions[1].error_code, ErrorCode::none);

    protocol::OffsetDeleteRequest remove;
    remove.group_id = "g";
    auto& removing = remove.topics.emplace_back();
    removing.name = "there";
    for (const int index : {0, 7}) removing.partitions.emplace_back().partition_index = PartitionIndex(index);
    const auto removed = ask(remove, 0);
    ASSERT_EQ(removed.topics.size(), 1U);
    ASSERT_EQ(removed.topics[0].partitions.size(), 2U);
    EXPECT_EQ(removed.topics[0].partitions[0].error_code, ErrorCode::unknown_topic_or_partition);
}

TEST_F(Groups, AMemberWithoutInstanceLeavesWithoutOne) {
    find("g");
    protocol::LeaveGroupRequest request;
    request.group_id = "g";
    request.members.emplace_back().member_id = "nobody";
    const auto response = ask(request, 5);
    EXPECT_EQ(response.members.at(0).error_code, ErrorCode::unknown_member_id);
    EXPECT_FALSE(response.members.at(0).group_instance_id.has_value());
}

TEST_F(Groups, NewVersionsNameTopicsByIdAlone) {
    find("g");
    const TopicId id = serving_.find_topic("there")->id;
    protocol::OffsetCommitRequest request;
    request.group_id = "g";
    for (const TopicId& topic : {id, TopicId::from_halves(1, 2)}) {
        auto& committing = request.topics.emplace_back();
        committing.topic_id = topic;
        committing.partitions.emplace_back().committed_offset = Offset(5);
    }
    const auto committed_by_id = ask(request, 10);
    ASSERT_EQ(committed_by_id.topics.size(), 2U);
    for (const auto& topic : committed_by_id.topics)
        EXPECT_EQ(topic.partitions.at(0).error_code,
                  topic.topic_id == id ? ErrorCode::none : ErrorCode::unknown_topic_id);

    protocol::OffsetFetchRequest fetch;
    fetch.groups.emplace_back().group_id = "g";
    fetch.groups[0].topics.reset();
    const auto all = ask(fetch, 10);
    ASSERT_EQ(all.groups.at(0).topics.size(), 1U);
    EXPECT_EQ(all.groups[0].topics[0].topic_id, id);
    EXPECT_EQ(all.groups[0].topics[0].partitions.at(0).committed_offset, Offset(5));
    auto& wanted = fetch.groups[0].topics.emplace();
    for (const TopicId& topic : {id, TopicId::from_halves(1, 2)}) {
        wanted.emplace_back().topic_id = topic;
        wanted.back().partition_indexes = {PartitionIndex(0)};
    }
    const auto by_id = ask(fetch, 10);
    ASSERT_EQ(by_id.groups.at(0).topics.size(), 2U);
    EXPECT_EQ(by_id.groups[0].topics[0].partitions.at(0).committed_offset, Offset(5));
    EXPECT_EQ(by_id.groups[0].topics[1].partitions.at(0).error_code, ErrorCode::unknown_topic_id);
}

TEST_F(Groups, OldVersionsFetchOneGroup) {
    find("g");
    commit("there", 0, 7);
    protocol::OffsetFetchRequest request;
    request.group_id = "g";
    request.topics.reset();
    const auto all = ask(request, 7);
    EXPECT_EQ(all.error_code, ErrorCode::none);
    ASSERT_EQ(all.topics.size(), 1U);
    EXPECT_EQ(all.topics[0].partitions.at(0).committed_offset, Offset(7));
    auto& wanted = request.topics.emplace().emplace_back();
    wanted.name = "there";
    wanted.partition_indexes = {PartitionIndex(0), PartitionIndex(1)};
    const auto one = ask(request, 1);
    ASSERT_EQ(one.topics.at(0).partitions.size(), 2U);
    EXPECT_EQ(one.topics[0].partitions[0].committed_offset, Offset(7));
    EXPECT_EQ(one.topics[0].partitions[1].committed_offset, no_offset);
}

TEST_F(Groups, MembersJoinSyncAndLeave) {
    find("g");
    protocol::JoinGroupRequest join;
    join.group_id = "g";
    join.session_timeout_ms = 10'000;
    join.rebalance_timeout_ms = 10'000;
    join.protocol_type = "consumer";
    join.protocols.emplace_back().name = "range";
    const auto promised = ask(join);
    ASSERT_EQ(promised.error_code, ErrorCode::member_id_required);
    const std::string id = promised.member_id.str();
    join.member_id = Text(id);
    const auto waiting = serving_.begin(join, 9);
    EXPECT_FALSE(*waiting) << "the first round waits for more members";
    serving_.advance(std::chrono::seconds(3));
    ASSERT_TRUE(*waiting);
    const auto joined = serving_.read<protocol::JoinGroupRequest>(waiting, 9);
    EXPECT_EQ(joined.generation_id, 1);
    EXPECT_EQ(joined.members.size(), 1U);

    protocol::SyncGroupRequest sync;
    sync.group_id = "g";
    sync.generation_id = 1;
    sync.member_id = Text(id);
    EXPECT_EQ(ask(sync, 5).error_code, ErrorCode::inconsistent_group_protocol) << "from 5 on the protocol is told";
    sync.protocol_type = "consumer";
    sync.protocol_name = "range";
    auto& assigned = sync.assignments.emplace_back();
    assigned.member_id = Text(id);
    assigned.assignment = protocol::Blob(Bytes{1, 2, 3});
    EXPECT_EQ(ask(sync, 5).assignment, protocol::Blob(Bytes{1, 2, 3}));

    protocol::HeartbeatRequest beat;
    beat.group_id = "g";
    beat.generation_id = 1;
    beat.member_id = Text(id);
    EXPECT_EQ(ask(beat).error_code, ErrorCode::none);

    protocol::DescribeGroupsRequest describe;
    describe.groups = {"g", "nobody"};
    const auto described = ask(describe, 5);
    EXPECT_EQ(described.groups.at(0).group_state, "Stable");
    EXPECT_EQ(described.groups.at(0).authorized_operations, std::numeric_limits<std::int32_t>::min());
    EXPECT_EQ(described.groups.at(1).group_state, "Dead");
    EXPECT_EQ(ask(protocol::ListGroupsRequest()).groups.size(), 1U);

    protocol::LeaveGroupRequest leave;
    leave.group_id = "g";
    leave.member_id = Text(id);
    EXPECT_EQ(ask(leave, 2).error_code, ErrorCode::none);
    EXPECT_EQ(ask(leave, 2).error_code, ErrorCode::unknown_member_id) << "old versions have one error for all";

    protocol::DeleteGroupsRequest removal;
    removal.groups_names = {"g", "g", "nobody"};
    const auto removed = ask(removal);
    ASSERT_EQ(removed.results.size(), 2U) << "each once";
    EXPECT_EQ(removed.results[0].error_code, ErrorCode::none);
    EXPECT_EQ(removed.results[1].error_code, ErrorCode::group_id_not_found);
    EXPECT_TRUE(ask(protocol::ListGroupsRequest()).groups.empty());
}

TEST_F(Groups, WhatWasCommittedOfATopicGoesWithIt) {
    find("g");
    commit("there", 0, 7);
    protocol::DeleteTopicsRequest deletion;
    deletion.topics.emplace_back().name = "there";
    ask(deletion);
    EXPECT_EQ(committed("there"), -1);
}

TEST_F(Groups, WhatWasCommittedOfAnEarlierTopicOfTheNameIsToldToNobody) {
    find("g");
    protocol::OffsetCommitRequest earlier;
    earlier.group_id = "g";
    auto& topic = earlier.topics.emplace_back();
    topic.name = "there";
    topic.topic_id = TopicId::from_halves(0, 1);
    topic.partitions.emplace_back().committed_offset = Offset(7);
    serving_.tell_coordinator<protocol::OffsetCommitResponse>("g", earlier);
    EXPECT_EQ(committed("there"), -1);
    protocol::OffsetFetchRequest fetch;
    fetch.groups.emplace_back().group_id = "g";
    fetch.groups[0].topics.reset();
    EXPECT_TRUE(ask(fetch, 9).groups.at(0).topics.empty());
    commit("there", 0, 3);
    EXPECT_EQ(committed("there"), 3);
}

TEST_F(Groups, AMemberThatWaitsHoldsNothingOfItsRequest) {
    find("g");
    protocol::JoinGroupRequest join;
    join.group_id = "g";
    join.session_timeout_ms = 10'000;
    join.rebalance_timeout_ms = 10'000;
    join.group_instance_id = "instance";
    join.protocol_type = "consumer";
    auto& offered = join.protocols.emplace_back();
    offered.name = "range";
    offered.metadata = protocol::Blob(Bytes(100'000, 7));
    const auto waiting = serving_.begin(join, 9);
    EXPECT_FALSE(*waiting);
    EXPECT_EQ(serving_.used_budget_bytes(), 0U);
    serving_.advance(std::chrono::seconds(3));
    const auto joined = serving_.read<protocol::JoinGroupRequest>(waiting, 9);
    ASSERT_EQ(joined.members.size(), 1U);
    EXPECT_EQ(joined.members[0].group_instance_id, Text("instance"));
    EXPECT_EQ(joined.members[0].metadata, offered.metadata);
}

TEST_F(Groups, AMemberThatOffersTooMuchIsRefused) {
    find("g");
    protocol::JoinGroupRequest join;
    join.group_id = "g";
    join.session_timeout_ms = 10'000;
    join.protocol_type = "consumer";
    join.protocols.resize(500'000);
    EXPECT_EQ(ask(join).error_code, ErrorCode::invalid_request);
    join.protocols.resize(1);
    join.group_instance_id = Text(std::string(protocol::max_text_bytes, 'x'));
    EXPECT_EQ(ask(join).error_code, ErrorCode::invalid_request) << "no member id would have room for it";
}

TEST_F(Groups, EachIsToldOfOnceHoweverOftenItIsNamed) {
    find("g");
    commit("there", 0, 7);
    protocol::DescribeGroupsRequest describe;
    describe.groups = {"g", "nobody", "g", "g", "nobody"};
    const auto described = ask(describe);
    ASSERT_EQ(described.groups.size(), 2U);
    EXPECT_EQ(described.groups[0].group_id, "g");
    EXPECT_EQ(described.groups[1].group_id, "nobody");

    protocol::OffsetFetchRequest fetch;
    for (const char* group : {"g", "nobody", "g"}) {
        auto& wanted = fetch.groups.emplace_back();
        wanted.group_id = Text(std::string(group));
        wanted.topics.reset();
    }
    const auto fetched = ask(fetch, 9);
    ASSERT_EQ(fetched.groups.size(), 2U);
    EXPECT_EQ(fetched.groups[0].topics.size(), 1U);
    EXPECT_EQ(fetched.groups[1].group_id, "nobody");
}

TEST_F(Groups, NoMoreThanAHundredThousandAreDescribed) {
    find("g");
    protocol::DescribeGroupsRequest request;
    for (int i = 0; i < 100'001; ++i) request.groups.emplace_back(std::to_string(i));
    EXPECT_EQ(ask(request, 0).groups.size(), 100'000U);
}

TEST_F(Groups, WhatTheAnswerHasNoRoomForIsRefused) {
    find("g");
    protocol::OffsetCommitRequest commit;
    commit.group_id = "g";
    auto& committing = commit.topics.emplace_back();
    committing.name = "there";
    committing.partitions.emplace_back().committed_metadata = Text(std::string(4096, 'x'));
    ASSERT_EQ(ask(commit, 9).topics.at(0).partitions.at(0).error_code, ErrorCode::none);

    protocol::OffsetFetchRequest fetch;
    const auto want = [&](std::string_view group, std::size_t indexes) {
        auto& wanted = fetch.groups.emplace_back();
        wanted.group_id = Text(std::string(group));
        auto& topic = wanted.topics.emplace().emplace_back();
        topic.name = "there";
        topic.partition_indexes.assign(indexes, PartitionIndex(0));
    };
    want("nobody", 3'000'000);
    want("g", 25'000);
    want("somebody", 1);
    const auto fetched = ask(fetch, 9);
    ASSERT_EQ(fetched.groups.size(), 3U);
    EXPECT_EQ(fetched.groups[0].error_code, ErrorCode::invalid_request);
    EXPECT_TRUE(fetched.groups[0].topics.empty());
    EXPECT_EQ(fetched.groups[1].error_code, ErrorCode::invalid_request);
    EXPECT_EQ(fetched.groups[2].error_code, ErrorCode::none) << "it finds room";

    for (const std::int16_t version : {1, 7}) {
        protocol::OffsetFetchRequest old;
        old.group_id = "g";
        auto& topic = old.topics.emplace().emplace_back();
        topic.name = "there";
        topic.partition_indexes.assign(25'000, PartitionIndex(0));
        const auto refused = ask(old, version);
        if (version == 7) EXPECT_EQ(refused.error_code, ErrorCode::invalid_request);
        if (version == 1) EXPECT_EQ(refused.topics.at(0).partitions.at(0).error_code, ErrorCode::invalid_request);
        topic.partition_indexes.assign(3'000'000, PartitionIndex(0));
        EXPECT_TRUE(ask(old, version).topics.empty());
    }
}

TEST_F(Groups, FiltersAreOfStatesAndTypes) {
    find("g");
    commit("there", 0, 7);
    protocol::ListGroupsRequest request;
    request.states_filter.assign(100'000, "nonsense");
    request.types_filter.assign(100'000, "Classic");
    EXPECT_TRUE(ask(request).groups.empty());
    request.states_filter.emplace_back("empty");
    EXPECT_EQ(ask(request).groups.size(), 1U);
}

TEST_F(Groups, AMemberThatWaitsIsAnsweredWhenTheNodeStops) {
    find("g");
    protocol::JoinGroupRequest join;
    join.group_id = "g";
    join.session_timeout_ms = 10'000;
    join.protocol_type = "consumer";
    join.protocols.emplace_back().name = "range";
    const auto waiting = serving_.begin(join, 3);
    EXPECT_FALSE(*waiting);
    serving_.stop();
    ASSERT_TRUE(*waiting);
    EXPECT_EQ(serving_.read<protocol::JoinGroupRequest>(waiting, 3).error_code, ErrorCode::not_coordinator);
}

}  // namespace
}  // namespace moldau::api
