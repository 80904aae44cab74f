#include <array>

#include <moldau/storage/log_directory.h>

#include "log_fixture.h"

namespace moldau::storage {
namespace {

const TopicPartition orders{"orders", PartitionIndex(3)};
const TopicPartition dashed{"a-b.c_d", PartitionIndex(0)};

class LogDirectoryTest : public testing::Test {
 protected:
    void SetUp() override { ASSERT_TRUE(disk.create_directories("/data")); }
    void open() {
        directory.reset();
        auto opened = LogDirectory::open(disk, "/data");
        ASSERT_TRUE(opened) << opened.error().message;
        directory = std::move(*opened);
    }
    void put(const std::string& name, std::string_view text) {
        ASSERT_TRUE(runtime::write_atomically(disk, "/data/" + name, bytes_of(text)));
    }
    static Departure leaving(const TopicPartition& partition) {
        const std::string path = "/data/" + partition_directory_name(partition);
        return {partition, path, path + "-gone"};
    }
    std::string text(const std::string& name) { return std::string(text_of(disk.content("/data/" + name))); }

    runtime::MemoryDisk disk;
    std::unique_ptr<LogDirectory> directory;
};

TEST_F(LogDirectoryTest, OneProcessAtATime) {
    open();
    EXPECT_EQ(LogDirectory::open(disk, "/data").error().code, Errc::exists);
    open();
}

TEST_F(LogDirectoryTest, CheckpointsAreKafkasText) {
    open();
    ASSERT_TRUE(directory->write_checkpoints(
        {.recovery_points = {{orders, Offset(12)}, {dashed, Offset(0)}}, .high_watermarks = {{orders, Offset(7)}}}));
    EXPECT_EQ(text("recovery-point-offset-checkpoint"), "0\n2\na-b.c_d 0 0\norders 3 12\n");
    EXPECT_EQ(text("replication-offset-checkpoint"), "0\n1\norders 3 7\n");
    EXPECT_EQ(text("log-start-offset-checkpoint"), "0\n0\n");
    open();
    const LogOptions options = directory->options_for(orders, {}, wall_now);
    EXPECT_EQ(options.directory, "/data/orders-3");
    EXPECT_EQ(options.recovery_point, Offset(12));
    EXPECT_EQ(options.high_watermark, Offset(7));
    EXPECT_FALSE(options.clean_shutdown);
}

TEST_F(LogDirectoryTest, CheckpointsThatSayTheSameAreNotWrittenAgain) {
    const Checkpoints checkpoints{.recovery_points = {{orders, Offset(12)}}, .high_watermarks = {{orders, Offset(7)}}};
    open();
    ASSERT_TRUE(directory->write_checkpoints(checkpoints));
    const std::size_t writes = disk.writes;
    ASSERT_TRUE(directory->write_checkpoints(checkpoints));
    EXPECT_EQ(disk.writes, writes);
    ASSERT_TRUE(directory->write_checkpoints({.log_starts = {{orders, Offset(2)}}}));
    EXPECT_EQ(disk.writes, writes + 1);
    EXPECT_EQ(text("log-start-offset-checkpoint"), "0\n1\norders 3 2\n");
    EXPECT_EQ(text("recovery-point-offset-checkpoint"), "0\n1\norders 3 12\n");
}

TEST_F(LogDirectoryTest, NotedLogStartsAreExactUnlessKafkaWroteLast) {
    open();
    ASSERT_TRUE(directory->write_checkpoints({.log_starts = {{orders, Offset(3)}}, .high_watermarks = {}}));
    open();
    EXPECT_TRUE(directory->options_for(orders, {}, wall_now).log_start_is_exact);
    EXPECT_FALSE(directory->options_for(dashed, {}, wall_now).log_start_is_exact) << "nothing was noted";
    put("replication-offset-checkpoint", "0\n1\norders 3 9\n");
    open();
    EXPECT_FALSE(directory->options_for(orders, {}, wall_now).log_start_is_exact)
        << "its retention notes nothing first";
}

TEST_F(LogDirectoryTest, HighWatermarksOfKafkaDoNotCount) {
    open();
    ASSERT_TRUE(directory->write_checkpoints({.high_watermarks = {{orders, Offset(7)}}}));
    put("replication-offset-checkpoint", "0\n1\norders 3 9\n");
    open();
    EXPECT_TRUE(directory->written_by_kafka());
    EXPECT_EQ(directory->options_for(orders, {}, wall_now).high_watermark, Offset(0));
    ASSERT_TRUE(directory->write_checkpoints({.high_watermarks = {{orders, Offset(8)}}}));
    ASSERT_TRUE(directory->write_checkpoints({.high_watermarks = {{orders, Offset(9)}}}));
    // The checksums were written, the file was not.
    put("replication-offset-checkpoint", "0\n1\norders 3 8\n");
    open();
    EXPECT_FALSE(directory->written_by_kafka());
    EXPECT_EQ(directory->options_for(orders, {}, wall_now).high_watermark, Offset(8));
}

TEST_F(LogDirectoryTest, HowFarALogIsCompactedIsNotedInKafkasFile) {
    open();
    ASSERT_TRUE(directory->write_checkpoints({.recovery_points = {{orders, Offset(12)}}}));
    EXPECT_FALSE(disk.has("/data/cleaner-offset-checkpoint")) << "not before something was";
    ASSERT_TRUE(directory->write_checkpoints({.first_dirty = {{orders, Offset(9)}}}));
    EXPECT_EQ(text("cleaner-offset-checkpoint"), "0\n1\norders 3 9\n");
    open();
    EXPECT_EQ(directory->options_for(orders, {}, wall_now).first_dirty, Offset(9));
    EXPECT_EQ(directory->options_for(dashed, {}, wall_now).first_dirty, no_offset);
    ASSERT_TRUE(directory->write_checkpoints({.first_dirty = {{dashed, Offset(2)}}}));
    ASSERT_TRUE(directory->lower_checkpoints(orders, Offset(4)));
    open();
    EXPECT_EQ(directory->options_for(orders, {}, wall_now).first_dirty, Offset(4));
    EXPECT_EQ(directory->options_for(dashed, {}, wall_now).first_dirty, Offset(2));
    ASSERT_TRUE(directory->take_away(std::vector<Departure>{{.partition = orders, .from = "", .to = ""}}));
    open();
    EXPECT_EQ(directory->options_for(orders, {}, wall_now).first_dirty, no_offset);
    put("cleaner-offset-checkpoint", "0\n7\norders 3 9\n");
    open();
    EXPECT_EQ(directory->options_for(dashed, {}, wall_now).first_dirty, no_offset) << "compaction begins anew";
}

TEST_F(LogDirectoryTest, LoweredCheckpointsAreOnDiskAtOnce) {
    open();
    ASSERT_TRUE(directory->write_checkpoints(
        {.recovery_points = {{orders, Offset(12)}}, .high_watermarks = {{orders, Offset(7)}}}));
    ASSERT_TRUE(directory->lower_checkpoints(orders, Offset(9)));
    EXPECT_EQ(text("recovery-point-offset-checkpoint"), "0\n1\norders 3 9\n");
    EXPECT_EQ(text("replication-offset-checkpoint"), "0\n1\norders 3 7\n");
    ASSERT_TRUE(directory->lower_checkpoints(orders, Offset(5)));
    EXPECT_EQ(text("replication-offset-checkpoint"), "0\n1\norders 3 5\n");
}

TEST_F(LogDirectoryTest, PartitionsMadeAnewAreNotHeldToWhatADeletedOneHad) {
    open();
    ASSERT_TRUE(directory->write_checkpoints({.recovery_points = {{orders, Offset(12)}, {dashed, Offset(3)}}}));
    open();
    directory->forget_start(orders);
    ASSERT_TRUE(directory->take_away(std::array{leaving(orders)}));
    EXPECT_EQ(directory->options_for(orders, {}, wall_now).recovery_point, Offset(0));
    EXPECT_EQ(directory->options_for(dashed, {}, wall_now).recovery_point, Offset(3));
    EXPECT_EQ(text("recovery-point-offset-checkpoint"), "0\n1\na-b.c_d 0 3\n");
}

TEST_F(LogDirectoryTest, PartitionsAreTakenAwayTogetherAndAfterTheirCheckpoints) {
    Checkpoints checkpoints;
    std::vector<Departure> departures;
    for (int i = 0; i < 100; ++i) {
        const TopicPartition partition{"many", PartitionIndex(i)};
        checkpoints.recovery_points[partition] = checkpoints.high_watermarks[partition] = Offset(9);
        departures.push_back(leaving(partition));
        // One of them is not there any more.
        if (i != 7) ASSERT_TRUE(disk.create_directories(departures.back().from));
    }
    open();
    ASSERT_TRUE(directory->write_checkpoints(checkpoints));
    disk.syncs = 0;
    ASSERT_TRUE(directory->take_away(departures));
    EXPECT_LE(disk.syncs, 4U);
    for (const Departure& each : departures) {
        EXPECT_FALSE(disk.exists(each.from).value());
        EXPECT_EQ(disk.exists(each.to).value(), each.partition.partition != PartitionIndex(7));
    }
    EXPECT_EQ(text("recovery-point-offset-checkpoint"), "0\n0\n");
    EXPECT_EQ(text("replication-offset-checkpoint"), "0\n0\n");
    open();
    EXPECT_TRUE(directory->noted_at_start().empty());
}

TEST_F(LogDirectoryTest, ACheckpointThatCannotBeSyncedTakesTheDirectoryOffline) {
    ASSERT_TRUE(disk.create_directories("/data/orders-3"));
    open();
    disk.fail_sync = true;
    EXPECT_EQ(directory->write_checkpoints({.recovery_points = {{orders, Offset(12)}}}).error().code, Errc::io);
    EXPECT_TRUE(directory->is_offline());
    // And is not tried again, when it would seem to succeed.
    disk.fail_sync = false;
    disk.syncs = 0;
    EXPECT_FALSE(directory->write_checkpoints({.recovery_points = {{orders, Offset(12)}}}));
    EXPECT_FALSE(directory->take_away(std::array{leaving(orders)}));
    EXPECT_FALSE(directory->close_cleanly({}, BrokerEpoch(5)));
    EXPECT_EQ(disk.syncs, 0U);
    EXPECT_TRUE(disk.exists("/data/orders-3").value());
    EXPECT_FALSE(disk.has("/data/.kafka_cleanshutdown"));
}

TEST_F(LogDirectoryTest, ACheckpointThatFindsNoRoomIsWrittenLater) {
    open();
    disk.capacity_bytes = disk.used_bytes();
    EXPECT_EQ(directory->write_checkpoints({.recovery_points = {{orders, Offset(12)}}}).error().code, Errc::no_space);
    EXPECT_FALSE(directory->is_offline());
    disk.capacity_bytes = UINT64_MAX;
    ASSERT_TRUE(directory->write_checkpoints({.recovery_points = {{orders, Offset(12)}}}));
    EXPECT_EQ(text("recovery-point-offset-checkpoint"), "0\n1\norders 3 12\n");
}

TEST_F(LogDirectoryTest, PartitionsThatCouldNotBeOpenedKeepTheirCheckpoints) {
    open();
    ASSERT_TRUE(directory->write_checkpoints({.recovery_points = {{orders, Offset(12)}, {dashed, Offset(3)}},
                                              .high_watermarks = {{orders, Offset(7)}, {dashed, Offset(3)}}}));
    open();
    ASSERT_TRUE(directory->write_checkpoints(
        {.recovery_points = {{dashed, Offset(5)}}, .high_watermarks = {{dashed, Offset(4)}}}));
    open();
    EXPECT_EQ(directory->options_for(orders, {}, wall_now).recovery_point, Offset(12));
    EXPECT_EQ(directory->options_for(orders, {}, wall_now).high_watermark, Offset(7));
    EXPECT_EQ(directory->options_for(dashed, {}, wall_now).recovery_point, Offset(5));
    EXPECT_EQ(directory->options_for(dashed, {}, wall_now).high_watermark, Offset(4));
}

TEST_F(LogDirectoryTest, HighWatermarksOfKafkaAreNotCarriedIntoOurFile) {
    put("replication-offset-checkpoint", "0\n1\norders 3 9\n");
    open();
    ASSERT_TRUE(directory->write_checkpoints({.high_watermarks = {{dashed, Offset(4)}}}));
    EXPECT_EQ(text("replication-offset-checkpoint"), "0\n1\na-b.c_d 0 4\n");
}

TEST_F(LogDirectoryTest, CleanMarkerIsGoneBeforeAnythingIsWritten) {
    put(".kafka_cleanshutdown", R"({"version":0,"brokerEpoch":66})");
    open();
    EXPECT_TRUE(directory->was_clean());
    EXPECT_EQ(directory->clean_broker_epoch(), BrokerEpoch(66));
    ASSERT_TRUE(directory->begin_writing());
    directory.reset();
    disk.lose_unsynced();
    open();
    EXPECT_FALSE(directory->was_clean());
    ASSERT_TRUE(directory->close_cleanly({}, BrokerEpoch(5)));
    EXPECT_EQ(text(".kafka_cleanshutdown"), R"({"version":0,"brokerEpoch":5})");
}

TEST_F(LogDirectoryTest, EmptyCheckpointsAsKafkaLeavesThemAreRead) {
    put("replication-offset-checkpoint", "");
    open();
    EXPECT_TRUE(directory->written_by_kafka());
}

TEST_F(LogDirectoryTest, DamagedCheckpointsAreNamed) {
    for (const char* damaged : {"1\n0\n", "0\n2\norders 3 9\n", "0\n1\norders 3\n", "0\n1\norders x 9\n", "0\nx\n"}) {
        put("recovery-point-offset-checkpoint", damaged);
        const auto opened = LogDirectory::open(disk, "/data");
        ASSERT_FALSE(opened) << damaged;
        EXPECT_NE(opened.error().message.find("recovery-point-offset-checkpoint"), std::string::npos);
    }
}

TEST_F(LogDirectoryTest, MetaPropertiesAreReadAsKafkaWritesThem) {
    put("meta.properties",
        "#\n#Sat Nov 21 01:46:23 UTC 2026\nnode.id=1\ndirectory.id=ubMFLxu6SCeXWM9IMrj4lA\nversion=1\n"
        "cluster.id=4L6g3nShT-eMCtK--X86sw\n");
    open();
    ASSERT_TRUE(directory->meta());
    EXPECT_EQ(directory->meta()->node_id, NodeId(1));
    EXPECT_EQ(directory->meta()->cluster_id, "4L6g3nShT-eMCtK--X86sw");
    EXPECT_EQ(directory->meta()->directory_id->to_string(), "ubMFLxu6SCeXWM9IMrj4lA");
    EXPECT_EQ(*decode_meta_properties(encode_meta_properties(*directory->meta())), *directory->meta());
    EXPECT_FALSE(decode_meta_properties("version=2\nnode.id=1\ncluster.id=x\n"));
    EXPECT_FALSE(decode_meta_properties("version=1\nnode.id=-1\ncluster.id=x\n"));
    EXPECT_FALSE(decode_meta_properties("version=1\nnode.id=1\n"));
}

TEST_F(LogDirectoryTest, PartitionDirectoriesAreKnownByTheirNames) {
    const Uuid unique = Uuid::from_halves(0x0123456789abcdef, 2);
    const std::string gone = partition_directory_name(dashed, PartitionDirectoryKind::removed, unique);
    EXPECT_EQ(gone, "a-b.c_d-0.0123456789abcdef0000000000000002-delete");
    for (const std::string& name : {std::string("orders-3"), gone, std::string("not a partition"), std::string("x-")})
        ASSERT_TRUE(disk.create_directories("/data/" + name));
    open();
    const auto found = directory->partitions();
    ASSERT_TRUE(found);
    ASSERT_EQ(found->size(), 2U);
    EXPECT_EQ(found->front().name.partition, dashed);
    EXPECT_EQ(found->front().name.kind, PartitionDirectoryKind::removed);
    EXPECT_EQ(found->back().name.partition, orders);
    EXPECT_EQ(found->back().path, "/data/orders-3");
    // As long as file systems allow, whatever the topic is called.
    const TopicPartition longest{std::string(249, 't'), PartitionIndex(12)};
    EXPECT_EQ(partition_directory_name(longest, PartitionDirectoryKind::future, unique).size(), 255U);
}

TEST_F(LogDirectoryTest, TheLastSpaceIsForInternalTopics) {
    disk.capacity_bytes = 4 * LogDirectory::reserve_share * LogDirectory::max_reserve_bytes;
    disk.other_bytes = disk.capacity_bytes - disk.used_bytes() - LogDirectory::max_reserve_bytes - 1000;
    open();
    EXPECT_TRUE(directory->has_room(false, 900));
    EXPECT_FALSE(directory->has_room(false, 1000));
    EXPECT_TRUE(directory->has_room(true, 1000));
    disk.other_bytes += 2000;
    ASSERT_TRUE(directory->refresh_free_space());
    EXPECT_FALSE(directory->has_room(false, 0));
    EXPECT_TRUE(directory->has_room(true, 0));
}

TEST_F(LogDirectoryTest, ASmallFileSystemKeepsASmallReserve) {
    disk.capacity_bytes = 16 << 20;
    disk.other_bytes = disk.capacity_bytes - disk.capacity_bytes / LogDirectory::reserve_share - 100;
    open();
    EXPECT_TRUE(directory->has_room(false, 50));
    EXPECT_FALSE(directory->has_room(false, 200));
}

TEST_F(LogDirectoryTest, AppendsCountBeforeTheSpaceIsMeasuredAgain) {
    disk.capacity_bytes = 16 << 20;
    disk.other_bytes = disk.capacity_bytes - disk.capacity_bytes / LogDirectory::reserve_share - 1000;
    open();
    EXPECT_TRUE(directory->has_room(false, 600));
    directory->note_appended(600);
    EXPECT_FALSE(directory->has_room(false, 600));
    ASSERT_TRUE(directory->refresh_free_space());
    EXPECT_TRUE(directory->has_room(false, 600));
}

TEST_F(LogDirectoryTest, AppendsCountThatComeWhileTheSpaceIsMeasured) {
    disk.capacity_bytes = 16 << 20;
    disk.other_bytes = disk.capacity_bytes - disk.capacity_bytes / LogDirectory::reserve_share - 1000;
    open();
    disk.after_space = [this] { directory->note_appended(600); };
    ASSERT_TRUE(directory->refresh_free_space());
    EXPECT_FALSE(directory->has_room(false, 600));
    EXPECT_TRUE(directory->has_room(false, 300));
}

TEST_F(LogDirectoryTest, TheFirstReasonForBeingOfflineStays) {
    open();
    EXPECT_FALSE(directory->is_offline());
    directory->set_offline({Errc::io, "first"});
    directory->set_offline({Errc::io, "second"});
    EXPECT_TRUE(directory->is_offline());
    EXPECT_EQ(directory->offline_reason().message, "first");
}

TEST(LeaderEpochCacheTest, AnswersAsKafkaDoes) {
    LeaderEpochCache cache;
    EXPECT_EQ(cache.end_offset_for(LeaderEpoch(0), Offset(9)), EpochEnd{});
    EXPECT_TRUE(cache.assign(LeaderEpoch(2), Offset(5)));
    EXPECT_TRUE(cache.assign(LeaderEpoch(4), Offset(10)));
    EXPECT_FALSE(cache.assign(LeaderEpoch(4), Offset(12)));
    EXPECT_EQ(cache.end_offset_for(LeaderEpoch(1), Offset(20)), (EpochEnd{LeaderEpoch(1), Offset(5)}));
    EXPECT_EQ(cache.end_offset_for(LeaderEpoch(2), Offset(20)), (EpochEnd{LeaderEpoch(2), Offset(10)}));
    EXPECT_EQ(cache.end_offset_for(LeaderEpoch(3), Offset(20)), (EpochEnd{LeaderEpoch(2), Offset(10)}));
    EXPECT_EQ(cache.end_offset_for(LeaderEpoch(4), Offset(20)), (EpochEnd{LeaderEpoch(4), Offset(20)}));
    EXPECT_EQ(cache.end_offset_for(LeaderEpoch(5), Offset(20)), EpochEnd{});
    EXPECT_EQ(cache.end_offset_for(no_leader_epoch, Offset(20)), EpochEnd{});
    EXPECT_EQ(cache.epoch_of(Offset(4)), std::nullopt);
    EXPECT_EQ(cache.epoch_of(Offset(9)), LeaderEpoch(2));
    EXPECT_EQ(cache.epoch_of(Offset(10)), LeaderEpoch(4));
    EXPECT_EQ(cache.encode(), "0\n2\n2 5\n4 10\n");
    EXPECT_EQ(LeaderEpochCache::decode(cache.encode())->entries(), cache.entries());
}

TEST(LeaderEpochCacheTest, TruncationKeepsTheEpochThatHoldsTheStart) {
    LeaderEpochCache cache;
    for (int i = 0; i < 4; ++i) cache.assign(LeaderEpoch(i), Offset(i * 10));
    EXPECT_TRUE(cache.truncate_from_start(Offset(15)));
    EXPECT_EQ(cache.earliest(), (EpochStart{LeaderEpoch(1), Offset(15)}));
    EXPECT_FALSE(cache.truncate_from_start(Offset(15)));
    EXPECT_TRUE(cache.truncate_from_end(Offset(30)));
    EXPECT_EQ(cache.latest_epoch(), LeaderEpoch(2));
    // A conflicting assignment wins over what contradicts it.
    EXPECT_TRUE(cache.assign(LeaderEpoch(3), Offset(16)));
    EXPECT_EQ(cache.entries(), (std::vector<EpochStart>{{LeaderEpoch(1), Offset(15)}, {LeaderEpoch(3), Offset(16)}}));
}

}  // namespace
}  // namespace moldau::storage
