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

TEST_F(SessionTest, ABrokerThatTakesConnectionsAndSaysNothingIsOutOfTime) {
    cluster.set_delay(std::chrono::hours(1));
    Session session(shard, cluster, {{{"x", 1}}, std::chrono::seconds(5)});
    const Outcome<> opened = run(shard, session.open());
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code, ExitCode::timed_out);
    EXPECT_NE(opened.error().message.find("--bootstrap"), std::string::npos) << opened.error().message;
}

struct ClosedSession : SessionTest {
    /// A session that is being opened while `cluster` does not let it.
    ClosedSession() {
        runtime::spawn(shard, [](ClosedSession& test) -> runtime::Task<void> {
            test.opened = co_await test.session.open();
        }(*this));
    }
    Session session{shard, cluster, {{{"x", 1}}, std::chrono::seconds(30)}};
    std::optional<Outcome<>> opened;

    void expect_the_close_to_end_it() {
        shard.advance(std::chrono::seconds(1));
        ASSERT_FALSE(opened);
        session.close();
        shard.advance(std::chrono::milliseconds(1));
        ASSERT_TRUE(opened);
        ASSERT_FALSE(*opened);
        EXPECT_FALSE(opened->error().retriable);
    }
};

TEST_F(ClosedSession, WaitsNoMoreForAConnection) {
    cluster.swallow(1);
    expect_the_close_to_end_it();
    shard.advance(std::chrono::minutes(1));
}

TEST_F(ClosedSession, WaitsNoMoreForABrokerThatSaysNothing) {
    cluster.set_delay(std::chrono::hours(1));
    expect_the_close_to_end_it();
}

struct UnansweredCalls : SessionTest {
    UnansweredCalls() {
        cluster.answer<protocol::MetadataRequest>([this](const protocol::MetadataRequest&, const Asked&) {
            protocol::MetadataResponse response;
            auto& broker = response.brokers.emplace_back();
            broker.node_id = NodeId(1);
            broker.host = "broker";
            broker.port = port;
            return response;
        });
    }
    Outcome<> refresh() { return run(shard, session.refresh(std::vector<std::string>())); }
    bool send() {
        CallOptions options;
        options.node = NodeId(1);
        options.answered = false;
        const auto sent = run(shard, session.call(DescribeClusterRequest(), options));
        if (!sent) failure = sent.error();
        return sent.has_value();
    }
    /// Where something was asked behind the last call without an answer.
    std::vector<std::uint16_t> asked_to_settle() {
        const std::size_t before = cluster.asked_of(protocol::ApiVersionsRequest::api_key).size();
        const Outcome<> settled = run(shard, session.settle());
        if (!settled) failure = settled.error();
        std::vector<std::uint16_t> ports;
        for (const Asked* asked : cluster.asked_of(protocol::ApiVersionsRequest::api_key))
            ports.push_back(asked->endpoint.port);
        ports.erase(ports.begin(), ports.begin() + static_cast<std::ptrdiff_t>(before));
        std::ranges::sort(ports);
        return ports;
    }

    std::uint16_t port = 9001;
    Session session{shard, cluster, {{{"x", 1}}, std::chrono::seconds(5)}};
    std::optional<Failure> failure;
};

TEST_F(UnansweredCalls, AreSettledAtABrokersFormerAddressTooAndNowhereElse) {
    ASSERT_TRUE(refresh());
    ASSERT_TRUE(send());
    port = 9101;
    ASSERT_TRUE(refresh());
    ASSERT_TRUE(send());
    EXPECT_EQ(asked_to_settle(), (std::vector<std::uint16_t>{9001, 9101}));
    EXPECT_FALSE(failure);
}

TEST_F(UnansweredCalls, ThatFailAreNotTriedAgain) {
    ASSERT_TRUE(refresh());
    ASSERT_TRUE(send());
    cluster.hung_up = true;
    ASSERT_FALSE(send());
    EXPECT_TRUE(failure->message.contains("may be lost: the broker hung up")) << failure->message;
    EXPECT_FALSE(failure->retriable);
    EXPECT_EQ(failure->code, ExitCode::failed);
}

TEST_F(UnansweredCalls, MayBeLostWhereTheConnectionEndsBehindThem) {
    ASSERT_TRUE(refresh());
    ASSERT_TRUE(send());
    cluster.hung_up = true;
    EXPECT_EQ(asked_to_settle(), std::vector<std::uint16_t>{9001});
    ASSERT_TRUE(failure);
    EXPECT_TRUE(failure->message.contains("may be lost: the broker hung up")) << failure->message;
}

}  // namespace
}  // namespace moldau::cli
