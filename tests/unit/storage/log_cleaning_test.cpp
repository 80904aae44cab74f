// A log and its compaction: what is due, what comes of it, and what else goes on meanwhile.

#include "cleaner/offset_map.h"
#include "cleaner_fixture.h"

namespace moldau::storage {
namespace {

TEST_F(CleanerTest, OfEachKeyTheLastValueStays) {
    open();
    put({{"a", "1"}, {"b", "1"}});
    put("a", "2");
    put("c", "1");
    seal();
    put("b", "2");
    clean_all();
    EXPECT_EQ(told(), (Told{"a=2", "c=1", "b=2"}));
    EXPECT_EQ(log->first_dirty(), Offset(5));
    EXPECT_EQ(log->segment_count(), 2U) << "small ones come together";
    put("a", "3");
    EXPECT_EQ(told(), (Told{"a=2", "c=1", "b=2", "a=3"})) << "the active segment is left alone";
    close_and_reopen();
    EXPECT_EQ(told(), (Told{"a=2", "c=1", "b=2", "a=3"}));
    EXPECT_EQ(log->log_start(), Offset(0));
    EXPECT_EQ(log->read({.from = Offset(0), .max_bytes = 4096, .up_to = log->log_end()})->first_offset, Offset(2));
}

TEST_F(CleanerTest, TombstonesServeReadersUntilTheirHorizon) {
    config.delete_retention_ms = day_ms;
    open();
    put("a", "1");
    put("b", "1");
    put("a", std::nullopt);
    clean_all();
    EXPECT_EQ(told(), (Told{"b=1", "a"}));
    put("c", "1");
    clean_all(wall_now + day_ms - 1);
    EXPECT_EQ(told(), (Told{"b=1", "a", "c=1"}));
    put("d", "1");
    clean_all(wall_now + day_ms);
    EXPECT_EQ(told(), (Told{"b=1", "c=1", "d=1"}));
    EXPECT_EQ(log->log_end(), Offset(5));
}

TEST_F(CleanerTest, ASegmentGoesOnToEndWhereTheNextBegins) {
    config.delete_retention_ms = 0;
    open();
    put("a", "1");
    put("a", std::nullopt);
    clean_all();
    put("x", "1");
    clean_all();
    clean_all();
    ASSERT_EQ(told(), (Told{"x=1"}));
    put("x", "2");
    clean_all();
    EXPECT_EQ(told(), (Told{"x=2"}));
    config.cleanup_compact = false;
    config.cleanup_delete = true;
    close_and_reopen();  // a gap between segments would be taken for loss now
    EXPECT_EQ(told(), (Told{"x=2"}));
    put("y", "1");
    crash_and_reopen();
    EXPECT_EQ(told(), (Told{"x=2", "y=1"}));
}

TEST_F(CleanerTest, AFullMapCleansAsFarAsItGoes) {
    map_bytes = 10 * OffsetMap::entry_bytes;
    open();
    for (int round = 0; round < 2; ++round)
        for (int i = 0; i < 20; ++i) put("key-" + std::to_string(i), std::to_string(round));
    seal();
    int times = 0;
    while (clean().value()) {
        ++times;
        ASSERT_LT(times, 30);
        EXPECT_EQ(state_of(records()).size(), 20U);
    }
    EXPECT_GE(times, 2);
    EXPECT_EQ(log->first_dirty(), Offset(40));
    EXPECT_EQ(state_of(records()).at("key-7"), "1");
}

TEST_F(CleanerTest, AFullMapGetsOnInsideABatch) {
    map_bytes = 4 * OffsetMap::entry_bytes;
    config.segment_bytes = 1 << 20;
    open();
    std::vector<Keyed> many;
    for (int i = 0; i < 50; ++i) many.push_back({"key-" + std::to_string(i), "1"});
    put(many, {.codec = protocol::Codec::lz4});
    put("key-3", "2");
    seal();
    Offset before = no_offset;
    while (clean().value()) {
        EXPECT_GT(log->first_dirty(), before);
        before = log->first_dirty();
    }
    EXPECT_EQ(log->first_dirty(), Offset(51));
    EXPECT_EQ(records().size(), 50U);
    EXPECT_EQ(state_of(records()).at("key-3"), "2");
}

TEST_F(CleanerTest, OnlyWhatIsDueIsCleaned) {
    config.min_cleanable_dirty_ratio = 0.5;
    config.segment_bytes = 200;
    open();
    EXPECT_EQ(begin(), nullptr) << "empty";
    for (int i = 0; i < 8; ++i) put("key-" + std::to_string(i), "1");
    EXPECT_EQ(begin(), nullptr) << "not durable";
    clean_all();
    for (int i = 0; i < 6; ++i) put("more-" + std::to_string(i), "1");
    seal();
    EXPECT_EQ(begin(), nullptr) << "less than half";
    config.max_compaction_lag_ms = 100;
    log->set_config(config);
    EXPECT_EQ(begin(wall_now + 100), nullptr);
    EXPECT_NE(begin(wall_now + 101), nullptr) << "but for too long";
    for (int i = 0; i < 6; ++i) put("again-" + std::to_string(i), "1");
    seal();
    ASSERT_NE(begin(), nullptr);
    config.min_compaction_lag_ms = 50;
    log->set_config(config);
    EXPECT_EQ(begin(wall_now + 49), nullptr);
    EXPECT_NE(begin(wall_now + 50), nullptr);
    config.cleanup_compact = false;
    log->set_config(config);
    EXPECT_EQ(begin(wall_now + 50), nullptr);
}

TEST_F(CleanerTest, NothingBehindAnOpenTransactionOrTheHighWatermarkIsCleaned) {
    open();
    put("a", "1");
    put("a", "2");
    seal();
    const auto none = log->find_cleanable(wall_now, Offset(1));
    ASSERT_TRUE(none);
    EXPECT_FALSE(*none);
    write_in_transaction(ProducerId(1));
    put("a", "3");
    seal();
    put("a", "4");
    seal();
    ASSERT_TRUE(clean().value());
    EXPECT_EQ(log->first_dirty(), Offset(2));
    commit(ProducerId(1));
    clean_all();
    EXPECT_EQ(log->first_dirty(), Offset(6));
    EXPECT_EQ(state_of(records()), (std::map<std::string, std::string>{{"a", "4"}}));
}

TEST_F(CleanerTest, TransactionsAndTheirIndexComeThroughWhole) {
    open();
    write_in_transaction(ProducerId(1));
    abort(ProducerId(1));
    seal();
    put("a", "1");
    write_in_transaction(ProducerId(2));
    commit(ProducerId(2));
    seal();
    write_in_transaction(ProducerId(1));
    abort(ProducerId(1));
    put("a", "2");
    const std::vector<Bytes> before = batches();
    clean_all();
    const std::vector<Bytes> after = batches();
    EXPECT_EQ(log->segment_count(), 2U);
    EXPECT_EQ(after.size() + 1, before.size()) << "a=1 alone is gone";
    for (int pass = 0; pass < 2; ++pass) {
        const ReadRequest request{.from = Offset(0), .max_bytes = 1 << 20, .up_to = log->log_end()};
        const auto slice = log->read(request);
        ASSERT_TRUE(slice);
        EXPECT_EQ(log->aborted_in(*slice, request),
                  (std::vector<AbortedTransaction>{{ProducerId(1), Offset(0)}, {ProducerId(1), Offset(5)}}));
        close_and_reopen();
    }
}

TEST_F(CleanerTest, ProducersAreKnownAfterTheirRecordsAreGone) {
    open();
    for (int i = 0; i < 8; ++i) put({{"a", std::to_string(i)}}, {.producer_id = ProducerId(1), .base_sequence = i});
    put("a", "x");
    clean_all();
    EXPECT_EQ(told(), (Told{"a=x"}));
    const ProducerEntry before = *log->producers().find(ProducerId(1));
    EXPECT_EQ(before.count, 5);
    // All snapshots are lost: the batches alone tell.
    const Offset point = log->recovery_point();
    log.reset();
    for (std::int64_t base = 0; base < 20; ++base) static_cast<void>(disk.remove(path(base, suffix::snapshot)));
    LogOptions with = options();
    with.recovery_point = point;
    open(with);
    const ProducerEntry* after = log->producers().find(ProducerId(1));
    ASSERT_NE(after, nullptr);
    EXPECT_EQ(after->batch, before.batch);
    log->remove_expired_producers(wall_now + 30 * day_ms);
    put("b", "1");
    clean_all();
    EXPECT_EQ(batches().size(), 2U) << "and their empty batches are gone with them";
}

TEST_F(CleanerTest, TimesAndLeaderEpochsAreFoundAsBefore) {
    config.segment_bytes = 400;
    open();
    for (int i = 0; i < 30; ++i)
        put({{"key-" + std::to_string(i % 7), std::to_string(i), wall_now + i * 10}},
            {.leader_epoch = LeaderEpoch(i / 10)});
    const std::vector<EpochStart> epochs = log->epochs().entries();
    clean_all();
    EXPECT_EQ(log->epochs().entries(), epochs);
    const std::vector<Found> all = records();
    ASSERT_EQ(all.size(), 7U);
    protocol::Decompressor decompressor;
    for (int pass = 0; pass < 2; ++pass) {
        for (const Found& each : all) {
            const auto found = log->find_by_timestamp(each.timestamp, decompressor);
            ASSERT_TRUE(found);
            ASSERT_TRUE(*found);
            EXPECT_EQ((*found)->offset, each.offset);
            EXPECT_EQ(first_offset_from(each.offset), each.offset);
        }
        EXPECT_EQ((*log->find_by_timestamp(Timestamp(0), decompressor))->offset, all.front().offset);
        EXPECT_EQ((*log->find_max_timestamp(decompressor))->offset, Offset(29));
        crash_and_reopen();
    }
}

TEST_F(CleanerTest, WhoReadsAnOldSegmentGoesOnReadingIt) {
    open();
    put("a", "1");
    put("a", "2");
    seal();
    const auto slice = log->read({.from = Offset(0), .max_bytes = 4096, .up_to = log->log_end()});
    ASSERT_TRUE(slice);
    const Bytes before = read_slice(*slice);
    ASSERT_TRUE(clean().value());
    EXPECT_FALSE(disk.has(path(0, suffix::log) + std::string(suffix::deleted)));
    EXPECT_EQ(read_slice(*slice), before);
    EXPECT_EQ(told(), (Told{"a=2"}));
}

TEST_F(CleanerTest, ReadsAndAppendsGoOnBetweenAllSteps) {
    open();
    put("a", "1");
    put("b", "1");
    seal();
    put("a", "2");
    seal();
    const auto job = begin();
    const Told before{"a=1", "b=1", "a=2"};
    ASSERT_EQ(*run(*job), CleaningJob::Step::replace);
    ASSERT_TRUE(log->begin_replacement(*job));
    EXPECT_EQ(told(), before);
    EXPECT_EQ(log->truncate_to(Offset(1), wall_now).error().code, Errc::would_block);
    EXPECT_EQ(log->truncate_fully_and_start_at(Offset(9), wall_now).error().code, Errc::would_block);
    log->advance_log_start(Offset(2));
    EXPECT_EQ(log->delete_expired()->size(), 0U) << "later";
    ASSERT_TRUE(job->stage());
    put("c", "1");
    EXPECT_EQ(told(), (Told{"a=2", "c=1"}));
    log->adopt_replacement(*job);
    EXPECT_EQ(told(), (Told{"a=2", "c=1"}));
    flush(FlushKind::checkpoint);
    const auto retired = job->retire();
    ASSERT_TRUE(retired);
    EXPECT_FALSE(disk.has(path(0, suffix::log)));
    EXPECT_EQ(told(), (Told{"a=2", "c=1"}));
    ASSERT_TRUE(log->finish_replacement(*job, retired));
    EXPECT_EQ(told(), (Told{"a=2", "c=1"}));
    ASSERT_TRUE(job->settle());
    EXPECT_EQ(job->take_retired().size(), 6U);
    ASSERT_EQ(*run(*job), CleaningJob::Step::done);
    log->finish_cleaning(*job);
    EXPECT_EQ(log->first_dirty(), Offset(3));
    EXPECT_TRUE(log->truncate_to(Offset(3), wall_now));
}

TEST_F(CleanerTest, AReplacementIsRefusedOnceItsSegmentsAreOthers) {
    open();
    for (int i = 0; i < 40; ++i) put("key-" + std::to_string(i % 3), std::to_string(i));
    seal();
    auto job = begin();
    ASSERT_EQ(*run(*job), CleaningJob::Step::replace);
    ASSERT_TRUE(log->truncate_to(Offset(30), wall_now));
    EXPECT_FALSE(log->is_current(*job));
    EXPECT_FALSE(log->begin_replacement(*job));
    ASSERT_TRUE(job->discard());
    log->finish_cleaning(*job);
    EXPECT_EQ(log->first_dirty(), no_offset);
    EXPECT_FALSE(disk.has(path(0, suffix::log) + std::string(suffix::cleaned)));

    seal();
    job = begin();
    ASSERT_EQ(*run(*job), CleaningJob::Step::replace);
    log->advance_log_start(Offset(25));
    ASSERT_FALSE(log->delete_expired()->empty());
    EXPECT_TRUE(log->is_current(*job));
    EXPECT_FALSE(log->begin_replacement(*job)) << "retention was quicker";
    ASSERT_TRUE(job->discard());
    ASSERT_TRUE(clean().value());
    EXPECT_EQ(state_of(records()).size(), 3U);
}

TEST_F(CleanerTest, WithDeleteOldSegmentsGoAsEver) {
    config.cleanup_delete = true;
    config.retention_ms = 1000;
    open();
    put({{"a", "1", wall_now}, {"b", "1", wall_now}});
    put({{"a", "2", wall_now}});
    clean_all();
    put({{"c", "1", wall_now + 5000}});
    ASSERT_TRUE(delete_old_segments(wall_now + 1001, log->log_end()));
    EXPECT_EQ(log->log_start(), Offset(3));
    EXPECT_EQ(told(), (Told{"c=1"}));
    clean_all(wall_now + 1001);
    EXPECT_EQ(log->first_dirty(), Offset(4));
}

TEST_F(CleanerTest, DamageEndsTheCleaningAndIsNotCopied) {
    open();
    for (int i = 0; i < 40; ++i) put("key-" + std::to_string(i), std::to_string(i));
    seal();
    const std::size_t batch = protocol::parse_batch(disk.content(path(0, suffix::log))).size_bytes;
    disk.content(path(0, suffix::log))[batch + 65] ^= 1;
    const auto job = begin();
    const auto step = run(*job);
    ASSERT_FALSE(step);
    EXPECT_EQ(step.error().code, Errc::corrupt);
    EXPECT_NE(step.error().message.find(path(0, suffix::log) + " at position " + std::to_string(batch)),
              std::string::npos)
        << step.error().message;
    ASSERT_TRUE(job->discard());
    EXPECT_FALSE(disk.has(path(0, suffix::log) + std::string(suffix::cleaned)));
}

TEST_F(CleanerTest, AFullDiskLeavesTheLogAsItWas) {
    open();
    for (int i = 0; i < 40; ++i) put("key-" + std::to_string(i % 20), std::to_string(i));
    seal();
    const Told before = told();
    disk.capacity_bytes = disk.used_bytes() + 10;
    const auto job = begin();
    const auto step = run(*job);
    ASSERT_FALSE(step);
    EXPECT_EQ(step.error().code, Errc::no_space);
    ASSERT_TRUE(job->discard());
    EXPECT_EQ(told(), before);
    disk.capacity_bytes = UINT64_MAX;
    ASSERT_TRUE(clean().value());
    EXPECT_EQ(records().size(), 20U);
}

TEST_F(CleanerTest, TooFewDescriptorsWhileItIsPutInPlaceLeaveTheLogAsItWas) {
    open();
    for (int i = 0; i < 40; ++i) put("key-" + std::to_string(i % 20), std::to_string(i));
    seal();
    const Told before = told();
    const auto job = begin();
    ASSERT_EQ(*run(*job), CleaningJob::Step::replace);
    ASSERT_TRUE(log->begin_replacement(*job));
    disk.max_open_files = 0;
    EXPECT_EQ(job->stage().error().code, Errc::no_descriptors);
    disk.max_open_files = SIZE_MAX;
    ASSERT_TRUE(job->stage());
    ASSERT_TRUE(job->discard());
    log->abandon_replacement();
    EXPECT_FALSE(disk.has(path(0, suffix::log) + std::string(suffix::swap)));
    EXPECT_FALSE(disk.has(path(0, suffix::log) + std::string(suffix::cleaned)));
    EXPECT_EQ(told(), before);
    crash_and_reopen();
    EXPECT_EQ(told(), before);
}

TEST_F(CleanerTest, TooFewDescriptorsWhileSourcesAreRetiredAreWaitedFor) {
    open();
    for (int i = 0; i < 40; ++i) put("key-" + std::to_string(i % 20), std::to_string(i));
    seal();
    const Told all = told();
    const auto job = begin();
    ASSERT_EQ(*run(*job), CleaningJob::Step::replace);
    ASSERT_TRUE(log->begin_replacement(*job));
    ASSERT_TRUE(job->stage());
    log->adopt_replacement(*job);
    const Told before = told();
    disk.max_open_files = 0;
    EXPECT_EQ(log->finish_replacement(*job, job->retire()).error().code, Errc::no_descriptors);
    EXPECT_FALSE(log->failure());
    disk.max_open_files = SIZE_MAX;
    EXPECT_EQ(told(), before);
    ASSERT_TRUE(log->finish_replacement(*job, job->retire()));
    ASSERT_TRUE(job->settle());
    while (*run(*job) == CleaningJob::Step::replace) ASSERT_TRUE(replace(*job));
    EXPECT_GT(job->bytes_replaced(), job->bytes_written());
    log->finish_cleaning(*job);
    const Told after(all.end() - 20, all.end());
    EXPECT_EQ(told(), after);
    crash_and_reopen();
    EXPECT_EQ(told(), after);
}

TEST_F(CleanerTest, WhicheverNameFindsNoRoomIsTriedAgain) {
    for (int nth = 1; nth <= 12; ++nth) {
        SCOPED_TRACE(nth);
        log.reset();
        disk = {};
        SetUp();
        open();
        for (int i = 0; i < 10; ++i) put("key-" + std::to_string(i % 5), std::to_string(i));
        seal();
        const auto job = begin();
        ASSERT_EQ(*run(*job), CleaningJob::Step::replace);
        ASSERT_TRUE(log->begin_replacement(*job));
        ASSERT_TRUE(job->stage());
        log->adopt_replacement(*job);
        const Told before = told();
        disk.rename_without_room = nth;
        Result<> done = log->finish_replacement(*job, job->retire());
        disk.rename_without_room = 0;
        EXPECT_FALSE(log->failure());
        EXPECT_EQ(told(), before);
        if (!done) done = log->finish_replacement(*job, job->retire());
        ASSERT_TRUE(done);
        ASSERT_TRUE(job->settle());
        EXPECT_EQ(told(), before);
        for (const std::string_view each : {suffix::log, suffix::index, suffix::time_index})
            EXPECT_TRUE(disk.has(path(0, each))) << each;
        crash_and_reopen();
        EXPECT_EQ(told(), before);
    }
}

TEST_F(CleanerTest, ALogThatIsClosedWhileItWaitsIsCompletedByTheNextStart) {
    open();
    for (int i = 0; i < 40; ++i) put("key-" + std::to_string(i % 20), std::to_string(i));
    seal();
    const auto job = begin();
    ASSERT_EQ(*run(*job), CleaningJob::Step::replace);
    ASSERT_TRUE(log->begin_replacement(*job));
    ASSERT_TRUE(job->stage());
    log->adopt_replacement(*job);
    disk.max_open_files = 0;
    ASSERT_FALSE(log->finish_replacement(*job, job->retire()));
    disk.max_open_files = SIZE_MAX;
    const Told before = told();
    log->leave_replacement(*job);
    close_and_reopen();
    EXPECT_EQ(told(), before);
    EXPECT_FALSE(disk.has(path(0, suffix::log) + std::string(suffix::swap)));
    EXPECT_TRUE(disk.has(path(0, suffix::log)));
}

TEST_F(CleanerTest, WhatIsCleanAlreadyIsNotReplaced) {
    config.segment_bytes = 300;
    open();
    for (int i = 0; i < 20; ++i) put("key-" + std::to_string(i), "1");
    clean_all();
    const std::size_t segments = log->segment_count();
    put("key-19", "2");
    seal();
    const auto job = begin();
    ASSERT_EQ(*run(*job), CleaningJob::Step::replace);
    EXPECT_LT(job->bytes_written(), 400U) << "the last two alone";
    ASSERT_TRUE(replace(*job));
    EXPECT_EQ(*run(*job), CleaningJob::Step::done);
    EXPECT_LE(log->segment_count(), segments + 1);
}

}  // namespace
}  // namespace moldau::storage
