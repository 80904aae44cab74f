#include <gtest/gtest.h>

#include "read_some.h"
#include "sim_node.h"

namespace moldau::sim {
namespace {

using runtime::Shard;
using runtime::Stream;
using runtime::Task;
using runtime::World;
using std::chrono::milliseconds;
using std::chrono::seconds;

struct Received {
    std::string bytes;
    std::optional<Result<std::size_t>> last;  ///< how the stream ended for the reader
    std::optional<TimePoint> ended_at;
};

Task<void> read_all(Shard& shard, std::unique_ptr<Stream> stream, Received& received) {
    Bytes into(1000);
    for (;;) {
        const auto read = co_await read_some(*stream, into);
        if (!read || *read == 0) {
            received.last = read;
            received.ended_at = shard.now();
            co_return;
        }
        received.bytes += text_of(ByteView(into).first(*read));
    }
}

Task<void> serve(const World world, std::vector<Received>& received) {
    auto listener = world.transport.listen(world.shard(0), {"server", 9092});
    MOLDAU_ASSERT(listener.has_value());
    for (;;) {
        auto stream = co_await (*listener)->accept(world.shard(0));
        if (!stream) co_return;
        received.emplace_back();
        runtime::spawn(world.shard(0), read_all(world.shard(0), std::move(*stream), received.back()));
    }
}

struct Sent {
    std::string bytes;
    std::optional<Error> error;
    std::size_t waits = 0;
    std::size_t partial_writes = 0;
    std::optional<TimePoint> ended_at;
};

/// Writes numbered lines until `count` are written or the stream fails; a pause after each.
Task<void> send_lines(const World world, int count, Duration pause, Sent& sent) {
    Shard& shard = world.shard(0);
    auto stream = co_await world.transport.connect(shard, {"server", 9092}, runtime::never);
    if (!stream) {
        sent.error = stream.error();
        sent.ended_at = shard.now();
        co_return;
    }
    for (int i = 0; i < count; ++i) {
        std::string line = fmt::format("line {}\n", i);
        while (!line.empty()) {
            const ByteView parts[] = {bytes_of(line)};
            const auto written = (*stream)->try_write(parts);
            if (!written) {
                sent.error = written.error();
                sent.ended_at = shard.now();
                co_return;
            }
            if (*written < line.size()) ++sent.partial_writes;
            sent.bytes += line.substr(0, *written);
            line.erase(0, *written);
            if (line.empty()) break;
            ++sent.waits;
            if (!co_await (*stream)->wait_writable()) break;
        }
        if (pause.count() > 0) co_await runtime::sleep_until(shard, shard.now() + pause);
    }
}

struct Wire {
    explicit Wire(std::uint64_t seed)
        : simulation(seed),
          network(simulation, {}),
          server(simulation, network, {.host = "server"}),
          client(simulation, network, {.host = "client"}) {
        received.reserve(16);
        start_server();
    }
    void start_server() {
        server.start([this](const World& world) {
            runtime::spawn(world.shard(0), serve(world, received));
            return nullptr;
        });
        simulation.run_for(milliseconds(1));
    }
    void start_client(std::vector<Sent>& sent, int count, Duration pause = {}) {
        client.start([&](const World& world) {
            for (Sent& each : sent) runtime::spawn(world.shard(0), send_lines(world, count, pause, each));
            return nullptr;
        });
    }
    std::vector<Received> received;
    Simulation simulation;
    Network network;
    SimNode server;
    SimNode client;
};

TEST(Network, DeliversInOrderWithPartialReadsAndWritesAndBackPressure) {
    std::size_t waits = 0;
    std::size_t partial = 0;
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        std::vector<Sent> sent(1);
        Wire wire(seed);
        wire.start_client(sent, 5000);
        wire.simulation.run_for(seconds(200));
        ASSERT_EQ(wire.received.size(), 1);
        EXPECT_FALSE(sent[0].error);
        EXPECT_TRUE(sent[0].bytes.ends_with("line 4999\n"));
        EXPECT_TRUE(sent[0].bytes == wire.received[0].bytes);
        ASSERT_TRUE(wire.received[0].last);
        EXPECT_EQ(wire.received[0].last->value_or(99), 0) << "the writer's end is an orderly one";
        waits += sent[0].waits;
        partial += sent[0].partial_writes;
    }
    EXPECT_GT(waits, 100);
    EXPECT_GT(partial, 100);
}

TEST(Network, ReordersBetweenConnections) {
    std::set<bool> first_ended_first;
    for (std::uint64_t seed = 1; seed <= 40; ++seed) {
        std::vector<Sent> sent(2);
        Wire wire(seed);
        wire.start_client(sent, 10);
        wire.simulation.run_for(seconds(10));
        ASSERT_EQ(wire.received.size(), 2);
        first_ended_first.insert(wire.received[0].ended_at < wire.received[1].ended_at);
    }
    EXPECT_EQ(first_ended_first.size(), 2);
}

TEST(Network, ACutLosesATailAndBothSidesLearnItAtDifferentTimes) {
    bool lost = false;
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        std::vector<Sent> sent(1);
        Wire wire(seed);
        wire.start_client(sent, 100000, std::chrono::microseconds(50));
        wire.simulation.run_for(milliseconds(100));
        ASSERT_EQ(wire.network.connections().size(), 1);
        wire.network.cut(wire.network.connections()[0]);
        wire.simulation.run_for(seconds(30));
        ASSERT_TRUE(sent[0].error);
        EXPECT_EQ(sent[0].error->code, Errc::io);
        ASSERT_TRUE(wire.received[0].last);
        EXPECT_FALSE(*wire.received[0].last) << "a cut is no orderly end";
        EXPECT_TRUE(sent[0].bytes.starts_with(wire.received[0].bytes));
        EXPECT_NE(sent[0].ended_at, wire.received[0].ended_at);
        lost = lost || sent[0].bytes.size() > wire.received[0].bytes.size();
        EXPECT_TRUE(wire.network.connections().empty());
    }
    EXPECT_TRUE(lost);
}

