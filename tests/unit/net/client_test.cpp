// What a client sends, and when its calls end, over a connection that takes as much as the test allows.

#include <support/manual_shard.h>

#include <gtest/gtest.h>

#include <moldau/net/client.h>

#include "frames.h"

namespace moldau::net {
namespace {

using runtime::Handler;
using runtime::Task;
using namespace std::chrono_literals;

/// What a peer has taken and given; outlives its stream.
struct Peer {
    Bytes taken;
    std::size_t room = 0;  ///< bytes that it still takes
    Bytes given;
    bool ended = false;
    std::function<void()> changed = [] {};
};

class PeerStream final : public runtime::Stream {
 public:
    PeerStream(runtime::Shard& shard, Peer& peer) : shard_(shard), peer_(peer) {
        peer_.changed = [this] { wake(); };
    }
    ~PeerStream() override { close(); }

    Result<std::size_t> try_read_some(MutableBytes into) override {
        if (closed_) return fail(Errc::closed, "it is closed");
        if (peer_.given.empty() && !peer_.ended) return fail(Errc::would_block, "nothing came");
        const std::size_t count = std::min(into.size(), peer_.given.size());
        std::copy_n(peer_.given.begin(), count, into.begin());
        peer_.given.erase(peer_.given.begin(), peer_.given.begin() + static_cast<std::ptrdiff_t>(count));
        return count;
    }
    void async_wait_readable(Handler<Result<>> handler) override { wait(reader_, std::move(handler)); }
    Result<std::size_t> try_write(std::span<const ByteView> parts) override {
        if (closed_) return fail(Errc::closed, "it is closed");
        std::size_t count = 0;
        for (ByteView part : parts) {
            part = part.first(std::min(part.size(), peer_.room));
            append(peer_.taken, part);
            peer_.room -= part.size();
            count += part.size();
        }
        return count;
    }
    void async_wait_writable(Handler<Result<>> handler) override { wait(writer_, std::move(handler)); }
    Result<std::size_t> try_send_file(const runtime::File&, std::uint64_t, std::size_t) override {
        return fail(Errc::unsupported, "it sends no files");
    }
    void close() override {
        closed_ = true;
        peer_.changed = [] {};
        wake();
    }
    const runtime::Endpoint& peer() const override { return endpoint_; }
    const runtime::Endpoint& local() const override { return endpoint_; }

 private:
    void wait(Handler<Result<>>& slot, Handler<Result<>> handler) {
        slot.swap(handler);
        wake();
    }
    void wake() {
        if (reader_ && (closed_ || peer_.ended || !peer_.given.empty())) complete(std::move(reader_));
        if (writer_ && (closed_ || peer_.room > 0)) complete(std::move(writer_));
    }
    void complete(Handler<Result<>> handler) {
        Result<> result;
        if (closed_) result = fail(Errc::closed, "it is closed");
        shard_.post([handler = std::move(handler), result]() mutable { std::move(handler)(std::move(result)); });
    }

    runtime::Shard& shard_;
    Peer& peer_;
    const runtime::Endpoint endpoint_{"peer", 9092};
    Handler<Result<>> reader_;
    Handler<Result<>> writer_;
    bool closed_ = false;
};

class PeerTransport final : public runtime::Transport {
 public:
    explicit PeerTransport(Peer& peer) : peer_(peer) {}
    Result<std::unique_ptr<runtime::Listener>> listen(runtime::Shard&, const runtime::Endpoint&) override {
        return fail(Errc::unsupported, "nobody listens");
    }
    void async_connect(runtime::Shard& shard, const runtime::Endpoint&, runtime::TimePoint,
                       Handler<Result<std::unique_ptr<runtime::Stream>>> handler) override {
        shard.post([&shard, &peer = peer_, handler = std::move(handler)]() mutable {
            std::move(handler)(std::unique_ptr<runtime::Stream>(std::make_unique<PeerStream>(shard, peer)));
        });
    }

 private:
    Peer& peer_;
};

class ClientTest : public testing::Test {
 protected:
    void connect(ClientOptions options = {}) {
        runtime::spawn(shard, [](ClientTest& test, ClientOptions with) -> Task<void> {
            auto connected =
                co_await Client::connect(test.transport, test.shard, {"peer", 9092}, std::move(with), runtime::never);
            test.client = std::move(*connected);
        }(*this, std::move(options)));
        shard.run_ready();
        ASSERT_TRUE(client);
    }
    void TearDown() override {
        client.reset();
        shard.run_ready();
    }

    /// Begins a request with `name` for its body; how it ended is in `ended`.
    void send(std::string name, std::string then_send = {}) {
        runtime::spawn(shard, run_send(*this, std::move(name), std::move(then_send)));
    }
    void call(std::string name) { runtime::spawn(shard, run_call(*this, std::move(name))); }

    void take(std::size_t bytes) {
        peer.room += bytes;
        peer.changed();
        shard.run_ready();
    }
    void give(ByteView bytes) {
        append(peer.given, bytes);
        peer.changed();
        shard.run_ready();
    }

    /// Bodies and correlation ids of the whole requests that the peer has taken, as "body:id".
    std::vector<std::string> requests() const {
        std::vector<std::string> found;
        ByteView left(peer.taken);
        while (left.size() >= 4 && left.size() >= 4 + load_big_endian<std::uint32_t>(left.data())) {
            const std::size_t size = load_big_endian<std::uint32_t>(left.data());
            const ByteView frame = left.subspan(4, size);
            const auto id_length = load_big_endian<std::uint16_t>(frame.data() + 8);
            found.push_back(fmt::format("{}:{}", text_of(frame.subspan(10U + id_length)),
                                        load_big_endian<std::int32_t>(frame.data() + 4)));
            left = left.subspan(4 + size);
        }
        return found;
    }
    std::vector<std::string> names_of_ended() const {
        std::vector<std::string> names;
        for (const auto& [name, code] : ended) names.push_back(name);
        return names;
    }

