#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <future>
#include <support/running_shards.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include <moldau/posix/disk.h>

#include "system_error.h"

namespace moldau::posix {
namespace {

using runtime::OpenMode;
using runtime::Task;

class PosixDiskTest : public testing::Test {
 public:
    PosixDiskTest() {
        std::string pattern = testing::TempDir() + "moldau-disk-XXXXXX";
        directory = ::mkdtemp(pattern.data());
    }
    ~PosixDiskTest() override { EXPECT_TRUE(runtime::remove_all(disk, directory)); }

 protected:
    std::string path(std::string_view name) const { return runtime::join_path(directory, name); }

    PosixDisk disk;
    std::string directory;
};

TEST_F(PosixDiskTest, WritesManyPartsAndReadsThemBack) {
    auto file = disk.open(path("a"), OpenMode::create_new);
    ASSERT_TRUE(file);
    std::vector<Bytes> parts;  // more than one call takes, some of them empty
    Bytes all;
    for (std::size_t i = 0; i < 300; ++i) {
        parts.emplace_back(i % 7 * 100, static_cast<std::uint8_t>(i));
        all.insert(all.end(), parts.back().begin(), parts.back().end());
    }
    const std::vector<ByteView> views(parts.begin(), parts.end());
    ASSERT_TRUE((*file)->write_at(views, 10));
    EXPECT_EQ((*file)->size().value(), all.size() + 10);
    Bytes read(all.size() + 100);
    EXPECT_EQ((*file)->read_at(read, 10).value(), all.size());
    read.resize(all.size());
    EXPECT_EQ(read, all);
}

TEST_F(PosixDiskTest, ReadsWithoutWaitingWhatWasJustWritten) {
    auto file = disk.open(path("a"), OpenMode::create);
    ASSERT_TRUE(file);
    const ByteView parts[] = {bytes_of("moldau")};
    ASSERT_TRUE((*file)->write_at(parts, 0));
    Bytes read(6);
    const auto count = (*file)->try_read_at(read, 0);
    if (count) {
        EXPECT_EQ(text_of(read), "moldau");
    } else {
        EXPECT_EQ(count.error().code, Errc::would_block) << "a file system that cannot try";
    }
}

TEST_F(PosixDiskTest, OpenModesDiffer) {
    EXPECT_EQ(disk.open(path("a"), OpenMode::read).error().code, Errc::not_found);
    EXPECT_TRUE(disk.open(path("a"), OpenMode::create_new));
    EXPECT_EQ(disk.open(path("a"), OpenMode::create_new).error().code, Errc::exists);
    EXPECT_TRUE(disk.open(path("a"), OpenMode::read_write));
}

TEST_F(PosixDiskTest, ErrorsNameThePathAndTheCause) {
    const auto missing = disk.open(path("missing"), OpenMode::read);
    ASSERT_FALSE(missing);
    EXPECT_NE(missing.error().message.find(path("missing")), std::string::npos);
    EXPECT_NE(missing.error().message.find("No such file"), std::string::npos);
}

TEST_F(PosixDiskTest, AFifoInPlaceOfAFileCannotBeReadAndIsNotWaitedFor) {
    ASSERT_EQ(::mkfifo(path("fifo").c_str(), 0600), 0);
    EXPECT_FALSE(runtime::read_whole(disk, path("fifo")));
}

TEST_F(PosixDiskTest, AFullDeviceIsToldFromAFailingOne) {
    auto full = disk.open("/dev/full", OpenMode::read_write);
    if (!full) GTEST_SKIP() << "no /dev/full here";
    const ByteView parts[] = {bytes_of("x")};
    const auto written = (*full)->write_at(parts, 0);
    ASSERT_FALSE(written);
    EXPECT_EQ(written.error().code, Errc::no_space);
}

TEST(PosixErrors, ASyncThatFailsForWantOfRoomHasFailedForGood) {
    EXPECT_EQ(system_failure(ENOSPC, "pwritev", "a").error().code, Errc::no_space);
    for (const int number : {ENOSPC, EDQUOT, EFBIG, EMFILE, EIO})
        EXPECT_EQ(sync_failure(number, "fdatasync", "a").error().code, Errc::io);
}

TEST_F(PosixDiskTest, ALackOfDescriptorsIsToldFromAFailingDevice) {
#if __has_feature(undefined_behavior_sanitizer)
    GTEST_SKIP() << "without a descriptor left the sanitizer takes every object for a wrong one";
#endif
    rlimit before{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
    rlimit few = before;
    few.rlim_cur = 0;
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &few), 0);
    const auto opened = disk.open(path("a"), OpenMode::create);
    const auto synced = disk.sync_directory(directory);
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code, Errc::no_descriptors);
    ASSERT_FALSE(synced);
    EXPECT_EQ(synced.error().code, Errc::no_descriptors);
}

