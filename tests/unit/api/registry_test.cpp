#include "registry.h"

#include <algorithm>

#include <gtest/gtest.h>

#include <moldau/protocol/api_table.h>

namespace moldau::api {
namespace {

constexpr std::int16_t produce_key = 0;
constexpr std::int16_t create_topics_key = 19;

TEST(Registry, IsInOrderOfKeySoThatEachIsFound) {
    EXPECT_TRUE(std::ranges::is_sorted(served_apis(), std::ranges::less_equal{}, &ServedApi::key));
    for (const ServedApi& api : served_apis()) EXPECT_EQ(find_served(api.key), &api);
}

TEST(Registry, KnowsNothingOfWhatIsNotServed) {
    EXPECT_EQ(find_served(-1), nullptr);
    EXPECT_EQ(find_served(4), nullptr) << "LeaderAndIsr went with Apache Kafka 4.0";
    EXPECT_EQ(find_served(1000), nullptr);
}

TEST(Registry, ServesNoVersionThatTheProtocolDoesNotKnow) {
    for (const ServedApi& api : served_apis()) {
        const protocol::ApiInfo* known = protocol::find_api(api.key);
        ASSERT_NE(known, nullptr) << api.key;
        EXPECT_EQ(api.min_version, known->min_version) << known->name;
        EXPECT_EQ(api.max_version, known->stable_version) << known->name;
        EXPECT_LE(api.min_version, api.max_version) << known->name;
        EXPECT_NE(api.serve, nullptr) << known->name;
    }
}

TEST(Registry, AdvertisesProduceAloneFromAVersionThatIsNotServed) {
    for (const ServedApi& api : served_apis())
        EXPECT_EQ(api.advertised_minimum, api.key == produce_key ? 0 : api.min_version) << api.key;
    EXPECT_EQ(find_served(produce_key)->min_version, 3);
}

TEST(Registry, KeepsDataOffTheControllersListener) {
    EXPECT_TRUE(is_served_on(*find_served(produce_key), false));
    EXPECT_FALSE(is_served_on(*find_served(produce_key), true));
    EXPECT_TRUE(is_served_on(*find_served(create_topics_key), true));
}

}  // namespace
}  // namespace moldau::api
