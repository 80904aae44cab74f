// What golden files do not show: messages as code uses them, and bytes that Kafka's classes do not write.

#include <gtest/gtest.h>

#include <moldau/protocol/messages/api_versions.h>
#include <moldau/protocol/messages/fetch.h>
#include <moldau/protocol/messages/metadata.h>
#include <moldau/protocol/messages/produce.h>
#include <moldau/protocol/messages/request_header.h>
#include <moldau/protocol/reader.h>
#include <moldau/protocol/writer.h>

namespace moldau::protocol {
namespace {

template <class T>
Bytes encoded(const T& message, std::int16_t version) {
    Writer writer;
    message.encode(writer, version);
    return writer.take();
}

ProduceRequest produce_to(std::string topic) {
    return {.acks = -1,
            .timeout_ms = 1000,
            .topic_data = {{.name = topic, .partition_data = {{.index = PartitionIndex{3}}}}}};
}

TEST(Message, is_decoded_as_it_was_encoded) {
    const auto request = produce_to("orders");
    const Bytes bytes = encoded(request, 9);
    Reader reader(bytes);
    EXPECT_EQ(ProduceRequest::decode(reader, 9), request);
    EXPECT_TRUE(reader.finish("produce").has_value());
}

TEST(Message, borrows_from_its_frame) {
    const Bytes bytes = encoded(produce_to("orders"), 9);
    Reader reader(bytes);
    const auto request = ProduceRequest::decode(reader, 9);
    const auto* at = reinterpret_cast<const std::uint8_t*>(request.topic_data.at(0).name.view().data());
    EXPECT_GE(at, bytes.data());
    EXPECT_LT(at, bytes.data() + bytes.size());
}

TEST(Message, leaves_out_what_the_version_does_not_have) {
    FetchRequest request{.rack_id = "eu-1"};
    const Bytes bytes = encoded(request, 4);
    Reader reader(bytes);
    EXPECT_EQ(FetchRequest::decode(reader, 4).rack_id, "");
}

TEST(Message, is_refused_when_null_is_not_allowed) {
    // Metadata version 0 has no null for "all topics"; version 1 has.
    const Bytes bytes = {0xff, 0xff, 0xff, 0xff};
    Reader old(bytes);
    MetadataRequest::decode(old, 0);
    EXPECT_FALSE(old.ok());
    Reader newer(bytes);
    EXPECT_FALSE(MetadataRequest::decode(newer, 1).topics.has_value());
    EXPECT_TRUE(newer.ok());
}

TEST(Message, writes_null_as_empty_where_null_has_no_encoding) {
    EXPECT_EQ(encoded(MetadataRequest{.topics = std::nullopt}, 0), (Bytes{0, 0, 0, 0}));
}

TEST(Message, skips_unknown_tagged_fields) {
    const Bytes bytes = {0x02, 'a', 0x02, 'b', 0x01, 0x63, 0x02, 0xaa, 0xbb};
    Reader reader(bytes);
    const auto request = ApiVersionsRequest::decode(reader, 3);
    EXPECT_TRUE(reader.finish("api versions").has_value());
    EXPECT_EQ(request.client_software_version, "b");
}

TEST(Message, takes_the_last_of_a_tagged_field_that_comes_twice) {
    // As Kafka does: null records and no topics, then the cluster id in tag 0, twice.
    Bytes bytes = encoded(FetchRequest{}, 12);
    bytes.pop_back();
    for (const std::uint8_t byte : Bytes{2, 0, 2, 2, 'x', 0, 2, 2, 'y'}) bytes.push_back(byte);
    Reader reader(bytes);
    EXPECT_EQ(FetchRequest::decode(reader, 12).cluster_id, std::optional<Text>("y"));
    EXPECT_TRUE(reader.finish("fetch").has_value());
}

TEST(Message, is_refused_when_a_tagged_field_does_not_fill_its_size) {
    Bytes bytes = encoded(FetchRequest{}, 12);
    bytes.pop_back();
    for (const std::uint8_t byte : Bytes{1, 0, 3, 2, 'x', 0}) bytes.push_back(byte);
    Reader reader(bytes);
    FetchRequest::decode(reader, 12);
    EXPECT_FALSE(reader.ok());
}

TEST(Message, that_announces_a_billion_elements_is_refused) {
    const Bytes bytes = {0x00, 0x00, 0x00, 0x01, 0x3b, 0x9a, 0xca, 0x00};
    Reader reader(bytes);
    const auto response = MetadataResponse::decode(reader, 0);
    EXPECT_FALSE(reader.ok());
    EXPECT_TRUE(response.topics.empty());
}

TEST(RequestHeader, keeps_the_old_form_of_the_client_id_in_flexible_versions) {
    const RequestHeader header{.request_api_key = 18, .request_api_version = 3, .correlation_id = 1, .client_id = "ab"};
    EXPECT_EQ(encoded(header, 2), (Bytes{0, 18, 0, 3, 0, 0, 0, 1, 0, 2, 'a', 'b', 0}));
}

TEST(FetchResponse, is_written_around_external_records) {
    FetchResponse response;
    response.responses = {
        {.topic = "t",
         .partitions = {{.partition_index = PartitionIndex{0}, .records = Records::external(1, 50)},
                        {.partition_index = PartitionIndex{1}, .records = Records::external(2, 70)}}}};
    Writer writer;
    response.encode(writer, 4);
    ASSERT_EQ(writer.splices().size(), 2U);

    // With the bytes put where the splices say, it decodes as if it had held them.
    Bytes whole;
    std::size_t at = 0;
    for (const auto& splice : writer.splices()) {
        whole.insert(whole.end(), writer.view().begin() + at, writer.view().begin() + splice.position);
        whole.insert(whole.end(), splice.size_bytes, static_cast<std::uint8_t>(splice.id));
        at = splice.position;
    }
    whole.insert(whole.end(), writer.view().begin() + at, writer.view().end());
    ASSERT_EQ(whole.size(), writer.total_size_bytes());
    Reader reader(whole);
    const auto decoded = FetchResponse::decode(reader, 4);
    ASSERT_TRUE(reader.finish("fetch").has_value());
    EXPECT_EQ(decoded.responses[0].partitions[0].records, Records::own(Bytes(50, 1)));
    EXPECT_EQ(decoded.responses[0].partitions[1].records, Records::own(Bytes(70, 2)));
}

}  // namespace
}  // namespace moldau::protocol
