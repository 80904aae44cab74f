#include "connection_core.h"

#include <gtest/gtest.h>

#include "frames.h"

namespace moldau::net {
namespace {

class OverlappingProduce final : public Service {
 public:
    void serve(Request, runtime::Handler<Response>) override { FAIL() << "a core serves nothing itself"; }
    bool may_overlap(std::int16_t api_key) const override { return api_key == produce_key; }
};

class ConnectionCoreTest : public testing::Test {
 protected:
    void feed(ByteView bytes) {
        while (!bytes.empty()) {
            ASSERT_TRUE(core->wants_read());
            const MutableBytes target = core->read_target(scratch);
            ASSERT_FALSE(target.empty());
            const std::size_t count = std::min(target.size(), bytes.size());
            std::memcpy(target.data(), bytes.data(), count);
            core->on_read(target.first(count));
            bytes = bytes.subspan(count);
        }
    }

    /// Everything that may begin now; their correlation ids.
    std::vector<std::int32_t> begin() {
        std::vector<std::int32_t> ids;
        while (auto next = core->next_request()) {
            ids.push_back(next->request.correlation_id);
            sequences[ids.back()] = next->sequence;
            requests.push_back(std::move(next->request));
        }
        return ids;
    }

    void answer(std::int32_t correlation_id, bool close = false) {
        Response response;
        response.pieces.emplace_back(answer_frame(correlation_id));
        response.close = close;
        core->on_answer(sequences.at(correlation_id), std::move(response));
    }

    /// Sends the output; the correlation ids of the answers in it.
    std::vector<std::int32_t> sent() {
        Bytes all;
        while (core->has_output()) {
            append(all, core->first_output_bytes());
            core->on_written(core->first_output_bytes().size());
        }
        std::vector<std::int32_t> ids;
        for (ByteView rest = all; !rest.empty();) {
            ids.push_back(load_big_endian<std::int32_t>(rest.data() + 4));
            rest = rest.subspan(4 + static_cast<std::size_t>(load_big_endian<std::int32_t>(rest.data())));
        }
        return ids;
    }

    using Ids = std::vector<std::int32_t>;

