#include "consume/consumer.h"

#include <gtest/gtest.h>

#include <moldau/protocol/batch_builder.h>
#include <moldau/protocol/messages/list_offsets.h>

#include "consume/offsets.h"
#include "fake_cluster.h"

namespace moldau::cli {
namespace {

using protocol::ErrorCode;
using protocol::FetchRequest;
using protocol::FetchResponse;
using protocol::ListOffsetsRequest;
using Offsets = std::map<std::int32_t, Offset>;

/// `count` batches of two records from `from` on.
Bytes batches(Offset from, int count) {
    Bytes bytes;
    for (int i = 0; i < count; ++i) {
        protocol::BatchOptions options;
        options.base_offset = from + 2 * i;
        protocol::BatchBuilder builder(options);
        for (int k = 0; k < 2; ++k) builder.append({Timestamp(1), std::nullopt, bytes_of("v"), {}});
        const Bytes batch = builder.finish();
        bytes.insert(bytes.end(), batch.begin(), batch.end());
    }
    return bytes;
}

struct ConsumerTest : testing::Test {
    ConsumerTest() {
        cluster.set_metadata(2, {{"t", {1, 2}}});
        cluster.answer<FetchRequest>([this](const FetchRequest& request, const Asked&) { return answer(request); });
        cluster.answer<ListOffsetsRequest>(
            [this](const ListOffsetsRequest& request, const Asked&) { return answer(request); });
        MOLDAU_ASSERT(cli::run(shard, session.refresh(std::vector<std::string>{"t"})).has_value());
    }

    /// Partitions of records from log_start to 10, two batches an answer; `errors` come first. With an error no offsets
    /// come, as brokers do it.
    FetchResponse answer(const FetchRequest& request) {
        FetchResponse response;
        for (const auto& topic : request.topics) {
            asked_id = topic.topic_id;
            auto& answered = response.responses.emplace_back();
            answered.topic = topic.topic;
            answered.topic_id = topic.topic_id;
            for (const auto& asked : topic.partitions) {
                auto& partition = answered.partitions.emplace_back();
                partition.partition_index = asked.partition;
                partition.log_start_offset = no_offset;
                if (!errors.empty()) {
                    partition.error_code = errors.front();
                    errors.pop_front();
                } else if (asked.fetch_offset < log_start || asked.fetch_offset > Offset(10)) {
                    partition.error_code = ErrorCode::offset_out_of_range;
                } else {
                    partition.log_start_offset = log_start;
                    const auto left = static_cast<int>(Offset(10) - asked.fetch_offset) / 2;
                    partition.records = protocol::Records::own(batches(asked.fetch_offset, std::min(2, left)));
                }
            }
        }
        return response;
    }
    protocol::ListOffsetsResponse answer(const ListOffsetsRequest& request) {
        protocol::ListOffsetsResponse response;
        for (const auto& topic : request.topics) {
            auto& answered = response.topics.emplace_back();
            answered.name = topic.name;
            for (const auto& asked : topic.partitions) {
                auto& partition = answered.partitions.emplace_back();
                partition.partition_index = asked.partition_index;
                if (!errors.empty()) {
                    partition.error_code = errors.front();
                    errors.pop_front();
                } else if (asked.timestamp == latest_offset) {
                    partition.offset = Offset(10);
                } else if (asked.timestamp == earliest_offset) {
                    partition.offset = log_start;
                } else if (asked.timestamp == Timestamp(77)) {
                    partition.offset = Offset(7);
                }
            }
        }
        return response;
    }

    /// Reads until the consumer ends: the offsets behind what came, by partition.
    Outcome<Offsets> drain(const Offsets& starts, const Offsets& ends) {
        Consumer consumer(session, options(), starts, ends);
        consumer.on_notice([this](const std::string& notice) { notices.push_back(notice); });
        Offsets reached = starts;
        while (true) {
            auto fetched = cli::run(shard, consumer.next());
            if (!fetched || !*fetched) {
                cli::run(shard, consumer.finish());
                if (!fetched) return std::unexpected(fetched.error());
                return reached;
            }
            for (const FetchedPartition& part : (*fetched)->partitions) {
                EXPECT_EQ(part.from, notices.empty() ? reached[part.index] : part.from) << "in order, without gaps";
                reached[part.index] = end_of_batches(part.records, part.from);
            }
        }
    }
    static ConsumerOptions options() {
        ConsumerOptions consumer;
        consumer.topic = "t";
        return consumer;
    }