TEST_F(PosixDiskTest, ListsSortedWithSizes) {
    ASSERT_TRUE(disk.create_directories(path("b/c")));
    ASSERT_TRUE(runtime::write_atomically(disk, path("d"), bytes_of("12345")));
    ASSERT_TRUE(runtime::write_atomically(disk, path("a"), bytes_of("1")));
    const auto entries = disk.list(directory);
    ASSERT_TRUE(entries);
    std::string text;
    for (const auto& entry : *entries)
        text += fmt::format("{}{}{} ", entry.name, entry.is_directory ? "/" : "=", entry.size);
    EXPECT_EQ(text, "a=1 b/0 d=5 ");
    EXPECT_EQ(disk.list(path("none")).error().code, Errc::not_found);
}

TEST_F(PosixDiskTest, RenamesRemovesAndTruncates) {
    ASSERT_TRUE(runtime::write_atomically(disk, path("a"), bytes_of("12345")));
    ASSERT_TRUE(disk.rename(path("a"), path("b")));
    EXPECT_FALSE(disk.exists(path("a")).value());
    EXPECT_TRUE(disk.exists(path("b")).value());
    ASSERT_TRUE(disk.open(path("b"), OpenMode::read_write).value()->truncate(2));
    EXPECT_EQ(runtime::read_whole(disk, path("b")).value().size(), 2U);
    ASSERT_TRUE(disk.remove(path("b")));
    EXPECT_EQ(disk.remove(path("b")).error().code, Errc::not_found);
    const runtime::DiskSpace space = disk.space(directory).value();
    EXPECT_GT(space.free_bytes, 0U);
    EXPECT_GE(space.total_bytes, space.free_bytes);
}

TEST_F(PosixDiskTest, RemovingADirectoryRemovesLinksAndNotWhatTheyLeadTo) {
    ASSERT_TRUE(disk.create_directories(path("kept/inner")));
    ASSERT_TRUE(runtime::write_atomically(disk, path("kept/inner/file"), bytes_of("precious")));
    ASSERT_TRUE(disk.create_directories(path("gone")));
    const auto link = [&](const std::string& to, std::string_view name) {
        ASSERT_EQ(::symlink(to.c_str(), path(name).c_str()), 0);
    };
    link(path("kept"), "gone/directory");
    link(path("kept/inner/file"), "gone/file");
    link(path("nothing"), "gone/nowhere");
    link("itself", "gone/itself");
    link(path("kept"), "other-name");
    EXPECT_TRUE(runtime::remove_all(disk, path("gone")));
    EXPECT_TRUE(runtime::remove_all(disk, path("other-name")));
    EXPECT_FALSE(disk.exists(path("gone")).value());
    EXPECT_FALSE(disk.is_link(path("other-name")));
    EXPECT_EQ(text_of(runtime::read_whole(disk, path("kept/inner/file")).value()), "precious");
}

TEST_F(PosixDiskTest, AFileThatMayNotGrowFindsNoSpace) {
    auto file = disk.open(path("a"), OpenMode::create);
    ASSERT_TRUE(file);
    rlimit before{};
    ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
    const rlimit tight{.rlim_cur = 4096, .rlim_max = before.rlim_max};
    const Bytes page(4096);
    const ByteView parts[] = {page};
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &tight), 0);
    const Result<> first = (*file)->write_at(parts, 0);
    const Result<> second = (*file)->write_at(parts, page.size());
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
    EXPECT_TRUE(first);
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, Errc::no_space) << second.error().message;
}

