#include <gtest/gtest.h>

#include <moldau/node/view.h>

namespace moldau::node {
namespace {

using protocol::ErrorCode;

TEST(View, SaysOfAPartitionThatIsNotServedWhatItLacks) {
    metadata::Topic topic;
    topic.id = TopicId{Uuid{}};
    metadata::Partition partition;
    partition.replicas = {NodeId(2), NodeId(1)};
    topic.partitions.set(PartitionIndex(0), partition);
    partition.replicas = {NodeId(2)};
    topic.partitions.set(PartitionIndex(1), partition);
    const View view;
    const auto told = [&](int index) { return view.find(topic, PartitionIndex(index), NodeId(1)).error; };
    EXPECT_EQ(told(0), ErrorCode::kafka_storage_error) << "a replica that could not be opened";
    EXPECT_EQ(told(1), ErrorCode::not_leader_or_follower) << "others have it";
    EXPECT_EQ(told(2), ErrorCode::unknown_topic_or_partition);
}

}  // namespace
}  // namespace moldau::node
