// Records of __consumer_offsets: the bytes of Apache Kafka's classes are held against ours by tests/golden; here, what
// is not theirs: damage, kinds to come, and what old brokers have left.

#include "group_world.h"
#include "machines/group/records.h"

namespace moldau::coordinator {
namespace {

Result<> replayed(GroupMachine& machine, const Bytes& key, const std::optional<Bytes>& value) {
    protocol::RecordView view;
    view.key = key;
    if (value) view.value = *value;
    return machine.replay(Offset(0), view);
}

TEST(GroupRecords, KindsThatAreNotKnownYetArePassedOver) {
    GroupMachine machine({});
    for (const std::uint8_t kind : {3, 8, 17, 100}) EXPECT_TRUE(replayed(machine, {0, kind, 1, 2}, Bytes{9, 9}));
    EXPECT_TRUE(replayed(machine, {0, 2, 0, 1, 'g'}, std::nullopt)) << "the tombstone of a group that is not there";
}

TEST(GroupRecords, DamageIsTold) {
    GroupMachine machine({});
    EXPECT_FALSE(replayed(machine, {}, Bytes{0, 3}));
    EXPECT_FALSE(replayed(machine, {0, 2, 0, 9, 'g'}, Bytes{0, 3}));
    const Record good = write_group_metadata("g", {.protocol_type = "consumer"});
    ASSERT_TRUE(good.value);
    for (std::size_t length = 0; length < good.value->size(); ++length)
        EXPECT_FALSE(replayed(machine, good.key,
                              Bytes(good.value->begin(), good.value->begin() + static_cast<std::ptrdiff_t>(length))));
    EXPECT_FALSE(replayed(machine, good.key, Bytes{0, 99}));
}

TEST(GroupRecords, WhatIsWrittenIsReadBack) {
    const StoredMetadata stored{.protocol_type = "consumer",
                                .generation = 7,
                                .protocol = "range",
                                .leader = "m",
                                .state_since = Timestamp(5),
                                .members = {{"m",
                                             {.instance_id = "i",
                                              .client_id = "c",
                                              .client_host = "/h",
                                              .rebalance_timeout_ms = 1,
                                              .session_timeout_ms = 2,
                                              .subscription = {1},
                                              .assignment = {2, 3}}}}};
    const Record record = write_group_metadata("g", stored);
    const auto key = read_key(record.key);
    ASSERT_TRUE(key);
    EXPECT_EQ(key->kind, GroupRecordKey::Kind::group_metadata);
    EXPECT_EQ(key->group, "g");
    const auto read = read_group_metadata(*record.value);
    ASSERT_TRUE(read);
    EXPECT_EQ(read->generation, 7);
    EXPECT_EQ(read->leader, "m");
    EXPECT_EQ(read->state_since, Timestamp(5));
    ASSERT_EQ(read->members.size(), 1U);
    EXPECT_EQ(read->members.at("m").assignment, (Bytes{2, 3}));
    EXPECT_EQ(read->members.at("m").instance_id, "i");

    for (const Timestamp expires : {no_timestamp, Timestamp(99)}) {
        const Record offset = write_offset_commit("g", "t", PartitionIndex(4),
                                                  {.offset = Offset(8),
                                                   .metadata = "x",
                                                   .committed_at = Timestamp(3),
                                                   .expires_at = expires,
                                                   .topic_id = TopicId::from_halves(1, 2)});
        const auto committed = read_offset_commit(*offset.value);
        ASSERT_TRUE(committed);
        EXPECT_EQ(committed->offset, Offset(8));
        EXPECT_EQ(committed->expires_at, expires);
        EXPECT_EQ(committed->metadata, "x");
        // The version that has an expiry has no topic.
        EXPECT_EQ(committed->topic_id, expires == no_timestamp ? TopicId::from_halves(1, 2) : TopicId());
        EXPECT_EQ(read_key(offset.key)->partition, PartitionIndex(4));
    }
}

}  // namespace
}  // namespace moldau::coordinator
