// The simulator on trial: it finds what is planted in the stand-in broker, and nothing where nothing is.

#include <gtest/gtest.h>

#include "scenario.h"
#include "stand_in/stand_in.h"

namespace moldau::sim {
namespace {

std::unique_ptr<Scenario> stand_in_with(Bug bug) {
    return single_broker_scenario(stand_in_program(bug));
}

TEST(Simulator, FindsNothingWhereNothingIs) {
    const auto scenario = stand_in_with(Bug::none);
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        const Report report = scenario->run({.seed = seed, .shards = std::nullopt, .on_trace = nullptr});
        EXPECT_EQ(report.violation, "") << "seed " << seed;
        EXPECT_GE(report.operations, 1000);
    }
}

TEST(Simulator, FindsEveryPlantedBugWithinAFewHundredSeeds) {
    for (const auto& [name, bug] : all_bugs()) {
        if (bug == Bug::none) continue;
        const auto scenario = stand_in_with(bug);
        bool found = false;
        for (std::uint64_t seed = 1; seed <= 400 && !found; ++seed)
            found = !scenario->run({.seed = seed, .shards = std::nullopt, .on_trace = nullptr}).violation.empty();
        EXPECT_TRUE(found) << name;
    }
}

TEST(Simulator, RepeatsAHistoryForEachNumberOfShards) {
    const auto scenario = stand_in_with(Bug::none);
    for (const unsigned shards : {1U, 2U, 4U}) {
        const Report first = scenario->run({.seed = 7, .shards = shards, .on_trace = nullptr});
        const Report second = scenario->run({.seed = 7, .shards = shards, .on_trace = nullptr});
        EXPECT_EQ(first.trace_hash, second.trace_hash);
        EXPECT_EQ(first.disk_hash, second.disk_hash);
        EXPECT_EQ(first.counters, second.counters);
    }
}

}  // namespace
}  // namespace moldau::sim
