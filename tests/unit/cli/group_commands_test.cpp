// What the commands about groups ask and tell, over a coordinator that a test scripts.

#include <gtest/gtest.h>

#include <moldau/protocol/messages/delete_groups.h>
#include <moldau/protocol/messages/describe_groups.h>
#include <moldau/protocol/messages/find_coordinator.h>
#include <moldau/protocol/messages/list_groups.h>
#include <moldau/protocol/messages/list_offsets.h>
#include <moldau/protocol/messages/offset_commit.h>
#include <moldau/protocol/messages/offset_delete.h>
#include <moldau/protocol/messages/offset_fetch.h>
#include <moldau/protocol/records/consumer_protocol_assignment.h>

#include "commands_fixture.h"
#include "consume/offsets.h"
#include "groups/topic_partition.h"

namespace moldau::cli {
namespace {

using protocol::ErrorCode;
using protocol::Text;

struct GroupCommandsTest : CommandsTest {
    /// Topics t, whose three partitions have the offsets 10 to 50, and one; group g has committed t:0 = 20 and gone:0
    /// = 7.
    GroupCommandsTest() {
        answer_coordinator();
        answer_offsets();
        answer_groups();
    }

    void answer_coordinator() {
        using protocol::FindCoordinatorRequest;
        cluster.answer<FindCoordinatorRequest>([this](const FindCoordinatorRequest& request, const Asked&) {
            protocol::FindCoordinatorResponse response;
            auto& found = response.coordinators.emplace_back();
            found.key = request.coordinator_keys.front();
            found.node_id = NodeId(1);
            found.error_code = next(coordinator_errors);
            return response;
        });
        using protocol::ListOffsetsRequest;
        cluster.answer<ListOffsetsRequest>([this](const ListOffsetsRequest& request, const Asked&) {
            protocol::ListOffsetsResponse response;
            auto& topic = response.topics.emplace_back();
            topic.name = request.topics.front().name;
            for (const auto& asked : request.topics.front().partitions) {
                auto& partition = topic.partitions.emplace_back();
                partition.partition_index = asked.partition_index;
                partition.offset = Offset(asked.timestamp == latest_offset ? 50 : 10);
                if (asked.timestamp.value() >= 0) {
                    asked_time = asked.timestamp;
                    partition.offset = at_time;
                }
            }
            return response;
        });
    }

    void answer_offsets() {
        using protocol::OffsetCommitRequest;
        using protocol::OffsetDeleteRequest;
        using protocol::OffsetFetchRequest;
        cluster.answer<OffsetFetchRequest>([this](const OffsetFetchRequest& request, const Asked&) {
            protocol::OffsetFetchResponse response;
            auto& group = response.groups.emplace_back();
            group.group_id = request.groups.front().group_id;
            group.error_code = next(fetch_errors);
            if (group.group_id != "g") return response;
            for (const auto& [partition, offset] : committed) {
                auto& topic = group.topics.emplace_back();
                topic.name = Text(partition.topic);
                auto& answered = topic.partitions.emplace_back();
                answered.partition_index = PartitionIndex(partition.partition);
                answered.committed_offset = offset;
            }
            return response;
        });
        cluster.answer<OffsetCommitRequest>([this](const OffsetCommitRequest& request, const Asked&) {
            protocol::OffsetCommitResponse response;
            const ErrorCode error = next(commit_errors);
            for (const auto& asked : request.topics) {
                auto& topic = response.topics.emplace_back();
                topic.name = asked.name;
                for (const auto& partition : asked.partitions) {
                    topic.partitions.emplace_back() = {partition.partition_index, error};
                    if (error == ErrorCode::none)
                        commits[{asked.name.str(), partition.partition_index.value()}] = partition.committed_offset;
                }
            }
            return response;
        });
        cluster.answer<OffsetDeleteRequest>([this](const OffsetDeleteRequest& request, const Asked&) {
            protocol::OffsetDeleteResponse response;
            for (const auto& asked : request.topics) {
                auto& topic = response.topics.emplace_back();
                topic.name = asked.name;
                for (const auto& partition : asked.partitions) {
                    topic.partitions.emplace_back() = {partition.partition_index, next(delete_errors)};
                    deleted.insert({asked.name.str(), partition.partition_index.value()});
                }
            }
            return response;
        });
    }

