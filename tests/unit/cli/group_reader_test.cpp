// consume --group over a coordinator and a leader that a test scripts.

#include <gtest/gtest.h>

#include <moldau/protocol/batch_builder.h>
#include <moldau/protocol/messages/fetch.h>
#include <moldau/protocol/messages/find_coordinator.h>
#include <moldau/protocol/messages/heartbeat.h>
#include <moldau/protocol/messages/join_group.h>
#include <moldau/protocol/messages/leave_group.h>
#include <moldau/protocol/messages/list_offsets.h>
#include <moldau/protocol/messages/offset_commit.h>
#include <moldau/protocol/messages/offset_fetch.h>
#include <moldau/protocol/messages/sync_group.h>

#include "commands_fixture.h"
#include "consume/offsets.h"
#include "groups/consumer_protocol.h"

namespace moldau::cli {
namespace {

using protocol::ErrorCode;
using protocol::Text;

constexpr Offset end_of_log{6};

/// Batches of two records each, whose values are their offsets.
Bytes records_from(Offset from) {
    Bytes bytes;
    for (Offset at = from - from.value() % 2; at < end_of_log; at = at + 2) {
        protocol::BatchOptions options;
        options.base_offset = at;
        protocol::BatchBuilder builder(options);
        for (int i = 0; i < 2; ++i) {
            const std::string value = fmt::format("{}", at + i);
            builder.append({Timestamp(1), std::nullopt, bytes_of(value), {}});
        }
        const Bytes batch = builder.finish();
        bytes.insert(bytes.end(), batch.begin(), batch.end());
    }
    return bytes;
}

ErrorCode take_first(std::deque<ErrorCode>& errors) {
    if (errors.empty()) return ErrorCode::none;
    const ErrorCode error = errors.front();
    errors.pop_front();
    return error;
}

struct GroupReaderTest : CommandsTest {
    GroupReaderTest() {
        cluster.set_delay(delay);
        answer_membership();
        answer_offsets();
        answer_records();
        asked.topic = "t";
        asked.group = "g";
        asked.format = "%p:%v ";
        asked.start = {StartPosition::Kind::earliest, 0};
    }

    void answer_membership() {
        using protocol::FindCoordinatorRequest;
        using protocol::HeartbeatRequest;
        using protocol::JoinGroupRequest;
        using protocol::LeaveGroupRequest;
        using protocol::SyncGroupRequest;
        cluster.answer<FindCoordinatorRequest>([](const FindCoordinatorRequest& request, const Asked&) {
            protocol::FindCoordinatorResponse response;
            auto& found = response.coordinators.emplace_back();
            found.key = request.coordinator_keys.front();
            found.node_id = NodeId(1);
            return response;
        });
        cluster.answer<JoinGroupRequest>([this](const JoinGroupRequest& request, const Asked&) {
            protocol::JoinGroupResponse response;
            response.error_code = take_first(join_errors);
            if (response.error_code != ErrorCode::none) return response;
            response.member_id = request.member_id.empty() ? Text(fmt::format("m-{}", ++ids)) : request.member_id;
            if (request.member_id.empty()) response.error_code = ErrorCode::member_id_required;
            if (response.error_code != ErrorCode::none) return response;
            happened += fmt::format("join {};", request.member_id);
            cluster.set_delay(round_lasts);
            response.generation_id = ++generation;
            response.protocol_name = Text("range");
            response.leader = leads ? response.member_id : Text("somebody");
            if (!leads) return response;
            for (const std::string& id : {std::string("m-1"), std::string("other")}) {
                auto& member = response.members.emplace_back();
                member.member_id = Text(id);
                member.metadata = protocol::Blob(write_subscription({"t"}));
            }
            return response;
        });
        cluster.answer<SyncGroupRequest>([this](const SyncGroupRequest& request, const Asked&) {
            cluster.set_delay(delay);
            protocol::SyncGroupResponse response;
            response.error_code = take_first(sync_errors);
            for (const auto& each : request.assignments)
                given[each.member_id.str()] = *read_assignment(each.assignment.view());
            TopicPartitionSet partitions;
            for (const std::int32_t index : assigned) partitions.insert({"t", index});
            response.assignment = protocol::Blob(write_assignment(partitions));
            return response;
        });
        cluster.answer<HeartbeatRequest>([this](const HeartbeatRequest& request, const Asked&) {
            EXPECT_EQ(request.generation_id, generation);
            if (on_heartbeat) on_heartbeat();
            protocol::HeartbeatResponse response;
            response.error_code = take_first(heartbeat_errors);
            return response;
        });
        cluster.answer<LeaveGroupRequest>([this](const LeaveGroupRequest& request, const Asked&) {
            happened += fmt::format("leave {};", request.members.front().member_id);
            return protocol::LeaveGroupResponse();
        });
    }

