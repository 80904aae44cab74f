#include <moldau/storage/producer_state.h>

#include "log_fixture.h"

namespace moldau::storage {
namespace {

using enum ProducerVerdict;
using protocol::BatchView;

class ProducerStateTest : public testing::Test {
 protected:
    Produced by(std::int32_t sequence, std::int16_t epoch = 0, bool transactional = false) {
        return {.producer_id = id,
                .producer_epoch = ProducerEpoch(epoch),
                .base_sequence = sequence,
                .transactional = transactional};
    }
    ProducerVerdict check(const Produced& produced, std::int32_t count = 1,
                          ProducerOrigin origin = ProducerOrigin::client) {
        return state.check(BatchView(make_batch(state.end_offset(), count, produced)), origin).verdict;
    }
    void apply(const Produced& produced, std::int32_t count = 1) {
        EXPECT_FALSE(state.apply(BatchView(make_batch(state.end_offset(), count, produced)), wall_now));
    }
    Bytes marker(bool commit, std::int16_t epoch, std::int32_t coordinator_epoch) {
        return protocol::end_transaction_batch(
            {.base_offset = state.end_offset(), .producer_id = id, .producer_epoch = ProducerEpoch(epoch)},
            {.commit = commit, .coordinator_epoch = coordinator_epoch}, wall_now);
    }

