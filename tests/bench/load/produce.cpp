// Producers that send as fast as they can, and such as have one record in flight.

#include <atomic>
#include <mutex>
#include <random>
#include <thread>

#include <fmt/core.h>

#include "common.h"

namespace moldau::bench {
namespace {

/// All of one producer's records, round robin over the partitions, or wherever a random key belongs.
void send_all(const Options& options, const Payloads& payloads, std::int64_t count, std::uint64_t seed) {
    const auto partitions = static_cast<std::int32_t>(options.number("partitions", 1));
    const std::int64_t keys = options.number("keys", 0);
    std::mt19937_64 random(seed);
    Deliveries deliveries;
    const Handle client = make_producer(options, "5", &deliveries);
    const Topic topic = open_topic(client.get(), options);
    for (std::int64_t i = 0; i < count; ++i) {
        if (keys > 0) {
            const std::string key = fmt::format("key-{}", random() % static_cast<std::uint64_t>(keys));
            send(client.get(), topic.get(), RD_KAFKA_PARTITION_UA, payloads.at(i), key);
        } else {
            send(client.get(), topic.get(), static_cast<std::int32_t>(i % partitions), payloads.at(i));
        }
        if (i % 64 == 0) rd_kafka_poll(client.get(), 0);
    }
    flush(client.get(), deliveries, count);
}

}  // namespace

void produce(const Options& options) {
    const std::int64_t count = options.number("count", 1000);
    const std::int64_t size_bytes = options.number("size", 100);
    const std::int64_t producers = options.number("producers", 1);
    const Payloads payloads(static_cast<std::size_t>(size_bytes));
    const auto start = Clock::now();
    std::vector<std::jthread> threads;
    for (std::int64_t i = 1; i < producers; ++i)
        threads.emplace_back([&, i] { send_all(options, payloads, count, static_cast<std::uint64_t>(i)); });
    send_all(options, payloads, count, 0);
    threads.clear();
    print({.records = producers * count,
           .bytes = producers * count * size_bytes,
           .seconds = seconds_since(start),
           .checksum = static_cast<std::uint64_t>(producers) * payloads.checksum(count)});
}

void lone(const Options& options) {
    const std::int64_t count = options.number("count", 100);
    const std::int64_t size_bytes = options.number("size", 1024);
    const std::int64_t producers = options.number("producers", 1);
    const auto partitions = static_cast<std::int32_t>(options.number("partitions", 1));
    const Payloads payloads(static_cast<std::size_t>(size_bytes));
    std::mutex mutex;
    std::vector<double> latencies_us;
    std::atomic<std::int64_t> warm{0};
    const auto run = [&](std::int64_t number) {
        Deliveries deliveries;
        const Handle client = make_producer(options, "0", &deliveries);
        const Topic topic = open_topic(client.get(), options);
        const auto one = [&](std::int64_t i) {
            const auto start = Clock::now();
            send(client.get(), topic.get(), static_cast<std::int32_t>(number % partitions), payloads.at(i));
            while (deliveries.delivered <= i) rd_kafka_poll(client.get(), 1000);
            return seconds_since(start) * 1e6;
        };
        // The first record connects and looks the topic up; nobody's clock starts before everyone's is through.
        one(0);
        warm.fetch_add(1);
        for (std::int64_t seen = warm.load(); seen < producers; seen = warm.load()) std::this_thread::yield();
        std::vector<double> own;
        own.reserve(static_cast<std::size_t>(count));
        for (std::int64_t i = 1; i <= count; ++i) own.push_back(one(i));
        const std::scoped_lock lock(mutex);
        latencies_us.insert(latencies_us.end(), own.begin(), own.end());
    };
    std::vector<std::jthread> threads;
    threads.reserve(static_cast<std::size_t>(producers));
    for (std::int64_t number = 0; number < producers; ++number) threads.emplace_back(run, number);
    while (warm.load() < producers) std::this_thread::yield();
    const auto start = Clock::now();
    threads.clear();
    print({.records = count * producers,
           .bytes = count * producers * size_bytes,
           .seconds = seconds_since(start),
           .latencies_us = std::move(latencies_us)});
}

}  // namespace moldau::bench
