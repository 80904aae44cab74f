#include "call.h"

#include <gtest/gtest.h>

#include <moldau/protocol/messages/fetch.h>

namespace moldau::api {
namespace {

TEST(EncodeResponse, AnAnswerThatNoFrameCanHoldClosesTheConnection) {
    constexpr std::uint64_t large = 1 << 30;
    protocol::FetchResponse message;
    auto& topic = message.responses.emplace_back();
    std::vector<net::FileSlice> slices;
    for (std::uint32_t i = 0; i < 2; ++i) {
        topic.partitions.emplace_back().records = protocol::Records::external(i, large);
        slices.push_back({nullptr, 0, large});
    }
    net::Request request;
    request.api_key = protocol::FetchResponse::api_key;
    request.api_version = 12;
    const net::Response refused = encode_response(request, message, slices);
    EXPECT_TRUE(refused.pieces.empty());
    EXPECT_TRUE(refused.close);
    EXPECT_NE(refused.close_reason.find("Fetch"), std::string::npos) << refused.close_reason;

    topic.partitions.pop_back();
    slices.pop_back();
    EXPECT_FALSE(encode_response(request, message, slices).close);
}

}  // namespace
}  // namespace moldau::api
