#include "group_model.h"

#include <gtest/gtest.h>

namespace moldau::sim {
namespace {

TEST(GroupModel, APartitionHasOneOwnerInAGeneration) {
    GroupModel model;
    EXPECT_EQ(model.assigned({1, ""}, 0, "a"), "");
    EXPECT_EQ(model.assigned({1, ""}, 0, "a"), "") << "told twice";
    EXPECT_EQ(model.assigned({1, ""}, 1, "b"), "");
    EXPECT_EQ(model.assigned({2, ""}, 0, "b"), "");
    EXPECT_NE(model.assigned({1, ""}, 0, "b"), "");
    EXPECT_EQ(model.assigned({1, "c"}, 0, "c"), "") << "of a group that may have been forgotten";
    EXPECT_NE(model.assigned({1, "c"}, 0, "d"), "");
    EXPECT_FALSE(model.lasts());
    model.acknowledged(0, 0);
    EXPECT_TRUE(model.lasts());
}

TEST(GroupModel, WhatWasCommittedNeitherGoesNorGoesBackNorComesFromNowhere) {
    GroupModel model;
    EXPECT_EQ(model.fetched(0, -1, model.floor(0)), "");
    EXPECT_NE(model.fetched(0, 0, model.floor(0)), "") << "nobody has committed";
    model.attempted(0, 3);
    EXPECT_EQ(model.fetched(0, -1, model.floor(0)), "") << "it did not arrive";
    EXPECT_EQ(model.fetched(0, 3, model.floor(0)), "") << "or it arrived, and the answer did not";
    EXPECT_NE(model.fetched(0, -1, model.floor(0)), "") << "somebody goes on from what was told";
    model.attempted(0, 4);
    model.acknowledged(0, 4);
    EXPECT_EQ(model.fetched(0, 4, model.floor(0)), "");
    EXPECT_NE(model.fetched(0, -1, model.floor(0)), "");
    EXPECT_NE(model.fetched(0, 2, model.floor(0)), "");
    EXPECT_EQ(model.fetched(0, 3, -1), "") << "who asked before is promised what was then";
    EXPECT_NE(model.fetched(0, 5, -1), "");
}

}  // namespace
}  // namespace moldau::sim
