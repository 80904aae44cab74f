#include "session.h"

#include <gtest/gtest.h>

#include <moldau/protocol/messages/describe_cluster.h>

#include "fake_cluster.h"

namespace moldau::cli {
namespace {

using protocol::ApiVersionsRequest;
using protocol::DescribeClusterRequest;
using protocol::ErrorCode;

struct SessionTest : testing::Test {
    runtime::ManualShard shard;
    FakeCluster cluster{shard};
};

TEST_F(SessionTest, TakesTheFirstBootstrapBrokerThatAnswers) {
    cluster.refuse(1);
    Session session(shard, cluster, {{{"x", 1}, {"y", 2}}, std::chrono::seconds(5)});
    EXPECT_TRUE(run(shard, session.open()));
    EXPECT_EQ(cluster.asked_of(ApiVersionsRequest::api_key).front()->endpoint.port, 2);
}

TEST_F(SessionTest, SaysThatNobodyAnswers) {
    cluster.refuse(1);
    Session session(shard, cluster, {{{"x", 1}}, std::chrono::seconds(5)});
    const Outcome<> opened = run(shard, session.open());
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code, ExitCode::cannot_connect);
    EXPECT_NE(opened.error().message.find("--bootstrap"), std::string::npos);
}

TEST_F(SessionTest, FallsBackToVersionZeroOfApiVersions) {
    cluster.answer_raw<ApiVersionsRequest>([](const Asked& asked) -> Result<Bytes> {
        protocol::ApiVersionsResponse response;
        if (asked.call.api_version > 0) response.error_code = ErrorCode::unsupported_version;
        auto& offered = response.api_keys.emplace_back();
        offered.api_key = DescribeClusterRequest::api_key;
        offered.max_version = 1;
        protocol::Writer writer;
        response.encode(writer, 0);
        return writer.take();
    });
    cluster.answer<DescribeClusterRequest>(
        [](const DescribeClusterRequest&, const Asked&) { return protocol::DescribeClusterResponse(); });
    Session session(shard, cluster, {{{"x", 1}}, std::chrono::seconds(5)});
    EXPECT_TRUE(run(shard, session.call(DescribeClusterRequest())));
    // The highest that both know.
    EXPECT_EQ(cluster.asked_of(DescribeClusterRequest::api_key).front()->call.api_version, 1);
}

TEST_F(SessionTest, NamesAnApiThatTheBrokerDoesNotOffer) {
    cluster.answer<ApiVersionsRequest>(
        [](const ApiVersionsRequest&, const Asked&) { return protocol::ApiVersionsResponse(); });
    Session session(shard, cluster, {{{"x", 1}}, std::chrono::seconds(5)});
    const auto answer = run(shard, session.call(DescribeClusterRequest()));
    ASSERT_FALSE(answer);
    EXPECT_NE(answer.error().message.find("DescribeCluster"), std::string::npos);
    EXPECT_FALSE(session.offers(DescribeClusterRequest::api_key));
}

TEST_F(SessionTest, KnowsAControllersListenerByWhatItDoesNotOffer) {
    cluster.answer<ApiVersionsRequest>(
        [](const ApiVersionsRequest&, const Asked&) { return protocol::ApiVersionsResponse(); });
    Session session(shard, cluster, {{{"x", 1}}, std::chrono::seconds(5)});
    const auto known = run(shard, session.refresh(std::nullopt));
    ASSERT_FALSE(known);
    EXPECT_NE(known.error().message.find("controller's listener"), std::string::npos) << known.error().message;
}

TEST_F(SessionTest, DoubtsTheAddressOnlyOfABrokerThatWasNeverReached) {
    cluster.set_metadata(2, {});
    cluster.refuse(9002);
    Session session(shard, cluster, {{{"x", 1}}, std::chrono::seconds(5)});
    ASSERT_TRUE(run(shard, session.refresh(std::vector<std::string>())));
    const auto message_from = [&](int node) {
        CallOptions to;
        to.node = NodeId(node);
        return run(shard, session.call(DescribeClusterRequest(), to)).error().message;
    };
    EXPECT_NE(message_from(2).find("advertised.listeners"), std::string::npos);
    EXPECT_EQ(message_from(1), "DescribeCluster: the broker hung up");
    cluster.refuse(9001);
    EXPECT_EQ(message_from(1), "nobody listens at 9001");
}

TEST_F(SessionTest, KnowsLeadersAndCallsThem) {
    cluster.set_metadata(2, {{"t", {1, 2}}});
    cluster.answer<DescribeClusterRequest>(
        [](const DescribeClusterRequest&, const Asked&) { return protocol::DescribeClusterResponse(); });
    Session session(shard, cluster, {{{"x", 1}}, std::chrono::seconds(5)});
    ASSERT_TRUE(run(shard, session.refresh(std::vector<std::string>{"t", "missing"})));
    EXPECT_EQ(session.leader_of("t", 1), NodeId(2));
    EXPECT_EQ(session.leader_of("t", 2), no_node);
    EXPECT_EQ(session.topic("missing")->error, ErrorCode::unknown_topic_or_partition);
    CallOptions to_leader;
    to_leader.node = session.leader_of("t", 1);
    ASSERT_TRUE(run(shard, session.call(DescribeClusterRequest(), to_leader)));
    EXPECT_EQ(cluster.asked_of(DescribeClusterRequest::api_key).front()->endpoint.port, 9002);
}

TEST_F(SessionTest, ConnectsAnewAfterAFailure) {
    cluster.set_metadata(1, {});
    Session session(shard, cluster, {{{"x", 1}}, std::chrono::seconds(5)});
    const auto failed_call = run(shard, session.call(DescribeClusterRequest()));
    ASSERT_FALSE(failed_call);
    EXPECT_TRUE(failed_call.error().retriable);
    ASSERT_TRUE(run(shard, session.refresh(std::vector<std::string>())));
    EXPECT_EQ(cluster.connects, 2);
}

TEST_F(SessionTest, WhoComesOnceTheConnectionIsThereGoesBehindThoseWhoWaitedForIt) {
    Session session(shard, cluster, {{{"x", 1}}, std::chrono::seconds(5)});
    const auto ask = [&](int hours) {
        runtime::spawn(shard, [](Session& asked, int timeout) -> runtime::Task<void> {
            CallOptions options;
            options.timeout = std::chrono::hours(timeout);
            (void)co_await asked.call(DescribeClusterRequest(), options);
        }(session, hours));
    };
    cluster.answer<DescribeClusterRequest>([&](const DescribeClusterRequest&, const Asked&) {
        if (cluster.asked_of(DescribeClusterRequest::api_key).size() == 1) ask(3);
        return protocol::DescribeClusterResponse();
    });
    ask(1);
    ask(2);
    shard.advance(std::chrono::seconds(1));
    const auto asked = cluster.asked_of(DescribeClusterRequest::api_key);
    ASSERT_EQ(asked.size(), 3U);
    EXPECT_LT(asked[0]->call.deadline, asked[1]->call.deadline);
    EXPECT_LT(asked[1]->call.deadline, asked[2]->call.deadline);
}

TEST_F(SessionTest, RefusesAnAnswerThatIsNone) {
    cluster.answer_raw<DescribeClusterRequest>([](const Asked&) -> Result<Bytes> { return Bytes{1, 2, 3}; });
    Session session(shard, cluster, {{{"x", 1}}, std::chrono::seconds(5)});
    const auto answer = run(shard, session.call(DescribeClusterRequest()));
    ASSERT_FALSE(answer);
    EXPECT_NE(answer.error().message.find("DescribeClusterResponse"), std::string::npos);
}

}  // namespace
}  // namespace moldau::cli
