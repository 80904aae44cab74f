#include "produce/producer.h"

#include <gtest/gtest.h>

#include <moldau/protocol/messages/produce.h>

#include "fake_cluster.h"

namespace moldau::cli {
namespace {

using protocol::ErrorCode;
using protocol::ProduceRequest;
using protocol::ProduceResponse;
using std::chrono::milliseconds;

/// A log a partition, and errors to give before it takes anything.
struct FakeLogs {
    std::map<std::int32_t, std::vector<std::string>> values;
    std::map<std::int32_t, std::int32_t> next_sequence;
    std::deque<ErrorCode> errors;  // of the next batches; none: take it
    int requests = 0;

    ErrorCode append(std::int32_t partition, ByteView records) {
        const protocol::BatchView batch = protocol::parse_batch(records).batch;
        if (!errors.empty()) {
            const ErrorCode error = errors.front();
            errors.pop_front();
            if (error != ErrorCode::none) return error;
        }
        if (batch.has_producer_id()) {
            std::int32_t& next = next_sequence[partition];
            if (batch.base_sequence() != next) return ErrorCode::out_of_order_sequence_number;
            next += batch.count();
        }
        protocol::RecordIterator iterator(batch.records(), batch.count());
        protocol::RecordView record;
        while (iterator.next(record)) values[partition].emplace_back(text_of(*record.value));
        return ErrorCode::none;
    }

    ProduceResponse answer(const ProduceRequest& request) {
        ++requests;
        ProduceResponse response;
        for (const auto& topic : request.topic_data) {
            auto& answered = response.responses.emplace_back();
            answered.name = topic.name;
            for (const auto& partition : topic.partition_data) {
                auto& result = answered.partition_responses.emplace_back();
                result.index = partition.index;
                result.error_code = append(partition.index.value(), partition.records.view());
            }
        }
        return response;
    }
};

struct ProducerTest : testing::Test {
    ProducerTest() {
        cluster.set_metadata(2, {{"t", {1, 2}}});
        cluster.answer<ProduceRequest>(
            [this](const ProduceRequest& request, const Asked&) { return logs.answer(request); });
        MOLDAU_ASSERT(cli::run(shard, session.refresh(std::vector<std::string>{"t"})).has_value());
    }

    void make(AccumulatorOptions batches = {}) {
        ProducerOptions options;
        options.topic = "t";
        producer.emplace(session, options, batches);
    }
    void add(std::int32_t partition, const std::string& value) {
        producer->add(partition, {Timestamp(1), std::nullopt, bytes_of(value), {}});
    }
    /// Batches of one record each.
    static AccumulatorOptions single_records(ProducerId producer_id = no_producer_id) {
        return {.batch_size_bytes = 1, .producer_id = producer_id, .producer_epoch = ProducerEpoch(0)};
    }
    static std::vector<std::string> numbers(int count) {
        std::vector<std::string> texts;
        for (int i = 0; i < count; ++i) texts.push_back(std::to_string(i));
        return texts;
    }

