#include "arguments/group_values.h"

#include <gtest/gtest.h>

namespace moldau::cli {
namespace {

TEST(GroupValues, ReadTopicsWithTheirPartitions) {
    EXPECT_EQ(*parse_topic_partitions("orders"), (TopicPartitions{"orders", {}}));
    EXPECT_EQ(*parse_topic_partitions("orders:3"), (TopicPartitions{"orders", {3}}));
    EXPECT_EQ(*parse_topic_partitions("orders:2,0,2"), (TopicPartitions{"orders", {0, 2}}));
    for (const char* text : {"", ":0", "orders:", "orders:0,"}) {
        const auto parsed = parse_topic_partitions(text);
        ASSERT_FALSE(parsed) << text;
        EXPECT_TRUE(parsed.error().message.starts_with(fmt::format("'{}' is not a topic", text)));
    }
    for (const char* text : {"orders:-1", "orders:x", "orders:0:1", "a:2147483648"}) {
        const auto parsed = parse_topic_partitions(text);
        ASSERT_FALSE(parsed) << text;
        EXPECT_TRUE(parsed.error().message.starts_with(fmt::format("'{}': '", text))) << parsed.error().message;
        EXPECT_TRUE(parsed.error().message.ends_with("is not a partition, a number from 0 to 2147483647"));
    }
}

TEST(GroupValues, ReadAges) {
    const std::pair<const char*, std::int64_t> durations[] = {
        {"P7D", 7 * 86'400'000LL}, {"PT1H30M", 5'400'000}, {"pt5s", 5000},    {"P1DT0.25S", 86'400'250},
        {"PT0.1239S", 123},        {"PT90M", 5'400'000},   {"P0D", 0},        {"P1DT2H3M4S", 93'784'000},
        {"PT1.S", 1000},           {"90m", 5'400'000},     {"1h", 3'600'000},
    };
    for (const auto& [text, ms] : durations) {
        const auto parsed = parse_age_ms(text);
        ASSERT_TRUE(parsed) << text;
        EXPECT_EQ(*parsed, ms) << text;
    }
    for (const char* text : {"", "P", "PT", "7D", "P7", "P1H", "PT1D", "P1DT", "PT1M1H", "PT1H1H", "P-1D", "PT1.5M",
                             "P1D ", "PT1S1", "PTT1S", "P1Y", "P1W", "P9223372036854775807D"})
        EXPECT_FALSE(parse_age_ms(text)) << text;
}

TEST(GroupValues, ReadStatesWhateverTheirCase) {
    EXPECT_EQ(*parse_group_states("stable,EMPTY,preparingrebalance"),
              (std::vector<std::string>{"Stable", "Empty", "PreparingRebalance"}));
    EXPECT_EQ(*parse_group_types("Classic,consumer"), (std::vector<std::string>{"classic", "consumer"}));
    EXPECT_EQ(parse_group_states("stable,idle").error().message,
              "'idle' is no state of a group: PreparingRebalance, CompletingRebalance, Stable, Dead, Empty, Assigning, "
              "Reconciling, NotReady");
    EXPECT_FALSE(parse_group_types(""));
}

}  // namespace
}  // namespace moldau::cli
