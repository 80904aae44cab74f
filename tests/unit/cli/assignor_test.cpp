#include "groups/assignor.h"

#include <gtest/gtest.h>

#include "groups/consumer_protocol.h"

namespace moldau::cli {
namespace {

using Assign = Assignments (*)(const std::vector<Subscription>&, const PartitionCounts&);

struct AssignorCase {
    Assign assign;
    std::vector<Subscription> members;
    PartitionCounts counts;
    Assignments expected;
};

TEST(Assignors, GiveEachPartitionToOneMember) {
    const AssignorCase cases[] = {
        {assign_ranges, {{"a", {"t"}}}, {{"t", 2}}, {{"a", {{"t", 0}, {"t", 1}}}}},
        {assign_ranges,
         {{"b", {"t", "u"}}, {"a", {"u", "t"}}},
         {{"t", 3}, {"u", 3}},
         {{"a", {{"t", 0}, {"t", 1}, {"u", 0}, {"u", 1}}}, {"b", {{"t", 2}, {"u", 2}}}}},
        {assign_ranges,
         {{"a", {"t"}}, {"b", {"t"}}, {"c", {"t"}}},
         {{"t", 2}},
         {{"a", {{"t", 0}}}, {"b", {{"t", 1}}}, {"c", {}}}},
        {assign_ranges,
         {{"a", {"t"}}, {"b", {"u", "nowhere"}}, {"c", {}}},
         {{"t", 1}, {"u", 2}},
         {{"a", {{"t", 0}}}, {"b", {{"u", 0}, {"u", 1}}}, {"c", {}}}},
        {assign_round_robin,
         {{"a", {"t", "u"}}, {"b", {"t", "u"}}},
         {{"t", 3}, {"u", 3}},
         {{"a", {{"t", 0}, {"t", 2}, {"u", 1}}}, {"b", {{"t", 1}, {"u", 0}, {"u", 2}}}}},
        {assign_round_robin,
         {{"a", {"t"}}, {"b", {"u"}}, {"c", {"t", "u"}}},
         {{"t", 3}, {"u", 2}},
         {{"a", {{"t", 0}, {"t", 2}}}, {"b", {{"u", 0}}}, {"c", {{"t", 1}, {"u", 1}}}}},
        {assign_round_robin, {}, {{"t", 3}}, {}},
        {assign_ranges, {}, {{"t", 3}}, {}},
    };
    for (const AssignorCase& each : cases) EXPECT_EQ(each.assign(each.members, each.counts), each.expected);
}

TEST(Assignments, AreReadAsTheyWereWritten) {
    const TopicPartitionSet partitions{{"t", 0}, {"t", 5}, {"u", 1}};
    EXPECT_EQ(read_assignment(write_assignment(partitions)), partitions);
    EXPECT_EQ(read_assignment(write_assignment({})), TopicPartitionSet());
}

TEST(Subscriptions, AreReadAsTheyWereWritten) {
    const std::vector<std::string> topics{"t", "u"};
    const Bytes bytes = write_subscription(topics);
    EXPECT_EQ(read_subscription(bytes), topics);
    EXPECT_FALSE(read_subscription(ByteView(bytes).first(bytes.size() - 6)));
    EXPECT_FALSE(read_subscription({}));
}

}  // namespace
}  // namespace moldau::cli
