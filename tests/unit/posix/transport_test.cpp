#include <support/localhost.h>
#include <support/running_shards.h>

#include <gtest/gtest.h>

#include <moldau/posix/disk.h>
#include <moldau/posix/transport.h>

namespace moldau::posix {
namespace {

using runtime::Endpoint;
using runtime::Listener;
using runtime::Shard;
using runtime::Stream;
using runtime::Task;
using std::chrono::milliseconds;
using std::chrono::seconds;

Task<Result<>> write_all(Stream& stream, ByteView bytes) {
    while (!bytes.empty()) {
        const ByteView parts[] = {bytes};
        const auto written = stream.try_write(parts);
        if (!written) co_return std::unexpected(written.error());
        bytes = bytes.subspan(*written);
        if (!bytes.empty()) {
            auto writable = co_await stream.wait_writable();
            if (!writable) co_return writable;
        }
    }
    co_return Result<>{};
}

/// Until `size` bytes are there or the peer ends.
Task<Result<Bytes>> read_bytes(Stream& stream, std::size_t size) {
    Bytes bytes(size);
    std::size_t done = 0;
    while (done < size) {
        const auto count = stream.try_read_some(MutableBytes(bytes).subspan(done));
        if (count && *count == 0) break;
        if (count) {
            done += *count;
            continue;
        }
        if (count.error().code != Errc::would_block) co_return std::unexpected(count.error());
        const auto readable = co_await stream.wait_readable();
        if (!readable) co_return std::unexpected(readable.error());
    }
    bytes.resize(done);
    co_return bytes;
}

struct Pair {
    std::unique_ptr<Stream> client;
    std::unique_ptr<Stream> server;
};

Task<void> accept_into(Listener& listener, Shard& owner, Pair& pair, runtime::Signal& accepted) {
    auto stream = co_await listener.accept(owner);
    if (stream) pair.server = std::move(*stream);
    accepted.notify_all();
}

Task<Result<Pair>> connect_pair(PosixTransport& transport, Shard& shard, Endpoint listen_on) {
    auto listener = transport.listen(shard, listen_on);
    if (!listener) co_return std::unexpected(listener.error());
    Pair pair;
    runtime::Signal accepted(shard);
    runtime::spawn(shard, accept_into(**listener, shard, pair, accepted));
    const Endpoint target{listen_on.host.empty() ? "127.0.0.1" : listen_on.host, (*listener)->local().port};
    auto client = co_await transport.connect(shard, target, shard.now() + seconds(10));
    if (!client) co_return std::unexpected(client.error());
    pair.client = std::move(*client);
    if (pair.server == nullptr) co_await accepted.wait();
    co_return pair;
}

class PosixTransportTest : public testing::Test {
 protected:
    PosixTransportTest() { shards.start(); }

    template <class T>
    T run(Task<T> task) {
        return run_to_end(shards[0], std::move(task));
    }

