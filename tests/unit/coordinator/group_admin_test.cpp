// Listing, describing and deleting groups, and where a group belongs.

#include "group_world.h"

namespace moldau::coordinator {
namespace {

class GroupAdminTest : public testing::Test {
 protected:
    std::vector<std::string> list(const std::vector<Text>& states, const std::vector<Text>& types) {
        std::vector<std::string> ids;
        for (const auto& listed : world.call<ListedGroups>(ListGroups::matching(states, types)))
            ids.push_back(listed.group_id.str());
        return ids;
    }
    ErrorCode remove() { return world.call<DeletedGroup>(DeleteGroup{world.group}).error_code; }

    GroupWorld world;
};

TEST_F(GroupAdminTest, ListsByStateAndType) {
    world.stable_group(1);
    world.group = "simple";
    world.commit("t", 0, 1);
    EXPECT_EQ(list({}, {}), (std::vector<std::string>{"g", "simple"}));
    EXPECT_EQ(list({" stable "}, {}), (std::vector<std::string>{"g"}));
    EXPECT_EQ(list({}, {" classic "}), (std::vector<std::string>{}));
    EXPECT_EQ(list({" stable"}, {}), (std::vector<std::string>{"g"}));
    EXPECT_EQ(list({"Empty", "Dead"}, {"Classic"}), (std::vector<std::string>{"simple"}));
    EXPECT_TRUE(list({}, {"consumer"}).empty());
    EXPECT_TRUE(list({"nonsense"}, {}).empty());
}

TEST_F(GroupAdminTest, OfAMillionFiltersStatesAndTypesAreKeptThatThereAre) {
    std::vector<Text> states(1'000'000, Text("nonsense"));
    std::vector<Text> types(1'000'000, Text("nonsense"));
    EXPECT_EQ(ListGroups::matching(states, types).states->size(), 0U);
    states.insert(states.end(), 1000, Text("STABLE"));
    types.emplace_back("classic");
    const auto filter = ListGroups::matching(states, types);
    EXPECT_EQ(filter.states, (std::set<std::string_view>{"Stable"}));
    EXPECT_TRUE(filter.classic);
}

TEST_F(GroupAdminTest, AGroupThatFindsNoRoomIsNotDescribed) {
    world.stable_group(2, {.says = std::string(10'000, 'x')});
    const auto described = [&](std::size_t room_bytes) {
        return world.call<DescribedGroup>(DescribeGroup{.group_id = world.group, .room_bytes = room_bytes}, 5);
    };
    EXPECT_EQ(described(20'000).error_code, ErrorCode::invalid_request);
    EXPECT_EQ(described(20'000).group_id, world.group);
    EXPECT_TRUE(described(20'000).members.empty());
    EXPECT_EQ(described(22'000).members.size(), 2U);
}

TEST_F(GroupAdminTest, DescribesMembersWithTheirAssignments) {
    EXPECT_EQ(world.describe(5).group_state, "Dead");
    EXPECT_EQ(world.describe(5).error_code, ErrorCode::none);
    EXPECT_EQ(world.describe(6).error_code, ErrorCode::group_id_not_found);
    const auto ids = world.stable_group(1);
    auto described = world.describe();
    EXPECT_EQ(described.protocol_type, "consumer");
    EXPECT_EQ(described.protocol_data, "range");
    ASSERT_EQ(described.members.size(), 1U);
    EXPECT_EQ(described.members[0].client_id, "client");
    EXPECT_EQ(described.members[0].client_host, "/10.0.0.1");
    EXPECT_EQ(text(described.members[0].member_assignment), ids[0]);
    EXPECT_EQ(text(described.members[0].member_metadata), "what it says of itself");
    world.promised_id();
    world.ask_to_join({.member = ids[0], .says = "something else"});
    described = world.describe();
    EXPECT_EQ(described.protocol_data, "");
    EXPECT_TRUE(described.members.at(0).member_metadata.empty());
    EXPECT_EQ(text(described.members.at(0).member_assignment), ids[0]) << "it has it until there is another";
}

TEST_F(GroupAdminTest, DescribesNoAssignmentsAfterARoundThatWasBrokenOff) {
    const auto ids = world.stable_group(1);
    world.ask_to_join({.member = ids[0], .says = "something else"});
    ASSERT_EQ(world.state(), "CompletingRebalance");
    EXPECT_FALSE(world.describe().members.at(0).member_assignment.empty());
    world.ask_to_join({.member = ids[0], .says = "something else again"});
    EXPECT_TRUE(world.describe().members.at(0).member_assignment.empty());
}

TEST_F(GroupAdminTest, DeletesEmptyGroupsWithTheirOffsets) {
    EXPECT_EQ(remove(), ErrorCode::group_id_not_found);
    const auto ids = world.stable_group(1);
    world.commit("t", 0, 1, {.member = ids[0], .generation = 1});
    EXPECT_EQ(remove(), ErrorCode::non_empty_group);
    world.leave(ids[0]);
    EXPECT_EQ(remove(), ErrorCode::none);
    EXPECT_EQ(world.state(), "Dead");
    EXPECT_EQ(world.committed("t", 0), -1);
    world.restart();
    EXPECT_EQ(world.state(), "Dead");
    EXPECT_EQ(world.committed("t", 0), -1);
}

TEST_F(GroupAdminTest, AGroupThatIsDeletedWhileAMemberIsPromisedAnIdHasItComeAnew) {
    const std::string id = world.promised_id();
    EXPECT_EQ(remove(), ErrorCode::none);
    EXPECT_EQ(world.joined(world.ask_to_join({.member = id}))->error_code, ErrorCode::unknown_member_id);
    world.advance(60'000);
}

// Of `Utils.abs("…".hashCode()) % 50`, computed by a Java virtual machine.
TEST(PartitionOfGroup, IsAsApacheKafkaComputesIt) {
    EXPECT_EQ(partition_of("", 50).value(), 0);
    EXPECT_EQ(partition_of("a", 50).value(), 97 % 50);
    EXPECT_EQ(partition_of("hello", 50).value(), 99162322 % 50);
    EXPECT_EQ(partition_of("ä", 50).value(), 228 % 50);
    EXPECT_EQ(partition_of("€", 50).value(), 8364 % 50);
    EXPECT_EQ(partition_of("😀", 50).value(), 1772899 % 50);
    // Those of the others are negative.
    EXPECT_EQ(partition_of("life-0", 50).value(), 1102912097 % 50);
    EXPECT_EQ(partition_of("states", 50).value(), 892482046 % 50);
    EXPECT_EQ(partition_of("admin-simple", 7).value(), 1603399184 % 7);
    // Here −2147483648.
    EXPECT_EQ(partition_of("polygenelubricants", 50).value(), 0);
}

}  // namespace
}  // namespace moldau::coordinator
