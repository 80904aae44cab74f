#include <gtest/gtest.h>

#include "storage/format_levels.h"
#include "storage/log_directories.h"
#include "storage/node_properties.h"
#include "support/memory_disk.h"

namespace moldau::cli {
namespace {

constexpr const char* combined =
    "process.roles=broker,controller\nnode.id=7\nlisteners=PLAINTEXT://:9092,CONTROLLER://:9093\n"
    "advertised.listeners=PLAINTEXT://kafka:9092,CONTROLLER://kafka:9093\ncontroller.listener.names=CONTROLLER\n"
    "log.dirs=/b,/a\n";

Outcome<NodeProperties> read(std::string_view text, const std::string& host_name) {
    return read_node_properties(text, host_name, [](std::string_view) {});
}

TEST(NodeProperties, ReadsRolesDirectoriesAndEndpoints) {
    const auto node = read(combined, "here");
    ASSERT_TRUE(node) << node.error().message;
    EXPECT_EQ(node->node_id, NodeId(7));
    EXPECT_TRUE(node->is_broker && node->is_controller);
    EXPECT_EQ(node->log_dirs, (std::vector<std::string>{"/a", "/b"}));
    EXPECT_EQ(node->metadata_dir, "/b");
    EXPECT_EQ(node->controller_endpoints, (std::vector<raft::Endpoint>{{"CONTROLLER", "kafka", 9093}}));
    EXPECT_FALSE(node->has_static_voters);
}

TEST(NodeProperties, PutsTheHostsNameWhereAListenerNamesNone) {
    const auto node = read(
        "process.roles=controller\nnode.id=1\nlisteners=CONTROLLER://:9093\ncontroller.listener.names=CONTROLLER\n",
        "here");
    ASSERT_TRUE(node) << node.error().message;
    EXPECT_EQ(node->controller_endpoints.front().host, "here");
    EXPECT_EQ(node->log_dirs, (std::vector<std::string>{"/tmp/kafka-logs"}));
}

TEST(NodeProperties, NamesListenersInUpperCaseAsTheBrokerRegistersThem) {
    const auto node = read(
        "process.roles=broker,controller\nnode.id=1\nlisteners=PLAINTEXT://:9092,controller://here:9093\n"
        "controller.listener.names=Controller\n",
        "here");
    ASSERT_TRUE(node) << node.error().message;
    EXPECT_EQ(node->controller_endpoints, (std::vector<raft::Endpoint>{{"CONTROLLER", "here", 9093}}));
}

TEST(NodeProperties, SaysWhatIsMissing) {
    const auto message_of = [](const char* text) { return read(text, "here").error().message; };
    EXPECT_NE(message_of("node.id=1\n").find("process.roles"), std::string::npos);
    EXPECT_NE(message_of("process.roles=broker\n").find("node.id"), std::string::npos);
    EXPECT_NE(message_of("process.roles=controller\nnode.id=1\nlisteners=A://:1\ncontroller.listener.names=C\n")
                  .find("listener C in listeners"),
              std::string::npos);
}

TEST(NodeProperties, NamesEachWrongValueOnce) {
    const auto node = read("node.id=x\nnum.partitions=0\nprocess.roles=broker\n", "here");
    ASSERT_FALSE(node);
    EXPECT_EQ(node.error().message,
              "Invalid value x for configuration node.id: Not a number of type INT\n"
              "Invalid value 0 for configuration num.partitions: Value must be at least 1");
}

TEST(FormatLevels, KnowsReleasesByTheirLastVersion) {
    EXPECT_EQ(choose_levels("", {})->metadata_version_name, "4.3-IV0");
    EXPECT_EQ(choose_levels("3.7", {})->metadata_version_name, "3.7-IV4");
    EXPECT_EQ(choose_levels("3.7-IV1", {})->metadata_version, 16);
    EXPECT_EQ(choose_levels("4.0", {})->metadata_version, 25);
}

TEST(FormatLevels, LeavesOutFeaturesThatAReleaseDidNotHave) {
    const auto latest = choose_levels("", {});
    for (const auto& [feature, level] : latest->features) {
        EXPECT_FALSE(choose_levels("3.9", {})->features.contains(feature)) << feature;
        EXPECT_EQ(choose_levels("4.2", {})->features.at(feature), level) << feature;
    }
}

TEST(FormatLevels, LetsTheUserChoose) {
    const auto levels = choose_levels("", {{"group.version", 0}, {"kraft.version", 1}, {"metadata.version", 27}});
    ASSERT_TRUE(levels);
    EXPECT_EQ(levels->metadata_version_name, "4.1-IV1");
    EXPECT_FALSE(levels->features.contains("group.version"));
    EXPECT_FALSE(levels->features.contains("kraft.version"));
    EXPECT_EQ(bootstrap_records_of(*levels).size(), levels->features.size() + 1);
}

TEST(FormatLevels, RefusesWhatThereIsNot) {
    EXPECT_FALSE(choose_levels("9.9", {}));
    EXPECT_FALSE(choose_levels("4", {}));
    EXPECT_FALSE(choose_levels("", {{"foo.version", 1}}));
    EXPECT_FALSE(choose_levels("", {{"group.version", 99}}));
    EXPECT_FALSE(choose_levels("4.3", {{"metadata.version", 30}}));
}

TEST(FormatLevels, RefusesWhatTheBrokerWouldNotStartOn) {
    for (const char* feature : {"group.version", "transaction.version", "share.version", "streams.version",
                                "eligible.leader.replicas.version"}) {
        const auto levels = choose_levels("", {{feature, 1}});
        ASSERT_FALSE(levels) << feature;
        EXPECT_EQ(levels.error().code, ExitCode::usage);
        EXPECT_EQ(levels.error().message, fmt::format("--feature {}=1: level 0 alone works here so far", feature));
        EXPECT_TRUE(choose_levels("", {{feature, 0}})) << feature;
    }
    EXPECT_EQ(choose_levels("", {{"metadata.version", 31}}).error().message,
              "--feature metadata.version=31: levels 7 to 30 work here so far");
}

void put(runtime::Disk& disk, const std::string& path) {
    ASSERT_TRUE(disk.create_directories(runtime::parent_path(path)));
    ASSERT_TRUE(runtime::write_atomically(disk, path, bytes_of("x")));
}

TEST(Inspection, FindsAMetadataLogThatLostItsProperties) {
    runtime::MemoryDisk disk;
    put(disk, "/data/__cluster_metadata-0/00000000000000000012.log");
    const LogDirectory found = inspect(disk, {"/data"}).front();
    EXPECT_FALSE(found.meta);
    EXPECT_TRUE(found.holds_metadata_log);
}

TEST(Inspection, TakesWhatAFormattingLeavesForNoMetadataLog) {
    runtime::MemoryDisk disk;
    put(disk, "/data/__cluster_metadata-0/00000000000000000000-0000000000.checkpoint");
    put(disk, "/data/bootstrap.checkpoint");
    put(disk, "/empty/lost+found/x");
    for (const LogDirectory& found : inspect(disk, {"/data", "/empty", "/none"})) {
        EXPECT_FALSE(found.holds_metadata_log) << found.path;
        EXPECT_EQ(found.problem, "") << found.path;
    }
}

metadata::Properties meta(const char* cluster) {
    return {{"version", "1"}, {"node.id", "1"}, {"cluster.id", cluster}};
}

TEST(DirectoriesReport, PrintsAsKafkaDoes) {
    const auto report =
        report_on({{"/a", true, meta("x"), ""}, {"/b", true, std::nullopt, ""}, {"/c", false, {}, ""}}, NodeId(1));
    EXPECT_TRUE(report.has_problems);
    EXPECT_EQ(report.text,
              "Found log directories:\n  /a\n  /b\n\nFound metadata: {cluster.id=x, node.id=1, version=1}\n\n"
              "Found problems:\n  /b is not formatted.\n  /c does not exist\n\n");
}

TEST(DirectoriesReport, FindsDirectoriesOfAnotherCluster) {
    const auto report = report_on({{"/a", true, meta("x"), ""}, {"/b", true, meta("y"), ""}}, NodeId(1));
    EXPECT_TRUE(report.has_problems);
    EXPECT_NE(report.text.find("/b has cluster.id=y"), std::string::npos) << report.text;
    EXPECT_FALSE(report_on({{"/a", true, meta("x"), ""}}, NodeId(1)).has_problems);
}

TEST(DirectoriesReport, FindsADirectoryOfAnotherNode) {
    const auto report = report_on({{"/a", true, meta("x"), ""}}, NodeId(2));
    EXPECT_TRUE(report.has_problems);
    EXPECT_TRUE(report.text.ends_with("Found problem:\n  /a holds the data of node 1, but node.id is 2\n\n"))
        << report.text;
}

}  // namespace
}  // namespace moldau::cli