    void answer_groups() {
        using protocol::DeleteGroupsRequest;
        using protocol::DescribeGroupsRequest;
        using protocol::ListGroupsRequest;
        cluster.answer<DescribeGroupsRequest>([this](const DescribeGroupsRequest& request, const Asked&) {
            protocol::DescribeGroupsResponse response;
            auto& group = response.groups.emplace_back();
            group.group_id = request.groups.front();
            group.error_code = group.group_id == "g" ? ErrorCode::none : ErrorCode::group_id_not_found;
            group.group_state = members.empty() ? Text("Empty") : Text("Stable");
            group.protocol_type = Text("consumer");
            for (const auto& [id, partitions] : members) {
                group.protocol_data = Text("range");
                auto& member = group.members.emplace_back();
                member.member_id = Text(id);
                member.client_id = Text("reader");
                member.client_host = Text("/127.0.0.1");
                member.member_assignment = assignment_of(partitions);
            }
            return response;
        });
        cluster.answer<ListGroupsRequest>([this](const ListGroupsRequest& request, const Asked&) {
            states_asked.clear();
            for (const auto& state : request.states_filter) states_asked.push_back(state.str());
            protocol::ListGroupsResponse response;
            response.error_code = next(list_errors);
            for (const char* id : {"z", "g"}) {
                auto& group = response.groups.emplace_back();
                group.group_id = Text(std::string(id));
                group.protocol_type = Text("consumer");
                group.group_state = Text("Empty");
                group.group_type = Text("classic");
            }
            return response;
        });
        cluster.answer<DeleteGroupsRequest>([this](const DeleteGroupsRequest& request, const Asked&) {
            protocol::DeleteGroupsResponse response;
            response.results.emplace_back() = {request.groups_names.front(), next(delete_errors)};
            return response;
        });
    }

    static protocol::Blob assignment_of(const std::vector<std::int32_t>& partitions) {
        protocol::ConsumerProtocolAssignment assignment;
        auto& topic = assignment.assigned_partitions.emplace_back();
        topic.topic = Text("t");
        for (const std::int32_t index : partitions) topic.partitions.emplace_back(index);
        protocol::Writer writer;
        writer.integer(std::int16_t{1});
        assignment.encode(writer, 1);
        return protocol::Blob(writer.take());
    }

    static ErrorCode next(std::deque<ErrorCode>& errors) {
        if (errors.empty()) return ErrorCode::none;
        const ErrorCode error = errors.front();
        errors.pop_front();
        return error;
    }

    ExitCode reset(ResetTarget target, std::vector<TopicPartitions> topics, bool execute = true,
                   const char* group = "g") {
        GroupReset asked;
        asked.group = group;
        asked.topics = std::move(topics);
        asked.target = target;
        asked.execute = execute;
        return this->execute(asked);
    }

    PartitionOffsets committed{{{"t", 0}, Offset(20)}, {{"gone", 0}, Offset(7)}};
    std::map<std::string, std::vector<std::int32_t>> members;  // with their partitions of t
    Offset at_time = no_offset;
    std::deque<ErrorCode> coordinator_errors;
    std::deque<ErrorCode> fetch_errors;
    std::deque<ErrorCode> commit_errors;
    std::deque<ErrorCode> list_errors;
    std::deque<ErrorCode> delete_errors;

