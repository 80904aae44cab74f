// Joining, assigning, staying, leaving: the classic protocol of dynamic members.

#include "group_world.h"

namespace moldau::coordinator {
namespace {

class GroupMembersTest : public testing::Test {
 protected:
    GroupWorld world;
};

TEST_F(GroupMembersTest, ANewMemberIsPromisedAnIdAndComesWithIt) {
    const std::string id = world.promised_id();
    EXPECT_TRUE(id.starts_with("client-"));
    EXPECT_EQ(id.size(), std::string("client-").size() + 36);
    const Ticket join = world.ask_to_join({.member = id});
    EXPECT_EQ(world.joined(join), nullptr);
    EXPECT_EQ(world.state(), "PreparingRebalance");
    world.advance(3000);
    const auto* response = world.joined(join);
    ASSERT_NE(response, nullptr);
    EXPECT_EQ(response->error_code, ErrorCode::none);
    EXPECT_EQ(response->generation_id, 1);
    EXPECT_EQ(response->leader, id);
    EXPECT_EQ(response->protocol_type, Text("consumer"));
    EXPECT_EQ(response->protocol_name, Text("range"));
    ASSERT_EQ(response->members.size(), 1U);
    EXPECT_EQ(text(response->members[0].metadata), "what it says of itself");
    EXPECT_EQ(world.state(), "CompletingRebalance");
    const Ticket sync = world.ask_to_sync(id, 1, {{id, "all"}});
    ASSERT_NE(world.synced(sync), nullptr);
    EXPECT_EQ(text(world.synced(sync)->assignment), "all");
    EXPECT_EQ(world.state(), "Stable");
}

TEST_F(GroupMembersTest, OldClientsAreMembersAtOnce) {
    const Ticket join = world.ask_to_join({.version = 3});
    EXPECT_EQ(world.joined(join), nullptr);
    world.advance(3000);
    ASSERT_NE(world.joined(join), nullptr);
    EXPECT_EQ(world.joined(join)->generation_id, 1);
}

TEST_F(GroupMembersTest, TheFirstRoundWaitsAsLongAsMembersComeButNoLongerThanTheirRebalanceTimeout) {
    const Ticket first = world.ask_to_join({.rebalance_ms = 10'000, .version = 3});
    std::vector<Ticket> joins{first};
    for (int i = 0; i < 3; ++i) {
        world.advance(2900);
        EXPECT_EQ(world.joined(first), nullptr) << "after " << world.now_ms << " ms";
        joins.push_back(world.ask_to_join({.rebalance_ms = 10'000, .version = 3}));
    }
    world.advance(10'000 - world.now_ms);
    ASSERT_NE(world.joined(first), nullptr);
    EXPECT_EQ(world.finish_round(joins), 1);
}

TEST_F(GroupMembersTest, TheRoundIsShortWhereNobodyElseComes) {
    const Ticket first = world.ask_to_join({.version = 3});
    world.advance(2999);
    EXPECT_EQ(world.joined(first), nullptr);
    world.advance(1);
    EXPECT_NE(world.joined(first), nullptr);
}

TEST_F(GroupMembersTest, FollowersWaitForTheLeadersAssignment) {
    const auto ids = world.stable_group(3);
    EXPECT_EQ(world.describe().members.size(), 3U);
    for (const auto& member : world.describe().members)
        EXPECT_EQ(text(member.member_assignment), member.member_id.view());

    // One more comes: the others are told by their heartbeats, and join again.
    const std::string fourth = world.promised_id();
    std::vector<Ticket> joins{world.ask_to_join({.member = fourth})};
    for (const auto& id : ids) EXPECT_EQ(world.heartbeat(id, 1), ErrorCode::rebalance_in_progress);
    for (const auto& id : ids) joins.push_back(world.ask_to_join({.member = id}));
    for (const Ticket join : joins) ASSERT_NE(world.joined(join), nullptr);
    EXPECT_EQ(world.joined(joins[0])->generation_id, 2);
    EXPECT_TRUE(world.joined(joins[0])->members.empty());

    const Ticket follower = world.ask_to_sync(ids[1], 2);
    EXPECT_EQ(world.synced(follower), nullptr);
    EXPECT_EQ(world.heartbeat(ids[1], 2), ErrorCode::none);
    const Ticket leader = world.ask_to_sync(ids[0], 2, {{ids[0], "a"}, {ids[1], "b"}});
    ASSERT_NE(world.synced(leader), nullptr);
    EXPECT_EQ(text(world.synced(leader)->assignment), "a");
    ASSERT_NE(world.synced(follower), nullptr);
    EXPECT_EQ(text(world.synced(follower)->assignment), "b");
    // Who was forgotten by the leader gets nothing; who asks late is told what was noted.
    const Ticket late = world.ask_to_sync(ids[2], 2);
    ASSERT_NE(world.synced(late), nullptr);
    EXPECT_EQ(text(world.synced(late)->assignment), "");
}

TEST_F(GroupMembersTest, MembersThatDoNotRejoinAreOutWhenTheTimeIsUp) {
    const auto ids = world.stable_group(2, {.session_ms = 100'000, .rebalance_ms = 20'000});
    const std::string third = world.promised_id();
    const Ticket join = world.ask_to_join({.member = third, .session_ms = 100'000, .rebalance_ms = 20'000});
    const Ticket again = world.ask_to_join({.member = ids[1], .session_ms = 100'000, .rebalance_ms = 20'000});
    world.advance(19'999);
    EXPECT_EQ(world.joined(join), nullptr);
    world.advance(1);
    ASSERT_NE(world.joined(join), nullptr);
    // The leader is among those who are out.
    EXPECT_EQ(world.joined(again)->leader, world.joined(join)->leader);
    EXPECT_NE(world.joined(join)->leader, ids[0]);
    EXPECT_EQ(world.heartbeat(ids[0], 1), ErrorCode::unknown_member_id);
    EXPECT_EQ(world.finish_round({join, again}), 2);
}

TEST_F(GroupMembersTest, ASessionThatEndsBeginsARound) {
    const auto ids = world.stable_group(2, {.session_ms = 10'000});
    for (int i = 0; i < 4; ++i) {
        world.advance(4000);
        world.heartbeat(ids[0], 1);
    }
    EXPECT_EQ(world.heartbeat(ids[1], 1), ErrorCode::unknown_member_id);
    EXPECT_EQ(world.heartbeat(ids[0], 1), ErrorCode::rebalance_in_progress);
    const Ticket join = world.ask_to_join({.member = ids[0]});
    ASSERT_NE(world.joined(join), nullptr);
    EXPECT_EQ(world.joined(join)->generation_id, 2);
}

TEST_F(GroupMembersTest, TheLastToLeaveLeavesAnEmptyGroupOfAnotherGeneration) {
    const auto ids = world.stable_group(2);
    EXPECT_EQ(world.leave(ids[0]), ErrorCode::none);
    EXPECT_EQ(world.state(), "PreparingRebalance");
    EXPECT_EQ(world.leave(ids[1]), ErrorCode::none);
    EXPECT_EQ(world.state(), "Empty");
    EXPECT_EQ(world.leave(ids[1]), ErrorCode::unknown_member_id);
    world.restart();
    EXPECT_EQ(world.state(), "Empty");
    const auto again = world.stable_group(1);
    EXPECT_EQ(world.heartbeat(again[0], 3), ErrorCode::none) << "generations go on";
}

TEST_F(GroupMembersTest, WhoDoesNotSyncIsOutAfterTheRebalanceTimeout) {
    const auto ids = world.stable_group(2, {.session_ms = 100'000, .rebalance_ms = 20'000});
    std::vector<Ticket> joins;
    joins.push_back(world.ask_to_join({.member = ids[0], .session_ms = 100'000, .rebalance_ms = 20'000}));
    joins.push_back(world.ask_to_join({.member = ids[1], .session_ms = 100'000, .rebalance_ms = 20'000}));
    const Ticket follower = world.ask_to_sync(ids[1], 2);
    world.advance(20'000);
    ASSERT_NE(world.synced(follower), nullptr);
    EXPECT_EQ(world.synced(follower)->error_code, ErrorCode::rebalance_in_progress);
    EXPECT_EQ(world.heartbeat(ids[0], 2), ErrorCode::unknown_member_id);
    EXPECT_EQ(world.heartbeat(ids[1], 2), ErrorCode::rebalance_in_progress);
}

TEST_F(GroupMembersTest, AMemberThatChangesBeginsARoundAndOneThatDoesNotIsToldWhatIs) {
    const auto ids = world.stable_group(2);
    const Ticket same = world.ask_to_join({.member = ids[1]});
    ASSERT_NE(world.joined(same), nullptr);
    EXPECT_EQ(world.joined(same)->generation_id, 1);
    EXPECT_TRUE(world.joined(same)->members.empty());
    EXPECT_EQ(world.state(), "Stable");
    const Ticket changed = world.ask_to_join({.member = ids[1], .says = "something else"});
    EXPECT_EQ(world.joined(changed), nullptr);
    EXPECT_EQ(world.state(), "PreparingRebalance");
    // The leader may do so without any change.
    const Ticket leader = world.ask_to_join({.member = ids[0]});
    EXPECT_EQ(world.finish_round({changed, leader}), 2);
    world.ask_to_join({.member = ids[0]});
    EXPECT_EQ(world.state(), "PreparingRebalance");
}

TEST_F(GroupMembersTest, TheProtocolIsWhatMostPreferOfWhatAllOffer) {
    std::vector<Ticket> joins;
    joins.push_back(world.ask_to_join({.protocols = {"mine", "range", "sticky"}, .version = 3}));
    joins.push_back(world.ask_to_join({.protocols = {"sticky", "range"}, .version = 3}));
    joins.push_back(world.ask_to_join({.protocols = {"sticky", "range"}, .version = 3}));
    const Ticket alien = world.ask_to_join({.protocols = {"mine"}, .version = 3});
    EXPECT_EQ(world.joined(alien)->error_code, ErrorCode::inconsistent_group_protocol);
    EXPECT_EQ(world.joined(world.ask_to_join({.type = "connect", .version = 3}))->error_code,
              ErrorCode::inconsistent_group_protocol);
    world.advance(6000);
    EXPECT_EQ(world.joined(joins[0])->protocol_name, Text("sticky"));
}

TEST_F(GroupMembersTest, RefusesWhatMakesNoSense) {
    EXPECT_EQ(world.joined(world.ask_to_join({.session_ms = 5999}))->error_code, ErrorCode::invalid_session_timeout);
    EXPECT_EQ(world.joined(world.ask_to_join({.session_ms = 1'800'001}))->error_code,
              ErrorCode::invalid_session_timeout);
    EXPECT_EQ(world.joined(world.ask_to_join({.protocols = {}}))->error_code, ErrorCode::inconsistent_group_protocol);
    EXPECT_EQ(world.joined(world.ask_to_join({.member = "nobody"}))->error_code, ErrorCode::unknown_member_id);
    EXPECT_EQ(world.synced(world.ask_to_sync("nobody", 1))->error_code, ErrorCode::unknown_member_id);
    EXPECT_EQ(world.leave("nobody"), ErrorCode::unknown_member_id);
    const auto ids = world.stable_group(1);
    EXPECT_EQ(world.synced(world.ask_to_sync(ids[0], 0))->error_code, ErrorCode::illegal_generation);
    EXPECT_EQ(world.heartbeat(ids[0], 2), ErrorCode::illegal_generation);
    EXPECT_EQ(world.heartbeat("nobody", 1), ErrorCode::unknown_member_id);
    world.group.clear();
    EXPECT_EQ(world.joined(world.ask_to_join({}))->error_code, ErrorCode::invalid_group_id);
    EXPECT_EQ(world.synced(world.ask_to_sync("a", 1))->error_code, ErrorCode::invalid_group_id);
    EXPECT_EQ(world.heartbeat("a", 1), ErrorCode::invalid_group_id);
    EXPECT_EQ(world.leave("a"), ErrorCode::invalid_group_id);
}

TEST_F(GroupMembersTest, AProtocolCountsOnceForEachMemberThatOffersItNow) {
    const auto ids = world.stable_group(1, {.protocols = {"a", "a", "b"}});
    const auto refused = [&](const JoinAs& as) {
        const auto* response = world.joined(world.ask_to_join(as));
        return response != nullptr && response->error_code == ErrorCode::inconsistent_group_protocol;
    };
    EXPECT_FALSE(refused({.protocols = {"a"}})) << "named twice, and offered by one";
    const std::string other = world.promised_id({.protocols = {"b"}});
    EXPECT_FALSE(refused({.member = other, .protocols = {"b"}}));
    EXPECT_TRUE(refused({.protocols = {"a"}})) << "the other one does not offer it";
    EXPECT_FALSE(refused({.member = ids[0], .protocols = {"b", "c"}}));
    EXPECT_TRUE(refused({.protocols = {"a"}})) << "nobody offers it any more";
    EXPECT_TRUE(refused({.protocols = {"c"}}));
    EXPECT_EQ(world.leave(other), ErrorCode::none);
    EXPECT_FALSE(refused({.protocols = {"c"}})) << "who is left offers it";
    EXPECT_EQ(world.leave(ids[0]), ErrorCode::none);
    EXPECT_FALSE(refused({.protocols = {"d"}})) << "there is nobody";
}

TEST_F(GroupMembersTest, WhatAMemberOffersIsLimited) {
    const auto error = [&](const JoinAs& as) { return world.joined(world.ask_to_join(as))->error_code; };
    std::vector<std::string> names;
    while (names.size() < max_member_protocols) names.push_back(std::to_string(names.size()));
    EXPECT_EQ(error({.protocols = names}), ErrorCode::member_id_required);
    world.group = "other";
    names.emplace_back("one more");
    EXPECT_EQ(error({.protocols = names}), ErrorCode::invalid_request);
    EXPECT_EQ(error({.member = "somebody", .protocols = names}), ErrorCode::invalid_request);
    EXPECT_EQ(error({.protocols = std::vector<std::string>(1'000'000, "")}), ErrorCode::invalid_request);
    const std::string most(max_member_protocol_bytes - std::string("range").size(), 'x');
    EXPECT_EQ(error({.says = most + "x"}), ErrorCode::invalid_request);
    EXPECT_EQ(error({.protocols = {"range", "sticky"}, .says = most}), ErrorCode::invalid_request);
    EXPECT_EQ(world.state(), "Dead") << "no group comes of it";
    EXPECT_EQ(error({.says = most}), ErrorCode::member_id_required);
    // Of checks that fail the earlier ones are told, as before.
    EXPECT_EQ(error({.protocols = names, .session_ms = 1}), ErrorCode::invalid_session_timeout);
}

TEST_F(GroupMembersTest, AMemberIdMustBeATextOfTheProtocol) {
    const auto join = [&](std::size_t size) { return world.ask_to_join({.instance = std::string(size, 'x')}); };
    EXPECT_EQ(world.joined(join(protocol::max_text_bytes - 36))->error_code, ErrorCode::invalid_request);
    EXPECT_EQ(world.state(), "Dead");
    const Ticket longest = join(protocol::max_text_bytes - 37);
    world.advance(3000);
    ASSERT_NE(world.joined(longest), nullptr);
    EXPECT_EQ(world.joined(longest)->member_id.size(), protocol::max_text_bytes);
}

TEST_F(GroupMembersTest, TheSizeOfAGroupIsLimited) {
    world.options.max_size = 2;
    world.restart();
    world.ask_to_join({.version = 3});
    world.ask_to_join({.version = 3});
    EXPECT_EQ(world.joined(world.ask_to_join({.version = 3}))->error_code, ErrorCode::group_max_size_reached);
    world.advance(6000);
    EXPECT_EQ(world.joined(world.ask_to_join({.version = 3}))->error_code, ErrorCode::group_max_size_reached);
}

TEST_F(GroupMembersTest, APromiseThatIsNotTakenEndsWithTheSession) {
    const auto ids = world.stable_group(1, {.session_ms = 100'000});
    const std::string promised = world.promised_id({.session_ms = 6000});
    const Ticket join = world.ask_to_join({.member = ids[0], .session_ms = 100'000});
    EXPECT_EQ(world.joined(join), nullptr) << "the promised one is waited for";
    world.advance(6000);
    ASSERT_NE(world.joined(join), nullptr);
    EXPECT_EQ(world.joined(world.ask_to_join({.member = promised}))->error_code, ErrorCode::unknown_member_id);
}

TEST_F(GroupMembersTest, OfTwoRequestsOfAMemberTheLaterIsAnswered) {
    const auto ids = world.stable_group(2);
    const Ticket first = world.ask_to_join({.member = ids[1], .says = "something else"});
    const Ticket second = world.ask_to_join({.member = ids[1], .says = "something else"});
    ASSERT_NE(world.joined(first), nullptr);
    EXPECT_EQ(world.joined(first)->error_code, ErrorCode::rebalance_in_progress);
    const Ticket leader = world.ask_to_join({.member = ids[0]});
    EXPECT_EQ(world.finish_round({second, leader}), 2);
}

}  // namespace
}  // namespace moldau::coordinator
