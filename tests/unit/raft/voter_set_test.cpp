#include <moldau/raft/voter_set.h>

#include "unit/raft/samples.h"

namespace moldau::raft {
namespace {

const DirectoryId other_directory = Uuid::from_halves(7, 7);

ControlRecordAt voters_at(std::int64_t offset, const VoterSet& set) {
    return {Offset(offset), set.to_record()};
}

TEST(VoterSet, DirectoryIdDistinguishesReplicasOfANode) {
    const VoterSet dynamic({voter(NodeId(1), self.directory_id)});
    EXPECT_TRUE(dynamic.contains(self));
    EXPECT_FALSE(dynamic.contains({NodeId(1), other_directory}));
    EXPECT_FALSE(dynamic.contains({NodeId(2), self.directory_id}));
    const VoterSet by_configuration({voter(NodeId(1), DirectoryId{})});
    EXPECT_TRUE(by_configuration.contains({NodeId(1), other_directory}));
}

TEST(VoterSet, RecordHoldsAllOfIt) {
    Voter two = voter(NodeId(2), other_directory, 9);
    two.endpoints.push_back({"SECOND", "host", 65535});
    two.max_kraft_version = 3;
    const VoterSet set({two, voter(NodeId(1), self.directory_id)});
    EXPECT_EQ(VoterSet::from_record(set.to_record()), set);
    EXPECT_EQ(set.ids(), (std::vector{NodeId(1), NodeId(2)}));
}

TEST(ControlHistory, LastRecordHoldsUntilTheLogIsCut) {
    const VoterSet one({voter(NodeId(1), self.directory_id)});
    const VoterSet two({voter(NodeId(1), self.directory_id), voter(NodeId(2), other_directory)});
    ControlHistory history(one);
    EXPECT_EQ(history.kraft_version(), 0);
    protocol::KRaftVersionRecord version;
    version.kraft_version = 1;
    history.add({Offset(5), version});
    history.add(voters_at(6, two));
    EXPECT_EQ(history.kraft_version(), 1);
    EXPECT_EQ(history.voters(), two);
    history.truncate(Offset(6));
    EXPECT_EQ(history.kraft_version(), 1);
    EXPECT_EQ(history.voters(), one);
    history.truncate(Offset(0));
    EXPECT_EQ(history.kraft_version(), 0);
}

TEST(ControlHistory, ReadsTheBatchThatBeginsAKafkaLog) {
    const Bytes bytes = golden("first-batch.log");
    ControlHistory history;
    ASSERT_TRUE(history.add(protocol::BatchView(bytes)));
    EXPECT_EQ(history.kraft_version(), 1);
    EXPECT_EQ(history.voters(), VoterSet({voter(self.id, self.directory_id)}));
}

TEST(ControlHistory, RecordThatDoesNotDecodeIsCorrupt) {
    protocol::BatchBuilder builder({.control = true});
    const Bytes key = protocol::control_record_key(protocol::ControlType::voters);
    const Bytes value{0, 0, 9};
    builder.append({.key = ByteView(key), .value = ByteView(value)});
    const Bytes batch = builder.finish();
    ControlHistory history;
    const auto added = history.add(protocol::BatchView(batch));
    ASSERT_FALSE(added);
    EXPECT_EQ(added.error().code, Errc::corrupt);
}

}  // namespace
}  // namespace moldau::raft
