#include "produce/partitioner.h"

#include <gtest/gtest.h>

namespace moldau::cli {
namespace {

struct Known {
    std::string_view key;
    std::uint32_t hash;
    std::int32_t partition_of_seven;
};

// What Apache Kafka's own clients give for these keys.
constexpr Known told_by_kafka[] = {
    {"", 275646681U, 2},
    {"a", 2731586172U, 5},
    {"ab", 316155434U, 0},
    {"abc", 479470107U, 4},
    {"abcd", 2971317748U, 5},
    {"abcde", 461995741U, 4},
    {"21", 3321034988U, 3},
    {"foobar", 3504634814U, 0},
    {"a-little-bit-long-string", 3308985760U, 1},
    {"a-little-bit-longer-string", 2808662467U, 0},
    {"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", 4236069325U, 3},
    {"žluťoučký", 1622223876U, 0},
};

TEST(Partitioner, HashesKeysAsKafkasClientsDo) {
    for (const Known& entry : told_by_kafka) EXPECT_EQ(murmur2(bytes_of(entry.key)), entry.hash) << entry.key;
}

TEST(Partitioner, ChoosesThePartitionThatKafkasClientsChoose) {
    for (const Known& entry : told_by_kafka)
        EXPECT_EQ(partition_of_key(bytes_of(entry.key), 7), entry.partition_of_seven) << entry.key;
}

TEST(Partitioner, StaysOnAPartitionUntilItMovesOn) {
    const std::vector<std::int32_t> partitions{3, 5, 9};
    StickyPartition sticky(1);
    EXPECT_EQ(sticky.current(partitions), 5);
    EXPECT_EQ(sticky.current(partitions), 5);
    sticky.move_on();
    EXPECT_EQ(sticky.current(partitions), 9);
    sticky.move_on();
    EXPECT_EQ(sticky.current(partitions), 3);
}

}  // namespace
}  // namespace moldau::cli
