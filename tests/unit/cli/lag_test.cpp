#include "groups/lag.h"

#include <gtest/gtest.h>

#include <moldau/protocol/records/consumer_protocol_assignment.h>
#include <moldau/protocol/writer.h>

#include "groups/consumer_protocol.h"

namespace moldau::cli {
namespace {

MemberInfo reader_of(std::string id, TopicPartitionSet partitions) {
    return {std::move(id), std::nullopt, "client", "/127.0.0.1", std::move(partitions)};
}

TEST(Lag, ShowsOffsetsWithoutMembersAndMembersWithoutOffsets) {
    GroupInfo group;
    group.members = {reader_of("a", {{"t", 0}, {"t", 1}}), reader_of("b", {{"t", 0}})};
    const PartitionOffsets committed{{{"gone", 0}, Offset(3)}, {{"t", 0}, Offset(4)}, {{"t", 2}, Offset(10)}};
    const PartitionOffsets ends{{{"t", 0}, Offset(10)}, {{"t", 1}, Offset(20)}, {{"t", 2}, Offset(10)}};
    const std::vector<LagRow> rows = lag_rows(group, committed, ends);

    struct Expected {
        TopicPartition partition;
        std::optional<Offset> committed;
        std::optional<Offset> log_end;
        std::optional<std::int64_t> lag;
        const MemberInfo* member;
    };
    const Expected expected[] = {
        {{"gone", 0}, Offset(3), std::nullopt, std::nullopt, nullptr},
        {{"t", 0}, Offset(4), Offset(10), 6, &group.members[0]},
        {{"t", 0}, Offset(4), Offset(10), 6, &group.members[1]},
        {{"t", 1}, std::nullopt, Offset(20), std::nullopt, &group.members[0]},
        {{"t", 2}, Offset(10), Offset(10), 0, nullptr},
    };
    ASSERT_EQ(rows.size(), std::size(expected));
    for (std::size_t i = 0; i < rows.size(); ++i) {
        EXPECT_EQ(rows[i].partition, expected[i].partition) << i;
        EXPECT_EQ(rows[i].committed, expected[i].committed) << i;
        EXPECT_EQ(rows[i].log_end, expected[i].log_end) << i;
        EXPECT_EQ(rows[i].lag(), expected[i].lag) << i;
        EXPECT_EQ(rows[i].member, expected[i].member) << i;
    }
}

Bytes assignment_of_version(std::int16_t version) {
    protocol::ConsumerProtocolAssignment assignment;
    auto& topic = assignment.assigned_partitions.emplace_back();
    topic.topic = protocol::Text("t");
    topic.partitions = {PartitionIndex(2), PartitionIndex(0)};
    protocol::Writer writer;
    writer.integer(version);
    assignment.encode(writer, 0);
    return writer.take();
}

TEST(Assignments, AreReadOfEveryVersion) {
    for (const std::int16_t version : {0, 1, 3, 9})
        EXPECT_EQ(read_assignment(assignment_of_version(version)), (TopicPartitionSet{{"t", 0}, {"t", 2}}));
    EXPECT_EQ(read_assignment({}), TopicPartitionSet());
    EXPECT_FALSE(read_assignment(assignment_of_version(-1)));
    Bytes cut = assignment_of_version(0);
    cut.resize(cut.size() - 5);
    EXPECT_FALSE(read_assignment(cut));
}

}  // namespace
}  // namespace moldau::cli
