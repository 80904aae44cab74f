#include <moldau/raft/core.h>

#include "unit/raft/samples.h"

namespace moldau::raft {
namespace {

const std::vector<Bytes> two_values{{1, 1, 20, 0, 0}, {2}};

TEST(Core, OnlyVoterLeadsFromTheFirstTick) {
    Core core = opened(fresh());
    EXPECT_EQ(core.role(), RoleKind::unattached);
    core.tick(at(0));
    const Output output = core.take_output();
    EXPECT_EQ(core.role(), RoleKind::leader);
    EXPECT_EQ(core.epoch(), LeaderEpoch(1));
    EXPECT_EQ(core.leader_id(), self.id);
    EXPECT_EQ(output.leadership, (Leadership{LeaderEpoch(1), self.id, Offset(0)}));
    EXPECT_FALSE(output.next_deadline);
    EXPECT_FALSE(output.apply);
    EXPECT_TRUE(output.send_now.empty() && output.send_after_persist.empty());
}

TEST(Core, FreshLogBeginsWithTheBatchThatKafkaWrites) {
    Core core = opened(fresh());
    core.tick(at(0));
    const Output output = core.take_output();
    ASSERT_EQ(output.persist.appends.size(), 1U);
    EXPECT_EQ(output.persist.appends[0].batches, golden("first-batch.log"));
    EXPECT_EQ(output.persist.appends[0].end_offset, Offset(3));
    ASSERT_TRUE(output.persist.state);
    EXPECT_EQ(
        output.persist.state->content,
        R"({"leaderId":1,"leaderEpoch":1,"votedId":-1,"votedDirectoryId":"AAAAAAAAAAAAAAAAAAAAAA","data_version":1})");
}

TEST(Core, LaterEpochBeginsWithLeaderChangeAlone) {
    Core core = opened(restarted(LeaderEpoch(1), Offset(63)));
    EXPECT_EQ(core.role(), RoleKind::resigned);
    EXPECT_EQ(core.leader_id(), no_node);
    core.tick(at(0));
    const Output output = core.take_output();
    EXPECT_EQ(core.epoch(), LeaderEpoch(2));
    ASSERT_EQ(output.persist.appends.size(), 1U);
    const protocol::BatchView batch(output.persist.appends[0].batches);
    EXPECT_EQ(batch.base_offset(), Offset(63));
    EXPECT_EQ(batch.partition_leader_epoch(), LeaderEpoch(2));
    const auto records = read_control_records(batch);
    ASSERT_TRUE(records);
    ASSERT_EQ(records->size(), 1U);
    EXPECT_EQ(std::get<protocol::LeaderChangeMessage>(records->at(0).record).leader_id, self.id);
}

TEST(Core, RestartedOnlyVoterAppliesWhatIsDurableBeforeItLeads) {
    Recovered recovered = restarted(LeaderEpoch(4), Offset(63));
    recovered.applied_end = Offset(20);
    Core core = opened(std::move(recovered));
    core.tick(at(0));
    EXPECT_EQ(core.take_output().apply, (CommittedRange{Offset(20), Offset(63)}));
}

TEST(Core, EpochOfTheLogCountsWhenTheStateFileIsBehind) {
    Recovered recovered = restarted(LeaderEpoch(2), Offset(10));
    recovered.last_epoch = LeaderEpoch(7);
    Core core = opened(std::move(recovered));
    core.tick(at(0));
    EXPECT_EQ(core.epoch(), LeaderEpoch(8));
}

TEST(Core, VoteInAnEpochIsNotForgotten) {
    Recovered recovered = fresh();
    recovered.election = {.epoch = LeaderEpoch(5), .leader_id = no_node, .voted = self};
    Core core = opened(std::move(recovered));
    core.tick(at(0));
    EXPECT_EQ(core.epoch(), LeaderEpoch(6));
}

TEST(Core, NothingIsCommittedBeforeLogAndStateAreDurable) {
    const Offset end(3);
    const ElectionState state{.epoch = LeaderEpoch(1), .leader_id = self.id, .voted = std::nullopt};
    {
        Core core = opened(fresh());
        core.tick(at(0));
        core.on_persisted({.durable_end = end, .state = std::nullopt});
        EXPECT_EQ(core.high_watermark(), Offset(0)) << "the state is not saved";
        core.on_persisted({.durable_end = end, .state = state});
        EXPECT_EQ(core.high_watermark(), end);
        EXPECT_EQ(core.take_output().apply, (CommittedRange{Offset(0), end}));
    }
    {
        Core core = opened(fresh());
        core.tick(at(0));
        core.on_persisted({.durable_end = Offset(0), .state = state});
        EXPECT_EQ(core.high_watermark(), Offset(0)) << "the log is not on disk";
        core.on_persisted({.durable_end = end, .state = std::nullopt});
        EXPECT_EQ(core.high_watermark(), end);
    }
}

TEST(Core, AppendsOfAStartShareOneOutput) {
    Core core = opened(fresh());
    core.tick(at(0));
    EXPECT_EQ(core.propose(LeaderEpoch(1), two_values, at(1)), Offset(4));
    EXPECT_EQ(core.propose(LeaderEpoch(1), two_values, at(1)), Offset(6));
    const Output output = core.take_output();
    ASSERT_EQ(output.persist.appends.size(), 3U);
    EXPECT_EQ(output.persist.appends[1].base_offset, Offset(3));
    EXPECT_EQ(output.persist.appends[2].end_offset, Offset(7));
    core.on_persisted(all_of(output, core));
    EXPECT_EQ(core.take_output().apply, (CommittedRange{Offset(0), Offset(7)}));
    EXPECT_TRUE(core.take_output().persist.empty());
}

TEST(Core, ProposedRecordsHaveNoKeyAndTheTimeOfTheCall) {
    Core core = opened(fresh());
    core.tick(at(0));
    ASSERT_TRUE(core.propose(LeaderEpoch(1), two_values, at(9)));
    const Output output = core.take_output();
    const protocol::BatchView batch(output.persist.appends.at(1).batches);
    EXPECT_TRUE(batch.crc_ok());
    EXPECT_FALSE(batch.is_control());
    EXPECT_EQ(batch.base_timestamp(), at(9).wall);
    EXPECT_EQ(batch.partition_leader_epoch(), LeaderEpoch(1));
    protocol::RecordIterator records(batch.records(), batch.count());
    protocol::RecordView record;
    for (const Bytes& value : two_values) {
        ASSERT_TRUE(records.next(record));
        EXPECT_FALSE(record.key);
        EXPECT_EQ(text_of(*record.value), text_of(value));
    }
    EXPECT_FALSE(records.next(record));
}

TEST(Core, RefusesProposalsOfOtherEpochsAndOfTooManyBytes) {
    auto core = Core::open({.self = self, .max_batch_bytes = 200}, fresh());
    ASSERT_TRUE(core);
    EXPECT_EQ(core->propose(LeaderEpoch(0), two_values, at(0)), std::unexpected(ProposeRefusal::not_leader));
    core->tick(at(0));
    EXPECT_EQ(core->propose(LeaderEpoch(2), two_values, at(0)), std::unexpected(ProposeRefusal::not_leader));
    core->take_output();
    const std::vector<Bytes> large{Bytes(300)};
    EXPECT_EQ(core->propose(LeaderEpoch(1), large, at(0)), std::unexpected(ProposeRefusal::too_large));
    EXPECT_TRUE(core->take_output().persist.empty());
    EXPECT_EQ(core->log_end(), Offset(3));
}

TEST(Core, WhatNeedNotBeAtomicBecomesAsManyBatchesAsItTakes) {
    auto core = Core::open({.self = self, .max_batch_bytes = 200}, fresh());
    ASSERT_TRUE(core);
    core->tick(at(0));
    core->take_output();
    const std::vector<Bytes> values(5, Bytes(40));
    EXPECT_EQ(core->propose(LeaderEpoch(1), values, at(0)), std::unexpected(ProposeRefusal::too_large));
    EXPECT_EQ(core->propose(LeaderEpoch(1), values, at(0), Grouping::many_batches), Offset(7));
    const std::vector<Append> appends = core->take_output().persist.appends;
    ASSERT_GT(appends.size(), 1U);
    Offset next(3);
    for (const Append& append : appends) {
        EXPECT_LE(append.batches.size(), 200U);
        EXPECT_EQ(append.base_offset, next);
        EXPECT_EQ(protocol::BatchView(append.batches).base_offset(), next);
        EXPECT_EQ(protocol::BatchView(append.batches).next_offset(), append.end_offset);
        next = append.end_offset;
    }
    EXPECT_EQ(next, Offset(8));
    const std::vector<Bytes> large{Bytes(40), Bytes(300)};
    EXPECT_EQ(core->propose(LeaderEpoch(1), large, at(0), Grouping::many_batches),
              std::unexpected(ProposeRefusal::too_large));
    EXPECT_TRUE(core->take_output().persist.empty());
}

TEST(Core, ResignedLeaderNeitherWritesNorStandsAgain) {
    Core core = opened(fresh());
    core.tick(at(0));
    core.take_output();
    core.resign(at(1));
    EXPECT_EQ(core.role(), RoleKind::resigned);
    EXPECT_EQ(core.leader_id(), no_node);
    Output output = core.take_output();
    EXPECT_EQ(output.leadership, (Leadership{LeaderEpoch(1), no_node, no_offset}));
    EXPECT_TRUE(output.persist.empty()) << "the file still names it, so that it begins resigned";
    EXPECT_EQ(core.propose(LeaderEpoch(1), two_values, at(1)), std::unexpected(ProposeRefusal::not_leader));
    core.tick(at(100'000));
    EXPECT_EQ(core.role(), RoleKind::resigned);
    core.on_persisted({.durable_end = Offset(3), .state = std::nullopt});
    EXPECT_FALSE(core.take_output().apply);
}

TEST(Core, StaticVotersLeadWithoutDirectoryIdsAndWriteNoVoters) {
    Recovered recovered;
    recovered.control = ControlHistory(VoterSet({voter(self.id, DirectoryId{})}));
    Core core = opened(std::move(recovered));
    core.tick(at(0));
    const Output output = core.take_output();
    EXPECT_EQ(core.log_end(), Offset(1));
    EXPECT_EQ(
        output.persist.state->content,
        R"({"clusterId":"","leaderId":1,"leaderEpoch":1,"votedId":-1,"appliedOffset":0,"currentVoters":[{"voterId":1}],"data_version":0})");
}

TEST(Core, RefusesToOpenUnlessItIsTheOnlyVoter) {
    const auto refused = [](VoterSet voters) {
        Recovered recovered;
        recovered.control.set_base(1, std::move(voters));
        const auto core = Core::open({.self = self}, std::move(recovered));
        return !core && core.error().code == Errc::unsupported;
    };
    EXPECT_TRUE(refused({}));
    EXPECT_TRUE(refused(VoterSet({voter(NodeId(2), self.directory_id)})));
    EXPECT_TRUE(refused(VoterSet({voter(self.id, Uuid::from_halves(1, 1))}))) << "a lost and remade directory";
    EXPECT_TRUE(refused(VoterSet({voter(self.id, self.directory_id), voter(NodeId(2), Uuid::from_halves(1, 1))})));
    EXPECT_FALSE(refused(VoterSet({voter(self.id, self.directory_id)})));
}

TEST(Core, AnswersOtherReplicasThatItDoesNotServeThem) {
    Core core = opened(fresh());
    core.tick(at(0));
    core.take_output();
    core.step({.peer = NodeId(7), .correlation = 5, .body = Request(protocol::FetchRequest{})}, at(0));
    core.step({.peer = NodeId(8), .correlation = 6, .body = Request(protocol::VoteRequest{})}, at(0));
    const Output output = core.take_output();
    ASSERT_EQ(output.send_now.size(), 2U);
    EXPECT_EQ(output.send_now[0].peer, NodeId(7));
    EXPECT_EQ(output.send_now[0].correlation, 5U);
    EXPECT_EQ(std::get<protocol::FetchResponse>(std::get<Response>(output.send_now[0].body)).error_code,
              protocol::ErrorCode::unsupported_version);
    EXPECT_EQ(std::get<protocol::VoteResponse>(std::get<Response>(output.send_now[1].body)).error_code,
              protocol::ErrorCode::unsupported_version);
    EXPECT_EQ(core.role(), RoleKind::leader);
}

TEST(Core, DescribesTheQuorumAsLeaderOnly) {
    Core core = opened(fresh());
    EXPECT_EQ(core.describe_quorum(at(0)).topics.at(0).partitions.at(0).error_code,
              protocol::ErrorCode::not_leader_or_follower);
    core.tick(at(0));
    core.on_persisted(all_of(core.take_output(), core));
    const auto response = core.describe_quorum(at(7));
    const auto& partition = response.topics.at(0).partitions.at(0);
    EXPECT_EQ(response.topics[0].topic_name, "__cluster_metadata");
    EXPECT_EQ(partition.error_code, protocol::ErrorCode::none);
    EXPECT_EQ(partition.leader_id, self.id);
    EXPECT_EQ(partition.leader_epoch, LeaderEpoch(1));
    EXPECT_EQ(partition.high_watermark, Offset(3));
    ASSERT_EQ(partition.current_voters.size(), 1U);
    EXPECT_EQ(partition.current_voters[0].replica_directory_id, self.directory_id);
    EXPECT_EQ(partition.current_voters[0].log_end_offset, Offset(3));
    EXPECT_EQ(partition.current_voters[0].last_caught_up_timestamp, at(7).wall);
    EXPECT_EQ(response.nodes.at(0).listeners.at(0).port, 19093);
}

TEST(Transitions, EachRoleCanBeReachedAndLeft) {
    for (const RoleKind role : {RoleKind::unattached, RoleKind::prospective, RoleKind::candidate, RoleKind::leader,
                                RoleKind::follower, RoleKind::resigned}) {
        const auto count = [&](auto member) {
            return std::ranges::count_if(transitions,
                                         [&](const Transition& t) { return t.*member == role && t.from != t.to; });
        };
        EXPECT_GT(count(&Transition::from), 0) << to_string(role);
        EXPECT_GT(count(&Transition::to), 0) << to_string(role);
    }
}

}  // namespace
}  // namespace moldau::raft
