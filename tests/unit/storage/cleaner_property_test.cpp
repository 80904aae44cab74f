// Random logs of keyed records, compacted again and again: of each key the last value stays.

#include <random>

#include "cleaner_fixture.h"

namespace moldau::storage {
namespace {

class CleanerPropertyTest : public CleanerTest {
 protected:
    std::uint64_t below(std::uint64_t bound) {
        return std::uniform_int_distribution<std::uint64_t>(0, bound - 1)(random);
    }

    void put_some() {
        std::vector<Keyed> some;
        for (std::uint64_t left = 1 + below(6); left > 0; --left) {
            Keyed record{.key = "key-" + std::to_string(below(keys)), .timestamp = wall_now + below(1000)};
            if (below(5) > 0) record.value = std::string(below(30), 'v') + std::to_string(++written);
            some.push_back(record);
        }
        protocol::BatchOptions batch{.codec = static_cast<protocol::Codec>(below(5))};
        if (below(10) == 0) batch.base_offset = log->log_end() + below(3);
        if (below(3) == 0) {
            batch.producer_id = ProducerId(below(3));
            batch.producer_epoch = ProducerEpoch(0);
            batch.base_sequence = static_cast<std::int32_t>(written % 1000);
        }
        put(some, batch);
        for (const Keyed& each : some) {
            expected.erase(each.key);
            if (each.value) expected[each.key] = *each.value;
        }
    }

    /// Each record that is there is as it was appended, in the order of offsets.
    void expect_right(const std::vector<Found>& before) {
        const std::vector<Found> after = records();
        EXPECT_EQ(state_of(after), expected);
        auto was = before.begin();
        for (const Found& each : after) {
            was = std::find(was, before.end(), each);
            ASSERT_NE(was, before.end()) << each.offset.value();
            ++was;
        }
    }

    void run_seed(std::uint64_t seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        random.seed(seed);
        keys = 1 + below(40);
        map_bytes = below(2) == 0 ? (2 + below(20)) * 24 : 1 << 20;
        config.segment_bytes = static_cast<std::int32_t>(300 + below(1500));
        config.delete_retention_ms = static_cast<std::int64_t>(below(3000));
        open();
        Timestamp now = wall_now;
        for (int round = 0; round < 12 && !HasFailure(); ++round) {
            for (std::uint64_t left = below(40); left > 0; --left) put_some();
            const std::vector<Found> before = records();
            now = now + static_cast<std::int64_t>(below(2000));
            if (below(4) > 0) seal();
            flush(FlushKind::checkpoint);
            const Offset active = log->active_segment_base();
            const std::vector<Bytes> untouched = batches(active);
            const auto cleaned = clean(now);
            ASSERT_TRUE(cleaned) << cleaned.error().message;
            expect_right(before);
            EXPECT_EQ(batches(active), untouched);
            const ProducerState& producers = log->producers();
            const auto known = producers.producers();
            switch (below(4)) {
                case 0:
                    close_and_reopen();
                    break;
                case 1:
                    crash_and_reopen();
                    break;
                case 2:
                    crash_without_what_was_not_synced();
                    break;
                default:
                    break;
            }
            for (const auto& [id, entry] : known) {
                ASSERT_NE(log->producers().find(id), nullptr);
                EXPECT_EQ(log->producers().find(id)->batch, entry.batch);
            }
            expect_right(before);
        }
    }

    std::mt19937_64 random;
    std::uint64_t keys = 0;
    std::uint64_t written = 0;
    std::map<std::string, std::string> expected;
};

TEST_F(CleanerPropertyTest, OfEachKeyTheLastValueStaysInAnyLog) {
    const std::uint64_t first = std::random_device{}() % 1'000'000;
    std::printf("seeds from %llu on\n", static_cast<unsigned long long>(first));
    for (std::uint64_t seed = first; seed < first + 40 && !HasFailure(); ++seed) {
        log.reset();
        static_cast<void>(runtime::remove_all(disk, log_directory));
        expected.clear();
        written = 0;
        run_seed(seed);
    }
}

}  // namespace
}  // namespace moldau::storage
