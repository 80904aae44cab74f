#include "fetch_session.h"

#include <chrono>

#include <gtest/gtest.h>

#include "support/manual_shard.h"

namespace moldau::api {
namespace {

using namespace std::chrono_literals;
using protocol::ErrorCode;
using protocol::FetchRequest;

/// A request of a session, for some partitions of the topic "t".
FetchRequest request_of(std::int32_t session_id, std::int32_t epoch, const std::vector<std::int32_t>& partitions = {},
                        std::int64_t offset = 0) {
    FetchRequest request;
    request.session_id = session_id;
    request.session_epoch = epoch;
    if (partitions.empty()) return request;
    auto& topic = request.topics.emplace_back();
    topic.topic = "t";
    for (const std::int32_t index : partitions) {
        auto& partition = topic.partitions.emplace_back();
        partition.partition = PartitionIndex(index);
        partition.fetch_offset = Offset(offset);
        partition.partition_max_bytes = 1000;
    }
    return request;
}

FetchRequest forgetting(std::int32_t session_id, std::int32_t epoch, const std::vector<std::int32_t>& partitions) {
    FetchRequest request = request_of(session_id, epoch);
    auto& topic = request.forgotten_topics_data.emplace_back();
    topic.topic = "t";
    for (const std::int32_t index : partitions) topic.partitions.emplace_back(index);
    return request;
}

std::vector<std::int32_t> indexes(FetchPartitions::List& list) {
    std::vector<std::int32_t> found;
    for (const FetchEntry& entry : list) found.push_back(entry.key.partition.value());
    return found;
}

using Indexes = std::vector<std::int32_t>;

class FetchSessionsTest : public testing::Test {
 protected:
    FetchSessions::Begun begin(const FetchRequest& request, bool uses_topic_ids = false) {
        return sessions.begin(request, uses_topic_ids);
    }
    std::shared_ptr<FetchSession> new_session(const Indexes& partitions) {
        return begin(request_of(0, 0, partitions)).session;
    }

