// Records that are due at an even pace, and how long after they were due a consumer has them: a producer that is late,
// or a broker that stalls, is not forgiven.

#include <atomic>
#include <cstring>
#include <thread>

#include <fmt/core.h>

#include "common.h"

namespace moldau::bench {
namespace {

/// So many records of the first are for warming up: connections, topic lookup, the consumer's place.
constexpr double warming_seconds = 1;

std::int64_t ns_of(Clock::time_point time) {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count();
}

void send_at_pace(const Options& options, std::int64_t rate, std::int64_t count) {
    const std::int64_t size_bytes = options.number("size", 100);
    const auto partitions = static_cast<std::int32_t>(options.number("partitions", 1));
    Deliveries deliveries;
    const Handle client = make_producer(options, "0", &deliveries);
    const Topic topic = open_topic(client.get(), options);
    const Payloads payloads(static_cast<std::size_t>(size_bytes));
    std::vector<std::string> sent(static_cast<std::size_t>(count));  // they outlive their delivery
    const auto start = Clock::now();
    for (std::int64_t i = 0; i < count; ++i) {
        const auto due = start + std::chrono::nanoseconds(i * 1'000'000'000 / rate);
        while (Clock::now() < due) std::this_thread::sleep_until(due);
        std::string& payload = sent[static_cast<std::size_t>(i)];
        payload = payloads.at(i);
        const std::int64_t due_ns = ns_of(due);
        std::memcpy(payload.data(), &due_ns, sizeof due_ns);
        send(client.get(), topic.get(), static_cast<std::int32_t>(i % partitions), payload);
        rd_kafka_poll(client.get(), 0);
    }
    flush(client.get(), deliveries, count);
}

}  // namespace

void latency(const Options& options) {
    const std::int64_t rate = options.number("rate", 1000);
    const std::int64_t count = options.number("count", 1000);
    const std::int64_t size_bytes = options.number("size", 100);
    const auto warming = static_cast<std::int64_t>(warming_seconds * static_cast<double>(rate));
    if (size_bytes < static_cast<std::int64_t>(sizeof(std::int64_t))) fail("a record holds the time when it was due");
    const auto partitions = static_cast<std::int32_t>(options.number("partitions", 1));
    const Handle client =
        make_client(RD_KAFKA_CONSUMER, options, {{"fetch.wait.max.ms", "500"}, {"fetch.error.backoff.ms", "10"}});
    const Topic topic = open_topic(client.get(), options);
    const Queue queue(rd_kafka_queue_new(client.get()), &rd_kafka_queue_destroy);
    for (std::int32_t partition = 0; partition < partitions; ++partition)
        if (rd_kafka_consume_start_queue(topic.get(), partition, RD_KAFKA_OFFSET_BEGINNING, queue.get()) != 0)
            fail(rd_kafka_err2str(rd_kafka_last_error()));
    const auto start = Clock::now();
    std::jthread producer([&] { send_at_pace(options, rate, warming + count); });
    std::vector<double> latencies_us;
    latencies_us.reserve(static_cast<std::size_t>(count));
    for (std::int64_t received = 0; received < warming + count; ++received) {
        rd_kafka_message_t* message = rd_kafka_consume_queue(queue.get(), timeout_ms);
        if (!message) fail(fmt::format("{} records came of {}", received, warming + count));
        if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) fail(rd_kafka_message_errstr(message));
        std::int64_t due_ns = 0;
        std::memcpy(&due_ns, message->payload, sizeof due_ns);
        if (received >= warming) latencies_us.push_back(static_cast<double>(ns_of(Clock::now()) - due_ns) / 1e3);
        rd_kafka_message_destroy(message);
    }
    const double seconds = seconds_since(start);
    producer.join();
    for (std::int32_t partition = 0; partition < partitions; ++partition) rd_kafka_consume_stop(topic.get(), partition);
    print({.records = count,
           .bytes = count * size_bytes,
           .seconds = seconds,
           .latencies_us = std::move(latencies_us),
           .echo_us = echo_latencies_us(rate, count / 2, static_cast<std::size_t>(size_bytes),
                                        options.number("broker-core", -1))});
}

}  // namespace moldau::bench