    using Names = std::vector<std::string>;
    static constexpr std::size_t plenty = 1'000'000;

    runtime::ManualShard shard;
    Peer peer;
    PeerTransport transport{peer};
    std::unique_ptr<Client> client;
    const runtime::TimePoint deadline = shard.now() + 10s;
    std::vector<std::pair<std::string, std::optional<Errc>>> ended;  ///< in the order in which they did
    std::string last_failure;                                        ///< of what is not answered

 private:
    static Task<void> run_send(ClientTest& test, std::string name, std::string then_send) {
        const Result<> sent = co_await test.client->send(produce_key, 3, bytes_of(name), test.deadline);
        test.ended.emplace_back(name, sent ? std::nullopt : std::optional(sent.error().code));
        if (!sent) test.last_failure = sent.error().message;
        if (!then_send.empty()) co_await run_send(test, std::move(then_send), {});
    }
    static Task<void> run_call(ClientTest& test, std::string name) {
        const Result<Answer> answer = co_await test.client->call(metadata_key, 0, bytes_of(name), test.deadline);
        test.ended.emplace_back(name, answer ? std::nullopt : std::optional(answer.error().code));
    }
};

TEST_F(ClientTest, SendsWhatIsNotAnsweredInTheOrderOfTheCalls) {
    connect();
    send("a", "f");  // as soon as the first is done, while the others still wait
    for (const char* name : {"b", "c", "d", "e"}) send(name);
    shard.run_ready();
    EXPECT_EQ(ended.size(), 0U) << "nothing is taken";
    for (int i = 0; i < 500; ++i) take(1);
    EXPECT_EQ(requests(), (Names{"a:0", "b:1", "c:2", "d:3", "e:4", "f:5"}));
    EXPECT_EQ(names_of_ended(), (Names{"a", "b", "c", "d", "e", "f"}));
    for (const auto& [name, code] : ended) EXPECT_FALSE(code) << name;
}

TEST_F(ClientTest, EndsWhatIsNotAnsweredOnlyWhenAllOfItIsTaken) {
    connect();
    send("a");
    shard.run_ready();
    take(request_frame(produce_key, 0, bytes_of("a")).size() + std::string_view("moldau").size() -
         std::string_view("test").size() - 1);
    EXPECT_TRUE(ended.empty());
    take(1);
    EXPECT_EQ(names_of_ended(), Names{"a"});
}

TEST_F(ClientTest, MixesWhatIsAnsweredWithWhatIsNot) {
    connect();
    call("asked");
    send("told");
    call("asked later");
    send("told later");
    take(plenty);
    EXPECT_EQ(requests(), (Names{"asked:0", "told:1", "asked later:2", "told later:3"}));
    EXPECT_EQ(names_of_ended(), (Names{"told", "told later"})) << "they wait for no answer";
    give(answer_frame(0));
    give(answer_frame(2));
    EXPECT_EQ(names_of_ended(), (Names{"told", "told later", "asked", "asked later"}));
    for (const auto& [name, code] : ended) EXPECT_FALSE(code) << name;
    EXPECT_TRUE(client->is_open());
}

TEST_F(ClientTest, EndsWithAPeerThatAnswersWhatIsNotAnswered) {
    connect();
    send("a");
    call("b");
    give(answer_frame(0));
    EXPECT_FALSE(client->is_open());
    EXPECT_EQ(names_of_ended(), (Names{"a", "b"}));
    for (const auto& [name, code] : ended) EXPECT_EQ(code, Errc::closed) << name;
}

TEST_F(ClientTest, TellsAllWhenTheConnectionEnds) {
    connect();
    call("a");
    send("b");
    call("c");
    take(request_frame(metadata_key, 0).size());
    peer.ended = true;
    peer.changed();
    shard.run_ready();
    EXPECT_EQ(names_of_ended(), (Names{"a", "b", "c"}));
    send("later");
    shard.run_ready();
    ASSERT_EQ(ended.size(), 4U);
    EXPECT_EQ(last_failure, "connection to peer:9092: the peer ended it");
    for (const auto& [name, code] : ended) EXPECT_EQ(code, Errc::closed) << name;
}

TEST_F(ClientTest, EndsWhatIsNotTakenAtItsDeadline) {
    connect();
    call("a");
    send("b");
    shard.advance(9s);
    EXPECT_TRUE(ended.empty());
    shard.advance(2s);
    EXPECT_EQ(names_of_ended(), (Names{"a", "b"}));
    for (const auto& [name, code] : ended) EXPECT_EQ(code, Errc::timed_out) << name;
    // What was begun goes on, so that the peer can read what comes behind.
    take(plenty);
    EXPECT_EQ(requests(), (Names{"a:0", "b:1"}));
    EXPECT_TRUE(client->is_open());
}

TEST_F(ClientTest, RefusesMoreThanItMayHoldOfEitherKind) {
    connect({.max_calls_in_flight = 2});
    call("a");
    send("b");
    send("c");
    call("d");
    shard.run_ready();
    EXPECT_EQ(names_of_ended(), (Names{"c", "d"}));
    for (const auto& [name, code] : ended) EXPECT_EQ(code, Errc::would_block) << name;
    take(plenty);
    send("e");
    shard.run_ready();
    EXPECT_EQ(names_of_ended(), (Names{"c", "d", "b", "e"})) << "what was taken makes room";
}

}  // namespace
}  // namespace moldau::net
