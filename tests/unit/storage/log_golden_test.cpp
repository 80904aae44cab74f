// Against files that Apache Kafka wrote (tests/golden/log/LogGolden.java).

#include <filesystem>
#include <fstream>
#include <iterator>

#include "log_fixture.h"

namespace moldau::storage {
namespace {

class LogGoldenTest : public LogTest {
 protected:
    void SetUp() override {
        LogTest::SetUp();
        ASSERT_TRUE(disk.create_directories(log_directory));
        config = {};
        config.segment_bytes = 1024;
        config.index_interval_bytes = 100;
        config.segment_index_bytes = 1200;
        for (const auto& entry : std::filesystem::directory_iterator(MOLDAU_GOLDEN_DIRECTORY "/log/topic-0")) {
            std::ifstream in(entry.path(), std::ios::binary);
            golden[entry.path().filename().string()] = Bytes(std::istreambuf_iterator<char>(in), {});
        }
        ASSERT_GT(golden.size(), 10U);
    }
    void put(const std::function<bool(const std::string&)>& wanted) {
        for (const auto& [name, content] : golden) {
            if (!wanted(name)) continue;
            auto file = disk.open(runtime::join_path(log_directory, name), runtime::OpenMode::create);
            const ByteView parts[] = {content};
            ASSERT_TRUE((*file)->write_at(parts, 0));
        }
    }
    void expect_same(bool snapshots) {
        for (const auto& [name, content] : golden) {
            if (!snapshots && name.ends_with(suffix::snapshot)) continue;
            EXPECT_EQ(disk.content(runtime::join_path(log_directory, name)), content) << name;
        }
    }
    void expect_content() {
        EXPECT_EQ(log->log_end(), Offset(44));
        EXPECT_EQ(log->segment_count(), 4U);
        EXPECT_EQ(log->topic_id(), Uuid::from_halves(1, 2));
        EXPECT_EQ(log->epochs().entries(),
                  (std::vector<EpochStart>{
                      {LeaderEpoch(0), Offset(0)}, {LeaderEpoch(1), Offset(20)}, {LeaderEpoch(2), Offset(40)}}));
        const ProducerEntry* idempotent = log->producers().find(ProducerId(7));
        ASSERT_NE(idempotent, nullptr);
        EXPECT_EQ(idempotent->last_sequence(), 39);
        EXPECT_EQ(idempotent->epoch, ProducerEpoch(1));
        const ProducerEntry* transactional = log->producers().find(ProducerId(8));
        ASSERT_NE(transactional, nullptr);
        EXPECT_EQ(transactional->current_txn_first_offset, Offset(43));
        EXPECT_EQ(transactional->coordinator_epoch, 3);
        log->on_high_watermark(log->log_end());
        EXPECT_EQ(log->producers().first_unstable_offset(), Offset(43));
        for (std::int64_t at = 0; at < 40; ++at) EXPECT_EQ(first_offset_from(Offset(at)), Offset(at));
        protocol::Decompressor decompressor;
        for (int i = 0; i < 40; ++i)
            EXPECT_EQ((*log->find_by_timestamp(wall_now + i * 10, decompressor))->offset, Offset(i));
    }

    std::map<std::string, Bytes> golden;
};

TEST_F(LogGoldenTest, CleanDirectoryOpensUnchanged) {
    put([](const std::string&) { return true; });
    LogOptions with = options();
    with.clean_shutdown = true;
    open(with);
    expect_content();
    expect_same(true);
    ASSERT_TRUE(log->close());
    expect_same(false);
}

TEST_F(LogGoldenTest, RecoveryMakesTheIndexesThatKafkaMade) {
    put([](const std::string& name) { return name.ends_with(suffix::log) || name == "partition.metadata"; });
    LogOptions with = options();
    with.written_by_kafka = true;
    open(with);
    expect_content();
    ASSERT_TRUE(log->close());
    expect_same(false);
}

TEST_F(LogGoldenTest, OurAppendsGiveTheSameFiles) {
    LogOptions with = options();
    with.topic_id = Uuid::from_halves(1, 2);
    open(with);
    for (const auto& [name, content] : golden) {
        if (!name.ends_with(suffix::log)) continue;
        protocol::BatchIterator batches(content);
        protocol::BatchView batch;
        while (batches.next(batch)) {
            const ByteView parts[] = {batch.bytes()};
            ASSERT_TRUE(log->append(parts, wall_now));
        }
    }
    expect_content();
    ASSERT_TRUE(log->close());
    expect_same(false);
}

TEST_F(LogGoldenTest, SnapshotsDecode) {
    ProducerState state;
    ASSERT_TRUE(state.decode_snapshot(golden.at("00000000000000000044.snapshot"), Offset(44)));
    EXPECT_EQ(state.end_offset(), Offset(44));
    EXPECT_EQ(state.producers().size(), 2U);
    // One batch a producer is all that Kafka notes: ours of the same state are the same bytes.
    EXPECT_EQ(state.encode_snapshot(), golden.at("00000000000000000044.snapshot"));
}

}  // namespace
}  // namespace moldau::storage
