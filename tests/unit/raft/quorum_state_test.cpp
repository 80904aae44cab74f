#include <sstream>

#include <moldau/raft/quorum_state.h>

#include "unit/raft/samples.h"

namespace moldau::raft {
namespace {

struct Sample {
    ElectionState state;
    std::vector<NodeId> voters;
};

// What golden/raft/quorum-states.txt holds, each in data_version 0 and 1.
const Sample samples[] = {
    {{LeaderEpoch(0), no_node, std::nullopt}, {NodeId(1)}},
    {{LeaderEpoch(1), NodeId(1), std::nullopt}, {NodeId(1)}},
    {{LeaderEpoch(3), no_node, ReplicaKey{NodeId(2), self.directory_id}}, {NodeId(1), NodeId(2), NodeId(3)}},
    {{LeaderEpoch(7), NodeId(2), ReplicaKey{NodeId(2), self.directory_id}}, {NodeId(1)}},
};

TEST(QuorumState, IsWrittenAndReadAsKafkaWritesIt) {
    const Bytes content = golden("quorum-states.txt");
    std::istringstream lines{std::string(text_of(content))};
    std::string line;
    for (const Sample& sample : samples) {
        for (const std::int16_t kraft_version : {std::int16_t{0}, std::int16_t{1}}) {
            ASSERT_TRUE(std::getline(lines, line));
            EXPECT_EQ(encode_quorum_state(sample.state, kraft_version, sample.voters), line);
            ElectionState expected = sample.state;
            if (kraft_version == 0 && expected.voted) expected.voted->directory_id = {};
            const auto decoded = decode_quorum_state(line);
            ASSERT_TRUE(decoded) << line;
            EXPECT_EQ(*decoded, expected);
        }
    }
    EXPECT_FALSE(std::getline(lines, line));
}

TEST(QuorumState, SpaceOrderAndUnknownMembersDoNotMatter) {
    const auto decoded = decode_quorum_state(
        " { \"data_version\" : 1 , \"later\": \"x\", \"votedId\": -1,\n\"leaderEpoch\":12,\"leaderId\" : 3 }\n");
    ASSERT_TRUE(decoded);
    EXPECT_EQ(*decoded, (ElectionState{LeaderEpoch(12), NodeId(3), std::nullopt}));
}

TEST(QuorumState, DamageIsNamed) {
    const std::string whole = encode_quorum_state(samples[2].state, 1, {});
    for (std::size_t size = 0; size < whole.size(); ++size) {
        const auto decoded = decode_quorum_state(whole.substr(0, size));
        ASSERT_FALSE(decoded) << size;
        EXPECT_EQ(decoded.error().code, Errc::corrupt);
    }
    for (const std::string_view damaged : {R"({"leaderId":1,"leaderEpoch":1,"votedId":-1,"data_version":2})",
                                           R"({"leaderId":1,"leaderEpoch":1,"votedId":-1})",
                                           R"({"leaderId":1,"leaderEpoch":-1,"votedId":-1,"data_version":1})",
                                           R"({"leaderId":1,"leaderEpoch":4294967297,"votedId":-1,"data_version":1})",
                                           R"({"leaderId":1,"leaderEpoch":1,"votedId":2,"data_version":1})",
                                           R"({"leaderId":1,"leaderEpoch":1,"votedId":-1,"data_version":1}x)"}) {
        EXPECT_FALSE(decode_quorum_state(damaged)) << damaged;
    }
}

}  // namespace
}  // namespace moldau::raft
