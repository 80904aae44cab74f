// Committed offsets: who may commit, what is read, what expires.

#include <limits>

#include "group_world.h"
#include "machines/group/records.h"

namespace moldau::coordinator {
namespace {

class GroupOffsetsTest : public testing::Test {
 protected:
    static constexpr std::int64_t day_ms = 86'400'000;

    ErrorCode remove(const std::string& topic, std::int32_t partition) {
        protocol::OffsetDeleteRequest request;
        request.group_id = Text(world.group);
        auto& wanted = request.topics.emplace_back();
        wanted.name = Text(topic);
        wanted.partitions.emplace_back().partition_index = PartitionIndex(partition);
        const auto response = world.call<protocol::OffsetDeleteResponse>(request, 0);
        return response.error_code != ErrorCode::none ? response.error_code
                                                      : response.topics.at(0).partitions.at(0).error_code;
    }

    GroupWorld world;
};

TEST_F(GroupOffsetsTest, WhoAssignsPartitionsToItselfCommitsWithoutBeingAMember) {
    EXPECT_EQ(world.committed("t", 0), -1);
    EXPECT_EQ(world.commit("t", 0, 5), ErrorCode::none);
    EXPECT_EQ(world.commit("t", 1, 7), ErrorCode::none);
    EXPECT_EQ(world.commit("t", 0, 3), ErrorCode::none) << "back is allowed, too";
    EXPECT_EQ(world.committed("t", 0), 3);
    EXPECT_EQ(world.committed("t", 2), -1);
    world.restart();
    EXPECT_EQ(world.committed("t", 0), 3);
    EXPECT_EQ(world.committed("t", 1), 7);
    EXPECT_EQ(world.state(), "Empty");
    FetchOffsets all;
    all.group.group_id = Text(world.group);
    all.group.topics.reset();
    const auto everything = world.call<OffsetsOfGroup>(all);
    ASSERT_EQ(everything.topics.size(), 1U);
    EXPECT_EQ(everything.topics[0].partitions.size(), 2U);
}

TEST_F(GroupOffsetsTest, MembersCommitInTheirGenerationAlone) {
    EXPECT_EQ(world.commit("t", 0, 1, {.member = "m", .generation = 0}), ErrorCode::illegal_generation);
    EXPECT_EQ(world.commit("t", 0, 1, {.member = "m", .generation = 0, .version = 9}), ErrorCode::group_id_not_found);
    const auto ids = world.stable_group(2);
    EXPECT_EQ(world.commit("t", 0, 1, {.member = ids[0], .generation = 1}), ErrorCode::none);
    EXPECT_EQ(world.commit("t", 0, 1, {.member = ids[0], .generation = 0}), ErrorCode::illegal_generation);
    EXPECT_EQ(world.commit("t", 0, 1, {.member = "nobody", .generation = 1}), ErrorCode::unknown_member_id);
    EXPECT_EQ(world.commit("t", 0, 1), ErrorCode::unknown_member_id);
    const Ticket one = world.ask_to_join({.member = ids[0]});
    EXPECT_EQ(world.commit("t", 0, 2, {.member = ids[1], .generation = 1}), ErrorCode::none)
        << "what it had is its own until it joins again";
    const Ticket two = world.ask_to_join({.member = ids[1]});
    EXPECT_EQ(world.commit("t", 0, 3, {.member = ids[1], .generation = 2}), ErrorCode::rebalance_in_progress);
    world.finish_round({one, two});
    EXPECT_EQ(world.committed("t", 0), 2);
}

TEST_F(GroupOffsetsTest, ACommitIsASignOfLife) {
    const auto ids = world.stable_group(1, {.session_ms = 10'000});
    for (int i = 0; i < 5; ++i) {
        world.advance(9000);
        ASSERT_EQ(world.commit("t", 0, i, {.member = ids[0], .generation = 1}), ErrorCode::none);
    }
}

TEST_F(GroupOffsetsTest, AreKeptWhereTheirGroupAloneHasGone) {
    const auto ids = world.stable_group(1);
    ASSERT_EQ(world.commit("t", 0, 5, {.member = ids[0], .generation = 1}), ErrorCode::none);
    world.log.push_back(group_tombstone(world.group));  // as Apache Kafka leaves a group that becomes one of another kind
    world.restart();
    EXPECT_EQ(world.committed("t", 0), 5);
    EXPECT_EQ(world.state(), "Empty");
}

TEST_F(GroupOffsetsTest, MetadataIsLimited) {
    EXPECT_EQ(world.commit("t", 0, 1, {.metadata = std::string(4097, 'x')}), ErrorCode::offset_metadata_too_large);
    EXPECT_EQ(world.committed("t", 0), -1);
    EXPECT_EQ(world.commit("t", 0, 1, {.metadata = std::string(4096, 'x')}), ErrorCode::none);
    // Characters are counted, as Java has them, not bytes.
    std::string wide;
    for (int i = 0; i < 2048; ++i) wide += "💧";
    EXPECT_EQ(world.commit("t", 0, 1, {.metadata = wide}), ErrorCode::none);
    EXPECT_EQ(world.commit("t", 0, 1, {.metadata = wide + "x"}), ErrorCode::offset_metadata_too_large);
}

TEST_F(GroupOffsetsTest, OffsetsOfASimpleGroupExpireByTheirCommit) {
    world.commit("t", 0, 1);
    world.advance(6 * day_ms);
    world.commit("t", 1, 1);
    world.advance(day_ms + 600'000);
    EXPECT_EQ(world.committed("t", 0), -1);
    EXPECT_EQ(world.committed("t", 1), 1);
    world.advance(6 * day_ms);
    EXPECT_EQ(world.state(), "Dead") << "nothing is left of the group";
    world.restart();
    EXPECT_EQ(world.state(), "Dead");
}

TEST_F(GroupOffsetsTest, OffsetsOfAGroupThatWasLeftExpireByThat) {
    const auto ids = world.stable_group(1, {.session_ms = 1'800'000});
    world.commit("t", 0, 1, {.member = ids[0], .generation = 1});
    for (int i = 0; i < 10 * 96; ++i) {
        world.advance(day_ms / 96);
        ASSERT_EQ(world.heartbeat(ids[0], 1), ErrorCode::none);
    }
    EXPECT_EQ(world.committed("t", 0), 1) << "what a member says of itself cannot be read: nothing expires under it";
    world.leave(ids[0]);
    world.advance(7 * day_ms - 600'000);
    EXPECT_EQ(world.committed("t", 0), 1);
    world.advance(1'200'000);
    EXPECT_EQ(world.committed("t", 0), -1);
}

TEST_F(GroupOffsetsTest, OffsetsOfTopicsThatMembersConsumeNeverExpire) {
    const auto ids = world.stable_group(1, {.session_ms = 1'800'000, .says = subscription({"kept"})});
    world.commit("kept", 0, 1, {.member = ids[0], .generation = 1});
    world.commit("left", 0, 1, {.member = ids[0], .generation = 1});
    for (int i = 0; i < 8 * 96; ++i) {
        world.advance(day_ms / 96);
        ASSERT_EQ(world.heartbeat(ids[0], 1), ErrorCode::none);
    }
    EXPECT_EQ(world.committed("kept", 0), 1);
    EXPECT_EQ(world.committed("left", 0), -1);
}

TEST_F(GroupOffsetsTest, OldClientsSayHowLongAnOffsetIsKept) {
    world.commit("t", 0, 1, {.retention_ms = 1000, .version = 4});
    world.restart();
    world.advance(600'000);
    EXPECT_EQ(world.committed("t", 0), -1);
    world.commit("t", 0, 1, {.retention_ms = std::numeric_limits<std::int64_t>::max(), .version = 4});
    world.restart();
    world.advance(day_ms);
    EXPECT_EQ(world.committed("t", 0), 1);
}

TEST_F(GroupOffsetsTest, WhatWasCommittedOfAnotherTopicOfTheNameIsNotToldToWhoNamesTheId) {
    const TopicId former = TopicId::from_halves(1, 1);
    protocol::OffsetCommitRequest request;
    request.group_id = Text(world.group);
    auto& committed = request.topics.emplace_back();
    committed.name = "t";
    committed.topic_id = former;
    committed.partitions.emplace_back().committed_offset = Offset(5);
    world.call<protocol::OffsetCommitResponse>(request, 10);
    world.restart();
    const auto told = [&](const TopicId& id) {
        FetchOffsets fetch;
        fetch.group.group_id = Text(world.group);
        auto& wanted = fetch.group.topics.emplace().emplace_back();
        wanted.name = "t";
        wanted.topic_id = id;
        wanted.partition_indexes = {PartitionIndex(0)};
        return world.call<OffsetsOfGroup>(fetch).topics.at(0).partitions.at(0).committed_offset.value();
    };
    EXPECT_EQ(told(former), 5);
    EXPECT_EQ(told({}), 5) << "old clients know names alone";
    EXPECT_EQ(told(TopicId::from_halves(1, 2)), -1);
}

TEST_F(GroupOffsetsTest, OffsetsAreDeletedUnlessTheirTopicIsConsumed) {
    EXPECT_EQ(remove("t", 0), ErrorCode::group_id_not_found);
    world.commit("t", 0, 1);
    EXPECT_EQ(remove("t", 1), ErrorCode::none);
    EXPECT_EQ(remove("t", 0), ErrorCode::none);
    EXPECT_EQ(world.committed("t", 0), -1);
    const auto ids = world.stable_group(1, {.says = subscription({"mine"})});
    world.commit("mine", 0, 1, {.member = ids[0], .generation = 1});
    world.commit("other", 0, 1, {.member = ids[0], .generation = 1});
    EXPECT_EQ(remove("mine", 0), ErrorCode::group_subscribed_to_topic);
    EXPECT_EQ(remove("other", 0), ErrorCode::none);
    EXPECT_EQ(world.committed("mine", 0), 1);
    EXPECT_EQ(world.committed("other", 0), -1);
    world.group = "connect";
    world.stable_group(1, {.type = "connect"});
    EXPECT_EQ(remove("mine", 0), ErrorCode::non_empty_group);
}

TEST_F(GroupOffsetsTest, WhatWasCommittedOfADeletedTopicGoes) {
    world.commit("gone", 0, 1);
    world.commit("stays", 0, 1);
    world.call<Forgotten>(ForgetTopics{{{"gone"}, {"never there"}}});
    EXPECT_EQ(world.committed("gone", 0), -1);
    EXPECT_EQ(world.committed("stays", 0), 1);
    world.restart();
    EXPECT_EQ(world.committed("gone", 0), -1);
}

TEST_F(GroupOffsetsTest, ADeletedTopicTakesOnlyItsOwnWithIt) {
    protocol::OffsetCommitRequest request;
    request.group_id = Text(world.group);
    auto& topic = request.topics.emplace_back();
    topic.name = "again";
    topic.topic_id = TopicId::from_halves(0, 1);
    topic.partitions.emplace_back().committed_offset = Offset(7);
    ASSERT_EQ(world.call<protocol::OffsetCommitResponse>(request).topics[0].partitions[0].error_code, ErrorCode::none);
    world.call<Forgotten>(ForgetTopics{{{"again", TopicId::from_halves(0, 2)}}});
    EXPECT_EQ(world.committed("again", 0), 7);
    world.call<Forgotten>(ForgetTopics{{{"again", TopicId::from_halves(0, 1)}}});
    EXPECT_EQ(world.committed("again", 0), -1);
}

TEST_F(GroupOffsetsTest, OfAPartitionThatIsNamedThousandsOfTimesTheLastOffsetIsWritten) {
    const std::string too_long(5000, 'x');
    for (const std::size_t times : {1, 4000}) {
        SCOPED_TRACE(times);
        protocol::OffsetCommitRequest request;
        request.group_id = Text(world.group);
        const std::size_t before = world.log.size();
        for (const std::int64_t offset : {1, 2, 3}) {
            auto& topic = request.topics.emplace_back();
            topic.name = "t";
            for (std::size_t i = 0; i < 3 * times; ++i) {
                auto& partition = topic.partitions.emplace_back();
                partition.partition_index = PartitionIndex(i % 3 == 1 ? 1 : 0);
                partition.committed_offset = Offset(100'000 * offset + static_cast<std::int64_t>(i));
                if (i % 3 == 1 && offset == 3) partition.committed_metadata = Text(too_long);
            }
        }
        const auto response = world.call<protocol::OffsetCommitResponse>(request, 8);
        ASSERT_EQ(response.topics.size(), 3U);
        for (const auto& topic : response.topics) EXPECT_EQ(topic.partitions.size(), 3 * times) << "each is answered";
        EXPECT_EQ(response.topics[2].partitions[1].error_code, ErrorCode::offset_metadata_too_large);
        EXPECT_EQ(world.log.size() - before, times == 1 ? 8U : 2U);
        const auto last = static_cast<std::int64_t>(3 * times - 1);
        EXPECT_EQ(world.committed("t", 0), 300'000 + last);
        EXPECT_EQ(world.committed("t", 1), 200'000 + last - 1) << "the last that was not refused";
    }
}

TEST_F(GroupOffsetsTest, OffsetsThatFindNoRoomAreNotTold) {
    for (int index = 0; index < 10; ++index) world.commit("t", index, 1, {.metadata = std::string(4000, 'x')});
    FetchOffsets request;
    request.group.group_id = Text(world.group);
    const auto told = [&](std::size_t room_bytes) {
        request.room_bytes = room_bytes;
        return world.call<OffsetsOfGroup>(request);
    };
    auto& often = request.group.topics.emplace().emplace_back();
    often.name = "t";
    often.partition_indexes.assign(10, PartitionIndex(0));
    EXPECT_EQ(told(40'000).error_code, ErrorCode::invalid_request);
    EXPECT_EQ(told(40'000).group_id, world.group);
    EXPECT_TRUE(told(40'000).topics.empty());
    EXPECT_EQ(told(42'000).topics.at(0).partitions.size(), 10U);
    request.group.topics.reset();
    EXPECT_EQ(told(40'000).error_code, ErrorCode::invalid_request);
    EXPECT_EQ(told(42'000).topics.at(0).partitions.size(), 10U);
}

TEST_F(GroupOffsetsTest, ASubscriptionThatTakesManyTimesItsSizeIsToAnything) {
    const std::vector<std::string> few(1000);
    const std::vector<std::string> many(500'000);
    for (const auto* topics : {&few, &many}) {
        world.group = "subscribed to " + std::to_string(topics->size());
        const auto ids = world.stable_group(1, {.says = subscription(*topics)});
        world.commit("other", 0, 1, {.member = ids[0], .generation = 1});
        EXPECT_EQ(remove("other", 0), topics == &few ? ErrorCode::none : ErrorCode::group_subscribed_to_topic);
    }
}

TEST_F(GroupOffsetsTest, WhatIsNeverLookedForIsNeverDue) {
    GroupOptions options;
    options.retention_check_interval_ms = std::numeric_limits<std::int64_t>::max();
    GroupWorld patient(options);
    patient.advance(1000);
    patient.restart();
    EXPECT_EQ(patient.machine->next_deadline_ms(), never_ms);
}

TEST_F(GroupOffsetsTest, ManyExpireInTurnsOfAThousand) {
    for (int i = 0; i < 2500; ++i) {
        world.group = "group " + std::to_string(i);
        world.commit("t", 0, 1);
    }
    const std::size_t before = world.log.size();
    world.advance(8 * day_ms);
    EXPECT_EQ(world.log.size(), before + 2 * 2500);
    EXPECT_TRUE(world.call<ListedGroups>(ListGroups()).empty());
}

}  // namespace
}  // namespace moldau::coordinator
