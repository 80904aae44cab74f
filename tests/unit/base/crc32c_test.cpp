#include <gtest/gtest.h>

#include <moldau/base/crc32c.h>

namespace moldau {
namespace {

Bytes pattern(std::size_t size) {
    Bytes bytes(size);
    std::uint32_t state = 12345;
    for (auto& byte : bytes) {
        state = state * 1664525 + 1013904223;
        byte = static_cast<std::uint8_t>(state >> 24);
    }
    return bytes;
}

TEST(Crc32c, GivesThePublishedCheckValues) {
    EXPECT_EQ(crc32c(bytes_of("123456789")), 0xe3069283U);
    const Bytes zeros(32, 0);
    EXPECT_EQ(crc32c(zeros), 0x8a9136aaU);  // RFC 3720 B.4
    const Bytes ones(32, 0xff);
    EXPECT_EQ(crc32c(ones), 0x62a8ab43U);
}

TEST(Crc32c, EqualsThePortableOneAtEveryLengthAroundItsBlocks) {
    const Bytes bytes = pattern(30000);
    for (std::size_t size : {0, 1, 7, 8, 9, 255, 256, 767, 768, 769, 1536, 8192, 24575, 24576, 24577, 30000})
        EXPECT_EQ(crc32c(ByteView(bytes).first(size)), crc32c_portable(ByteView(bytes).first(size))) << size;
}

TEST(Crc32c, ExtendsAnEarlierChecksum) {
    const Bytes bytes = pattern(5000);
    const ByteView all(bytes);
    for (std::size_t cut : {0, 1, 100, 2500, 4999, 5000})
        EXPECT_EQ(crc32c(all.subspan(cut), crc32c(all.first(cut))), crc32c(all)) << cut;
}

}  // namespace
}  // namespace moldau
