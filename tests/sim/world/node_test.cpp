#include <gtest/gtest.h>

#include "read_some.h"
#include "sim_node.h"

namespace moldau::sim {
namespace {

using runtime::Shard;
using runtime::Task;
using runtime::World;
using std::chrono::milliseconds;
using std::chrono::seconds;

struct Place {
    explicit Place(std::uint64_t seed, unsigned shards = 1)
        : simulation(seed), network(simulation, {}), node(simulation, network, {.host = "node", .shards = shards}) {}
    Simulation simulation;
    Network network;
    SimNode node;
};

TEST(SimNode, RunsWorkOfOnePosterInOrderAndInterleavesPosters) {
    std::set<std::string> orders;
    for (std::uint64_t seed = 1; seed <= 100; ++seed) {
        Place place(seed, 3);
        std::string order;
        place.node.start([&](const World& world) {
            for (const unsigned from : {1U, 2U})
                world.shard(from).post([&order, &target = world.shard(0), from] {
                    for (int i = 0; i < 2; ++i)
                        target.post([&order, from, i] { order += static_cast<char>((from == 1 ? 'a' : 'x') + i); });
                });
            return nullptr;
        });
        place.simulation.run_for(seconds(1));
        EXPECT_LT(order.find('a'), order.find('b'));
        EXPECT_LT(order.find('x'), order.find('y'));
        orders.insert(order);
    }
    EXPECT_GE(orders.size(), 4);
}

TEST(SimNode, FiresTimersInVirtualTime) {
    Place place(1);
    TimePoint fired{};
    place.node.start([&](const World& world) {
        world.shard(0).post([&fired, &shard = world.shard(0)] {
            shard.timers().add(shard.now() + seconds(3600), [&fired, &shard] { fired = shard.now(); });
        });
        return nullptr;
    });
    place.simulation.run_for(seconds(4000));
    EXPECT_GE(fired, TimePoint(seconds(3600)));
    EXPECT_LT(fired, TimePoint(seconds(3601)));
}

TEST(SimNode, AJumpOfTheWallClockLeavesTheMonotonicClockAlone) {
    Place place(1);
    const Timestamp before = place.node.clock().wall_time();
    place.node.clock().jump(milliseconds(-5000));
    EXPECT_EQ(place.node.clock().wall_time() - before, -5000);
    EXPECT_EQ(place.node.clock().now(), TimePoint{});
}

/// Everything a coroutine can hang in: a timer, a signal, another shard, the I/O pool, a sync, a listener, a stream.
struct Busy {
    explicit Busy(const World& world) : world(world), signal(world.shard(0)), gate(world.shard(0)) {}
    ~Busy() { ++destroyed; }
    World world;
    runtime::Signal signal;
    runtime::Gate gate;
    std::vector<std::shared_ptr<int>> tokens;
    static inline int destroyed = 0;
};

Task<void> wait_for_signal(Busy& busy, std::shared_ptr<int>) {
    const auto hold = busy.gate.enter();
    co_await busy.signal.wait();
}

Task<void> hop_around(Busy& busy, std::shared_ptr<int>) {
    const auto hold = busy.gate.enter();
    Shard& home = busy.world.shard(0);
    for (;;) {
        co_await runtime::call_on(home, busy.world.shard(1), [] { return 1; });
        co_await runtime::sleep_until(home, home.now() + milliseconds(1));
    }
}

Task<void> write_often(Busy& busy, std::shared_ptr<int>) {
    const auto hold = busy.gate.enter();
    Shard& home = busy.world.shard(0);
    auto file = busy.world.disk.open("/log", runtime::OpenMode::create);
    if (!file) co_return;
    for (std::uint64_t i = 0;; ++i) {
        const ByteView parts[] = {bytes_of("0123456789abcdef")};
        if (!(*file)->write_at(parts, i * 16)) co_return;
        if (!co_await runtime::sync_file(**file, home)) co_return;
        const Result<std::size_t> read = co_await runtime::run_blocking(busy.world.disk, home, [&file] {
            Bytes into(16);
            return (*file)->read_at(into, 0);
        });
        if (!read) co_return;
    }
}

Task<void> answer(Busy& busy, std::unique_ptr<runtime::Stream> stream, std::shared_ptr<int>) {
    const auto hold = busy.gate.enter();
    Bytes into(64);
    for (;;) {
        const auto read = co_await read_some(*stream, into);
        if (!read || *read == 0) co_return;
        const ByteView parts[] = {ByteView(into).first(*read)};
        if (!stream->try_write(parts)) co_return;
    }
}

Task<void> accept_all(Busy& busy, std::shared_ptr<int> token) {
    const auto hold = busy.gate.enter();
    Shard& home = busy.world.shard(0);
    auto listener = busy.world.transport.listen(home, {"node", 9092});
    MOLDAU_ASSERT(listener.has_value());
    for (;;) {
        auto stream = co_await (*listener)->accept(home);
        if (!stream) co_return;
        runtime::spawn(home, answer(busy, std::move(*stream), token));
    }
}

Task<void> ask_forever(Busy& busy, std::shared_ptr<int>) {
    const auto hold = busy.gate.enter();
    Shard& home = busy.world.shard(0);
    for (;;) {
        auto stream = co_await busy.world.transport.connect(home, {"node", 9092}, runtime::never);
        Bytes into(10);
        while (stream) {
            const ByteView parts[] = {bytes_of("hello")};
            if (!(*stream)->try_write(parts)) break;
            if (!co_await (*stream)->wait_writable()) break;
            const auto read = co_await read_some(**stream, into);
            if (!read || *read == 0) break;
        }
        co_await runtime::sleep_until(home, home.now() + milliseconds(1));
    }
}

std::shared_ptr<void> start_busy(const World& world, const std::shared_ptr<int>& token) {
    auto busy = std::make_shared<Busy>(world);
    Shard& home = world.shard(0);
    for (const auto task : {wait_for_signal, hop_around, write_often, accept_all, ask_forever})
        runtime::spawn(home, task(*busy, token));
    return busy;
}

TEST(SimNode, KilledAtAnyMomentLeavesNothingBehind) {
    for (std::uint64_t seed = 1; seed <= 30; ++seed) {
        const auto token = std::make_shared<int>(0);
        Place place(seed, 2);
        for (int life = 0; life < 3; ++life) {
            place.node.start([&](const World& world) { return start_busy(world, token); });
            place.simulation.run_for(std::chrono::microseconds(100 + 1700 * seed));
            EXPECT_GT(token.use_count(), 4);
            place.node.kill(life == 0 ? SimNode::End::process_killed : SimNode::End::power_lost);
            EXPECT_EQ(token.use_count(), 1) << "a coroutine outlived its node";
            place.simulation.run_for(seconds(1));
        }
        place.simulation.run_for(seconds(60));
        EXPECT_TRUE(place.network.connections().empty());
    }
}

TEST(SimNode, LosesItsPowerInTheMiddleOfADiskCall) {
    int died = 0;
    for (std::uint64_t call = 1; call <= 20; ++call) {
        const auto token = std::make_shared<int>(0);
        Place place(call, 2);
        place.node.start([&](const World& world) { return start_busy(world, token); });
        place.node.kill_at_disk_call(call);
        place.simulation.run_for(seconds(1));
        if (!place.node.is_running()) ++died;
        EXPECT_EQ(token.use_count(), 1);
    }
    EXPECT_EQ(died, 20);
}

std::pair<std::uint64_t, std::uint64_t> hashes(std::uint64_t seed) {
    const auto token = std::make_shared<int>(0);
    Place place(seed, 2);
    for (int life = 0; life < 3; ++life) {
        place.node.start([&](const World& world) { return start_busy(world, token); });
        place.simulation.run_for(milliseconds(50));
        place.node.kill(SimNode::End::power_lost);
        place.simulation.run_for(milliseconds(50));
    }
    return {place.simulation.trace_hash(), place.node.disk().state_hash()};
}

TEST(Simulation, TheSameSeedGivesTheSameHistory) {
    const auto first = hashes(42);
    EXPECT_EQ(first, hashes(42));
    EXPECT_NE(first.first, hashes(43).first);
}

TEST(Simulation, StopsAtItsBounds) {
    Place place(1, 2);
    const auto token = std::make_shared<int>(0);
    place.node.start([&](const World& world) { return start_busy(world, token); });
    const auto never_true = [] { return false; };
    EXPECT_EQ(place.simulation.run_until(never_true, TimePoint(seconds(10)), 100),
              Simulation::Outcome::too_many_events);
    EXPECT_EQ(place.simulation.run_until(never_true, TimePoint(milliseconds(20))), Simulation::Outcome::deadline);
    EXPECT_EQ(place.simulation.run_until([] { return true; }, TimePoint(seconds(10))), Simulation::Outcome::reached);
    place.node.stop();
    EXPECT_EQ(place.simulation.run_until(never_true, TimePoint(seconds(10000))), Simulation::Outcome::idle);
}

}  // namespace
}  // namespace moldau::sim