    void answer_offsets() {
        using protocol::OffsetCommitRequest;
        using protocol::OffsetFetchRequest;
        cluster.answer<OffsetFetchRequest>([this](const OffsetFetchRequest&, const Asked&) {
            protocol::OffsetFetchResponse response;
            auto& topic = response.groups.emplace_back().topics.emplace_back();
            topic.name = Text("t");
            for (const auto& [index, offset] : committed) {
                auto& partition = topic.partitions.emplace_back();
                partition.partition_index = PartitionIndex(index);
                partition.committed_offset = offset;
            }
            return response;
        });
        cluster.answer<OffsetCommitRequest>([this](const OffsetCommitRequest& request, const Asked&) {
            EXPECT_EQ(request.generation_id_or_member_epoch, generation);
            protocol::OffsetCommitResponse response;
            auto& topic = response.topics.emplace_back();
            topic.name = Text("t");
            const ErrorCode error = take_first(commit_errors);
            for (const auto& partition : request.topics.front().partitions) {
                topic.partitions.emplace_back() = {partition.partition_index, error};
                happened += fmt::format("commit {}:{};", partition.partition_index, partition.committed_offset);
                if (error == ErrorCode::none) committed[partition.partition_index.value()] = partition.committed_offset;
            }
            return response;
        });
    }

    void answer_records() {
        using protocol::FetchRequest;
        using protocol::ListOffsetsRequest;
        cluster.answer<ListOffsetsRequest>([this](const ListOffsetsRequest& request, const Asked&) {
            const Offset end = request.isolation_level == 1 ? last_stable : end_of_log;
            protocol::ListOffsetsResponse response;
            auto& topic = response.topics.emplace_back();
            topic.name = Text("t");
            for (const auto& wanted : request.topics.front().partitions) {
                auto& partition = topic.partitions.emplace_back();
                partition.partition_index = wanted.partition_index;
                partition.offset = wanted.timestamp == latest_offset ? end : Offset(0);
            }
            return response;
        });
        cluster.answer<FetchRequest>([](const FetchRequest& request, const Asked&) {
            protocol::FetchResponse response;
            auto& topic = response.responses.emplace_back();
            topic.topic_id = request.topics.front().topic_id;
            topic.topic = request.topics.front().topic;
            for (const auto& wanted : request.topics.front().partitions) {
                auto& partition = topic.partitions.emplace_back();
                partition.partition_index = wanted.partition;
                partition.records = protocol::Records::own(records_from(wanted.fetch_offset));
            }
            return response;
        });
    }

    Consume asked;
    std::set<std::int32_t> assigned{0};
    std::map<std::int32_t, Offset> committed;
    Offset last_stable = end_of_log;
    bool leads = false;
    const runtime::Duration delay = std::chrono::milliseconds(10);
    runtime::Duration round_lasts = delay;  ///< until the JoinGroup of a member is answered
    std::function<void()> on_heartbeat;
    std::deque<ErrorCode> join_errors;
    std::deque<ErrorCode> sync_errors;
    std::deque<ErrorCode> heartbeat_errors;
    std::deque<ErrorCode> commit_errors;

