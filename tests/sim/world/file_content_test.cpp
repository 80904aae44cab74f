#include "file_content.h"

#include <gtest/gtest.h>

namespace moldau::sim {
namespace {

constexpr std::uint64_t page = FileContent::page_bytes;
constexpr std::uint64_t sector = FileContent::sector_bytes;

Bytes filled(std::size_t size, std::uint8_t with) {
    return Bytes(size, with);
}

FileContent synced(std::size_t size, std::uint8_t with) {
    FileContent file;
    file.write(0, filled(size, with));
    file.complete_sync(file.sync_point());
    return file;
}

/// Crashes copies of `file` under many seeds and hands each to `look`.
void crash_often(const FileContent& file, const std::function<void(const FileContent&)>& look) {
    for (std::uint64_t seed = 1; seed <= 400; ++seed) {
        FileContent copy = file;
        SimRandom random(seed);
        copy.crash(random, Survival::anything);
        look(copy);
    }
}

TEST(FileContent, KeepsWhatWasSyncedThroughACrash) {
    const FileContent file = synced(3 * page + 100, 7);
    crash_often(file, [&](const FileContent& after) {
        EXPECT_EQ(after.size(), 3 * page + 100);
        EXPECT_EQ(Bytes(after.data().begin(), after.data().end()), filled(3 * page + 100, 7));
    });
}

TEST(FileContent, LosesAnySubsetOfUnsyncedPages) {
    FileContent file = synced(3 * page, 1);
    for (std::uint64_t i = 0; i < 3; ++i) file.write(i * page, filled(page, 2));
    std::set<std::string> seen;
    crash_often(file, [&](const FileContent& after) {
        std::string pages;
        for (std::uint64_t i = 0; i < 3; ++i) {
            const ByteView bytes = after.data().subspan(i * page, page);
            const auto whole = std::ranges::count(bytes, 2);
            pages += whole == 0 ? 'o' : whole == page ? 'n' : 't';
        }
        seen.insert(pages);
    });
    for (const char* expected : {"ooo", "noo", "ono", "oon", "nno", "non", "onn", "nnn", "ton"})
        EXPECT_TRUE(seen.contains(expected)) << expected;
}

TEST(FileContent, TearsAPageAtSectors) {
    FileContent file = synced(page, 1);
    file.write(0, filled(page, 2));
    bool torn = false;
    crash_often(file, [&](const FileContent& after) {
        for (std::uint64_t at = 0; at < page; at += sector) {
            const ByteView bytes = after.data().subspan(at, sector);
            EXPECT_TRUE(std::ranges::all_of(bytes, [&](std::uint8_t byte) { return byte == bytes[0]; }));
            torn = torn || bytes[0] != after.data()[0];
        }
    });
    EXPECT_TRUE(torn);
}

TEST(FileContent, NeverShowsALaterWriteOfASectorWithoutTheEarlierOne) {
    FileContent file = synced(page, 1);
    file.write(0, filled(100, 2));
    file.write(50, filled(100, 3));
    crash_often(file, [&](const FileContent& after) {
        if (after.data()[60] == 3) EXPECT_EQ(after.data()[0], 2);
    });
}

TEST(FileContent, SurvivesWithAnOldOrANewSizeAndZerosInHoles) {
    FileContent file = synced(page, 1);
    file.write(page, filled(page, 2));
    file.write(2 * page, filled(page, 3));
    std::set<std::uint64_t> sizes;
    bool hole = false;
    crash_often(file, [&](const FileContent& after) {
        sizes.insert(after.size());
        hole = hole || (after.size() == 3 * page && std::ranges::count(after.data().subspan(page, page), 0) == page);
    });
    EXPECT_EQ(sizes, (std::set<std::uint64_t>{page, 2 * page, 3 * page}));
    EXPECT_TRUE(hole);
}

TEST(FileContent, ASyncCoversOnlyWhatWasWrittenBeforeItBegan) {
    FileContent file;
    file.write(0, filled(page, 1));
    const std::uint64_t point = file.sync_point();
    file.write(0, filled(page, 2));
    file.write(page, filled(page, 3));
    file.complete_sync(point);
    bool overwrite_lost = false;
    bool append_lost = false;
    crash_often(file, [&](const FileContent& after) {
        ASSERT_GE(after.size(), page);
        EXPECT_TRUE(std::ranges::all_of(after.data().first(page), [](std::uint8_t b) { return b == 1 || b == 2; }));
        overwrite_lost = overwrite_lost || after.data()[0] == 1;
        append_lost = append_lost || after.size() == page;
    });
    EXPECT_TRUE(overwrite_lost);
    EXPECT_TRUE(append_lost);
}

TEST(FileContent, ATruncationSurvivesOrNotAndNeverShowsWhatItRemoved) {
    FileContent file = synced(2 * page, 1);
    file.resize(100);
    file.write(100, filled(2 * page - 100, 2));
    bool old_seen = false;
    bool cut_seen = false;
    crash_often(file, [&](const FileContent& after) {
        const ByteView data = after.data();
        if (data.size() == 100) cut_seen = true;
        if (data.size() != 2 * page) return;
        const bool any_old = std::ranges::count(data.subspan(100), 1) > 0;
        const bool any_new = std::ranges::any_of(data.subspan(100), [](std::uint8_t b) { return b != 1; });
        old_seen = old_seen || any_old;
        EXPECT_FALSE(any_old && any_new) << "removed bytes beside later ones";
    });
    EXPECT_TRUE(old_seen);
    EXPECT_TRUE(cut_seen);
}

TEST(FileContent, AFailedSyncLosesPagesForGood) {
    bool lost = false;
    bool kept = false;
    for (std::uint64_t seed = 1; seed <= 50; ++seed) {
        FileContent file = synced(page, 1);
        file.write(0, filled(page, 2));
        SimRandom random(seed);
        file.fail_sync(file.sync_point(), random);
        EXPECT_EQ(file.data()[0], 2) << "the page cache still shows it";
        file.complete_sync(file.sync_point());
        file.crash(random, Survival::everything);
        (file.data()[0] == 1 ? lost : kept) = true;
    }
    EXPECT_TRUE(lost);
    EXPECT_TRUE(kept);
}

}  // namespace
}  // namespace moldau::sim
