#include <limits>

#include <gtest/gtest.h>

#include <moldau/base/varint.h>

namespace moldau {
namespace {

TEST(Varint, WritesWhatItReadsAtEveryWidth) {
    for (int bit = 0; bit < 64; ++bit)
        for (std::uint64_t value : {std::uint64_t{1} << bit, (std::uint64_t{1} << bit) - 1}) {
            std::uint8_t buffer[max_varlong_bytes];
            const std::size_t size = write_uvarlong(buffer, value);
            EXPECT_EQ(size, uvarint_size(value));
            std::uint64_t back = 0;
            EXPECT_EQ(read_uvarlong(ByteView(buffer, size), back), size);
            EXPECT_EQ(back, value);
            EXPECT_EQ(read_uvarlong(ByteView(buffer, size - 1), back), 0U) << "a cut one is refused";
        }
}

TEST(Varint, RefusesNumbersThatDoNotFit) {
    const Bytes too_large = {0xff, 0xff, 0xff, 0xff, 0x1f};
    std::uint32_t value = 0;
    EXPECT_EQ(read_uvarint(too_large, value), 0U);
    const Bytes largest = {0xff, 0xff, 0xff, 0xff, 0x0f};
    EXPECT_EQ(read_uvarint(largest, value), 5U);
    EXPECT_EQ(value, std::numeric_limits<std::uint32_t>::max());
    const Bytes endless(20, 0x80);
    EXPECT_EQ(read_uvarint(endless, value), 0U);
    std::uint64_t wide = 0;
    EXPECT_EQ(read_uvarlong(endless, wide), 0U);
}

TEST(Varint, ZigzagKeepsSmallMagnitudesSmall) {
    EXPECT_EQ(zigzag(std::int32_t{-1}), 1U);
    EXPECT_EQ(zigzag(std::int32_t{1}), 2U);
    for (std::int64_t value : {std::int64_t{0}, std::int64_t{-5}, std::numeric_limits<std::int64_t>::min(),
                               std::numeric_limits<std::int64_t>::max()})
        EXPECT_EQ(unzigzag(zigzag(value)), value);
}

}  // namespace
}  // namespace moldau
