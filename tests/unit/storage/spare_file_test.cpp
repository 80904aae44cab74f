#include <array>

#include <moldau/storage/log_directory.h>

#include "log_fixture.h"

namespace moldau::storage {
namespace {

const TopicPartition orders{"orders", PartitionIndex(3)};
const TopicPartition dashed{"a-b.c_d", PartitionIndex(0)};

class SpareFileTest : public testing::Test {
 protected:
    void SetUp() override { ASSERT_TRUE(disk.create_directories("/data")); }
    void open() {
        directory.reset();
        auto opened = LogDirectory::open(disk, "/data");
        ASSERT_TRUE(opened) << opened.error().message;
        directory = std::move(*opened);
    }
    void begin_on_a_small_disk() {
        disk.capacity_bytes = small_disk_bytes;
        open();
        ASSERT_TRUE(directory->keep_spare_file());
        ASSERT_EQ(disk.durable(spare).size(), spare_bytes);
    }
    void fill_by_others() { disk.other_bytes = disk.capacity_bytes - disk.used_bytes(); }

    static constexpr std::uint64_t small_disk_bytes = 16 << 20;
    static constexpr std::uint64_t spare_bytes = small_disk_bytes / SpareFile::share;
    const std::string spare = "/data/.moldau-spare";

    runtime::MemoryDisk disk;
    std::unique_ptr<LogDirectory> directory;
};

TEST_F(SpareFileTest, OnADiskThatOthersHaveFilledAPartitionLeavesByTheSpareFile) {
    begin_on_a_small_disk();
    ASSERT_TRUE(disk.create_directories("/data/orders-3"));
    ASSERT_TRUE(directory->write_checkpoints({.recovery_points = {{orders, Offset(12)}, {dashed, Offset(3)}}}));
    fill_by_others();
    EXPECT_EQ(directory->write_checkpoints({.recovery_points = {{dashed, Offset(4)}}}).error().code, Errc::no_space);
    EXPECT_TRUE(disk.has(spare)) << "what frees nothing does not get it";
    ASSERT_TRUE(directory->take_away(std::array{Departure{orders, "/data/orders-3", "/data/orders-gone"}}));
    EXPECT_EQ(text_of(disk.content("/data/recovery-point-offset-checkpoint")), "0\n1\na-b.c_d 0 3\n");
    EXPECT_FALSE(disk.has(spare));
    EXPECT_FALSE(directory->give_up_spare_file());
    EXPECT_FALSE(directory->is_offline());
}

TEST_F(SpareFileTest, TheSpareFileIsMadeAgainOnceThereIsRoom) {
    begin_on_a_small_disk();
    fill_by_others();
    ASSERT_TRUE(directory->give_up_spare_file());
    disk.lose_unsynced();
    EXPECT_FALSE(disk.has(spare));
    ASSERT_TRUE(directory->keep_spare_file());
    EXPECT_FALSE(disk.has(spare)) << "there is room for it, but for nothing else";
    disk.other_bytes = 0;
    ASSERT_TRUE(directory->keep_spare_file());
    disk.lose_unsynced();
    EXPECT_EQ(disk.content(spare).size(), spare_bytes);
}

TEST_F(SpareFileTest, AStartOnADiskThatOthersHaveFilledTakesHalfOfTheSpareFile) {
    begin_on_a_small_disk();
    fill_by_others();
    open();
    ASSERT_TRUE(directory->keep_spare_file());
    EXPECT_EQ(disk.durable(spare).size(), spare_bytes / 2);
    EXPECT_EQ(disk.space("/data")->free_bytes, spare_bytes / 2);
    fill_by_others();
    open();
    EXPECT_EQ(disk.durable(spare).size(), spare_bytes / 2) << "the rest is not a start's";
    disk.other_bytes = 0;
    ASSERT_TRUE(directory->keep_spare_file());
    EXPECT_EQ(disk.durable(spare).size(), spare_bytes);
}

TEST_F(SpareFileTest, ASpareFileThatACrashHasCutIsMadeAnew) {
    disk.capacity_bytes = small_disk_bytes;
    ASSERT_TRUE(runtime::write_atomically(disk, spare, bytes_of("x")));
    open();
    ASSERT_TRUE(directory->keep_spare_file());
    EXPECT_EQ(disk.durable(spare).size(), spare_bytes);
}

TEST_F(SpareFileTest, WithoutRoomForASpareFileNoneIsBegun) {
    disk.capacity_bytes = small_disk_bytes;
    disk.after_space = [this] { fill_by_others(); };
    open();
    disk.other_bytes = 0;
    ASSERT_TRUE(directory->keep_spare_file());
    EXPECT_FALSE(disk.has(spare));
    EXPECT_FALSE(directory->is_offline());
}

}  // namespace
}  // namespace moldau::storage