    Shards shards{{.count = 1}};
    PosixTransport transport;
};

Task<bool> echo_large(PosixTransport& transport, Shard& shard, Endpoint endpoint) {
    auto pair = co_await connect_pair(transport, shard, endpoint);
    if (!pair) co_return false;
    Bytes sent(3'000'000);
    for (std::size_t i = 0; i < sent.size(); ++i) sent[i] = static_cast<std::uint8_t>(i * 7 + i / 1000);
    struct Writer {
        static Task<void> run(Stream& stream, const Bytes& bytes) { (void)co_await write_all(stream, bytes); }
    };
    runtime::spawn(shard, Writer::run(*pair->client, sent));
    const auto received = co_await read_bytes(*pair->server, sent.size());
    const bool same = received && *received == sent;
    co_return same && pair->server->peer().host == "127.0.0.1";
}

TEST_F(PosixTransportTest, CarriesMoreThanTheSocketHolds) {
    EXPECT_TRUE(run(echo_large(transport, shards[0], Endpoint{"127.0.0.1", 0})));
}

TEST_F(PosixTransportTest, AnEmptyHostListensForIpv4TooAndShowsItsPeersAsIpv4) {
    EXPECT_TRUE(run(echo_large(transport, shards[0], Endpoint{"", 0})));
}

TEST_F(PosixTransportTest, ResolvesNames) {
    if (!knows_localhost()) GTEST_SKIP() << "no localhost here";
    EXPECT_TRUE(run(echo_large(transport, shards[0], Endpoint{"localhost", 0})));
}

Task<std::string> read_after_end(PosixTransport& transport, Shard& shard) {
    auto pair = co_await connect_pair(transport, shard, Endpoint{"127.0.0.1", 0});
    if (!pair) co_return pair.error().message;
    const Result<> written = co_await write_all(*pair->client, bytes_of("last words"));
    if (!written) co_return written.error().message;
    pair->client->close();
    const auto received = co_await read_bytes(*pair->server, 100);
    if (!received) co_return received.error().message;
    co_return std::string(text_of(*received));
}

TEST_F(PosixTransportTest, ThePeersEndComesBehindItsBytes) {
    EXPECT_EQ(run(read_after_end(transport, shards[0])), "last words");
}

Task<Errc> wait_on_closed(PosixTransport& transport, Shard& shard) {
    auto pair = co_await connect_pair(transport, shard, Endpoint{"127.0.0.1", 0});
    if (!pair) co_return Errc::io;
    Stream& server = *pair->server;
    shard.timers().add(shard.now() + milliseconds(1), [&server] { server.close(); });
    const Result<> readable = co_await server.wait_readable();
    if (readable) co_return Errc::invalid;
    const auto later = server.try_read_some({});
    co_return later.error().code == Errc::closed ? readable.error().code : Errc::corrupt;
}

TEST_F(PosixTransportTest, ClosingCompletesWaitsAndFailsWhatFollows) {
    EXPECT_EQ(run(wait_on_closed(transport, shards[0])), Errc::closed);
}

Task<bool> send_part_of_file(PosixTransport& transport, Shard& shard, runtime::File& file) {
    auto pair = co_await connect_pair(transport, shard, Endpoint{"127.0.0.1", 0});
    if (!pair) co_return false;
    const auto sent = pair->client->try_send_file(file, 3, 4);
    if (!sent || *sent != 4) co_return false;
    const auto received = co_await read_bytes(*pair->server, 4);
    const bool behind_end = !pair->client->try_send_file(file, 100, 4);
    co_return received&& text_of(*received) == "dau " && behind_end;
}

TEST_F(PosixTransportTest, SendsRangesOfFiles) {
    PosixDisk disk;
    const std::string path = testing::TempDir() + fmt::format("moldau-send-file-{}", ::getpid());
    ASSERT_TRUE(runtime::write_atomically(disk, path, bytes_of("moldau flows")));
    {
        auto file = disk.open(path, runtime::OpenMode::read);
        ASSERT_TRUE(file);
        EXPECT_TRUE(run(send_part_of_file(transport, shards[0], **file)));
    }
    EXPECT_TRUE(disk.remove(path));
}

Task<Errc> connect_to_closed_port(PosixTransport& transport, Shard& shard) {
    Endpoint endpoint;
    {
        auto listener = transport.listen(shard, {"127.0.0.1", 0});
        if (!listener) co_return Errc::invalid;
        endpoint = (*listener)->local();
    }
    const auto stream = co_await transport.connect(shard, endpoint, shard.now() + seconds(10));
    co_return stream ? Errc::invalid : stream.error().code;
}

TEST_F(PosixTransportTest, ARefusedConnectionFails) {
    EXPECT_EQ(run(connect_to_closed_port(transport, shards[0])), Errc::io);
}

Task<Errc> connect_past_deadline(PosixTransport& transport, Shard& shard) {
    // A name takes the name service's thread longer than no time at all.
    const auto stream = co_await transport.connect(shard, {"localhost", 9}, shard.now());
    co_return stream ? Errc::invalid : stream.error().code;
}

TEST_F(PosixTransportTest, AConnectionThatTakesTooLongTimesOut) {
    EXPECT_EQ(run(connect_past_deadline(transport, shards[0])), Errc::timed_out);
}

Task<Errc> accept_on_closed(PosixTransport& transport, Shard& shard) {
    auto listener = transport.listen(shard, {"127.0.0.1", 0});
    if (!listener) co_return Errc::invalid;
    Listener& open = **listener;
    shard.timers().add(shard.now() + milliseconds(1), [&open] { open.close(); });
    const auto stream = co_await open.accept(shard);
    co_return stream ? Errc::invalid : stream.error().code;
}

/// What the system takes of a writer's bytes while the peer reads none.
Task<std::size_t> taken_unread(PosixTransport& transport, Shard& shard) {
    auto pair = co_await connect_pair(transport, shard, {"127.0.0.1", 0});
    const Bytes piece(64 * 1024);
    const ByteView parts[] = {piece};
    std::size_t taken = 0;
    for (std::size_t count = 1; count > 0; taken += count) count = pair->server->try_write(parts).value();
    co_return taken;
}

TEST_F(PosixTransportTest, AcceptedConnectionsHaveTheBuffersThatWereAskedFor) {
    PosixTransport small({.send_buffer_bytes = 32 * 1024, .receive_buffer_bytes = 32 * 1024});
    PosixTransport large({.send_buffer_bytes = 1024 * 1024, .receive_buffer_bytes = 32 * 1024});
    EXPECT_GT(run(taken_unread(large, shards[0])), run(taken_unread(small, shards[0])) + 512 * 1024);
}

TEST_F(PosixTransportTest, ClosingAListenerEndsItsAccept) {
    EXPECT_EQ(run(accept_on_closed(transport, shards[0])), Errc::closed);
}

TEST_F(PosixTransportTest, ATakenPortIsRefusedByName) {
    auto first = transport.listen(shards[0], {"127.0.0.1", 0});
    ASSERT_TRUE(first);
    const auto second = transport.listen(shards[0], (*first)->local());
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, Errc::exists);
    EXPECT_NE(second.error().message.find(std::to_string((*first)->local().port)), std::string::npos);
}

}  // namespace
}  // namespace moldau::posix
