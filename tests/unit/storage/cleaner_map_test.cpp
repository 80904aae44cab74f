#include <cmath>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "cleaner/clean_plan.h"
#include "cleaner/offset_map.h"

namespace moldau::storage {
namespace {

std::string hex_of(const KeyDigest& digest) {
    std::string text;
    for (const std::uint64_t word : {digest.low, digest.high})
        for (int i = 0; i < 8; ++i) text += fmt::format("{:02x}", word >> (8 * i) & 0xff);
    return text;
}

// As its authors publish them: the key 00 01 … 0f, the inputs of 0, 1, 2 … bytes 00 01 02 ….
TEST(KeyHashTest, GivesWhatSipHashGives) {
    const HashSecret secret{0x0706050403020100, 0x0f0e0d0c0b0a0908};
    const std::pair<std::size_t, std::string_view> published[] = {
        {0, "a3817f04ba25a8e66df67214c7550293"},  {1, "da87c1d86b99af44347659119b22fc45"},
        {7, "a1f1ebbed8dbc153c0b84aa61ff08239"},  {8, "3b62a9ba6258f5610f83e264f31497b4"},
        {15, "5493e99933b0a8117e08ec0f97cfc3d9"}, {16, "6ee2a4ca67b054bbfd3315bf85230577"},
    };
    Bytes input;
    for (const auto& [size, digest] : published) {
        while (input.size() < size) input.push_back(static_cast<std::uint8_t>(input.size()));
        EXPECT_EQ(hex_of(hash_key(secret, input)), digest) << size;
    }
    EXPECT_NE(hash_key({1, 2}, input), hash_key({1, 3}, input));
}

TEST(OffsetMapTest, KeepsTheLastOffsetOfEachKeyWhileItGrows) {
    OffsetMap map(64 << 20, 0.9, {1, 2});
    for (int round = 0; round < 2; ++round)
        for (int i = 0; i < 100'000; ++i)
            ASSERT_TRUE(map.put(bytes_of(fmt::format("key-{}", i)), Offset(round * 100'000 + i)));
    EXPECT_EQ(map.size(), 100'000U);
    for (int i = 0; i < 100'000; ++i) ASSERT_EQ(map.find(bytes_of(fmt::format("key-{}", i))), Offset(100'000 + i));
    EXPECT_EQ(map.find(bytes_of("another")), std::nullopt);
}

TEST(OffsetMapTest, AFullMapTakesNoNewKeyButGoesOnWithThoseItHas) {
    OffsetMap map(100 * OffsetMap::entry_bytes, 0.5, {1, 2});
    EXPECT_EQ(map.max_size(), 50U);
    int taken = 0;
    while (map.put(bytes_of(fmt::format("{}", taken)), Offset(taken))) ++taken;
    EXPECT_EQ(taken, 50);
    EXPECT_TRUE(map.put(bytes_of("7"), Offset(1000)));
    EXPECT_FALSE(map.put(bytes_of("new"), Offset(1001)));
    EXPECT_EQ(map.find(bytes_of("7")), Offset(1000));
    EXPECT_EQ(map.find(bytes_of("new")), std::nullopt);
}

TEST(OffsetMapTest, HasRoomForOneKeyHoweverSmall) {
    for (const double load : {0.0, 0.9, 5.0, -1.0, std::nan("")}) {
        OffsetMap map(0, load, {1, 2});
        EXPECT_EQ(map.max_size(), 1U);
        EXPECT_TRUE(map.put(bytes_of("a"), Offset(0)));
        EXPECT_FALSE(map.put(bytes_of("b"), Offset(1)));
        EXPECT_EQ(map.find(bytes_of("b")), std::nullopt) << "the search ends";
    }
}

CleanSource source(std::int64_t base, std::int64_t end, std::uint64_t size = 100, std::uint64_t index = 8) {
    return {.base = Offset(base), .end = Offset(end), .size_bytes = size, .index_bytes = index, .time_index_bytes = 12};
}

TEST(CleanPlanTest, WhatWasNotedCountsWhereItCanBe) {
    EXPECT_EQ(first_dirty_offset(no_offset, Offset(0), Offset(9)), Offset(0));
    EXPECT_EQ(first_dirty_offset(no_offset, Offset(4), Offset(9)), Offset(4));
    EXPECT_EQ(first_dirty_offset(Offset(3), Offset(4), Offset(9)), Offset(4));
    EXPECT_EQ(first_dirty_offset(Offset(4), Offset(4), Offset(9)), Offset(4));
    EXPECT_EQ(first_dirty_offset(Offset(9), Offset(4), Offset(9)), Offset(9));
    EXPECT_EQ(first_dirty_offset(Offset(10), Offset(4), Offset(9)), Offset(4));
}

TEST(CleanPlanTest, ARangeEndsBeforeTheSegmentThatTheLimitIsIn) {
    const std::vector<CleanSource> closed{source(0, 10), source(10, 20, 50), source(20, 30, 300)};
    struct Case {
        std::int64_t first_dirty, limit, end;
        std::uint64_t clean, dirty;
    };
    for (const Case& each :
         {Case{0, 30, 30, 0, 450}, Case{0, 29, 20, 0, 150}, Case{10, 30, 30, 100, 350}, Case{15, 30, 30, 100, 350},
          Case{30, 30, 30, 450, 0}, Case{20, 25, 20, 150, 0}, Case{0, 9, 0, 0, 0}}) {
        const CleanRange range = clean_range(closed, Offset(each.first_dirty), Offset(each.limit));
        EXPECT_EQ(range.end, Offset(each.end)) << each.first_dirty << " " << each.limit;
        EXPECT_EQ(range.clean_bytes, each.clean);
        EXPECT_EQ(range.dirty_bytes, each.dirty);
    }
    EXPECT_DOUBLE_EQ(clean_range(closed, Offset(10), Offset(20)).dirty_ratio(), 50.0 / 150);
    EXPECT_EQ(CleanRange().dirty_ratio(), 0);
}

TEST(CleanPlanTest, SegmentsComeTogetherWithinEachBound) {
    using Groups = std::vector<SourceGroup>;
    const GroupLimits limits{.segment_bytes = 300, .segment_index_bytes = 40};
    std::vector<CleanSource> sources{source(0, 10), source(10, 20), source(20, 30), source(30, 40)};
    EXPECT_EQ(group_sources(sources, Offset(40), limits), (Groups{{0, 3}, {3, 1}})) << "bytes, times";
    EXPECT_EQ(group_sources(sources, Offset(25), limits), (Groups{{0, 3}})) << "one that begins before the end is in";
    EXPECT_EQ(group_sources(sources, Offset(20), limits), (Groups{{0, 2}}));
    EXPECT_EQ(group_sources(sources, Offset(0), limits), Groups());
    for (CleanSource& each : sources) each.index_bytes = 20;
    EXPECT_EQ(group_sources(sources, Offset(40), limits), (Groups{{0, 2}, {2, 2}})) << "the index";
    sources = {source(0, 10, 1000), source(10, 20)};
    EXPECT_EQ(group_sources(sources, Offset(20), limits), (Groups{{0, 1}, {1, 1}})) << "larger than a segment may be";
    sources = {source(0, 10), source(10, 1LL << 31), source(1LL << 31, (1LL << 31) + 1)};
    EXPECT_EQ(group_sources(sources, Offset(1LL << 32), limits), (Groups{{0, 2}, {2, 1}})) << "31 bits of offsets";
}

}  // namespace
}  // namespace moldau::storage