TEST(Network, BytesWaitBehindABlockedLink) {
    std::vector<Sent> sent(1);
    Wire wire(3);
    wire.start_client(sent, 2000, milliseconds(1));
    wire.simulation.run_for(milliseconds(500));
    wire.network.block("client", "server");
    const std::size_t before = wire.received[0].bytes.size();
    wire.simulation.run_for(seconds(10));
    EXPECT_LE(wire.received[0].bytes.size(), before + 1000) << "only what had arrived is still read";
    EXPECT_FALSE(wire.received[0].last);
    wire.network.heal();
    wire.simulation.run_for(seconds(20));
    EXPECT_TRUE(sent[0].bytes == wire.received[0].bytes);
    EXPECT_TRUE(sent[0].bytes.ends_with("line 1999\n"));
}

TEST(Network, RefusesWhereNobodyListensAndTimesOutWhereNobodyIs) {
    for (const auto end : {SimNode::End::process_killed, SimNode::End::power_lost}) {
        std::vector<Sent> sent(1);
        Wire wire(1);
        wire.server.kill(end);
        wire.start_client(sent, 1);
        wire.simulation.run_for(seconds(60));
        ASSERT_TRUE(sent[0].error);
        EXPECT_EQ(sent[0].error->code, end == SimNode::End::process_killed ? Errc::io : Errc::timed_out);
    }
}

TEST(Network, PeersOfADeadNodeSeeTheirStreamsEnd) {
    for (const auto end : {SimNode::End::process_killed, SimNode::End::power_lost}) {
        std::vector<Sent> sent(1);
        Wire wire(1);
        wire.start_client(sent, 1000000, milliseconds(1));
        wire.simulation.run_for(milliseconds(500));
        wire.server.kill(end);
        wire.simulation.run_for(seconds(20));
        EXPECT_TRUE(sent[0].error);
        EXPECT_TRUE(wire.network.connections().empty());
    }
}

}  // namespace
}  // namespace moldau::sim