    ProducerId id{5};
    ProducerState state;
};

TEST_F(ProducerStateTest, UnknownProducersMayBeginAnywhere) {
    EXPECT_EQ(check(by(17)), ok);
}

TEST_F(ProducerStateTest, SequencesFollowEachOther) {
    apply(by(0), 3);
    EXPECT_EQ(check(by(3)), ok);
    EXPECT_EQ(check(by(4)), out_of_order_sequence);
    EXPECT_EQ(check(by(2)), out_of_order_sequence);
    EXPECT_EQ(check(by(4), 1, ProducerOrigin::replication), ok);
}

TEST_F(ProducerStateTest, SequencesWrapToZero) {
    apply(by(INT32_MAX - 1), 2);
    EXPECT_EQ(check(by(0)), ok);
    EXPECT_EQ(check(by(1)), out_of_order_sequence);
    apply(by(INT32_MAX - 1));
    apply(by(INT32_MAX), 3);
    EXPECT_EQ(state.find(id)->last_sequence(), 1);
    EXPECT_EQ(check(by(INT32_MAX), 3), duplicate);
    EXPECT_EQ(check(by(2)), ok);
}

TEST_F(ProducerStateTest, TheLastFiveBatchesAreKnownAsDuplicates) {
    for (int i = 0; i < 6; ++i) apply(by(i * 2), 2);
    EXPECT_EQ(check(by(0), 2), out_of_order_sequence);
    for (int i = 1; i < 6; ++i) {
        const auto found = state.check(BatchView(make_batch(Offset(99), 2, by(i * 2))), ProducerOrigin::client);
        EXPECT_EQ(found.verdict, duplicate);
        EXPECT_EQ(found.original.first_offset(), Offset(i * 2));
        EXPECT_EQ(found.original.last_offset, Offset(i * 2 + 1));
    }
}

TEST_F(ProducerStateTest, NewEpochsBeginAtZeroAndFenceTheOld) {
    apply(by(0, 1), 5);
    EXPECT_EQ(check(by(5, 2)), out_of_order_sequence);
    EXPECT_EQ(check(by(0, 2)), ok);
    EXPECT_EQ(check(by(5, 0)), invalid_producer_epoch);
    apply(by(0, 2));
    EXPECT_EQ(check(by(5, 1)), invalid_producer_epoch);
    EXPECT_EQ(state.find(id)->count, 1);
}

TEST_F(ProducerStateTest, OpenTransactionsBoundTheStableOffset) {
    apply({});
    apply(by(0, 0, true), 2);
    EXPECT_EQ(state.first_unstable_offset(), Offset(1));
    EXPECT_EQ(check(by(2, 0, false)), invalid_txn_state);
    const Bytes abort = marker(false, 0, 4);
    const auto completed = state.apply(BatchView(abort), wall_now);
    ASSERT_TRUE(completed);
    EXPECT_TRUE(completed->aborted);
    EXPECT_EQ(completed->first_offset, Offset(1));
    EXPECT_EQ(completed->last_offset, Offset(3));
    EXPECT_EQ(completed->last_stable_offset, Offset(4));
    EXPECT_EQ(state.first_unstable_offset(), Offset(1));
    state.on_high_watermark(Offset(3));
    EXPECT_EQ(state.first_unstable_offset(), Offset(1));
    state.on_high_watermark(Offset(4));
    EXPECT_EQ(state.first_unstable_offset(), std::nullopt);
    EXPECT_EQ(check(by(2, 0)), ok);
}

TEST_F(ProducerStateTest, MarkersOfOlderCoordinatorsAreFenced) {
    apply(by(0, 0, true));
    static_cast<void>(state.apply(BatchView(marker(true, 0, 4)), wall_now));
    EXPECT_EQ(state.check(BatchView(marker(true, 0, 3)), ProducerOrigin::coordinator).verdict,
              transaction_coordinator_fenced);
    EXPECT_EQ(state.check(BatchView(marker(true, 0, 4)), ProducerOrigin::coordinator).verdict, ok);
}

TEST_F(ProducerStateTest, MarkersOfTransactionVersionTwoCarryANewerEpoch) {
    apply(by(0, 3, true));
    EXPECT_EQ(state.check(BatchView(marker(true, 3, 0)), ProducerOrigin::coordinator, 1).verdict, ok);
    EXPECT_EQ(state.check(BatchView(marker(true, 3, 0)), ProducerOrigin::coordinator, 2).verdict,
              invalid_producer_epoch);
    EXPECT_EQ(state.check(BatchView(marker(true, 4, 0)), ProducerOrigin::coordinator, 2).verdict, ok);
    static_cast<void>(state.apply(BatchView(marker(true, 4, 0)), wall_now));
    // Sent again.
    EXPECT_EQ(state.check(BatchView(marker(true, 4, 0)), ProducerOrigin::coordinator, 2).verdict, ok);
}

TEST_F(ProducerStateTest, SnapshotsKeepAllFiveBatchesAndOpenTransactions) {
    for (int i = 0; i < 7; ++i) apply(by(i, 0, i >= 4));
    id = ProducerId(6);
    static_cast<void>(state.apply(BatchView(marker(true, 2, 9)), wall_now));
    const Bytes file = state.encode_snapshot();
    ProducerState copy;
    ASSERT_TRUE(copy.decode_snapshot(file, state.end_offset()));
    EXPECT_EQ(copy.producers(), state.producers());
    EXPECT_EQ(copy.first_unstable_offset(), Offset(4));
    EXPECT_EQ(copy.encode_snapshot(), file);
}

TEST_F(ProducerStateTest, DamagedSnapshotsChangeNothing) {
    apply(by(0));
    const Bytes file = state.encode_snapshot();
    for (std::size_t i = 0; i < file.size(); ++i) {
        Bytes damaged = file;
        damaged[i] ^= 0x04;
        ProducerState other;
        EXPECT_EQ(other.decode_snapshot(damaged, Offset(1)).error().code, Errc::corrupt) << i;
        EXPECT_FALSE(other.decode_snapshot(ByteView(file).first(i), Offset(1)));
        EXPECT_TRUE(other.producers().empty());
    }
}

TEST_F(ProducerStateTest, SilentProducersAreForgottenUnlessInATransaction) {
    apply(by(0));
    id = ProducerId(6);
    apply(by(0, 0, true));
    state.remove_expired(wall_now + 999, 1000);
    EXPECT_EQ(state.producers().size(), 2U);
    state.remove_expired(wall_now + 1000, 1000);
    EXPECT_EQ(state.find(ProducerId(5)), nullptr);
    EXPECT_NE(state.find(ProducerId(6)), nullptr);
}

TEST_F(ProducerStateTest, ProducersOfOldRecordsAreSilentSinceTheySentThem) {
    Produced old = by(0);
    old.timestamp = wall_now - 1'000'000;
    apply(old);
    state.remove_expired(wall_now + 999, 1000);
    EXPECT_EQ(check(old), duplicate);
    state.remove_expired(wall_now + 1000, 1000);
    EXPECT_EQ(state.find(id), nullptr);
}

TEST_F(ProducerStateTest, NoProducerIsForgottenSoonAfterARecovery) {
    constexpr std::int64_t expiration_ms = 86'400'000;
    Produced old = by(0);
    old.timestamp = wall_now - 10 * expiration_ms;
    apply(old);
    id = ProducerId(6);
    apply(by(0));
    ProducerState copy;
    ASSERT_TRUE(copy.decode_snapshot(state.encode_snapshot(), state.end_offset()));
    copy.on_recovered(wall_now, expiration_ms);
    copy.remove_expired(wall_now + (ProducerState::recovery_grace_ms - 1), expiration_ms);
    EXPECT_NE(copy.find(ProducerId(5)), nullptr);
    copy.remove_expired(wall_now + ProducerState::recovery_grace_ms, expiration_ms);
    EXPECT_EQ(copy.find(ProducerId(5)), nullptr);
    copy.remove_expired(wall_now + (expiration_ms - 1), expiration_ms);
    EXPECT_NE(copy.find(ProducerId(6)), nullptr) << "its record tells when it was used";
    copy.remove_expired(wall_now + expiration_ms, expiration_ms);
    EXPECT_EQ(copy.find(ProducerId(6)), nullptr);
}

}  // namespace
}  // namespace moldau::storage
