#include <map>
#include <random>

#include <gtest/gtest.h>

#include <moldau/metadata/persistent_map.h>

namespace moldau::metadata {
namespace {

std::map<int, int> contents(const PersistentMap<int, int>& map) {
    return {map.begin(), map.end()};
}

TEST(PersistentMap, agrees_with_an_ordinary_map_over_random_changes) {
    std::mt19937 random(7);
    PersistentMap<int, int> map;
    std::map<int, int> expected;
    for (int step = 0; step < 20000; ++step) {
        const int key = static_cast<int>(random() % 500);
        if (random() % 2 == 0) {
            map.set(key, step);
            expected[key] = step;
        } else {
            map.erase(key);
            expected.erase(key);
        }
        ASSERT_EQ(map.size(), expected.size());
        ASSERT_EQ(map.contains(key), expected.contains(key));
    }
    EXPECT_EQ(contents(map), expected);
}

TEST(PersistentMap, a_copy_keeps_what_it_had) {
    PersistentMap<int, int> map;
    for (int i = 0; i < 100; ++i) map.set(i, i);
    const auto before = map;
    for (int i = 0; i < 100; i += 2) map.erase(i);
    map.set(1, -1);
    EXPECT_EQ(before.size(), 100U);
    EXPECT_EQ(*before.find(1), 1);
    EXPECT_EQ(*before.find(42), 42);
    EXPECT_EQ(map.size(), 50U);
}

TEST(PersistentMap, lower_bound_begins_at_the_first_key_that_is_not_less) {
    PersistentMap<int, int> map;
    for (int i = 0; i < 50; ++i) map.set(2 * i, i);
    std::vector<int> rest;
    for (auto at = map.lower_bound(91); at != map.end(); ++at) rest.push_back(at->first);
    EXPECT_EQ(rest, (std::vector<int>{92, 94, 96, 98}));
    EXPECT_TRUE(map.lower_bound(99) == map.end());
}

}  // namespace
}  // namespace moldau::metadata