    Timestamp asked_time = no_timestamp;
    PartitionOffsets commits;
    TopicPartitionSet deleted;
    std::vector<std::string> states_asked;
};

using Target = ResetTarget::Kind;
using Shown = GroupDescribe::View;

TEST_F(GroupCommandsTest, ListsGroupsByTheirNames) {
    EXPECT_EQ(execute(GroupList{{"Empty"}, {}}), ExitCode::ok);
    EXPECT_EQ(terminal.output,
              "GROUP  TYPE     STATE  PROTOCOL\n"
              "g      classic  Empty  consumer\n"
              "z      classic  Empty  consumer\n");
    EXPECT_EQ(states_asked, std::vector<std::string>{"Empty"});
}

TEST_F(GroupCommandsTest, WaitsForACoordinatorThatIsNotReady) {
    coordinator_errors = {ErrorCode::coordinator_not_available};
    fetch_errors = {ErrorCode::coordinator_load_in_progress, ErrorCode::not_coordinator};
    list_errors = {ErrorCode::coordinator_load_in_progress};
    EXPECT_EQ(execute(GroupDescribe{{"g"}, Shown::offsets, false}), ExitCode::ok) << terminal.error;
    EXPECT_EQ(execute(GroupList{}), ExitCode::ok) << terminal.error;
    EXPECT_EQ(terminal.error, "");
    EXPECT_EQ(cluster.asked_of(protocol::FindCoordinatorRequest::api_key).size(), 4U);
}

TEST_F(GroupCommandsTest, GiveUpAfterTheirTime) {
    coordinator_errors.assign(100'000, ErrorCode::coordinator_not_available);
    EXPECT_EQ(execute(GroupDescribe{{"g"}, Shown::offsets, false}), ExitCode::failed);
    EXPECT_TRUE(told("no progress for 5 s")) << terminal.error;
    EXPECT_TRUE(told("moldau: the coordinator of group 'g': ")) << terminal.error;
    EXPECT_TRUE(told("COORDINATOR_NOT_AVAILABLE")) << terminal.error;
}

TEST_F(GroupCommandsTest, DescribesLagAndReaders) {
    members = {{"m-1", {0, 1}}, {"m-2", {2}}};
    EXPECT_EQ(execute(GroupDescribe{{"g"}, Shown::offsets, false}), ExitCode::ok);
    EXPECT_EQ(
        terminal.output,
        "Group:       g\nState:       Stable\nProtocol:    range\nCoordinator: 1 (broker:9001)\nMembers:     2\n\n"
        "TOPIC  PARTITION  COMMITTED  LOG END  LAG  MEMBER  HOST        CLIENT\n"
        "gone           0          7        -    -  -       -           -\n"
        "t              0         20       50   30  m-1     /127.0.0.1  reader\n"
        "t              1          -       50    -  m-1     /127.0.0.1  reader\n"
        "t              2          -       50    -  m-2     /127.0.0.1  reader\n");
    terminal.output.clear();
    EXPECT_EQ(execute(GroupDescribe{{"g"}, Shown::members, true}), ExitCode::ok);
    EXPECT_TRUE(terminal.output.contains("m-1     -         /127.0.0.1  reader           2  t:0,1\n"))
        << terminal.output;
    terminal.output.clear();
    EXPECT_EQ(execute(GroupDescribe{{"g"}, Shown::state, false}), ExitCode::ok);
    EXPECT_EQ(terminal.output,
              "GROUP  STATE   PROTOCOL  COORDINATOR      MEMBERS\n"
              "g      Stable  range     1 (broker:9001)        2\n");
}

TEST_F(GroupCommandsTest, DescribesAsJson) {
    members = {{"m-1", {0}}};
    EXPECT_EQ(execute(GroupDescribe{{"g"}, Shown::offsets, false}, OutputFormat::json), ExitCode::ok);
    EXPECT_EQ(terminal.output,
              R"([{"group":"g","state":"Stable","protocol_type":"consumer","protocol":"range","coordinator":1,)"
              R"("member_count":1,"partitions":[)"
              R"({"topic":"gone","partition":0,"committed_offset":7,"log_end_offset":null,"lag":null},)"
              R"({"topic":"t","partition":0,"committed_offset":20,"log_end_offset":50,"lag":30,"member":"m-1",)"
              R"("host":"/127.0.0.1","client":"reader"}]}])"
              "\n");
}

TEST_F(GroupCommandsTest, SaysWhichGroupThereIsNot) {
    EXPECT_EQ(execute(GroupDescribe{{"nobody", "g"}, Shown::state, false}), ExitCode::not_found);
    EXPECT_EQ(terminal.error,
              "moldau: group 'nobody': there is no such group (GROUP_ID_NOT_FOUND); 'moldau group list' shows what "
              "there is\n");
    EXPECT_TRUE(terminal.output.contains("g      Empty")) << terminal.output;
}

TEST_F(GroupCommandsTest, ResetsOnlyWhenItIsToldTo) {
    EXPECT_EQ(reset({Target::earliest, 0}, {{"t", {0, 2}}}, false), ExitCode::ok);
    EXPECT_EQ(terminal.output,
              "TOPIC  PARTITION  COMMITTED  NEW OFFSET\n"
              "t              0         20          10\n"
              "t              2          -          10\n\n"
              "Would reset 2 offsets of group g; --execute does.\n");
    EXPECT_TRUE(commits.empty());
    terminal.output.clear();
    EXPECT_EQ(reset({Target::earliest, 0}, {{"t", {0, 2}}}), ExitCode::ok);
    EXPECT_TRUE(terminal.output.ends_with("\nReset 2 offsets of group g.\n"));
    EXPECT_EQ(commits, (PartitionOffsets{{{"t", 0}, Offset(10)}, {{"t", 2}, Offset(10)}}));
}

TEST_F(GroupCommandsTest, SaysWhereAResetMakesAGroup) {
    committed.clear();
    EXPECT_EQ(reset({Target::earliest, 0}, {{"t", {0}}}, false, "nobody"), ExitCode::ok);
    EXPECT_EQ(terminal.error, "moldau: there is no group 'nobody' yet\n");
    terminal.error.clear();
    EXPECT_EQ(reset({Target::earliest, 0}, {{"t", {0}}}, true, "nobody"), ExitCode::ok);
    EXPECT_EQ(terminal.error, "moldau: there is no group 'nobody' yet; it is made\n");
}

TEST_F(GroupCommandsTest, ResetsAllPartitionsOfATopicAndAllTopics) {
    EXPECT_EQ(reset({Target::latest, 0}, {{"t", {}}, {"one", {}}}), ExitCode::ok);
    EXPECT_EQ(commits,
              (PartitionOffsets{
                  {{"one", 0}, Offset(50)}, {{"t", 0}, Offset(50)}, {{"t", 1}, Offset(50)}, {{"t", 2}, Offset(50)}}));
    commits.clear();
    EXPECT_EQ(reset({Target::shift, -15}, {}), ExitCode::ok);
    EXPECT_EQ(commits, (PartitionOffsets{{{"t", 0}, Offset(10)}}));
    EXPECT_EQ(terminal.error,
              "moldau: partition 0 of topic 'gone' does not exist any more; its offset stays\n"
              "moldau: partition 0 of topic 't': offset 5 is before the first record; taking 10\n");
}

TEST_F(GroupCommandsTest, ResetsByTime) {
    at_time = Offset(33);
    EXPECT_EQ(reset({Target::time, 1234}, {{"t", {1}}}), ExitCode::ok);
    EXPECT_EQ(asked_time, Timestamp(1234));
    EXPECT_EQ(commits, (PartitionOffsets{{{"t", 1}, Offset(33)}}));
    const Timestamp before = shard.clock().wall_time();
    EXPECT_EQ(reset({Target::ago, 5000}, {{"t", {1}}}), ExitCode::ok);
    EXPECT_GE(asked_time, before - 5000);
    EXPECT_LE(asked_time, shard.clock().wall_time() - 5000);
}

TEST_F(GroupCommandsTest, ResetsFromAFile) {
    ASSERT_TRUE(disk.create_directories("/etc"));
    ASSERT_TRUE(runtime::write_atomically(disk, "/etc/plan", bytes_of("t,1,40\nt,2,99\n")));
    GroupReset asked;
    asked.group = "g";
    asked.target = {Target::file, 0};
    asked.file = "/etc/plan";
    asked.execute = true;
    asked.export_csv = true;
    EXPECT_EQ(execute(asked), ExitCode::ok) << terminal.error;
    EXPECT_EQ(commits, (PartitionOffsets{{{"t", 1}, Offset(40)}, {{"t", 2}, Offset(50)}}));
    EXPECT_EQ(terminal.output, "t,1,40\nt,2,50\n");
    asked.file = "/etc/nothing";
    EXPECT_EQ(execute(asked), ExitCode::not_found);
    ASSERT_TRUE(runtime::write_atomically(disk, "/etc/plan", bytes_of("t,7,40\n")));
    asked.file = "/etc/plan";
    EXPECT_EQ(execute(asked), ExitCode::not_found);
    EXPECT_TRUE(told("partition 7 of topic 't' does not exist; /etc/plan names it")) << terminal.error;
}

TEST_F(GroupCommandsTest, RefusesToResetWhatSomebodyReads) {
    members = {{"m-1", {0}}};
    EXPECT_EQ(reset({Target::latest, 0}, {{"t", {}}}), ExitCode::failed);
    EXPECT_TRUE(
        told("group 'g' is Stable with 1 member; offsets can only be reset while nobody reads: stop its "
             "members first"))
        << terminal.error;
    members.clear();
    commit_errors = {ErrorCode::unknown_member_id};
    EXPECT_EQ(reset({Target::latest, 0}, {{"t", {}}}), ExitCode::failed);
    EXPECT_TRUE(told("has got members meanwhile")) << terminal.error;
    EXPECT_EQ(terminal.output, "");
}

TEST_F(GroupCommandsTest, SaysWhatThereIsNotToReset) {
    EXPECT_EQ(reset({Target::latest, 0}, {{"nowhere", {}}}), ExitCode::not_found);
    EXPECT_TRUE(told("topic 'nowhere': it does not exist")) << terminal.error;
    EXPECT_EQ(reset({Target::latest, 0}, {{"t", {7}}}), ExitCode::not_found);
    EXPECT_TRUE(told("topic 't' has no partition 7; it has 3: 0 to 2")) << terminal.error;
    committed.clear();
    EXPECT_EQ(reset({Target::latest, 0}, {}), ExitCode::not_found);
    EXPECT_TRUE(told("group 'g' has no offsets")) << terminal.error;
    EXPECT_TRUE(commits.empty());
}

TEST_F(GroupCommandsTest, DeletesGroupsAndSaysWhyNot) {
    delete_errors = {ErrorCode::none, ErrorCode::non_empty_group};
    EXPECT_EQ(execute(GroupDelete{{"g", "h"}}), ExitCode::failed);
    EXPECT_EQ(terminal.output, "Deleted group g.\n");
    EXPECT_TRUE(told("group 'h': ")) << terminal.error;
    EXPECT_TRUE(told("(NON_EMPTY_GROUP); stop its members first\n")) << terminal.error;
}

TEST_F(GroupCommandsTest, DeletesOffsetsOfPartitionsAndOfWholeTopics) {
    committed[{"t", 2}] = Offset(1);
    EXPECT_EQ(execute(GroupDeleteOffsets{"g", {{"t", {}}, {"one", {0}}}}), ExitCode::ok);
    EXPECT_EQ(deleted, (TopicPartitionSet{{"one", 0}, {"t", 0}, {"t", 2}}));
    EXPECT_TRUE(terminal.output.contains("Deleted the offset of partition 2 of topic t.\n")) << terminal.output;
    EXPECT_EQ(execute(GroupDeleteOffsets{"g", {{"one", {}}}}), ExitCode::not_found);
    EXPECT_TRUE(told("group 'g' has no offsets of topic 'one'")) << terminal.error;
    delete_errors = {ErrorCode::group_subscribed_to_topic};
    EXPECT_EQ(execute(GroupDeleteOffsets{"g", {{"t", {0}}}}), ExitCode::failed);
    EXPECT_TRUE(told("GROUP_SUBSCRIBED_TO_TOPIC); stop the members that read it first")) << terminal.error;
}

}  // namespace
}  // namespace moldau::cli
