#include "directory_format.h"

#include <gtest/gtest.h>

#include <moldau/raft/snapshot.h>

#include "metadata_records.h"
#include "support/memory_disk.h"

namespace moldau::node {
namespace {

constexpr const char* directory = "/data";
constexpr const char* identity_file = "/data/meta.properties";
constexpr const char* bootstrap_file = "/data/bootstrap.checkpoint";

class DirectoryFormatTest : public testing::Test {
 protected:
    void format(std::string cluster_id = "first") {
        const DirectoryIdentity identity{.cluster_id = std::move(cluster_id),
                                         .node_id = NodeId(1),
                                         .directory_id = Uuid::from_halves(1, 2),
                                         .now = Timestamp(1'700'000'000'000)};
        ASSERT_TRUE(
            format_if_empty(disk, directory, identity,
                            {{.name = "CONTROLLER", .host = "localhost", .port = 9093, .security_protocol = 0}}));
    }
    void finalise(const std::string& name, std::int16_t level) {
        protocol::FeatureLevelRecord record;
        record.name = protocol::Text(name);
        record.feature_level = level;
        const metadata::VersionedRecord one[] = {{std::move(record), 0}};
        raft::SnapshotWriter writer(LeaderEpoch(0), {}, Timestamp(1));
        for (const Bytes& value : encode_records(one)) writer.append(value, Timestamp(1));
        writer.finish(Timestamp(1));
        ASSERT_TRUE(runtime::write_atomically(disk, bootstrap_file, writer.take()));
    }
    bool opens() { return open_log_directory(disk, directory, NodeId(1)).has_value(); }
    void put(const std::string& path) { ASSERT_TRUE(runtime::write_atomically(disk, path, bytes_of("x"))); }

    runtime::MemoryDisk disk;
};

TEST_F(DirectoryFormatTest, FormatsWhatIsAbsentAndLeavesWhatIsFormatted) {
    format();
    EXPECT_TRUE(opens());
    const Bytes before = disk.content(identity_file);
    format("second");
    EXPECT_EQ(disk.content(identity_file), before);
}

TEST_F(DirectoryFormatTest, FormatsAgainWhatAPowerCutLeftOfAFormatting) {
    format();
    ASSERT_TRUE(disk.remove(identity_file));
    put("/data/.lock");
    put("/data/bootstrap.checkpoint.tmp");
    EXPECT_FALSE(opens());
    format("second");
    EXPECT_TRUE(opens());
}

TEST_F(DirectoryFormatTest, FormatsNothingThatAnotherBrokerHolds) {
    ASSERT_TRUE(disk.create_directories(directory));
    const auto held = disk.lock(directory);
    ASSERT_TRUE(held);
    EXPECT_FALSE(format_if_empty(
        disk, directory, {.cluster_id = "first", .node_id = NodeId(1), .directory_id = Uuid(), .now = Timestamp(1)},
        {}));
    EXPECT_FALSE(disk.has(identity_file));
}

TEST_F(DirectoryFormatTest, LeavesADirectoryAloneThatHoldsAnythingElse) {
    format();
    ASSERT_TRUE(disk.remove(identity_file));
    put("/data/__cluster_metadata-0/00000000000000000000.log");
    format("second");
    EXPECT_FALSE(disk.has(identity_file));
}

TEST_F(DirectoryFormatTest, AClusterBeginsWithTheFeaturesThatItWasFormattedWith) {
    format();
    EXPECT_EQ(read_bootstrap(disk, directory)->metadata_version(), metadata::latest_metadata_version);
    finalise("metadata.version", 25);
    EXPECT_EQ(read_bootstrap(disk, directory)->metadata_version(), 25);
    ASSERT_TRUE(disk.remove(bootstrap_file));
    EXPECT_EQ(read_bootstrap(disk, directory)->metadata_version(), metadata::latest_metadata_version);
}

TEST_F(DirectoryFormatTest, FeaturesThatDoNotWorkHereAreRefusedAndSoIsADamagedFile) {
    format();
    finalise("metadata.version", metadata::latest_metadata_version + 1);
    EXPECT_EQ(read_bootstrap(disk, directory).error().code, Errc::unsupported);
    finalise("transaction.version", 2);
    const auto refused = read_bootstrap(disk, directory);
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().message.find(bootstrap_file), std::string::npos);
    put(bootstrap_file);
    EXPECT_FALSE(read_bootstrap(disk, directory));
}

}  // namespace
}  // namespace moldau::node
