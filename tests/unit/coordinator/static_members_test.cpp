// Static members (KIP-345): an instance that restarts takes its former self's place.

#include "group_world.h"

namespace moldau::coordinator {
namespace {

class StaticMembersTest : public testing::Test {
 protected:
    /// Two static members, "a" and "b", stable; their ids by instance.
    std::map<std::string, std::string> stable_pair() {
        const Ticket a = world.ask_to_join({.instance = "a"});
        const Ticket b = world.ask_to_join({.instance = "b"});
        world.advance(6000);
        world.finish_round({a, b});
        return {{"a", world.joined(a)->member_id.str()}, {"b", world.joined(b)->member_id.str()}};
    }
    std::string leader() {
        const auto* response = world.joined(world.ask_to_join({.member = ids.at("a"), .instance = "a"}));
        return response == nullptr ? "" : response->leader.str();
    }

    GroupWorld world;
    std::map<std::string, std::string> ids;
};

TEST_F(StaticMembersTest, ARestartedInstanceKeepsItsAssignmentWithoutARound) {
    ids = stable_pair();
    ASSERT_TRUE(ids["a"].starts_with("a-"));
    const Ticket again = world.ask_to_join({.instance = "b"});
    const auto* response = world.joined(again);
    ASSERT_NE(response, nullptr);
    EXPECT_EQ(response->generation_id, 1);
    const std::string new_id = response->member_id.str();
    EXPECT_NE(new_id, ids["b"]);
    EXPECT_EQ(world.state(), "Stable");
    const Ticket sync = world.ask_to_sync(new_id, 1, {}, "b");
    ASSERT_NE(world.synced(sync), nullptr);
    EXPECT_EQ(text(world.synced(sync)->assignment), ids["b"]) << "its former self's";
    // The former self is told that it was replaced.
    EXPECT_EQ(world.heartbeat(ids["b"], 1, "b"), ErrorCode::fenced_instance_id);
    EXPECT_EQ(world.joined(world.ask_to_join({.member = ids["b"], .instance = "b"}))->error_code,
              ErrorCode::fenced_instance_id);
    world.restart();
    EXPECT_EQ(world.heartbeat(new_id, 1, "b"), ErrorCode::none) << "the log knows the new one";
}

TEST_F(StaticMembersTest, ALeaderThatRestartsLeadsOnAndIsToldToSkipTheAssignment) {
    ids = stable_pair();
    for (const std::int16_t version : {std::int16_t{9}, std::int16_t{8}}) {
        for (const std::string instance : {"a", "b"}) {
            const auto* response = world.joined(world.ask_to_join({.instance = instance, .version = version}));
            ASSERT_NE(response, nullptr);
            if (version == 9) {
                const bool leads = response->leader == response->member_id;
                EXPECT_EQ(response->skip_assignment, leads);
                EXPECT_EQ(response->members.size(), leads ? 2U : 0U);
            } else {
                EXPECT_NE(response->leader, response->member_id) << "it would assign anew";
                EXPECT_TRUE(response->members.empty());
            }
        }
    }
    EXPECT_EQ(world.state(), "Stable");
}

TEST_F(StaticMembersTest, ARestartWithAnotherProtocolBeginsARound) {
    ids = stable_pair();
    world.ask_to_join({.instance = "b", .protocols = {"sticky", "range"}});
    EXPECT_EQ(world.state(), "Stable") << "range is still what both prefer together";
    EXPECT_EQ(world.joined(world.ask_to_join({.instance = "b", .protocols = {"sticky"}}))->error_code,
              ErrorCode::inconsistent_group_protocol);
}

TEST_F(StaticMembersTest, AnInstanceThatIsAwayStaysAMemberUntilItsSessionEnds) {
    ids = stable_pair();
    const Ticket join = world.ask_to_join({.member = ids["a"], .instance = "a", .says = "something else"});
    EXPECT_EQ(world.joined(join), nullptr);
    world.advance(10'000);
    ASSERT_NE(world.joined(join), nullptr) << "the other's session has ended";
    EXPECT_EQ(world.heartbeat(ids["b"], 1, "b"), ErrorCode::unknown_member_id);
}

TEST_F(StaticMembersTest, ARoundThatIsGivenNoTimeWaitsForTheSessionsOfThoseWhoAreAway) {
    for (const std::int32_t no_time : {0, -1, INT32_MIN}) {
        SCOPED_TRACE(no_time);
        world.restart();
        ids = stable_pair();
        for (const std::string instance : {"a", "b"})
            ASSERT_NE(world.joined(world.ask_to_join({.instance = instance, .rebalance_ms = no_time})), nullptr);
        EXPECT_EQ(world.leave("", "b"), ErrorCode::none);
        EXPECT_EQ(world.state(), "PreparingRebalance");
        world.advance(0);
        EXPECT_GT(world.machine->next_deadline_ms(), world.now_ms) << "no turn would end";
        world.advance(20'000);
        EXPECT_EQ(world.state(), "Empty");
    }
}

TEST_F(StaticMembersTest, AnInstanceIsRemovedByItsName) {
    ids = stable_pair();
    EXPECT_EQ(world.leave("", "nobody"), ErrorCode::unknown_member_id);
    EXPECT_EQ(world.leave("", "b"), ErrorCode::none);
    EXPECT_EQ(world.heartbeat(ids["b"], 1, "b"), ErrorCode::unknown_member_id);
    EXPECT_EQ(world.leave("not its id", "a"), ErrorCode::fenced_instance_id);
}

TEST_F(StaticMembersTest, ARestartWithinARoundIsPartOfIt) {
    const Ticket a = world.ask_to_join({.instance = "a"});
    const Ticket again = world.ask_to_join({.instance = "a"});
    ASSERT_NE(world.joined(a), nullptr);
    EXPECT_EQ(world.joined(a)->error_code, ErrorCode::fenced_instance_id);
    EXPECT_EQ(world.joined(again), nullptr);
    world.advance(6000);
    ASSERT_NE(world.joined(again), nullptr);
    EXPECT_EQ(world.joined(again)->members.size(), 1U);
    // The leader knows this id; one that comes now must not be assigned to the former.
    const Ticket third = world.ask_to_join({.instance = "a"});
    ASSERT_NE(world.joined(third), nullptr);
    EXPECT_EQ(world.joined(third)->generation_id, 2);
    EXPECT_EQ(world.synced(world.ask_to_sync(world.joined(again)->member_id.str(), 1, {}, "a"))->error_code,
              ErrorCode::fenced_instance_id);
}

}  // namespace
}  // namespace moldau::coordinator
