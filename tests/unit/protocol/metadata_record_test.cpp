#include <gtest/gtest.h>

#include <moldau/protocol/records/metadata_record.h>
#include <moldau/protocol/writer.h>

namespace moldau::protocol {
namespace {

Bytes framed(const MetadataRecord& record, std::int16_t version) {
    Writer writer;
    encode_metadata_record(record, version, writer);
    return writer.take();
}

TEST(MetadataRecord, carries_frame_version_key_and_version) {
    const Bytes bytes = framed(NoOpRecord{}, 0);
    EXPECT_EQ(bytes, (Bytes{1, 20, 0, 0}));
    const auto record = decode_metadata_record(bytes);
    ASSERT_TRUE(record.has_value());
    EXPECT_TRUE(std::holds_alternative<NoOpRecord>(*record));
}

TEST(MetadataRecord, is_decoded_as_it_was_encoded) {
    const MetadataRecord record =
        PartitionRecord{.partition_id = PartitionIndex{2}, .replicas = {NodeId{1}, NodeId{3}}, .leader = NodeId{3}};
    const Bytes bytes = framed(record, 1);
    const auto decoded = decode_metadata_record(bytes);
    ASSERT_TRUE(decoded.has_value()) << decoded.error().message;
    EXPECT_EQ(*decoded, record);
}

TEST(MetadataRecord, of_unknown_key_version_or_frame_is_unsupported) {
    for (const Bytes& bytes : {Bytes{1, 6, 0, 0}, Bytes{1, 20, 9, 0}, Bytes{2, 20, 0, 0}}) {
        const auto record = decode_metadata_record(bytes);
        ASSERT_FALSE(record.has_value());
        EXPECT_EQ(record.error().code, Errc::unsupported) << record.error().message;
    }
}

TEST(MetadataRecord, that_is_cut_off_or_too_long_is_invalid) {
    for (const Bytes& bytes : {Bytes{}, Bytes{1, 20}, Bytes{1, 20, 0}, Bytes{1, 20, 0, 0, 0}}) {
        const auto record = decode_metadata_record(bytes);
        ASSERT_FALSE(record.has_value());
        EXPECT_EQ(record.error().code, Errc::invalid) << record.error().message;
    }
}

}  // namespace
}  // namespace moldau::protocol