    runtime::ManualShard shard;
    FakeCluster cluster{shard};
    Session session{shard, cluster, {{{"x", 1}}, std::chrono::seconds(5)}};
    FakeLogs logs;
    std::optional<Producer> producer;
};

TEST_F(ProducerTest, DeliversToEachLeaderInOrder) {
    make();
    for (const std::string& text : numbers(100)) add(0, text), add(1, text);
    cli::run(shard, producer->finish());
    EXPECT_EQ(logs.values[0], numbers(100));
    EXPECT_EQ(logs.values[1], numbers(100));
    EXPECT_EQ(producer->acknowledged(), 200);
    EXPECT_EQ(logs.requests, 2);
}

TEST_F(ProducerTest, SendsWhatHasLingeredWithoutBeingTold) {
    make({.linger = milliseconds(5)});
    add(0, "x");
    producer->dispatch();
    shard.advance(milliseconds(4));
    EXPECT_EQ(logs.requests, 0);
    shard.advance(milliseconds(5));
    EXPECT_EQ(producer->acknowledged(), 1);
    cli::run(shard, producer->finish());
}

TEST_F(ProducerTest, TriesAgainWhatMaySucceedLater) {
    make();
    logs.errors = {ErrorCode::not_leader_or_follower, ErrorCode::not_enough_replicas};
    add(0, "x");
    cli::run(shard, producer->finish());
    EXPECT_FALSE(producer->stopped());
    EXPECT_EQ(logs.values[0], std::vector<std::string>{"x"});
    EXPECT_EQ(producer->acknowledged(), 1);
    EXPECT_EQ(logs.requests, 3);
}

TEST_F(ProducerTest, KeepsTheOrderOfAnIdempotentProducerThroughAFailure) {
    make(single_records(ProducerId(1)));
    logs.errors = {ErrorCode::none, ErrorCode::not_leader_or_follower};
    for (const std::string& text : numbers(20)) add(0, text);
    cli::run(shard, producer->finish());
    EXPECT_FALSE(producer->stopped());
    EXPECT_EQ(logs.values[0], numbers(20));
    EXPECT_EQ(producer->acknowledged(), 20);
}

TEST_F(ProducerTest, TakesADuplicateForDelivered) {
    make();
    logs.errors = {ErrorCode::duplicate_sequence_number};
    add(0, "x");
    cli::run(shard, producer->finish());
    EXPECT_EQ(producer->acknowledged(), 1);
}

TEST_F(ProducerTest, StopsAtWhatCannotBeDelivered) {
    make(single_records());
    int stops = 0;
    producer->on_stopped([&stops] { ++stops; });
    logs.errors = {ErrorCode::none, ErrorCode::message_too_large};
    for (const std::string& text : numbers(20)) add(0, text);
    cli::run(shard, producer->finish());
    ASSERT_TRUE(producer->stopped());
    EXPECT_EQ(stops, 1);
    EXPECT_NE(producer->failure().message.find("MESSAGE_TOO_LARGE"), std::string::npos);
    EXPECT_NE(producer->failure().message.find("partition 0 of topic 't'"), std::string::npos);
    EXPECT_EQ(producer->added(), 20);
    EXPECT_EQ(producer->acknowledged(), static_cast<std::int64_t>(logs.values[0].size()));
    EXPECT_LT(producer->acknowledged(), 20);
}

TEST_F(ProducerTest, GivesUpAtTheDeadlineAndSaysWhy) {
    make({.delivery_timeout = std::chrono::seconds(10)});
    logs.errors.assign(100'000, ErrorCode::not_enough_replicas);
    add(0, "x");
    cli::run(shard, producer->finish());
    ASSERT_TRUE(producer->stopped());
    EXPECT_EQ(producer->failure().code, ExitCode::timed_out);
    EXPECT_NE(producer->failure().message.find("NOT_ENOUGH_REPLICAS"), std::string::npos);
    EXPECT_EQ(producer->acknowledged(), 0);
    EXPECT_LT(logs.requests, 30) << "the back-off grows";
}

TEST_F(ProducerTest, StopsSoonWhereItsTopicWasDeleted) {
    make();
    logs.errors.assign(100'000, ErrorCode::unknown_topic_or_partition);
    cluster.set_metadata(2, {});
    for (const std::string& text : numbers(3)) add(0, text), add(1, text);
    const runtime::TimePoint began = shard.now();
    cli::run(shard, producer->finish());
    ASSERT_TRUE(producer->stopped());
    EXPECT_EQ(producer->failure().message, "topic 't' is not there any more: it was deleted");
    EXPECT_EQ(producer->acknowledged(), 0);
    EXPECT_LE(shard.now(), runtime::after(began, std::chrono::seconds(5)));
}

TEST_F(ProducerTest, GoesOnWhereItsTopicIsMadeAnew) {
    make();
    logs.errors.assign(100'000, ErrorCode::unknown_topic_or_partition);
    cluster.set_metadata(2, {});
    add(0, "x");
    producer->dispatch();
    for (int step = 0; step < 20; ++step) shard.advance(milliseconds(100));
    EXPECT_FALSE(producer->stopped());
    logs.errors.clear();
    cluster.set_metadata(2, {{"t", {1, 2}}});
    cli::run(shard, producer->finish());
    EXPECT_FALSE(producer->stopped());
    EXPECT_EQ(logs.values[0], std::vector<std::string>{"x"});
}

TEST_F(ProducerTest, WaitsForAPartitionToHaveALeader) {
    cluster.set_metadata(2, {{"t", {-1, 2}}});
    ASSERT_TRUE(cli::run(shard, session.refresh(std::vector<std::string>{"t"})));
    make();
    add(0, "x");
    producer->dispatch();
    shard.advance(std::chrono::seconds(1));
    EXPECT_EQ(logs.requests, 0);
    cluster.set_metadata(2, {{"t", {2, 2}}});
    cli::run(shard, producer->finish());
    EXPECT_EQ(logs.values[0], std::vector<std::string>{"x"});
    EXPECT_EQ(cluster.asked_of(ProduceRequest::api_key).front()->endpoint.port, 9002);
}

TEST_F(ProducerTest, SendsAgainOverANewConnectionWhenOneEnds) {
    make(single_records(ProducerId(1)));
    cluster.remove(ProduceRequest::api_key);
    for (const std::string& text : numbers(3)) add(0, text);
    producer->dispatch();
    shard.advance(milliseconds(200));
    cluster.answer<ProduceRequest>(
        [this](const ProduceRequest& request, const Asked&) { return logs.answer(request); });
    cli::run(shard, producer->finish());
    EXPECT_EQ(logs.values[0], numbers(3));
    EXPECT_EQ(producer->acknowledged(), 3);
}

TEST_F(ProducerTest, SaysOnceWhatKeepsItFromDeliveringAndThatItGoesOn) {
    make();
    std::vector<std::string> notices;
    producer->on_notice([&notices](const std::string& notice) { notices.push_back(notice); });
    logs.errors.assign(100'000, ErrorCode::not_enough_replicas);
    add(0, "x");
    producer->dispatch();
    for (int second = 0; second < 20; ++second) shard.advance(std::chrono::seconds(1));
    ASSERT_EQ(notices.size(), 1U);
    EXPECT_NE(notices[0].find("no progress for 5 s: too few replicas are in sync (NOT_ENOUGH_REPLICAS)"),
              std::string::npos)
        << notices[0];
    logs.errors.clear();
    cli::run(shard, producer->finish());
    ASSERT_EQ(notices.size(), 2U);
    EXPECT_NE(notices[1].find("going on after 2"), std::string::npos) << notices[1];
}

TEST_F(ProducerTest, SaysThatABrokerDoesNotAnswerBeforeItsAnswerIsGivenUp) {
    make();
    std::vector<std::string> notices;
    producer->on_notice([&notices](const std::string& notice) { notices.push_back(notice); });
    cluster.set_delay(std::chrono::seconds(4));  // for the connection, and again for the record
    add(0, "x");
    producer->dispatch();
    for (int second = 0; second < 7; ++second) shard.advance(std::chrono::seconds(1));
    ASSERT_EQ(notices.size(), 1U);
    EXPECT_NE(notices[0].find("does not answer"), std::string::npos) << notices[0];
    cli::run(shard, producer->finish());
    EXPECT_EQ(producer->acknowledged(), 1);
}

TEST_F(ProducerTest, HasNoMoreInFlightThanABrokerRemembers) {
    make(single_records(ProducerId(1)));
    for (const std::string& text : numbers(30)) add(0, text);
    producer->dispatch();
    shard.advance(milliseconds(1));  // until the leader's versions are known
    EXPECT_EQ(logs.requests, 5);
    cli::run(shard, producer->finish());
    EXPECT_EQ(logs.values[0], numbers(30));
}

}  // namespace
}  // namespace moldau::cli