    int ids = 0;
    std::int32_t generation = 0;
    std::map<std::string, TopicPartitionSet> given;
    std::string happened;
};

TEST_F(GroupReaderTest, CommitsWhatItPrintedAndLeaves) {
    asked.exit_at_end = true;
    assigned = {0, 2};
    committed[0] = Offset(3);
    EXPECT_EQ(execute(asked), ExitCode::ok) << terminal.error;
    for (const char* line : {"0:3 0:4 0:5 ", "2:0 2:1 2:2 2:3 2:4 2:5 "}) EXPECT_TRUE(terminal.output.contains(line));
    EXPECT_EQ(terminal.output.size(), 9 * 4U);
    EXPECT_EQ(happened, "join m-1;commit 0:6;commit 2:6;leave m-1;");
    EXPECT_EQ(terminal.error, "");
}

TEST_F(GroupReaderTest, BeginsAtTheEndWhereNothingIsCommittedAndIsThereWhenItComesBack) {
    asked.exit_at_end = true;
    asked.start = {};
    EXPECT_EQ(execute(asked), ExitCode::ok) << terminal.error;
    EXPECT_EQ(terminal.output, "");
    EXPECT_EQ(happened, "join m-1;commit 0:6;leave m-1;") << "what comes meanwhile is not to be skipped";
}

TEST_F(GroupReaderTest, StaysWhereItIsBehindTheLastStableOffset) {
    asked.exit_at_end = true;
    asked.read_committed = true;
    committed[0] = end_of_log;
    last_stable = Offset(4);
    EXPECT_EQ(execute(asked), ExitCode::ok) << terminal.error;
    EXPECT_EQ(terminal.output, "");
    EXPECT_EQ(happened, "join m-1;leave m-1;");
    EXPECT_EQ(terminal.error, "");
}

TEST_F(GroupReaderTest, CommitsNoMoreThanItPrinted) {
    asked.max_count = 3;
    EXPECT_EQ(execute(asked), ExitCode::ok) << terminal.error;
    EXPECT_EQ(terminal.output, "0:0 0:1 0:2 ");
    EXPECT_EQ(happened, "join m-1;commit 0:3;leave m-1;");
}

TEST_F(GroupReaderTest, CommitsEveryFewSeconds) {
    int beats = 0;
    on_heartbeat = [&] {
        if (++beats == 2) EXPECT_EQ(happened, "join m-1;commit 0:6;");
        if (beats == 5) terminal.on_interrupt();
    };
    EXPECT_EQ(execute(asked), ExitCode::ok);
    EXPECT_EQ(happened, "join m-1;commit 0:6;leave m-1;") << "once, as nothing came any more";
}

TEST_F(GroupReaderTest, CommitsAndLeavesWhenItIsInterrupted) {
    on_heartbeat = [this] { terminal.on_interrupt(); };
    EXPECT_EQ(execute(asked), ExitCode::ok);
    EXPECT_EQ(terminal.output, "0:0 0:1 0:2 0:3 0:4 0:5 ");
    EXPECT_EQ(happened, "join m-1;commit 0:6;leave m-1;");
}

TEST_F(GroupReaderTest, CommitsAndLeavesWhenNobodyReadsItsOutputAnyMore) {
    on_heartbeat = [this] { terminal.on_output_closed(); };
    EXPECT_EQ(execute(asked), ExitCode::ok);
    EXPECT_EQ(terminal.output, "0:0 0:1 0:2 0:3 0:4 0:5 ");
    EXPECT_EQ(happened, "join m-1;commit 0:6;leave m-1;");
    EXPECT_EQ(terminal.error, "");
}

TEST_F(GroupReaderTest, CommitsNothingThatItCouldNotWrite) {
    committed[0] = Offset(2);
    terminal.is_output_closed = true;
    EXPECT_EQ(execute(asked), ExitCode::ok);
    EXPECT_EQ(happened, "join m-1;leave m-1;");
    EXPECT_EQ(terminal.error, "");
}

TEST_F(GroupReaderTest, FailsWhereItsReaderIsGoneAndItCannotCommit) {
    terminal.is_output_closed = true;
    commit_errors.assign(10'000, ErrorCode::coordinator_not_available);
    EXPECT_EQ(execute(asked), ExitCode::failed);
    EXPECT_TRUE(happened.ends_with("leave m-1;"));
    EXPECT_TRUE(told("what was printed last is not committed")) << terminal.error;
}

TEST_F(GroupReaderTest, CommitsBeforeItJoinsAgain) {
    heartbeat_errors = {ErrorCode::rebalance_in_progress};
    int beats = 0;
    on_heartbeat = [&] {
        assigned = {1};
        if (++beats == 2) terminal.on_interrupt();
    };
    EXPECT_EQ(execute(asked), ExitCode::ok);
    EXPECT_EQ(terminal.output, "0:0 0:1 0:2 0:3 0:4 0:5 1:0 1:1 1:2 1:3 1:4 1:5 ");
    EXPECT_EQ(happened, "join m-1;commit 0:6;join m-1;commit 1:6;leave m-1;");
}

TEST_F(GroupReaderTest, ComesBackAsAnotherMemberWhenItWasPutOut) {
    heartbeat_errors = {ErrorCode::unknown_member_id};
    commit_errors = {ErrorCode::unknown_member_id};
    int beats = 0;
    on_heartbeat = [&] {
        if (++beats == 2) terminal.on_interrupt();
    };
    EXPECT_EQ(execute(asked), ExitCode::ok);
    EXPECT_EQ(happened, "join m-1;commit 0:6;join m-2;commit 0:6;leave m-2;");
    EXPECT_TRUE(told("what was printed last is not committed, and may be read again: partition 0 of topic 't': "))
        << terminal.error;
}

TEST_F(GroupReaderTest, FailsWhereItCouldNotCommitAtItsEnd) {
    commit_errors.assign(10'000, ErrorCode::coordinator_not_available);
    on_heartbeat = [this] { terminal.on_interrupt(); };
    EXPECT_EQ(execute(asked), ExitCode::failed);
    EXPECT_TRUE(happened.ends_with("leave m-1;"));
    const std::size_t first =
        terminal.error.find("moldau: what was printed last is not committed, and may be read again: ");
    ASSERT_NE(first, std::string::npos) << terminal.error;
    EXPECT_EQ(terminal.error.find("what was printed", first + 20), std::string::npos) << "told once";
}

TEST_F(GroupReaderTest, GoesOnWaitingWhereOthersHaveAllPartitions) {
    assigned.clear();
    heartbeat_errors = {ErrorCode::none, ErrorCode::rebalance_in_progress};
    int beats = 0;
    on_heartbeat = [&] {
        assigned = {0};
        if (++beats == 3) terminal.on_interrupt();
    };
    EXPECT_EQ(execute(asked), ExitCode::ok);
    EXPECT_EQ(happened, "join m-1;join m-1;commit 0:6;leave m-1;");
}

TEST_F(GroupReaderTest, HasTheGroupAssignWhatATopicGetsMeanwhileAndReadsThatWhole) {
    leads = true;
    asked.start = {};
    int beats = 0;
    on_heartbeat = [&] {
        if (++beats == 2) {
            committed[0] = end_of_log;
            cluster.set_metadata(1, {{"t", {1, 1, 1, 1}}});
            assigned = {0, 3};
        }
        if (beats == 4) terminal.on_interrupt();
    };
    EXPECT_EQ(execute(asked), ExitCode::ok) << terminal.error;
    EXPECT_EQ(given, (std::map<std::string, TopicPartitionSet>{{"m-1", {{"t", 0}, {"t", 1}}},
                                                               {"other", {{"t", 2}, {"t", 3}}}}));
    EXPECT_EQ(terminal.output, "3:0 3:1 3:2 3:3 3:4 3:5 ");
    EXPECT_EQ(happened, "join m-1;commit 0:6;join m-1;commit 3:6;leave m-1;");
}

TEST_F(GroupReaderTest, AssignsByRangeWhereItLeads) {
    asked.exit_at_end = true;
    leads = true;
    EXPECT_EQ(execute(asked), ExitCode::ok) << terminal.error;
    EXPECT_EQ(given, (std::map<std::string, TopicPartitionSet>{{"m-1", {{"t", 0}, {"t", 1}}}, {"other", {{"t", 2}}}}));
}

TEST_F(GroupReaderTest, BeginsTheRoundAnewWhereItChangedMeanwhile) {
    asked.exit_at_end = true;
    join_errors = {ErrorCode::coordinator_load_in_progress, ErrorCode::rebalance_in_progress};
    sync_errors = {ErrorCode::rebalance_in_progress, ErrorCode::not_coordinator};
    EXPECT_EQ(execute(asked), ExitCode::ok) << terminal.error;
    EXPECT_EQ(happened, "join m-1;join m-1;join m-1;commit 0:6;leave m-1;");
    EXPECT_EQ(terminal.error, "");
}

TEST_F(GroupReaderTest, SaysWhatARoundWaitsFor) {
    asked.exit_at_end = true;
    round_lasts = std::chrono::seconds(7);
    EXPECT_EQ(execute(asked), ExitCode::ok) << terminal.error;
    EXPECT_TRUE(told("no progress for 5 s: the group waits until its other members have joined again"))
        << terminal.error;
    EXPECT_TRUE(told("going on after 7 s")) << terminal.error;
}

TEST_F(GroupReaderTest, SaysWhyItCannotJoin) {
    join_errors = {ErrorCode::inconsistent_group_protocol};
    EXPECT_EQ(execute(asked), ExitCode::failed);
    EXPECT_TRUE(told("group 'g': its members agree on none of the assignors range and roundrobin")) << terminal.error;
    asked.topic = "nowhere";
    EXPECT_EQ(execute(asked), ExitCode::not_found);
    EXPECT_TRUE(told("topic 'nowhere' does not exist")) << terminal.error;
}

TEST_F(GroupReaderTest, BeginsAnewWhereTheLogEndsBeforeWhatIsCommitted) {
    asked.exit_at_end = true;
    committed[0] = Offset(60);
    EXPECT_EQ(execute(asked), ExitCode::ok);
    EXPECT_EQ(terminal.output, "0:0 0:1 0:2 0:3 0:4 0:5 ");
    EXPECT_TRUE(told("partition 0 of topic 't': offset 60 is committed, and the log ends at 6")) << terminal.error;
}

}  // namespace
}  // namespace moldau::cli
