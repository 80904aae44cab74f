#include "consume/records_reader.h"

#include <gtest/gtest.h>

#include <moldau/protocol/batch_builder.h>

namespace moldau::cli {
namespace {

using protocol::BatchOptions;

struct RecordsReaderTest : testing::Test {
    void add(Offset base, int count, BatchOptions options = {}) {
        options.base_offset = base;
        protocol::BatchBuilder builder(options);
        for (int i = 0; i < count; ++i) builder.append({Timestamp(100 + i), std::nullopt, bytes_of("v"), {}});
        protocol::Compressor compressor;
        append(builder.finish(compressor));
    }
    void add_abort(Offset base, ProducerId producer) {
        BatchOptions options;
        options.base_offset = base;
        options.producer_id = producer;
        options.producer_epoch = ProducerEpoch(0);
        append(protocol::end_transaction_batch(options, {}, Timestamp(0)));
    }
    void append(const Bytes& batch) { records.insert(records.end(), batch.begin(), batch.end()); }

    static BatchOptions transactional(ProducerId producer) {
        return {.producer_id = producer, .producer_epoch = ProducerEpoch(0), .base_sequence = 0, .transactional = true};
    }

    std::vector<std::int64_t> offsets_read(Offset from, std::vector<AbortedTransaction> aborted = {},
                                           std::size_t limit = 1000) {
        std::vector<std::int64_t> offsets;
        RecordsReader reader;
        result = reader.read(records, from, aborted, [&](Offset offset, Timestamp, const protocol::RecordView&) {
            if (offsets.size() == limit) return false;
            offsets.push_back(offset.value());
            return true;
        });
        return offsets;
    }
    using Offsets = std::vector<std::int64_t>;

    Bytes records;
    Result<> result;
};

TEST_F(RecordsReaderTest, BeginsInTheMiddleOfABatch) {
    add(Offset(10), 3);
    add(Offset(13), 2, {.codec = protocol::Codec::lz4});
    EXPECT_EQ(offsets_read(Offset(12)), (Offsets{12, 13, 14}));
    EXPECT_EQ(end_of_batches(records, Offset(12)), Offset(15));
}

TEST_F(RecordsReaderTest, LeavesOutABatchThatIsCutOff) {
    add(Offset(0), 2);
    add(Offset(2), 2);
    records.resize(records.size() - 1);
    EXPECT_EQ(offsets_read(Offset(0)), (Offsets{0, 1}));
    EXPECT_TRUE(result);
    EXPECT_EQ(end_of_batches(records, Offset(0)), Offset(2));
}

TEST_F(RecordsReaderTest, StopsWhenNoMoreAreWanted) {
    add(Offset(0), 5);
    add(Offset(5), 5);
    EXPECT_EQ(offsets_read(Offset(0), {}, 3), (Offsets{0, 1, 2}));
    EXPECT_TRUE(result);
}

TEST_F(RecordsReaderTest, LeavesOutMarkersAndAbortedTransactions) {
    const ProducerId first(1);
    const ProducerId second(2);
    add(Offset(0), 1, transactional(first));   // aborted
    add(Offset(1), 1, transactional(second));  // not aborted
    add(Offset(2), 1);                         // of no transaction
    add_abort(Offset(3), first);
    add(Offset(4), 1, transactional(first));  // the next transaction, committed
    EXPECT_EQ(offsets_read(Offset(0), {{first, Offset(0)}}), (Offsets{1, 2, 4}));
    EXPECT_EQ(offsets_read(Offset(0)), (Offsets{0, 1, 2, 4}));
}

TEST_F(RecordsReaderTest, FindsDamage) {
    add(Offset(7), 2);
    records.back() ^= 1;
    EXPECT_EQ(offsets_read(Offset(7)), Offsets{});
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, Errc::corrupt);
    EXPECT_NE(result.error().message.find("offset 7"), std::string::npos);
}

}  // namespace
}  // namespace moldau::cli