    ConnectionLimits limits;
    RequestBudget budget{1 << 20};
    OverlappingProduce service;
    std::optional<ConnectionCore> core{std::in_place, limits, budget, service};
    Bytes scratch = Bytes(64 * 1024);
    std::map<std::int32_t, std::uint64_t> sequences;
    std::vector<Request> requests;
};

TEST_F(ConnectionCoreTest, AFrameMayBeSplitAtEveryByte) {
    const Bytes frame = request_frame(metadata_key, 77, bytes_of("body"));
    for (std::size_t split = 1; split < frame.size(); ++split) {
        requests.clear();
        feed(ByteView(frame).first(split));
        EXPECT_TRUE(core->is_inside_frame());
        EXPECT_TRUE(begin().empty());
        feed(ByteView(frame).subspan(split));
        EXPECT_FALSE(core->is_inside_frame());
        ASSERT_EQ(begin(), Ids{77});
        EXPECT_EQ(requests[0].client_id, "test");
        EXPECT_EQ(requests[0].api_key, metadata_key);
        EXPECT_EQ(text_of(requests[0].body()), "body");
        answer(77);
        EXPECT_EQ(sent(), Ids{77});
    }
}

TEST_F(ConnectionCoreTest, ManyFramesInOneReadAreServedOneByOne) {
    Bytes bytes;
    for (std::int32_t id = 1; id <= 100; ++id) append(bytes, request_frame(metadata_key, id));
    feed(bytes);
    for (std::int32_t id = 1; id <= 100; ++id) {
        EXPECT_FALSE(core->wants_read()) << "what was read must begin first";
        ASSERT_EQ(begin(), Ids{id});
        answer(id);
    }
    EXPECT_TRUE(core->wants_read());
    EXPECT_EQ(sent().size(), 100U);
}

TEST_F(ConnectionCoreTest, AProduceBeginsWhileTheOneBeforeItIsUnanswered) {
    for (std::int32_t id = 1; id <= 3; ++id) {
        feed(request_frame(produce_key, id, {}, 3));
        EXPECT_EQ(begin(), Ids{id});
    }
    feed(request_frame(metadata_key, 4));
    EXPECT_TRUE(begin().empty());
}

TEST_F(ConnectionCoreTest, AnswersLeaveInTheOrderOfRequests) {
    Bytes bytes;
    for (std::int32_t id = 1; id <= 3; ++id) append(bytes, request_frame(produce_key, id, {}, 3));
    feed(bytes);
    EXPECT_EQ(begin(), (Ids{1, 2, 3}));
    answer(3);
    answer(2);
    EXPECT_FALSE(core->has_output());
    answer(1);
    EXPECT_EQ(sent(), (Ids{1, 2, 3}));
}

TEST_F(ConnectionCoreTest, EveryOtherRequestIsABarrierBothWays) {
    Bytes bytes;
    append(bytes, request_frame(produce_key, 1, {}, 3));
    append(bytes, request_frame(metadata_key, 2));
    append(bytes, request_frame(produce_key, 3, {}, 3));
    feed(bytes);
    EXPECT_EQ(begin(), Ids{1});
    answer(1);
    EXPECT_EQ(begin(), Ids{2});
    answer(2);
    EXPECT_EQ(begin(), Ids{3});
}

TEST_F(ConnectionCoreTest, WorkAheadIsBoundedInCount) {
    limits.max_requests_ahead = 2;
    Bytes bytes;
    for (std::int32_t id = 1; id <= 3; ++id) append(bytes, request_frame(produce_key, id, {}, 3));
    feed(bytes);
    EXPECT_EQ(begin(), (Ids{1, 2}));
    EXPECT_FALSE(core->wants_read());
    answer(2);
    EXPECT_TRUE(begin().empty()) << "the second is answered, but not sent yet";
    answer(1);
    EXPECT_EQ(begin(), Ids{3});
}

TEST_F(ConnectionCoreTest, TooMuchUnsentOutputStopsReadingAndBeginning) {
    limits.max_output_bytes = 8;
    Bytes bytes;
    append(bytes, request_frame(metadata_key, 1));
    append(bytes, request_frame(metadata_key, 2));
    feed(bytes);
    EXPECT_EQ(begin(), Ids{1});
    answer(1);
    EXPECT_TRUE(begin().empty());
    core->on_written(7);
    EXPECT_TRUE(begin().empty());
    EXPECT_EQ(core->first_output_bytes().size(), 1U);
    core->on_written(1);
    EXPECT_EQ(begin(), Ids{2});
}

TEST_F(ConnectionCoreTest, SizesThatCannotBeEndTheInput) {
    for (const std::int32_t size : {0, -1, std::numeric_limits<std::int32_t>::min(), 100 * 1024 * 1024 + 1}) {
        core.emplace(limits, budget, service);
        Bytes bytes;
        append_integer(bytes, size);
        feed(bytes);
        EXPECT_FALSE(core->input_is_open());
        EXPECT_FALSE(core->wants_read());
        EXPECT_TRUE(core->is_finished());
        EXPECT_NE(core->end_reason().find(std::to_string(size)), std::string::npos);
    }
}

TEST_F(ConnectionCoreTest, SmallAnswersShareAPiece) {
    for (std::int32_t id = 1; id <= 100; ++id) {
        feed(request_frame(metadata_key, id));
        begin();
        answer(id);
    }
    EXPECT_EQ(core->output_pieces(), 1U);
    core->on_written(answer_frame(1).size() * 2);
    EXPECT_EQ(sent().size(), 98U);
}

TEST_F(ConnectionCoreTest, LittleIsReadFromAPeerThatDoesNotReadItsAnswers) {
    feed(request_frame(metadata_key, 1));
    EXPECT_EQ(core->read_target(scratch).size(), scratch.size());
    begin();
    Response response;
    response.pieces.emplace_back(Bytes(limits.max_output_bytes / 2));
    core->on_answer(sequences.at(1), std::move(response));
    ASSERT_TRUE(core->wants_read());
    EXPECT_LE(core->read_target(scratch).size(), 4096U);
    core->on_written(limits.max_output_bytes / 2);
    EXPECT_EQ(core->read_target(scratch).size(), scratch.size());
}

TEST_F(ConnectionCoreTest, NamesTheProtocolOfWhoIsNoKafkaClient) {
    const std::pair<std::string_view, std::string_view> cases[] = {
        {"GET / HTTP/1.1\r\n", "HTTP"}, {"PRI * HTTP/2.0\r\n", "HTTP"}, {{"\x16\x03\x01\x00\xc8", 5}, "TLS"}};
    for (const auto& [greeting, named] : cases) {
        core.emplace(limits, budget, service);
        feed(bytes_of(greeting).first(4));
        EXPECT_TRUE(core->was_refused());
        EXPECT_NE(core->end_reason().find(named), std::string::npos) << core->end_reason();
    }
}

TEST_F(ConnectionCoreTest, WhoEndsInOrderIsNotRefused) {
    core->end_input("the peer ended it");
    EXPECT_FALSE(core->was_refused());
}

TEST_F(ConnectionCoreTest, HeadersThatAreNoneEndTheInput) {
    const Bytes whole = request_frame(metadata_key, 1);
    for (std::size_t size = 1; size < whole.size() - 4; ++size) {
        core.emplace(limits, budget, service);
        Bytes bytes;
        append_integer(bytes, static_cast<std::int32_t>(size));
        append(bytes, ByteView(whole).subspan(4, size));
        feed(bytes);
        EXPECT_FALSE(core->input_is_open()) << size;
        EXPECT_TRUE(begin().empty());
    }
    core.emplace(limits, budget, service);
    feed(request_frame(30'000, 1));
    EXPECT_FALSE(core->input_is_open()) << "an API that does not exist";
}

TEST_F(ConnectionCoreTest, AFlexibleHeaderHasTagsWhichAreSkipped) {
    Bytes frame;
    const Bytes tags_and_body = {1, 9, 2, 0xaa, 0xbb, 0x55};  // one tag, number 9, two bytes; then the body
    frame = request_frame(metadata_key, 5, tags_and_body, 12);
    feed(frame);
    ASSERT_EQ(begin(), Ids{5});
    ASSERT_EQ(requests[0].body().size(), 1U);
    EXPECT_EQ(requests[0].body()[0], 0x55);
}

TEST_F(ConnectionCoreTest, WhatWasReadIsServedAfterThePeersEnd) {
    Bytes bytes;
    append(bytes, request_frame(metadata_key, 1));
    append(bytes, request_frame(metadata_key, 2));
    append(bytes, ByteView(request_frame(metadata_key, 3)).first(9));
    feed(bytes);
    core->end_input("the peer ended it");
    EXPECT_EQ(begin(), Ids{1});
    answer(1);
    EXPECT_EQ(begin(), Ids{2});
    EXPECT_FALSE(core->is_finished());
    answer(2);
    EXPECT_FALSE(core->is_finished());
    EXPECT_EQ(sent(), (Ids{1, 2}));
    EXPECT_TRUE(core->is_finished());
}

TEST_F(ConnectionCoreTest, ABrokenFrameDoesNotTakeBackTheOnesBeforeIt) {
    Bytes bytes;
    append(bytes, request_frame(metadata_key, 1));
    append_integer(bytes, std::int32_t{-5});
    append(bytes, request_frame(metadata_key, 2));
    feed(bytes);
    EXPECT_EQ(begin(), Ids{1});
    answer(1);
    EXPECT_TRUE(begin().empty());
    EXPECT_EQ(sent(), Ids{1});
    EXPECT_TRUE(core->is_finished());
}

/// Whether a size that cannot be follows the requests.
class ManyInOneReadTest : public ConnectionCoreTest, public testing::WithParamInterface<bool> {};

TEST_P(ManyInOneReadTest, AreServedAlsoAfterThePeersEnd) {
    constexpr std::int32_t count = 500;
    Bytes bytes;
    for (std::int32_t id = 1; id <= count; ++id) append(bytes, request_frame(metadata_key, id));
    if (GetParam()) append_integer(bytes, std::int32_t{-5});
    append(bytes, ByteView(request_frame(metadata_key, count + 1)).first(9));
    ASSERT_LE(bytes.size(), scratch.size());
    feed(bytes);
    core->end_input("the peer ended it");
    for (std::int32_t id = 1; id <= count; ++id) {
        ASSERT_FALSE(core->is_finished());
        ASSERT_EQ(begin(), Ids{id});
        answer(id);
    }
    EXPECT_TRUE(begin().empty());
    EXPECT_EQ(sent().size(), std::size_t{count});
    EXPECT_TRUE(core->is_finished());
    requests.clear();
    EXPECT_EQ(budget.used_bytes(), 0U);
}

INSTANTIATE_TEST_SUITE_P(WholeOrBroken, ManyInOneReadTest, testing::Bool());

TEST_F(ConnectionCoreTest, AnAnswerThatClosesEndsAllBehindIt) {
    Bytes bytes;
    for (std::int32_t id = 1; id <= 3; ++id) append(bytes, request_frame(produce_key, id, {}, 3));
    append(bytes, request_frame(metadata_key, 4));
    feed(bytes);
    EXPECT_EQ(begin(), (Ids{1, 2, 3}));
    answer(1);
    answer(2, true);
    EXPECT_FALSE(core->input_is_open());
    answer(3);
    EXPECT_TRUE(begin().empty());
    EXPECT_EQ(sent(), (Ids{1, 2}));
    EXPECT_TRUE(core->is_finished());
}

TEST_F(ConnectionCoreTest, AnEmptyAnswerSendsNothingAndKeepsTheConnection) {
    feed(request_frame(produce_key, 1, {}, 3));
    EXPECT_EQ(begin(), Ids{1});
    core->on_answer(sequences.at(1), Response{});
    EXPECT_FALSE(core->has_output());
    EXPECT_FALSE(core->is_finished());
    EXPECT_TRUE(core->wants_read());
}

TEST_F(ConnectionCoreTest, SlicesOfFilesAreSentPartByPart) {
    feed(request_frame(metadata_key, 1));
    begin();
    Response response;
    response.pieces.emplace_back(Bytes(10));
    response.pieces.emplace_back(FileSlice{nullptr, 100, 50});
    response.pieces.emplace_back(FileSlice{nullptr, 7, 0});
    response.pieces.emplace_back(Bytes(3));
    core->on_answer(sequences.at(1), std::move(response));
    EXPECT_EQ(core->output_pieces(), 3U) << "empty pieces are none";
    core->on_written(10 + 20);
    const auto& slice = std::get<FileSlice>(core->output(0));
    EXPECT_EQ(slice.position, 120U);
    EXPECT_EQ(slice.size, 30U);
    core->on_written(30 + 3);
    EXPECT_FALSE(core->has_output());
}

TEST_F(ConnectionCoreTest, ALargeFrameIsReadIntoItsOwnMemory) {
    Bytes body(300'000);
    for (std::size_t i = 0; i < body.size(); ++i) body[i] = static_cast<std::uint8_t>(i * 31);
    const Bytes frame = request_frame(produce_key, 9, body, 3);
    feed(ByteView(frame).first(1000));
    const MutableBytes target = core->read_target(scratch);
    EXPECT_NE(target.data(), scratch.data());
    EXPECT_EQ(target.size(), frame.size() - 1000) << "exactly the rest";
    feed(ByteView(frame).subspan(1000));
    ASSERT_EQ(begin(), Ids{9});
    EXPECT_TRUE(std::ranges::equal(requests[0].body(), body));
}

TEST_F(ConnectionCoreTest, BytesAreChargedAsTheyArriveAndGivenBackWithTheRequest) {
    const Bytes body(100'000);
    const Bytes frame = request_frame(produce_key, 9, body, 3);
    feed(ByteView(frame).first(4));
    EXPECT_EQ(budget.used_bytes(), 0U) << "announced only";
    feed(ByteView(frame).subspan(4, 50'000));
    EXPECT_EQ(budget.used_bytes(), 50'000U);
    feed(ByteView(frame).subspan(50'004));
    begin();
    EXPECT_EQ(budget.used_bytes(), frame.size() - 4);
    requests[0].budget.release();
    EXPECT_EQ(budget.used_bytes(), 0U);
    requests.clear();
    EXPECT_EQ(budget.used_bytes(), 0U);
}

TEST_F(ConnectionCoreTest, AFrameThatIsNeverWholeIsGivenBackAtTheEnd) {
    const Bytes body(100'000);
    feed(ByteView(request_frame(produce_key, 9, body, 3)).first(60'000));
    EXPECT_GT(budget.used_bytes(), 0U);
    core.reset();
    EXPECT_EQ(budget.used_bytes(), 0U);
    EXPECT_TRUE(budget.may_read(budget.start_frame(), 1 << 20)) << "it is not the oldest started one any more";
}

TEST_F(ConnectionCoreTest, WhenTheBudgetIsSpentOnlyTheOldestAndSmallFramesGoOn) {
    const Bytes body(500'000);
    const Bytes frame = request_frame(produce_key, 9, body, 3);
    feed(ByteView(frame).first(1000));  // the oldest
    ConnectionCore other(limits, budget, service);
    const auto feed_other = [&](ByteView bytes) {
        while (!bytes.empty() && other.wants_read()) {
            const MutableBytes target = other.read_target(scratch);
            const std::size_t count = std::min(target.size(), bytes.size());
            std::memcpy(target.data(), bytes.data(), count);
            other.on_read(target.first(count));
            bytes = bytes.subspan(count);
        }
        return bytes.size();
    };
    RequestBudget::Charge rest(budget);
    rest.add(1 << 20);
    EXPECT_EQ(feed_other(request_frame(metadata_key, 1)), 0U) << "small";
    const auto small = other.next_request();
    ASSERT_TRUE(small);
    other.on_answer(small->sequence, {});
    EXPECT_EQ(feed_other(frame), frame.size() - 4) << "large: its size is read, no more";
    EXPECT_FALSE(other.wants_read());
    feed(ByteView(frame).subspan(1000));
    EXPECT_EQ(begin(), Ids{9});
    EXPECT_TRUE(other.wants_read()) << "it is the oldest now";
}

TEST_F(ConnectionCoreTest, AFrameThatHasNoRoomToReadOnHoldsNobodyBack) {
    const Bytes frame = request_frame(produce_key, 9, Bytes(500'000), 3);
    Bytes bytes = request_frame(produce_key, 1, {}, 3);
    append(bytes, request_frame(metadata_key, 2));  // waits for the answer of the one before it
    append(bytes, ByteView(frame).first(1000));     // the oldest
    feed(bytes);
    EXPECT_EQ(begin(), Ids{1});
    const auto younger = budget.start_frame();
    RequestBudget::Charge rest(budget);
    rest.add(1 << 20);
    EXPECT_FALSE(core->wants_read());
    EXPECT_FALSE(core->waits_for_budget()) << "it waits for an answer";
    EXPECT_TRUE(budget.may_read(younger, frame.size()));
    answer(1);
    EXPECT_EQ(begin(), Ids{2});
    EXPECT_FALSE(core->wants_read());
    EXPECT_FALSE(core->waits_for_budget()) << "it waits for another answer";
    answer(2);
    EXPECT_TRUE(core->waits_for_budget()) << "it is the younger now";
    budget.end_frame(younger);
    EXPECT_TRUE(core->wants_read());
    feed(ByteView(frame).subspan(1000));
    EXPECT_EQ(begin(), Ids{9});
}

TEST_F(ConnectionCoreTest, AFrameWhosePeerDoesNotReadItsAnswersHoldsNobodyBack) {
    const Bytes frame = request_frame(produce_key, 9, Bytes(500'000), 3);
    feed(request_frame(produce_key, 1, {}, 3));
    EXPECT_EQ(begin(), Ids{1});
    feed(ByteView(frame).first(1000));  // the oldest
    const auto younger = budget.start_frame();
    RequestBudget::Charge rest(budget);
    rest.add(1 << 20);
    EXPECT_FALSE(budget.may_read(younger, frame.size()));
    Response large;
    large.pieces.emplace_back(Bytes(limits.max_output_bytes));
    core->on_answer(sequences.at(1), std::move(large));
    EXPECT_TRUE(budget.may_read(younger, frame.size()));
    core->on_written(limits.max_output_bytes);
    EXPECT_TRUE(core->waits_for_budget()) << "it is the younger now";
    budget.end_frame(younger);
    EXPECT_TRUE(core->wants_read());
}

TEST_F(ConnectionCoreTest, ALargeFrameBehindALongPollIsNotReadUntilItCanBeServed) {
    const Bytes frame = request_frame(produce_key, 9, Bytes(500'000), 3);
    feed(request_frame(fetch_key, 1));
    EXPECT_EQ(begin(), Ids{1});
    requests.clear();
    EXPECT_TRUE(core->wants_read()) << "the end of a client that waits is noticed";
    feed(ByteView(frame).first(1000));
    EXPECT_FALSE(core->wants_read());
    EXPECT_FALSE(core->waits_for_budget()) << "it waits for an answer";
    EXPECT_EQ(budget.used_bytes(), 996U);
    const auto younger = budget.start_frame();
    RequestBudget::Charge rest(budget);
    rest.add(1 << 20);
    EXPECT_TRUE(budget.may_read(younger, frame.size())) << "it holds nobody back";
    budget.end_frame(younger);
    EXPECT_FALSE(core->wants_read()) << "nor does its turn come";
    rest.release();
    answer(1);
    EXPECT_TRUE(core->wants_read());
    feed(ByteView(frame).subspan(1000));
    EXPECT_EQ(begin(), Ids{9});
}

TEST_F(ConnectionCoreTest, BehindAProduceALargeFrameIsReadWhenItIsAProduce) {
    feed(request_frame(produce_key, 1, {}, 3));
    EXPECT_EQ(begin(), Ids{1});
    feed(ByteView(request_frame(produce_key, 2, Bytes(500'000), 3)).first(1000));
    EXPECT_TRUE(core->wants_read());
    core.emplace(limits, budget, service);
    feed(request_frame(produce_key, 1, {}, 3));
    EXPECT_EQ(begin(), Ids{1});
    feed(ByteView(request_frame(metadata_key, 2, Bytes(500'000))).first(4));
    EXPECT_TRUE(core->wants_read()) << "not known yet";
    const MutableBytes target = core->read_target(scratch);
    store_big_endian(target.data(), metadata_key);
    core->on_read(target.first(1000));
    EXPECT_FALSE(core->wants_read());
    EXPECT_FALSE(core->waits_for_budget());
}

TEST_F(ConnectionCoreTest, ASmallFrameBehindALongPollUsesNoReserve) {
    feed(request_frame(fetch_key, 1));
    EXPECT_EQ(begin(), Ids{1});
    RequestBudget::Charge rest(budget);
    rest.add(1 << 20);
    const Bytes frame = request_frame(metadata_key, 2);
    feed(ByteView(frame).first(4));
    EXPECT_FALSE(core->wants_read());
    rest.release();
    EXPECT_TRUE(core->wants_read());
    feed(ByteView(frame).subspan(4));
    EXPECT_TRUE(begin().empty());
    answer(1);
    EXPECT_EQ(begin(), Ids{2});
}

TEST_F(ConnectionCoreTest, AFrameAboveTheWholeBudgetIsAdmitted) {
    RequestBudget small(100'000);
    core.emplace(limits, small, service);
    const Bytes body(500'000);
    feed(request_frame(produce_key, 9, body, 3));
    EXPECT_EQ(begin(), Ids{9});
    requests.clear();
    core.reset();
    EXPECT_EQ(small.used_bytes(), 0U);
}

}  // namespace
}  // namespace moldau::net