    runtime::ManualShard shard{1};
    FetchSessions sessions{2, shard, 4};
};

TEST_F(FetchSessionsTest, AnIdTellsTheShardThatTheSessionLivesOn) {
    for (int i = 0; i < 2; ++i) {
        const auto session = new_session({0});
        EXPECT_GT(session->id, 0);
        EXPECT_EQ(FetchSessions::shard_of(session->id, 4), 1U);
    }
    EXPECT_EQ(sessions.size(), 2U);
}

TEST_F(FetchSessionsTest, EachRequestCarriesTheNextEpoch) {
    const std::int32_t id = new_session({0})->id;
    for (std::int32_t epoch = 1; epoch <= 3; ++epoch) {
        const auto begun = begin(request_of(id, epoch));
        EXPECT_EQ(begun.error, ErrorCode::none);
        EXPECT_TRUE(begun.incremental);
        EXPECT_EQ(begun.session->id, id);
    }
    EXPECT_EQ(begin(request_of(id, 3)).error, ErrorCode::invalid_fetch_session_epoch) << "it was there already";
    EXPECT_EQ(begin(request_of(id, 5)).error, ErrorCode::invalid_fetch_session_epoch);
    EXPECT_EQ(begin(request_of(id, 4)).error, ErrorCode::none) << "a wrong one changes nothing";
}

TEST_F(FetchSessionsTest, TheEpochBehindTheLargestIsOne) {
    const auto session = new_session({0});
    session->epoch = INT32_MAX;
    EXPECT_EQ(begin(request_of(session->id, INT32_MAX)).error, ErrorCode::none);
    EXPECT_EQ(begin(request_of(session->id, 1)).error, ErrorCode::none);
}

TEST_F(FetchSessionsTest, UnknownSessionsAndOtherKindsOfNamesAreRefused) {
    EXPECT_EQ(begin(request_of(5, 1)).error, ErrorCode::fetch_session_id_not_found);
    const std::int32_t id = new_session({0})->id;
    EXPECT_EQ(begin(request_of(id, 1), true).error, ErrorCode::fetch_session_topic_id_error);
}

TEST_F(FetchSessionsTest, ASessionServesOneRequestAtATime) {
    const auto session = new_session({0});
    session->in_use = true;
    EXPECT_EQ(begin(request_of(session->id, 1)).error, ErrorCode::invalid_fetch_session_epoch);
}

TEST_F(FetchSessionsTest, AFullRequestEndsTheSessionThatItNames) {
    const std::int32_t first = new_session({0})->id;
    const auto second = begin(request_of(first, 0, {1}));
    EXPECT_FALSE(second.incremental);
    EXPECT_EQ(begin(request_of(first, 1)).error, ErrorCode::fetch_session_id_not_found);
    const auto last = begin(request_of(second.session->id, -1, {1}));
    EXPECT_EQ(last.session->id, 0) << "nothing is kept";
    EXPECT_EQ(sessions.size(), 0U);
}

TEST_F(FetchSessionsTest, ARequestWithoutASessionIsServedAndForgotten) {
    const auto begun = begin(request_of(0, -1, {3, 1}));
    EXPECT_EQ(indexes(begun.session->partitions.dirty()), (Indexes{3, 1}));
    EXPECT_EQ(begun.session->id, 0);
    EXPECT_EQ(sessions.size(), 0U);
}

TEST_F(FetchSessionsTest, ASessionWithoutPartitionsEnds) {
    const std::int32_t id = new_session({0, 1})->id;
    const auto begun = begin(forgetting(id, 1, {0, 1}));
    EXPECT_EQ(begun.session->id, 0);
    EXPECT_TRUE(begun.incremental);
    EXPECT_EQ(sessions.size(), 0U);
}

TEST_F(FetchSessionsTest, OnlyWhatWasIdleForMinutesMakesRoom) {
    const auto oldest = new_session({0});
    shard.advance(30s);
    const auto newer = new_session({0});
    shard.advance(80s);
    EXPECT_EQ(new_session({0})->id, 0) << "no room";
    shard.advance(20s);
    oldest->in_use = true;
    EXPECT_EQ(new_session({0})->id, 0) << "who is being served stays";
    oldest->in_use = false;
    EXPECT_NE(new_session({0})->id, 0);
    EXPECT_EQ(begin(request_of(oldest->id, 1)).error, ErrorCode::fetch_session_id_not_found);
    EXPECT_EQ(begin(request_of(newer->id, 1)).error, ErrorCode::none);
}

TEST_F(FetchSessionsTest, WithoutSlotsNothingIsKept) {
    FetchSessions none(0, shard, 4);
    EXPECT_EQ(none.begin(request_of(0, 0, {0}), false).session->id, 0);
}

TEST_F(FetchSessionsTest, WhatHasTooManyPartitionsIsServedAndForgotten) {
    FetchSessions small(2, shard, 4, 3);
    {
        const auto large = small.begin(request_of(0, 0, {0, 1, 2, 3}), false);
        EXPECT_EQ(large.session->id, 0);
        EXPECT_EQ(large.session->partitions.size(), 4U);
        EXPECT_TRUE(small.is_crowded());
    }
    EXPECT_FALSE(small.is_crowded());
    EXPECT_NE(small.begin(request_of(0, 0, {0, 1, 2}), false).session->id, 0);
}

TEST_F(FetchSessionsTest, PartitionsOfAllSessionsCount) {
    FetchSessions small(2, shard, 4, 3);
    const std::int32_t first = small.begin(request_of(0, 0, {0, 1}), false).session->id;
    EXPECT_EQ(small.begin(request_of(0, 0, {0, 1}), false).session->id, 0);
    EXPECT_NE(small.begin(request_of(0, 0, {0}), false).session->id, 0);
    EXPECT_EQ(small.begin(request_of(first, 1, {0}), false).error, ErrorCode::none) << "it is there already";
    EXPECT_EQ(small.begin(request_of(first, 2, {2}), false).error, ErrorCode::fetch_session_id_not_found);
    EXPECT_EQ(small.size(), 1U);
    EXPECT_NE(small.begin(request_of(0, 0, {0, 1}), false).session->id, 0) << "its partitions went with it";
    EXPECT_EQ(small.begin(request_of(0, 0, {0}), false).session->id, 0);
    shard.advance(2min);
    EXPECT_NE(small.begin(request_of(0, 0, {0}), false).session->id, 0) << "the idle ones make room";
}

TEST_F(FetchSessionsTest, ForgottenPartitionsMakeRoom) {
    FetchSessions small(2, shard, 4, 3);
    const std::int32_t id = small.begin(request_of(0, 0, {0, 1, 2}), false).session->id;
    EXPECT_EQ(small.begin(forgetting(id, 1, {0, 1}), false).error, ErrorCode::none);
    EXPECT_NE(small.begin(request_of(0, 0, {3, 4}), false).session->id, 0);
}

TEST_F(FetchSessionsTest, WhatWasAnsweredIsReadAgainWhenTheClientOrThePartitionMovesOn) {
    const auto session = new_session({0, 1, 2});
    FetchPartitions& partitions = session->partitions;
    EXPECT_EQ(indexes(partitions.dirty()), (Indexes{0, 1, 2}));
    FetchEntry& first = partitions.dirty().front();
    partitions.move_to_back(first);
    EXPECT_EQ(indexes(partitions.dirty()), (Indexes{1, 2, 0}));
    partitions.mark_clean(first);
    EXPECT_EQ(indexes(partitions.dirty()), (Indexes{1, 2}));
    first.unread = false;
    EXPECT_EQ(begin(request_of(session->id, 1, {0}, 7)).error, ErrorCode::none);
    EXPECT_EQ(indexes(partitions.dirty()), (Indexes{1, 2, 0}));
    EXPECT_EQ(first.fetch_offset, Offset(7));
    EXPECT_TRUE(first.unread);
}

TEST_F(FetchSessionsTest, APartitionThatWasMadeAnewWakesTheSession) {
    const auto session = new_session({0});
    FetchEntry& entry = session->partitions.dirty().front();
    const auto settle = [&](FetchEntry& read) {
        read.unread = false;
        session->partitions.mark_clean(read);
    };
    const auto old_partition = std::make_shared<int>();
    replication::FetchWaiters at_old;
    at_old.arm(waiter_at(session, entry, old_partition));
    const auto new_partition = std::make_shared<int>();
    replication::FetchWaiters at_new;
    const auto waiter = waiter_at(session, entry, new_partition);
    at_new.arm(waiter);
    settle(entry);
    at_old.fire(shard);
    EXPECT_FALSE(entry.dirty) << "that of the old one tells nothing any more";
    at_new.fire(shard);
    EXPECT_TRUE(entry.dirty);
    EXPECT_TRUE(entry.unread);
    settle(entry);
    at_new.arm(waiter_at(session, entry, new_partition));
    EXPECT_EQ(entry.waiter, waiter) << "one for the life of the session";
    at_new.fire(shard);
    EXPECT_TRUE(entry.dirty);
}

TEST_F(FetchSessionsTest, AForgottenPartitionWakesNobody) {
    const auto session = new_session({0, 1});
    replication::FetchWaiters at_partition;
    const auto partition = std::make_shared<int>();
    at_partition.arm(waiter_at(session, session->partitions.dirty().front(), partition));
    EXPECT_EQ(begin(forgetting(session->id, 1, {0})).error, ErrorCode::none);
    at_partition.fire(shard);
    EXPECT_EQ(indexes(session->partitions.dirty()), Indexes{1});
}

}  // namespace
}  // namespace moldau::api