TEST_F(PosixDiskTest, ALockedDirectoryIsRefusedToOthersUntilItIsReleased) {
    auto lock = disk.lock(directory);
    ASSERT_TRUE(lock);
    EXPECT_EQ(disk.lock(directory).error().code, Errc::exists);
    lock->reset();
    EXPECT_TRUE(disk.lock(directory));
}

/// Takes a process-wide record lock, the JVM's kind, in another process; true when it was given.
bool other_process_gets_record_lock(const std::string& path) {
    const pid_t child = ::fork();
    if (child == 0) {
        const int descriptor = ::open(path.c_str(), O_RDWR);
        struct flock whole_file{};
        whole_file.l_type = F_WRLCK;
        whole_file.l_whence = SEEK_SET;
        ::_exit(::fcntl(descriptor, F_SETLK, &whole_file) == 0 ? 0 : 1);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

TEST_F(PosixDiskTest, TheLockExcludesWhoTakesRecordLocks) {
    auto lock = disk.lock(directory);
    ASSERT_TRUE(lock);
    EXPECT_FALSE(other_process_gets_record_lock(path(".lock")));
    ASSERT_TRUE(disk.open(path(".lock"), OpenMode::read));  // closing another descriptor must not release it
    EXPECT_FALSE(other_process_gets_record_lock(path(".lock")));
    lock->reset();
    EXPECT_TRUE(other_process_gets_record_lock(path(".lock")));
}

Task<int> sync_many(PosixDisk& disk, runtime::Shard& shard, runtime::File& file) {
    int succeeded = 0;
    for (int i = 0; i < 20; ++i) {
        const Result<> synced = co_await runtime::sync_file(file, shard);
        succeeded += synced && shard.is_current() ? 1 : 0;
        const bool elsewhere = co_await runtime::run_blocking(disk, shard, [&shard] { return !shard.is_current(); });
        succeeded += elsewhere && shard.is_current() ? 1 : 0;
    }
    co_return succeeded;
}

TEST_F(PosixDiskTest, SyncsAndBlockingWorkRunBesideTheShard) {
    Shards shards({.count = 1});
    shards.start();
    auto file = disk.open(path("a"), OpenMode::create);
    ASSERT_TRUE(file);
    EXPECT_EQ(run_to_end(shards[0], sync_many(disk, shards[0], **file)), 40);
}

TEST(IoPool, RunsAsManyAtOnceAsItHasThreadsAndLeavesNothingBehind) {
    std::atomic<int> started = 0;
    std::promise<void> two_started;
    std::promise<void> go_on;
    auto wait_to_go_on = go_on.get_future().share();
    const auto held = std::make_shared<int>(0);
    {
        PosixDisk disk({.io_threads = 2});
        const auto post = [&] {
            auto work = [&started, &two_started, wait_to_go_on, held] {
                if (++started == 2) two_started.set_value();
                wait_to_go_on.wait();
            };
            disk.post_blocking(*new runtime::detail::CallableWork<decltype(work)>(std::move(work)));
        };
        for (int i = 0; i < 5; ++i) post();
        ASSERT_EQ(two_started.get_future().wait_for(test_patience), std::future_status::ready);
        EXPECT_EQ(started, 2);
        go_on.set_value();
    }
    EXPECT_EQ(held.use_count(), 1);
}

TEST(PosixDisk, SyncsDoNotWaitBehindReadsThatWaitForTheDevice) {
    std::promise<void> go_on;
    auto wait_to_go_on = go_on.get_future().share();
    PosixDisk disk({.io_threads = 2});
    for (int i = 0; i < 5; ++i) {
        auto work = [wait_to_go_on] { wait_to_go_on.wait(); };
        disk.post_blocking(*new runtime::detail::CallableWork<decltype(work)>(std::move(work)));
    }
    std::promise<void> synced;
    auto sync = [&synced] { synced.set_value(); };
    disk.post_sync(*new runtime::detail::CallableWork<decltype(sync)>(std::move(sync)));
    EXPECT_EQ(synced.get_future().wait_for(test_patience), std::future_status::ready);
    go_on.set_value();
}

}  // namespace
}  // namespace moldau::posix
