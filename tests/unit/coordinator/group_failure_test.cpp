// A new coordinator knows what the log says; what could not be written did not happen.

#include "group_world.h"

namespace moldau::coordinator {
namespace {

class GroupFailureTest : public testing::Test {
 protected:
    GroupWorld world;
};

TEST_F(GroupFailureTest, ANewCoordinatorGoesOnWithTheMembersThatWereAssigned) {
    const auto ids = world.stable_group(3);
    world.restart();
    EXPECT_EQ(world.state(), "Stable");
    for (const auto& id : ids) EXPECT_EQ(world.heartbeat(id, 1), ErrorCode::none);
    const Ticket sync = world.ask_to_sync(ids[2], 1);
    EXPECT_EQ(text(world.synced(sync)->assignment), ids[2]);
    // Their sessions go on, too.
    world.advance(10'000);
    EXPECT_EQ(world.state(), "Empty");
}

TEST_F(GroupFailureTest, ManyGroupsThatEndAtOnceNeedNotFitIntoOneBatch) {
    std::vector<std::string> groups;
    for (int i = 0; i < 40; ++i) {
        groups.push_back(std::to_string(i) + std::string(10'000, 'g'));
        world.group = groups.back();
        world.stable_group(1);
    }
    world.restart();  // all sessions begin anew at one time
    world.max_batch_bytes = 50'000;
    world.advance(10'000);
    for (const std::string& group : groups) {
        world.group = group;
        EXPECT_EQ(world.state(), "Empty");
    }
}

TEST_F(GroupFailureTest, ARoundThatWasUnderWayIsForgottenAndBeginsAnew) {
    const auto ids = world.stable_group(2);
    const Ticket lost = world.ask_to_join({.member = ids[0]});
    world.restart();
    EXPECT_EQ(world.joined(lost), nullptr);
    EXPECT_EQ(world.state(), "Stable");
    const Ticket one = world.ask_to_join({.member = ids[0]});
    const Ticket two = world.ask_to_join({.member = ids[1]});
    EXPECT_EQ(world.finish_round({one, two}), 2);
}

TEST_F(GroupFailureTest, MembersWhoWereNotAssignedYetAreUnknownToANewCoordinator) {
    const std::string id = world.promised_id();
    const Ticket join = world.ask_to_join({.member = id});
    world.advance(3000);
    ASSERT_NE(world.joined(join), nullptr);
    world.restart();
    EXPECT_EQ(world.synced(world.ask_to_sync(id, 1))->error_code, ErrorCode::unknown_member_id);
    EXPECT_EQ(world.state(), "Empty");
}

TEST_F(GroupFailureTest, AnAssignmentThatCannotBeNotedIsNoneAndItsGenerationIsNotGivenAgain) {
    const auto ids = world.stable_group(2);
    const Ticket one = world.ask_to_join({.member = ids[0]});
    const Ticket two = world.ask_to_join({.member = ids[1]});
    ASSERT_EQ(world.joined(one)->generation_id, 2);
    const Ticket follower = world.ask_to_sync(ids[1], 2);
    world.appends_fail = true;
    world.ask_to_sync(ids[0], 2, {{ids[0], "a"}, {ids[1], "b"}});
    world.appends_fail = false;
    // The follower's answer was part of what was lost; the driver tells it.
    EXPECT_EQ(world.synced(follower), nullptr);
    // What is noted is of generation 1: it must not pass for that of 2.
    EXPECT_EQ(world.state(), "PreparingRebalance");
    EXPECT_EQ(world.synced(world.ask_to_sync(ids[1], 2))->error_code, ErrorCode::rebalance_in_progress);
    EXPECT_EQ(world.heartbeat(ids[1], 2), ErrorCode::rebalance_in_progress);
    const Ticket third = world.ask_to_join({.member = ids[0]});
    const Ticket fourth = world.ask_to_join({.member = ids[1]});
    EXPECT_EQ(world.finish_round({third, fourth}), 3);
    (void)two;
}

TEST_F(GroupFailureTest, WhoWaitsInAGroupThatCouldNotBeNotedIsToldToComeAgain) {
    world.appends_fail = true;
    const Ticket join = world.ask_to_join({.version = 3});
    ASSERT_NE(world.joined(join), nullptr);
    EXPECT_EQ(world.joined(join)->error_code, ErrorCode::coordinator_not_available);
    EXPECT_EQ(world.state(), "Dead");
    EXPECT_EQ(world.machine->next_deadline_ms(), GroupOptions{}.retention_check_interval_ms);
}

TEST_F(GroupFailureTest, ACommitThatCannotBeWrittenLeavesTheGroupAsItIs) {
    const auto ids = world.stable_group(1);
    world.commit("t", 0, 1, {.member = ids[0], .generation = 1});
    protocol::OffsetCommitRequest request;
    request.group_id = Text(world.group);
    request.generation_id_or_member_epoch = 1;
    request.member_id = Text(ids[0]);
    auto& topic = request.topics.emplace_back();
    topic.name = Text(std::string("t"));
    topic.partitions.emplace_back().committed_offset = Offset(2);
    world.appends_fail = true;
    world.ask(request);
    world.appends_fail = false;
    EXPECT_EQ(world.committed("t", 0), 1);
    EXPECT_EQ(world.heartbeat(ids[0], 1), ErrorCode::none);
    world.group = "new";
    request.group_id = Text(world.group);
    request.generation_id_or_member_epoch = -1;
    request.member_id = Text();
    world.appends_fail = true;
    world.ask(request);
    world.appends_fail = false;
    EXPECT_EQ(world.state(), "Dead") << "no group comes of it";
}

TEST_F(GroupFailureTest, AGroupThatIsTooLargeForANewLimitComesTogetherAnew) {
    const auto ids = world.stable_group(3);
    world.options.max_size = 2;
    world.restart();
    EXPECT_EQ(world.state(), "PreparingRebalance");
    EXPECT_EQ(world.commit("t", 0, 1, {.member = ids[2], .generation = 1}), ErrorCode::none);
    world.ask_to_join({.member = ids[0]});
    world.ask_to_join({.member = ids[1]});
    EXPECT_EQ(world.joined(world.ask_to_join({.member = ids[2]}))->error_code, ErrorCode::group_max_size_reached);
}

}  // namespace
}  // namespace moldau::coordinator
