#include "model.h"

#include <gtest/gtest.h>

namespace moldau::sim {
namespace {

const Model::Partition p{"t", 0};

Payload record(std::uint64_t number, Acks acks = Acks::all, bool idempotent = true, std::uint32_t producer = 1) {
    return {{producer, number}, acks, idempotent};
}

struct Told : Model {
    void acked(std::int64_t offset, const Payload& payload, Life life = 1) {
        sent(p, payload);
        acknowledged(p, {payload.id}, offset, payload.acks, life);
    }
    void read(std::int64_t offset, const Payload& payload, Life life = 1) {
        sent(p, payload);
        observed(p, offset, payload, life);
    }
    bool holds() const { return violation().empty(); }
};

Payload keyed(std::uint64_t number, std::uint32_t key, bool deletes = false) {
    return {{1, number}, Acks::all, true, key, deletes};
}

TEST(Payload, ProvesItself) {
    Payload sent = record(77, Acks::leader);
    sent.key = 9;
    sent.deletes = true;
    Bytes value = encode_payload(sent, 100);
    ASSERT_EQ(value.size(), 100);
    const auto payload = decode_payload(value);
    ASSERT_TRUE(payload);
    EXPECT_EQ(payload->id, (RecordId{1, 77}));
    EXPECT_EQ(payload->acks, Acks::leader);
    EXPECT_TRUE(payload->idempotent);
    EXPECT_EQ(payload->key, 9);
    EXPECT_TRUE(payload->deletes);
    value[50] ^= 1;
    EXPECT_FALSE(decode_payload(value));
}

TEST(Model, BearsThatOldRecordsGoWhereEnoughIsRetained) {
    Told model;
    model.topic_retains(p.topic, 1000);
    model.acked(0, record(1));
    model.acked(1, record(2));
    model.check_whole(p, {.log_start = 1, .log_end = 2, .bytes = 1000, .records = {{1, 2}}});
    EXPECT_TRUE(model.holds()) << model.violation();

    Told too_much = model;
    too_much.check_whole(p, {.log_start = 1, .log_end = 2, .bytes = 999, .records = {{1, 2}}});
    EXPECT_FALSE(too_much.holds());

    Told lost_behind_the_start = model;
    lost_behind_the_start.check_whole(p, {.log_start = 1, .log_end = 2, .bytes = 1000, .records = {}});
    EXPECT_FALSE(lost_behind_the_start.holds());

    Told keeps_all;
    keeps_all.acked(0, record(1));
    keeps_all.acked(1, record(2));
    keeps_all.check_whole(p, {.log_start = 1, .log_end = 2, .bytes = 1 << 20, .records = {{1, 2}}});
    EXPECT_FALSE(keeps_all.holds());
}

TEST(Model, BearsThatRetentionCountedWhatWasLostAfterwards) {
    Told model;
    model.topic_retains(p.topic, 1000);
    model.acked(0, record(1));
    model.acked(1, record(2));
    model.data_may_be_lost(1);
    const Model::Reading reading{.log_start = 1, .log_end = 2, .bytes = 700, .records = {{1, 2}}};
    Told too_much = model;
    too_much.bytes_may_be_lost(p, 200);
    too_much.bytes_may_be_lost(p, 299);
    too_much.check_whole(p, reading);
    EXPECT_FALSE(too_much.holds()) << "500 were lost, but not with one loss";

    model.bytes_may_be_lost(p, 300);
    model.bytes_may_be_lost(p, 100);
    model.check_whole(p, reading);
    EXPECT_TRUE(model.holds()) << model.violation();
}

TEST(Model, TellsHowFarConsumersOfALifeMustCome) {
    Told model;
    EXPECT_EQ(model.committed(p).end, 0);
    model.acked(0, record(1), 3);
    model.acked(1, record(2, Acks::leader), 4);
    EXPECT_EQ(model.committed(p).end, 1);
    EXPECT_EQ(model.committed(p).life, 3);
}

TEST(Model, HoldsWhenWhatWasAcknowledgedIsRead) {
    Told model;
    model.acked(0, record(1));
    model.read(0, record(1));
    model.read(1, record(2));
    model.check_whole(p, {.log_end = 2, .records = {{1, 1}, {1, 2}}});
    EXPECT_TRUE(model.holds()) << model.violation();
}

TEST(Model, FindsAcknowledgedRecordsReplacedOrGone) {
    Told replaced;
    replaced.acked(0, record(1));
    replaced.data_may_be_lost(1);
    replaced.read(0, record(2), 2);
    EXPECT_FALSE(replaced.holds());

    Told gone;
    gone.acked(0, record(1));
    gone.data_may_be_lost(1);
    gone.check_whole(p, {.log_end = 0, .records = {}});
    EXPECT_FALSE(gone.holds());

    Told without_offset;
    without_offset.acked(-1, record(1));
    without_offset.check_whole(p, {.log_end = 5, .records = {}});
    EXPECT_FALSE(without_offset.holds());
}

TEST(Model, FindsSeenRecordsThatDisappear) {
    Told model;
    model.read(0, record(1));
    model.data_may_be_lost(1);
    model.check_whole(p, {.log_end = 0, .records = {}});
    EXPECT_FALSE(model.holds());
}

TEST(Model, LetsRecordsOfAcksOneGoOnlyWhereDataMayBeLost) {
    Told lost;
    lost.acked(0, record(1, Acks::leader));
    lost.data_may_be_lost(1);
    lost.read(0, record(2, Acks::leader), 2);
    lost.check_whole(p, {.log_end = 1, .records = {{1, 2}}});
    EXPECT_TRUE(lost.holds()) << lost.violation();

    Told killed;
    killed.acked(0, record(1, Acks::leader));
    killed.read(0, record(2, Acks::leader), 2);
    EXPECT_FALSE(killed.holds());
}

TEST(Model, MissesRecordsOfAcksOneBehindTheLastDurableOneUnlessDataMayBeLost) {
    Told killed;
    killed.acked(0, record(1));
    killed.acked(1, record(2, Acks::leader));
    const Model::Reading without_it{.log_end = 1, .records = {{1, 1}}};
    Told lost = killed;
    lost.data_may_be_lost(1);
    lost.check_whole(p, without_it);
    EXPECT_TRUE(lost.holds()) << lost.violation();

    killed.check_whole(p, without_it);
    EXPECT_FALSE(killed.holds());

    Told lost_before;
    lost_before.data_may_be_lost(1);
    lost_before.read(0, record(1, Acks::leader), 2);
    lost_before.check_whole(p, {.log_end = 0, .records = {}});
    EXPECT_FALSE(lost_before.holds());
}

TEST(Model, KnowsThatRecordsBeforeADurableOneAreDurable) {
    Told model;
    model.acked(0, record(1, Acks::leader, true, 1));
    model.acked(1, record(1, Acks::all, true, 2));
    model.data_may_be_lost(1);
    model.read(0, record(2, Acks::leader, true, 1), 2);
    EXPECT_FALSE(model.holds());
}

TEST(Model, DoesNotTakeForDurableWhatWasLostBefore) {
    Told model;
    model.read(0, record(1, Acks::leader, false));
    model.data_may_be_lost(1);
    model.acked(1, record(1, Acks::all, true, 2), 2);
    model.read(0, record(2, Acks::leader, false), 2);
    EXPECT_TRUE(model.holds()) << model.violation();
    model.data_may_be_lost(2);
    model.read(0, record(3, Acks::leader, false), 3);
    EXPECT_FALSE(model.holds());
}

TEST(Model, BearsALateAnswerOfALifeThatLostItsData) {
    Told model;
    model.data_may_be_lost(1);
    model.read(0, record(2, Acks::all, true, 2), 2);
    model.read(0, record(1, Acks::leader), 1);
    EXPECT_TRUE(model.holds()) << model.violation();
}

TEST(Model, BearsAnOffsetOutOfRangeOnlyWhereRetentionOrALossMayHaveTakenIt) {
    const auto holds = [](Told model, const Model::OutOfRange& told) {
        model.out_of_range(p, told);
        return model.holds();
    };
    Told keeps_all;
    EXPECT_FALSE(holds(keeps_all, {.offset = 3, .told_by = 1, .life = 2, .log_start = 4}));
    EXPECT_FALSE(holds(keeps_all, {.offset = 4, .told_by = 1, .life = 2, .log_start = 0}));
    Told retains;
    retains.topic_retains(p.topic, 1000);
    EXPECT_TRUE(holds(retains, {.offset = 3, .told_by = 1, .life = 2, .log_start = 4}));
    EXPECT_FALSE(holds(retains, {.offset = 4, .told_by = 1, .life = 2, .log_start = 4}));
    EXPECT_FALSE(holds(retains, {.offset = 4, .told_by = 1, .life = 2, .log_start = 4, .start_told_by = 2}));
    EXPECT_TRUE(holds(retains, {.offset = 4, .told_by = 1, .life = 2, .log_start = 0, .start_told_by = 3}));
    Told lost;
    lost.data_may_be_lost(1);
    EXPECT_TRUE(holds(lost, {.offset = 3, .told_by = 1, .life = 2, .log_start = 4}));
    EXPECT_TRUE(holds(lost, {.offset = 4, .told_by = 1, .committed = 3, .life = 2, .log_start = 0}));
    EXPECT_FALSE(holds(lost, {.offset = 4, .told_by = 1, .committed = 4, .life = 2, .log_start = 0}));
    EXPECT_FALSE(holds(lost, {.offset = 4, .told_by = 2, .committed = 3, .life = 3, .log_start = 0}));
}

TEST(Model, FindsDuplicatesOfIdempotentProducersAlone) {
    Told idempotent;
    idempotent.read(0, record(1));
    idempotent.read(5, record(1));
    EXPECT_FALSE(idempotent.holds());

    Told plain;
    plain.read(0, record(1, Acks::all, false));
    plain.read(5, record(1, Acks::all, false));
    EXPECT_TRUE(plain.holds()) << plain.violation();
}

TEST(Model, FindsAProducersRecordsOutOfOrder) {
    Told model;
    model.read(0, record(2));
    model.read(1, record(1));
    EXPECT_FALSE(model.holds());
}

TEST(Model, FindsAHighWatermarkThatGoesBackWithinALife) {
    Told model;
    model.high_watermark(p, 1, 5, 1);
    model.high_watermark(p, 2, 4, 1);
    model.high_watermark(p, 1, 3, 2);
    EXPECT_TRUE(model.holds()) << model.violation();
    model.high_watermark(p, 1, 2, 2);
    EXPECT_FALSE(model.holds());
}

TEST(Model, FindsRecordsThatNobodySent) {
    Model model;
    model.observed(p, 0, record(1), 1);
    EXPECT_FALSE(model.violation().empty());
}

TEST(Model, ForgetsDeletedTopics) {
    Told model;
    model.acked(0, record(1));
    model.topic_deleted("t");
    model.read(0, record(2));
    model.check_whole(p, {.log_end = 0, .records = {}});
    EXPECT_TRUE(model.holds()) << model.violation();
}

struct ModelOfCompaction : testing::Test {
    ModelOfCompaction() {
        model.topic_compacts(p.topic);
        model.acked(0, keyed(1, 5));
        model.acked(1, keyed(2, 6));
        model.acked(2, keyed(3, 5));
    }
    /// Whether the promises hold where records are left at these offsets.
    testing::AssertionResult holds_with(const std::set<std::int64_t>& offsets) {
        Told read = model;
        read.check_whole(p, {.log_end = 5, .offsets = offsets});
        return read.holds() ? testing::AssertionSuccess() : testing::AssertionFailure() << read.violation();
    }
    Told model;
};

TEST_F(ModelOfCompaction, TheLastOfEachKeyStays) {
    EXPECT_TRUE(holds_with({0, 1, 2}));
    EXPECT_TRUE(holds_with({1, 2}));
    EXPECT_FALSE(holds_with({0, 1}));
    EXPECT_FALSE(holds_with({2}));
}

TEST_F(ModelOfCompaction, WhatDeletesAKeyGoesAfterWhatItDeletes) {
    model.acked(3, keyed(4, 5, true));
    EXPECT_TRUE(holds_with({0, 1, 2, 3}));
    EXPECT_TRUE(holds_with({1, 3}));
    EXPECT_TRUE(holds_with({1}));
    EXPECT_FALSE(holds_with({1, 2})) << "it would be there again";
    EXPECT_FALSE(holds_with({3}));
    model.acked(4, keyed(5, 5));
    EXPECT_TRUE(holds_with({1, 4}));
    EXPECT_FALSE(holds_with({1})) << "it was written anew";
}

TEST_F(ModelOfCompaction, WhatWasLostReplacesNothing) {
    Payload lost = keyed(4, 5);
    lost.acks = Acks::leader;
    model.acked(3, lost);
    model.data_may_be_lost(1);
    EXPECT_TRUE(holds_with({1, 2}));
    EXPECT_TRUE(holds_with({1, 3}));
    EXPECT_FALSE(holds_with({1}));
}

TEST_F(ModelOfCompaction, BearsADeletionOfWhichNothingWasHeard) {
    model.sent(p, keyed(4, 5, true));
    EXPECT_TRUE(holds_with({1}));
    EXPECT_FALSE(holds_with({2}));
}

TEST_F(ModelOfCompaction, AnAcknowledgementWithoutOffsetHoldsTheKey) {
    const Payload payload = keyed(4, 7);
    model.sent(p, payload);
    model.acknowledged(p, {payload.id}, -1, Acks::all, 1);
    EXPECT_FALSE(holds_with({1, 2}));
    model.acked(3, keyed(5, 7));
    EXPECT_TRUE(holds_with({1, 2, 3}));
}

}  // namespace
}  // namespace moldau::sim