    runtime::ManualShard shard;
    FakeCluster cluster{shard};
    Session session{shard, cluster, {{{"x", 1}}, std::chrono::seconds(5)}};
    TopicId asked_id;
    std::deque<ErrorCode> errors;
    Offset log_start{0};
    std::vector<std::string> notices;
};

TEST_F(ConsumerTest, ReadsEachPartitionToItsEnd) {
    const auto reached = drain({{0, Offset(0)}, {1, Offset(4)}}, {{0, Offset(10)}, {1, Offset(10)}});
    ASSERT_TRUE(reached);
    EXPECT_EQ(*reached, (Offsets{{0, Offset(10)}, {1, Offset(10)}}));
}

TEST_F(ConsumerTest, EndsAtOnceWhereThereIsNothing) {
    const auto reached = drain({{0, Offset(10)}}, {{0, Offset(10)}});
    ASSERT_TRUE(reached);
    EXPECT_TRUE(cluster.asked_of(FetchRequest::api_key).empty());
}

TEST_F(ConsumerTest, GoesOnAfterAChangeOfLeader) {
    errors = {ErrorCode::not_leader_or_follower, ErrorCode::unknown_leader_epoch};
    cluster.set_metadata(2, {{"t", {2, 2}}});
    const auto reached = drain({{0, Offset(0)}}, {{0, Offset(10)}});
    ASSERT_TRUE(reached);
    EXPECT_EQ(reached->at(0), Offset(10));
    EXPECT_EQ(cluster.asked_of(FetchRequest::api_key).front()->endpoint.port, 9001);
    EXPECT_EQ(cluster.asked_of(FetchRequest::api_key).back()->endpoint.port, 9002);
}

TEST_F(ConsumerTest, BeginsAtTheFirstRecordThatIsThereAndSaysSo) {
    log_start = Offset(6);
    const auto reached = drain({{0, Offset(2)}}, {{0, Offset(10)}});
    ASSERT_TRUE(reached) << reached.error().message;
    EXPECT_EQ(reached->at(0), Offset(10));
    EXPECT_EQ(notices, (std::vector<std::string>{
                           "partition 0 of topic 't': the records before offset 6 are deleted; beginning there"}));
}

TEST_F(ConsumerTest, SaysWhichRecordsWereDeletedBeforeItCameToThem) {
    ConsumerOptions few = options();
    few.answers_ahead = 1;
    Consumer consumer(session, few, {{0, Offset(0)}}, {{0, Offset(10)}});
    consumer.on_notice([this](const std::string& notice) { notices.push_back(notice); });
    ASSERT_TRUE(*cli::run(shard, consumer.next())) << "offsets 0 to 3";
    log_start = Offset(10);
    ASSERT_TRUE(*cli::run(shard, consumer.next())) << "offsets 4 to 7, which it had already";
    ASSERT_FALSE(*cli::run(shard, consumer.next())) << "it is at the end";
    ASSERT_EQ(notices.size(), 1U);
    EXPECT_NE(notices[0].find("from offset 8 to 9 were deleted before they were read; going on at 10"),
              std::string::npos)
        << notices[0];
    cli::run(shard, consumer.finish());
}

TEST_F(ConsumerTest, EndsWhereItsTopicWasMadeAnew) {
    cluster.set_metadata(2, {{"t", {1, 2}}}, TopicId(Uuid{1, 1}));
    ASSERT_TRUE(cli::run(shard, session.refresh(std::vector<std::string>{"t"})));
    errors = {ErrorCode::unknown_topic_id};
    cluster.set_metadata(2, {{"t", {1, 2}}}, TopicId(Uuid{1, 2}));
    const auto reached = drain({{0, Offset(2)}}, {{0, Offset(10)}});
    EXPECT_EQ(asked_id, TopicId(Uuid{1, 1}));
    ASSERT_FALSE(reached);
    EXPECT_EQ(reached.error().code, ExitCode::not_found);
    EXPECT_NE(reached.error().message.find("made anew"), std::string::npos) << reached.error().message;
}

TEST_F(ConsumerTest, TriesAgainWhereTheOffsetIsThereAfterAll) {
    errors = {ErrorCode::offset_out_of_range, ErrorCode::leader_not_available};
    const auto reached = drain({{0, Offset(2)}}, {{0, Offset(10)}});
    ASSERT_TRUE(reached) << reached.error().message;
    EXPECT_EQ(reached->at(0), Offset(10));
    EXPECT_TRUE(notices.empty());
}

TEST_F(ConsumerTest, EndsAtOnceWhereItsLeaderCannotBeReached) {
    cluster.swallow(9001);
    Consumer consumer(session, options(), {{0, Offset(0)}}, {});
    runtime::spawn(shard, [](Consumer& from) -> runtime::Task<void> { (void)co_await from.next(); }(consumer));
    shard.advance(std::chrono::seconds(1));
    const runtime::TimePoint asked = shard.now();
    cli::run(shard, consumer.finish());
    EXPECT_LE(shard.now() - asked, std::chrono::seconds(1));
}

TEST_F(ConsumerTest, RefusesAnOffsetBeyondTheEnd) {
    const auto reached = drain({{0, Offset(99)}}, {});
    ASSERT_FALSE(reached);
    EXPECT_EQ(reached.error().code, ExitCode::not_found);
    EXPECT_NE(reached.error().message.find("there is no offset 99 yet"), std::string::npos);
    EXPECT_EQ(reached.error().message.find("--partition"), std::string::npos) << "there is one alone";
}

TEST_F(ConsumerTest, RefusesAStartBeyondTheEndThatItIsToStopAt) {
    const auto reached = drain({{0, Offset(0)}, {1, Offset(11)}}, {{0, Offset(10)}, {1, Offset(10)}});
    ASSERT_FALSE(reached);
    EXPECT_EQ(reached.error().code, ExitCode::not_found);
    EXPECT_NE(reached.error().message.find("partition 1 of topic 't': there is no offset 11"), std::string::npos)
        << reached.error().message;
    EXPECT_NE(reached.error().message.find("--partition"), std::string::npos) << reached.error().message;
    EXPECT_TRUE(cluster.asked_of(FetchRequest::api_key).empty());
}

TEST_F(ConsumerTest, SaysOnceThatABrokerIsAwayAndThatItIsBack) {
    Consumer consumer(session, options(), {{0, Offset(0)}}, {});
    consumer.on_notice([this](const std::string& notice) { notices.push_back(notice); });
    cluster.refuse(9001);
    bool came = false;
    runtime::spawn(shard, [](Consumer& from, bool& done) -> runtime::Task<void> {
        done = (co_await from.next()).has_value();
    }(consumer, came));
    shard.advance(std::chrono::seconds(4));
    EXPECT_TRUE(notices.empty()) << "a restart is no news";
    shard.advance(std::chrono::seconds(20));
    ASSERT_EQ(notices.size(), 1U);
    EXPECT_NE(notices[0].find("nobody listens at 9001"), std::string::npos) << notices[0];
    cluster.accept();
    shard.advance(std::chrono::seconds(1));
    EXPECT_TRUE(came);
    ASSERT_EQ(notices.size(), 2U);
    EXPECT_NE(notices[1].find("going on after 2"), std::string::npos) << notices[1];
    cli::run(shard, consumer.finish());
}

TEST_F(ConsumerTest, SaysOnceThatAPartitionCannotBeServedAndThatItGoesOn) {
    Consumer consumer(session, options(), {{0, Offset(0)}}, {});
    consumer.on_notice([this](const std::string& notice) { notices.push_back(notice); });
    errors.assign(100'000, ErrorCode::kafka_storage_error);
    bool came = false;
    runtime::spawn(shard, [](Consumer& from, bool& done) -> runtime::Task<void> {
        done = (co_await from.next()).has_value();
    }(consumer, came));
    for (int second = 0; second < 20; ++second) shard.advance(std::chrono::seconds(1));
    ASSERT_EQ(notices.size(), 1U);
    EXPECT_NE(notices[0].find("partition 0 of topic 't': "), std::string::npos) << notices[0];
    EXPECT_NE(notices[0].find("(KAFKA_STORAGE_ERROR)"), std::string::npos) << notices[0];
    errors.clear();
    shard.advance(std::chrono::seconds(1));
    EXPECT_TRUE(came);
    ASSERT_EQ(notices.size(), 2U);
    EXPECT_NE(notices[1].find("going on after 2"), std::string::npos) << notices[1];
    cli::run(shard, consumer.finish());
}

TEST_F(ConsumerTest, SaysNothingOfATopicWithoutRecords) {
    Consumer consumer(session, options(), {{0, Offset(10)}}, {});
    consumer.on_notice([this](const std::string& notice) { notices.push_back(notice); });
    runtime::spawn(shard, [](Consumer& from) -> runtime::Task<void> { (void)co_await from.next(); }(consumer));
    shard.advance(std::chrono::seconds(60));
    EXPECT_TRUE(notices.empty());
    cli::run(shard, consumer.finish());
}

TEST_F(ConsumerTest, EndsWithWhatCannotBeTriedAgain) {
    errors = {ErrorCode::topic_authorization_failed};
    const auto reached = drain({{0, Offset(0)}}, {{0, Offset(10)}});
    ASSERT_FALSE(reached);
    EXPECT_EQ(reached.error().code, ExitCode::denied);
}

TEST_F(ConsumerTest, SaysThatTheTopicWasDeleted) {
    errors = {ErrorCode::unknown_topic_or_partition};
    cluster.set_metadata(2, {});
    const auto reached = drain({{0, Offset(0)}}, {{0, Offset(10)}});
    ASSERT_FALSE(reached);
    EXPECT_EQ(reached.error().code, ExitCode::not_found);
}

TEST_F(ConsumerTest, IsNeverFarAheadOfItsReader) {
    ConsumerOptions few = options();
    few.answers_ahead = 1;
    Consumer consumer(session, few, {{0, Offset(0)}}, {});
    ASSERT_TRUE(cli::run(shard, consumer.next()));
    shard.advance(std::chrono::seconds(10));
    EXPECT_LE(cluster.asked_of(FetchRequest::api_key).size(), 2U);
    cli::run(shard, consumer.finish());
}

struct OffsetsTest : ConsumerTest {
    OffsetsTest() { log_start = Offset(4); }
    Outcome<Offsets> start(StartPosition position) {
        Outage outage(shard);
        outage.on_notice([this](const std::string& notice) { notices.push_back(notice); });
        return cli::run(shard, find_start(session, "t", {0, 1}, position, false, outage));
    }
    static Offsets both(std::int64_t offset) { return {{0, Offset(offset)}, {1, Offset(offset)}}; }
};

TEST_F(OffsetsTest, FindsEachKindOfStart) {
    using Kind = StartPosition::Kind;
    EXPECT_EQ(*start({Kind::latest, 0}), both(10));
    EXPECT_EQ(*start({Kind::earliest, 0}), both(4));
    EXPECT_EQ(*start({Kind::offset, 5}), both(5));
    EXPECT_EQ(*start({Kind::before_end, 2}), both(8));
    EXPECT_EQ(*start({Kind::before_end, 100}), both(4));
    EXPECT_EQ(*start({Kind::time, 77}), both(7));
    EXPECT_EQ(*start({Kind::time, 78}), both(10)) << "nothing is as late: the end";
}

TEST_F(OffsetsTest, AsksAgainWhileALeaderIsNotThere) {
    errors = {ErrorCode::leader_not_available, ErrorCode::not_leader_or_follower};
    EXPECT_EQ(*start({StartPosition::Kind::latest, 0}), both(10));
}

TEST_F(OffsetsTest, SaysSoonWhatIsWrong) {
    cluster.refuse(9001);
    const auto found = start({StartPosition::Kind::earliest, 0});
    ASSERT_FALSE(found);
    EXPECT_EQ(notices.size(), 1U);
    EXPECT_NE(notices[0].find("nobody listens at 9001; that is where broker 1 tells its clients to connect"),
              std::string::npos)
        << notices[0];
}

TEST_F(OffsetsTest, GivesUpInTheEnd) {
    errors.assign(100'000, ErrorCode::leader_not_available);
    const auto found = start({StartPosition::Kind::latest, 0});
    ASSERT_FALSE(found);
    EXPECT_NE(found.error().message.find("LEADER_NOT_AVAILABLE"), std::string::npos);
}

}  // namespace
}  // namespace moldau::cli
