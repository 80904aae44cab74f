#include "partition_fixture.h"

namespace moldau::replication {
namespace {

using enum Isolation;
using protocol::ErrorCode;
using storage::AbortedTransaction;

constexpr ProducerId one{1};
constexpr ProducerId two{2};
constexpr std::int64_t latest = -1;
constexpr std::int64_t max_timestamp = -3;

/// Transactions come with the log; the partition takes none.
class PartitionTransactionsTest : public PartitionFixture {
 protected:
    void SetUp() override {
        PartitionFixture::SetUp();
        open();
        write_in_transaction(one);
        abort(one);
        write_in_transaction(two);
        commit(two);
        write_in_transaction(one);
        ASSERT_TRUE(append(2, {.timestamp = storage::wall_now + 100}));
    }
    void lead() {
        partition.emplace(tools, std::move(log), PartitionConfig{});
        partition->become_leader(LeaderEpoch(1));
    }
    ReadOutcome read(Isolation isolation, std::int64_t from = 0) {
        return partition->read({.offset = Offset(from), .max_bytes = 4096, .isolation = isolation}, nullptr);
    }
    /// The offset behind the last record.
    static Offset end_of(const ReadOutcome& outcome) {
        Bytes bytes(outcome.records ? outcome.records->size_bytes : 0);
        Offset end = no_offset;
        if (!bytes.empty()) EXPECT_EQ(outcome.records->file->read_at(bytes, outcome.records->position), bytes.size());
        for (std::size_t at = 0; at < bytes.size();) {
            const auto parsed = protocol::parse_batch(ByteView(bytes).subspan(at));
            EXPECT_EQ(parsed.status, protocol::BatchStatus::whole);
            if (parsed.status != protocol::BatchStatus::whole) break;
            end = parsed.batch.next_offset();
            at += parsed.batch.size_bytes();
        }
        return end;
    }
    OffsetOutcome offset_of(std::int64_t timestamp, Isolation isolation) {
        return partition->find_offset(Timestamp(timestamp), no_leader_epoch, isolation);
    }

    std::optional<Partition> partition;
};

TEST_F(PartitionTransactionsTest, CommittedRecordsEndAtAnOpenTransactionAndTellWhatWasAborted) {
    lead();
    settle();
    const ReadOutcome committed = read(read_committed);
    EXPECT_EQ(committed.high_watermark, Offset(7));
    EXPECT_EQ(committed.last_stable_offset, Offset(4));
    EXPECT_EQ(end_of(committed), Offset(4));
    EXPECT_EQ(committed.aborted, (std::vector<AbortedTransaction>{{one, Offset(0)}}));
    EXPECT_EQ(read(read_committed, 2).aborted, std::vector<AbortedTransaction>());
    const ReadOutcome behind = read(read_committed, 4);
    EXPECT_EQ(behind.error, ErrorCode::none);
    EXPECT_FALSE(behind.records);
    EXPECT_EQ(behind.aborted, std::vector<AbortedTransaction>());
}

TEST_F(PartitionTransactionsTest, UncommittedRecordsAreAllThere) {
    lead();
    settle();
    const ReadOutcome all = read(read_uncommitted);
    EXPECT_EQ(all.last_stable_offset, Offset(4));
    EXPECT_EQ(end_of(all), Offset(7));
    EXPECT_FALSE(all.aborted);
}

TEST_F(PartitionTransactionsTest, OffsetsOfCommittedRecordsEndThereToo) {
    lead();
    settle();
    EXPECT_EQ(offset_of(latest, read_uncommitted).offset, Offset(7));
    EXPECT_EQ(offset_of(latest, read_committed).offset, Offset(4));
    const std::int64_t newest = storage::wall_now.value() + 101;
    EXPECT_EQ(offset_of(max_timestamp, read_uncommitted).offset, Offset(6));
    EXPECT_EQ(offset_of(max_timestamp, read_committed).offset, no_offset);
    EXPECT_EQ(offset_of(newest, read_uncommitted).offset, Offset(6));
    EXPECT_EQ(offset_of(newest, read_committed).offset, no_offset);
    EXPECT_EQ(offset_of(storage::wall_now.value(), read_committed).offset, Offset(0));
}

TEST_F(PartitionTransactionsTest, WhoWaitsForCommittedRecordsIsWokenWhenTheStableOffsetMoves) {
    crash_and_reopen();
    lead();  // nothing counts as durable yet
    int woken = 0;
    const auto waiter = std::make_shared<FetchWaiter>(shard, [&] { ++woken; });
    const ReadRequest request{.offset = Offset(0), .max_bytes = 4096, .isolation = read_committed};
    const ReadOutcome before = partition->read(request, waiter);
    EXPECT_EQ(before.error, ErrorCode::not_leader_or_follower);
    settle();
    EXPECT_EQ(woken, 1);
    const ReadOutcome after = partition->read(request, waiter);
    EXPECT_EQ(after.last_stable_offset, Offset(4));
    EXPECT_EQ(end_of(after), Offset(4));
    EXPECT_EQ(after.aborted, (std::vector<AbortedTransaction>{{one, Offset(0)}}));
}

TEST_F(PartitionTransactionsTest, NothingIsServedAsCommittedWhereTheIndexIsDamaged) {
    lead();
    settle();
    disk.content(path(0, storage::suffix::txn_index))[0] = 0x55;
    const ReadOutcome committed = read(read_committed);
    EXPECT_EQ(committed.error, ErrorCode::corrupt_message);
    EXPECT_FALSE(committed.records);
    EXPECT_EQ(end_of(read(read_uncommitted)), Offset(7));
}

}  // namespace
}  // namespace moldau::replication
