#include "produce/accumulator.h"

#include <gtest/gtest.h>

namespace moldau::cli {
namespace {

using std::chrono::milliseconds;

constexpr runtime::TimePoint start{};

struct Subject {
    explicit Subject(AccumulatorOptions options)
        : accumulator(options, [this](Batch batch) { closed.push_back(std::move(batch)); }) {}

    void add(std::int32_t partition, std::size_t size, runtime::TimePoint now = start) {
        const Bytes value(size, 'x');
        accumulator.add(partition, {Timestamp(1), std::nullopt, ByteView(value), {}}, now);
    }
    protocol::BatchView view(std::size_t index) const { return protocol::BatchView(closed[index].bytes); }

    std::vector<Batch> closed;
    Accumulator accumulator;
};

TEST(Accumulator, ClosesABatchBeforeARecordThatWouldOverfillIt) {
    Subject subject({.batch_size_bytes = 1000});
    subject.add(0, 600);
    EXPECT_TRUE(subject.closed.empty());
    subject.add(0, 600);
    ASSERT_EQ(subject.closed.size(), 1U);
    EXPECT_EQ(subject.closed[0].records, 1);
    EXPECT_LE(subject.closed[0].bytes.size(), 1000U);
}

TEST(Accumulator, GivesARecordLargerThanABatchABatchOfItsOwn) {
    Subject subject({.batch_size_bytes = 1000});
    subject.add(0, 5000);
    ASSERT_EQ(subject.closed.size(), 1U);
    EXPECT_EQ(subject.accumulator.open_bytes(), 0U);
}

TEST(Accumulator, ClosesWhatHasWaited) {
    Subject subject({.linger = milliseconds(5)});
    subject.add(1, 10, start);
    subject.add(2, 10, start + milliseconds(3));
    EXPECT_EQ(subject.accumulator.next_due(), start + milliseconds(5));
    subject.accumulator.close_due(start + milliseconds(5));
    ASSERT_EQ(subject.closed.size(), 1U);
    EXPECT_EQ(subject.closed[0].partition, 1);
    EXPECT_EQ(subject.accumulator.next_due(), start + milliseconds(8));
    subject.accumulator.close_all();
    EXPECT_EQ(subject.closed.size(), 2U);
    EXPECT_EQ(subject.accumulator.next_due(), runtime::never);
}

TEST(Accumulator, GivesSequencesWithoutGapsToEachPartition) {
    Subject subject({.producer_id = ProducerId(7), .producer_epoch = ProducerEpoch(0)});
    for (int i = 0; i < 3; ++i) subject.add(0, 10);
    subject.accumulator.close_all();
    for (int i = 0; i < 2; ++i) subject.add(0, 10);
    subject.add(1, 10);
    subject.accumulator.close_all();
    ASSERT_EQ(subject.closed.size(), 3U);
    EXPECT_EQ(subject.view(0).base_sequence(), 0);
    EXPECT_EQ(subject.view(1).base_sequence(), 3);
    EXPECT_EQ(subject.view(2).base_sequence(), 0);
    EXPECT_EQ(subject.view(1).producer_id(), ProducerId(7));
}

TEST(Accumulator, CompressesAndGivesADeadline) {
    Subject subject({.codec = protocol::Codec::zstd, .delivery_timeout = milliseconds(100)});
    subject.add(0, 10'000, start + milliseconds(1));
    subject.accumulator.close_all();
    ASSERT_EQ(subject.closed.size(), 1U);
    EXPECT_LT(subject.closed[0].bytes.size(), 1000U);
    EXPECT_TRUE(subject.view(0).crc_ok());
    EXPECT_EQ(subject.closed[0].deadline, start + milliseconds(101));
}

}  // namespace
}  // namespace moldau::cli
