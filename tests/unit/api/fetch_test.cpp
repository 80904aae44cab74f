// How long a Fetch waits, and what it reads.

#include <gtest/gtest.h>

#include <moldau/protocol/batch_builder.h>
#include <moldau/protocol/messages/fetch.h>
#include <moldau/protocol/messages/produce.h>

#include "serving_node.h"

namespace moldau::api {
namespace {

using namespace std::chrono_literals;
using protocol::ErrorCode;

class Fetch : public testing::Test {
 protected:
    static constexpr std::int16_t version = 12;  // the last with names

    void SetUp() override { serving_.start_with_topic("there"); }
    void TearDown() override { serving_.stop(); }

    static protocol::FetchRequest of(const std::vector<std::string>& topics) {
        protocol::FetchRequest request;
        request.max_wait_ms = 200;
        request.min_bytes = 1;
        request.max_bytes = 1000;
        for (const std::string& name : topics) {
            auto& topic = request.topics.emplace_back();
            topic.topic = protocol::Text(name);
            topic.partitions.emplace_back().partition_max_bytes = 1000;
        }
        return request;
    }

    /// Batches of one record of a KiB.
    void produce(int batches) {
        const std::string value(1024, 'v');
        for (int i = 0; i < batches; ++i) {
            protocol::BatchBuilder builder({});
            builder.append({.timestamp = Timestamp(1), .value = bytes_of(value)});
            const Bytes batch = builder.finish();
            protocol::ProduceRequest request;
            request.acks = 1;
            auto& topic = request.topic_data.emplace_back();
            topic.name = protocol::Text("there");
            topic.partition_data.emplace_back().records = protocol::Records::borrow(batch);
            const auto answer = serving_.ask(request, version);
            ASSERT_EQ(answer.responses.at(0).partition_responses.at(0).error_code, ErrorCode::none);
        }
    }
    /// Pieces of work for the I/O pool that come of a Fetch of two KiB from there on.
    std::size_t works_for(Offset from) {
        auto request = of({"there"});
        request.max_bytes = request.topics[0].partitions[0].partition_max_bytes = 2048;
        request.topics[0].partitions[0].fetch_offset = from;
        const std::size_t before = serving_.disk().posted;
        EXPECT_TRUE(*serving_.begin(request, version));
        return serving_.disk().posted - before;
    }

    AllowAll authorizer_;
    ServingNode serving_{authorizer_};
};

TEST_F(Fetch, LooksAtWhatIsNotCachedAndAtWhatIsAskedForNext) {
    produce(60);
    serving_.disk().nothing_cached = true;
    EXPECT_EQ(works_for(Offset(0)), 1U);
    serving_.disk().nothing_cached = false;
    EXPECT_EQ(works_for(Offset(20)), 1U);
    EXPECT_EQ(works_for(Offset(20)), 1U) << "it was looked at, what follows was not";
    EXPECT_EQ(works_for(Offset(22)), 0U) << "it was looked at while the answer before was sent";
}

TEST_F(Fetch, WaitsForOthersWhereAPartitionIsUnknown) {
    const auto answer = serving_.begin(of({"nowhere", "there"}), version);
    serving_.advance(199ms);
    EXPECT_FALSE(*answer);
    EXPECT_EQ(serving_.used_budget_bytes(), 0U);
    serving_.advance(1ms);
    const auto response = serving_.read<protocol::FetchRequest>(answer, version);
    ASSERT_EQ(response.responses.size(), 2U);
    EXPECT_EQ(response.responses[0].partitions.at(0).error_code, ErrorCode::unknown_topic_or_partition);
    EXPECT_EQ(response.responses[1].partitions.at(0).error_code, ErrorCode::none);
}

TEST_F(Fetch, IsAnsweredAtOnceWhereAllAreUnknown) {
    EXPECT_TRUE(*serving_.begin(of({"nowhere", "elsewhere"}), version));
}

TEST_F(Fetch, IsAnsweredAtOnceWhereAPartitionRefuses) {
    auto request = of({"there", "nowhere"});
    request.topics[0].partitions[0].fetch_offset = Offset(5);
    const auto answer = serving_.begin(request, version);
    const auto response = serving_.read<protocol::FetchRequest>(answer, version);
    EXPECT_EQ(response.responses.at(0).partitions.at(0).error_code, ErrorCode::offset_out_of_range);
}

}  // namespace
}  // namespace moldau::api
