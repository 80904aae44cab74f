#include <gtest/gtest.h>

#include <moldau/base/nearest.h>

namespace moldau {
namespace {

TEST(NearestName, IsTheOneThatWasMeant) {
    constexpr std::string_view names[] = {"list", "describe", "bootstrap", "bootstrap-server"};
    EXPECT_EQ(nearest_name(names, "lst"), "list");
    EXPECT_EQ(nearest_name(names, "bootstap"), "bootstrap");
    EXPECT_EQ(nearest_name(names, "bootstrap-sever"), "bootstrap-server");
    EXPECT_EQ(nearest_name(names, "broker-list"), std::nullopt);
    EXPECT_EQ(nearest_name(names, "ls"), std::nullopt);
    EXPECT_EQ(nearest_name({}, "list"), std::nullopt);
}

}  // namespace
}  // namespace moldau
