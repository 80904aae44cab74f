#pragma once
// A log on a disk in memory, and batches to fill it with.

#include <string>

#include <gtest/gtest.h>

#include <moldau/protocol/batch_builder.h>
#include <moldau/storage/log.h>
#include <moldau/storage/log_names.h>

#include "support/memory_disk.h"

namespace moldau::storage {

inline const std::string log_directory = "/data/topic-0";
inline constexpr Timestamp wall_now{1'700'000'000'000};

struct Produced {
    ProducerId producer_id = no_producer_id;
    ProducerEpoch producer_epoch{0};
    std::int32_t base_sequence = protocol::no_sequence;
    LeaderEpoch leader_epoch{0};
    Timestamp timestamp = wall_now;  ///< of the first record; the others follow by 1 ms
    bool transactional = false;
    std::size_t value_bytes = 20;
};

inline Bytes make_batch(Offset base, std::int32_t count = 1, const Produced& produced = {}) {
    protocol::BatchBuilder builder({.base_offset = base,
                                    .leader_epoch = produced.leader_epoch,
                                    .producer_id = produced.producer_id,
                                    .producer_epoch = produced.producer_epoch,
                                    .base_sequence = produced.base_sequence,
                                    .transactional = produced.transactional});
    const std::string value(produced.value_bytes, 'v');
    for (std::int32_t i = 0; i < count; ++i)
        builder.append({.timestamp = produced.timestamp + i, .value = bytes_of(value)});
    return builder.finish();
}

class LogTest : public testing::Test {
 protected:
    LogOptions options() {
        return {.disk = disk,
                .directory = log_directory,
                .name = {"topic", PartitionIndex(0)},
                .config = config,
                .now = wall_now};
    }
    void SetUp() override { ASSERT_TRUE(disk.create_directories("/data")); }

    void open(const LogOptions& with) {
        log.reset();
        auto opened = Log::open(with);
        ASSERT_TRUE(opened) << opened.error().message;
        log = std::move(*opened);
    }
    void open() { open(options()); }
    void close_and_reopen() {
        ASSERT_TRUE(log->close());
        LogOptions with = options();
        with.clean_shutdown = true;
        with.recovery_point = with.high_watermark = log->log_end();
        with.log_start = log->log_start();
        open(with);
    }
    /// As after kill -9: all that was written is there.
    void crash_and_reopen() {
        LogOptions with = options();
        with.recovery_point = log->recovery_point();
        with.log_start = log->log_start();
        open(with);
    }

    /// As after a power cut: nothing is there that was not synced.
    void crash_without_what_was_not_synced() {
        LogOptions with = options();
        with.recovery_point = log->recovery_point();
        with.log_start = log->log_start();
        log.reset();
        disk.lose_unsynced();
        open(with);
    }

    Result<> append(std::int32_t count = 1, Produced produced = {}) {
        const Bytes batch = make_batch(log->log_end(), count, produced);
        const ByteView parts[] = {batch};
        return log->append(parts, wall_now);
    }
    /// A record of `producer`'s transaction, which begins with its first.
    void write_in_transaction(ProducerId producer, std::size_t value_bytes = 20) {
        ASSERT_TRUE(append(1, {.producer_id = producer, .transactional = true, .value_bytes = value_bytes}));
    }
    void end_transaction(ProducerId producer, bool commit) {
        const Bytes marker = protocol::end_transaction_batch({.base_offset = log->log_end(),
                                                              .leader_epoch = LeaderEpoch(0),
                                                              .producer_id = producer,
                                                              .producer_epoch = ProducerEpoch(0)},
                                                             {.commit = commit, .coordinator_epoch = 0}, wall_now);
        const ByteView parts[] = {marker};
        ASSERT_TRUE(log->append(parts, wall_now));
    }
    void abort(ProducerId producer) { end_transaction(producer, false); }
    void commit(ProducerId producer) { end_transaction(producer, true); }
    void fill_to(std::int64_t end) {
        while (log->log_end().value() < end) ASSERT_TRUE(append());
    }
    /// As retention does, once everything is durable.
    Result<std::vector<std::string>> delete_old_segments(Timestamp now, Offset high_watermark) {
        flush(FlushKind::checkpoint);
        MOLDAU_TRY(due, log->find_expired(now, high_watermark));
        if (!due) return std::vector<std::string>();
        MOLDAU_CHECK(due->make_durable(disk));
        log->let_go(*due);
        return log->delete_expired();
    }
    void append_thirty() {
        for (int i = 0; i < 30; ++i) ASSERT_TRUE(append(1, {.value_bytes = 30}));
    }
    /// A new log with thirty records in one segment, an index entry every few of them.
    void fill_one_segment() {
        config = {};
        config.index_interval_bytes = 100;
        open();
        append_thirty();
    }
    void flush(FlushKind kind = FlushKind::data) {
        auto job = log->begin_flush(kind);
        ASSERT_TRUE(job);
        const auto outcome = job->run(disk);
        log->finish_flush(std::move(*job), outcome);
    }
    std::string path(std::int64_t base, std::string_view suffix) {
        return runtime::join_path(log_directory, offset_file_name(Offset(base), suffix));
    }
    Bytes read_slice(const LogSlice& slice) {
        Bytes bytes(slice.size_bytes);
        if (slice.file) EXPECT_EQ(slice.file->read_at(bytes, slice.position).value(), bytes.size());
        return bytes;
    }
    /// The base offset of the first batch that a read from `offset` gives.
    Offset first_offset_from(Offset offset) {
        const auto slice = log->read({.from = offset, .max_bytes = 4096, .up_to = log->log_end()});
        EXPECT_TRUE(slice) << slice.error().message;
        const Bytes bytes = read_slice(*slice);
        const auto parsed = protocol::parse_batch(bytes);
        EXPECT_EQ(parsed.status, protocol::BatchStatus::whole);
        if (parsed.status != protocol::BatchStatus::whole) return no_offset;
        EXPECT_TRUE(parsed.batch.crc_ok());
        EXPECT_EQ(parsed.batch.base_offset(), slice->first_offset);
        return parsed.batch.base_offset();
    }
    void expect_all_readable() {
        for (Offset at = log->log_start(); at < log->log_end(); ++at) ASSERT_EQ(first_offset_from(at), at);
    }

    runtime::MemoryDisk disk;
    LogConfig config = LogConfig::tiny();
    std::unique_ptr<Log> log;
};

}  // namespace moldau::storage
