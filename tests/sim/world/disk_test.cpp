#include <gtest/gtest.h>

#include "sim_node.h"

namespace moldau::sim {
namespace {

using runtime::OpenMode;

void write(SimDisk& disk, const std::string& path, std::string_view text, bool sync) {
    auto file = disk.open(path, OpenMode::create);
    ASSERT_TRUE(file);
    const ByteView parts[] = {bytes_of(text)};
    ASSERT_TRUE((*file)->write_at(parts, 0));
    if (sync) ASSERT_TRUE((*file)->sync());
}

std::string content(SimDisk& disk, const std::string& path) {
    const auto bytes = runtime::read_whole(disk, path);
    return bytes ? std::string(text_of(*bytes)) : "-";
}

/// What `look` says after crashes of the same disk under many seeds.
std::set<std::string> outcomes(const std::function<void(SimDisk&)>& prepare,
                               const std::function<std::string(SimDisk&)>& look) {
    std::set<std::string> seen;
    for (std::uint64_t seed = 1; seed <= 100; ++seed) {
        Simulation simulation(seed);
        SimDisk disk(simulation, "node", {});
        disk.begin_life(simulation.new_incarnation());
        prepare(disk);
        disk.end_life();
        disk.crash(Survival::anything);
        seen.insert(look(disk));
    }
    return seen;
}

using Outcomes = std::set<std::string>;

TEST(SimDisk, LosesAFileWhoseDirectoryWasNotSynced) {
    const auto look = [](SimDisk& disk) { return content(disk, "/d/f"); };
    const auto prepare = [](SimDisk& disk) {
        ASSERT_TRUE(disk.create_directories("/d"));
        ASSERT_TRUE(disk.sync_directory("/"));
        write(disk, "/d/f", "x", true);
    };
    EXPECT_EQ(outcomes(prepare, look), (Outcomes{"-", "x"}));
    EXPECT_EQ(outcomes(
                  [&](SimDisk& disk) {
                      prepare(disk);
                      ASSERT_TRUE(disk.sync_directory("/d"));
                  },
                  look),
              (Outcomes{"x"}));
}

TEST(SimDisk, LosesADirectoryWhoseParentWasNotSynced) {
    EXPECT_EQ(outcomes(
                  [](SimDisk& disk) {
                      ASSERT_TRUE(disk.create_directories("/d"));
                      write(disk, "/d/f", "x", true);
                      ASSERT_TRUE(disk.sync_directory("/d"));
                  },
                  [](SimDisk& disk) { return content(disk, "/d/f"); }),
              (Outcomes{"-", "x"}));
}

TEST(SimDisk, ARenameIsAtomic) {
    const auto prepare = [](SimDisk& disk) {
        write(disk, "/f", "old", true);
        write(disk, "/f.tmp", "new", true);
        ASSERT_TRUE(disk.sync_directory("/"));
        ASSERT_TRUE(disk.rename("/f.tmp", "/f"));
    };
    const auto look = [](SimDisk& disk) { return content(disk, "/f") + " " + content(disk, "/f.tmp"); };
    EXPECT_EQ(outcomes(prepare, look), (Outcomes{"new -", "old new"}));
}

TEST(SimDisk, ASyncOfADirectoryCoversWhatWasChangedBeforeItBegan) {
    const auto prepare = [](SimDisk& disk) {
        write(disk, "/before", "x", true);
        const auto sync = disk.begin_directory_sync("/");
        ASSERT_TRUE(sync);
        write(disk, "/during", "x", true);
        disk.complete(*sync);
    };
    const auto look = [](SimDisk& disk) { return content(disk, "/before") + content(disk, "/during"); };
    EXPECT_EQ(outcomes(prepare, look), (Outcomes{"x-", "xx"}));
}

TEST(SimDisk, ARemovalMayComeBack) {
    const auto prepare = [](SimDisk& disk) {
        write(disk, "/f", "x", true);
        ASSERT_TRUE(disk.sync_directory("/"));
        ASSERT_TRUE(disk.remove("/f"));
        EXPECT_EQ(disk.used_bytes(), 0);
    };
    EXPECT_EQ(outcomes(prepare, [](SimDisk& disk) { return content(disk, "/f"); }), (Outcomes{"-", "x"}));
}

TEST(SimDisk, ChangesOfOneNameSurviveInOrder) {
    const auto prepare = [](SimDisk& disk) {
        write(disk, "/a", "1", true);
        ASSERT_TRUE(disk.rename("/a", "/b"));
        write(disk, "/a", "2", true);
    };
    const auto look = [](SimDisk& disk) { return content(disk, "/a") + content(disk, "/b"); };
    EXPECT_EQ(outcomes(prepare, look), (Outcomes{"--", "1-", "-1", "21"}));
}

TEST(SimDisk, ReplacesAFileAtomicallyWhateverCallThePowerGoesAt) {
    Outcomes seen;
    for (std::uint64_t call = 1; call <= 8; ++call) {
        for (std::uint64_t seed = 1; seed <= 20; ++seed) {
            Simulation simulation(seed);
            SimDisk disk(simulation, "node", {});
            disk.begin_life(simulation.new_incarnation());
            ASSERT_TRUE(runtime::write_atomically(disk, "/f", bytes_of("old")));
            disk.power_off_at(call, nullptr);
            const bool done = runtime::write_atomically(disk, "/f", bytes_of("new")).has_value();
            disk.end_life();
            disk.crash(Survival::anything);
            const std::string found = content(disk, "/f");
            if (done) EXPECT_EQ(found, "new");
            seen.insert(found);
        }
    }
    EXPECT_EQ(seen, (Outcomes{"new", "old"}));
}

TEST(SimDisk, RefusesWhatDoesNotFitAndTakesItWhenThereIsRoomAgain) {
    Simulation simulation(1);
    SimDisk disk(simulation, "node", {.capacity_bytes = 10});
    disk.begin_life(simulation.new_incarnation());
    auto file = disk.open("/f", OpenMode::create);
    ASSERT_TRUE(file);
    const ByteView parts[] = {bytes_of("0123456789ab")};
    const auto refused = (*file)->write_at(parts, 0);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::no_space);
    EXPECT_LE((*file)->size().value(), 10);
    ASSERT_TRUE((*file)->truncate(0));
    EXPECT_EQ(disk.used_bytes(), 0);
    disk.set_capacity(12);
    EXPECT_TRUE((*file)->write_at(parts, 0));
    EXPECT_EQ(content(disk, "/f"), "0123456789ab");
}

TEST(SimDisk, FailsReadsAndSyncsWhenTold) {
    Simulation simulation(1);
    SimDisk disk(simulation, "node", {});
    disk.begin_life(simulation.new_incarnation());
    write(disk, "/f", "0123456789", true);
    auto file = disk.open("/f", OpenMode::read_write);
    ASSERT_TRUE(file);
    Bytes into(4);
    disk.fail_reads("/f", 5, 1);
    EXPECT_TRUE((*file)->read_at(into, 0));
    EXPECT_FALSE((*file)->read_at(into, 4));
    disk.clear_read_failures();
    EXPECT_TRUE((*file)->read_at(into, 4));
    disk.fail_syncs(1);
    EXPECT_FALSE((*file)->sync());
    EXPECT_TRUE((*file)->sync());
}

TEST(SimDisk, RemembersWhatItRefusedALife) {
    Simulation simulation(1);
    SimDisk disk(simulation, "node", {.capacity_bytes = 10});
    const Incarnation first = simulation.new_incarnation();
    disk.begin_life(first);
    write(disk, "/f", "0123456789", true);
    EXPECT_FALSE(disk.refusals(first).any());
    auto file = disk.open("/f", OpenMode::read_write);
    ASSERT_TRUE(file);
    const ByteView parts[] = {bytes_of("x")};
    EXPECT_FALSE((*file)->write_at(parts, 10));
    disk.end_life();

    const Incarnation second = simulation.new_incarnation();
    disk.begin_life(second);
    disk.fail_syncs(1);
    EXPECT_FALSE((*file)->sync());
    disk.end_life();

    const Incarnation third = simulation.new_incarnation();
    disk.begin_life(third);
    disk.fail_reads("/f", 0, 1);
    EXPECT_EQ(content(disk, "/f"), "-");
    EXPECT_TRUE(disk.refusals(first).for_space && !disk.refusals(first).as_failing);
    EXPECT_TRUE(disk.refusals(second).as_failing && !disk.refusals(second).for_space);
    EXPECT_TRUE(disk.refusals(third).as_failing);
}

TEST(SimDisk, TellsWhatACrashMayTakeOfFilesReadAsOne) {
    Simulation simulation(1);
    SimDisk disk(simulation, "node", {});
    disk.begin_life(simulation.new_incarnation());
    ASSERT_TRUE(disk.create_directories("/d"));
    ASSERT_TRUE(disk.sync_directory("/"));
    write(disk, "/d/1.log", "0123", true);
    write(disk, "/d/2.log", "4567", true);
    write(disk, "/d/2.index", "unlike", false);
    EXPECT_EQ(disk.unsynced_tail_bytes("/d", ".log"), 8) << "their names may go";
    ASSERT_TRUE(disk.sync_directory("/d"));
    EXPECT_EQ(disk.unsynced_tail_bytes("/d", ".log"), 0);

    const auto file = disk.open("/d/1.log", OpenMode::create);
    const ByteView parts[] = {bytes_of("89")};
    ASSERT_TRUE((*file)->write_at(parts, 4));
    EXPECT_EQ(disk.unsynced_tail_bytes("/d", ".log"), 6) << "what follows may be there, behind a hole";
    ASSERT_TRUE((*file)->sync());
    EXPECT_EQ(disk.unsynced_tail_bytes("/d", ".log"), 0);
    disk.fail_syncs(1);
    ASSERT_TRUE((*file)->write_at(parts, 6));
    ASSERT_FALSE((*file)->sync());
    EXPECT_LE(disk.unsynced_tail_bytes("/d", ".log"), 6);
    EXPECT_EQ(disk.unsynced_tail_bytes("/nowhere", ".log"), 0);
}

TEST(SimDisk, LocksADirectoryOnceAndFreesItWithTheProcess) {
    Simulation simulation(1);
    SimDisk disk(simulation, "node", {});
    disk.begin_life(simulation.new_incarnation());
    auto held = disk.lock("/");
    ASSERT_TRUE(held);
    EXPECT_EQ(disk.lock("/").error().code, Errc::exists);
    disk.end_life();
    disk.begin_life(simulation.new_incarnation());
    const auto next = disk.lock("/");
    EXPECT_TRUE(next);
    held->reset();
    EXPECT_FALSE(disk.lock("/")) << "the dead process's lock is gone without taking the new one along";
}

TEST(SimDisk, SometimesWouldBlockButNeverForGood) {
    Simulation simulation(1);
    SimDisk disk(simulation, "node", {});
    disk.begin_life(simulation.new_incarnation());
    write(disk, "/f", "0123456789", true);
    auto file = disk.open("/f", OpenMode::read);
    int blocked = 0;
    int whole = 0;
    for (int i = 0; i < 1000; ++i) {
        Bytes into(10);
        const auto read = (*file)->try_read_at(into, 0);
        if (!read) {
            EXPECT_EQ(read.error().code, Errc::would_block);
            ++blocked;
        } else if (*read == 10) {
            ++whole;
        }
    }
    EXPECT_GT(blocked, 20);
    EXPECT_GT(whole, 500);
}

}  // namespace
}  // namespace moldau::sim
