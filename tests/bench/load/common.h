#pragma once
// What the loads share: options, payloads that can be checked, clients of librdkafka, the line that tells what was
// done.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <librdkafka/rdkafka.h>

namespace moldau::bench {

using Clock = std::chrono::steady_clock;

constexpr int timeout_ms = 60'000;

[[noreturn]] void fail(std::string_view what);

/// `--name value` pairs after the command.
class Options {
 public:
    Options(int count, char** words);
    std::string text(const std::string& name, const std::string& otherwise) const;
    std::int64_t number(const std::string& name, std::int64_t otherwise) const;

 private:
    std::map<std::string, std::string> values_;
};

/// Random payloads, the same for the same size; record i carries payload i modulo their number.
class Payloads {
 public:
    explicit Payloads(std::size_t size_bytes);
    const std::string& at(std::int64_t i) const { return payloads_[static_cast<std::size_t>(i) % payloads_.size()]; }
    /// The sum of the checksums of records 0 to `count` - 1.
    std::uint64_t checksum(std::int64_t count) const;

 private:
    std::vector<std::string> payloads_;
    std::vector<std::uint32_t> checksums_;
};

using Handle = std::unique_ptr<rd_kafka_t, decltype(&rd_kafka_destroy)>;
using Topic = std::unique_ptr<rd_kafka_topic_t, decltype(&rd_kafka_topic_destroy)>;
using Queue = std::unique_ptr<rd_kafka_queue_t, decltype(&rd_kafka_queue_destroy)>;

/// What delivery reports add up to; one a producer, touched by the thread that polls.
struct Deliveries {
    std::int64_t delivered = 0;
};

/// With `bootstrap.servers` of the option `brokers`; `deliveries`: of a producer that counts them.
Handle make_client(rd_kafka_type_t type, const Options& options, const std::map<std::string, std::string>& settings,
                   Deliveries* deliveries = nullptr);
/// With acks, idempotent, linger and compression of the options.
Handle make_producer(const Options& options, const std::string& linger_ms, Deliveries* deliveries);
/// That a program of many partitions reads with.
Handle make_consumer(const Options& options);
Topic open_topic(rd_kafka_t* client, const Options& options);

/// Hands one record over, waiting while the producer's queue is full. The payload outlives the delivery.
void send(rd_kafka_t* client, rd_kafka_topic_t* topic, std::int32_t partition, std::string_view payload,
          std::string_view key = {});
/// Waits until all that was sent is delivered: so many records.
void flush(rd_kafka_t* client, const Deliveries& deliveries, std::int64_t count);

double seconds_since(Clock::time_point start);

/// What was done, on standard output. `checksum`: the sum of the CRCs of the records' values.
struct Report {
    std::int64_t records = 0;
    std::int64_t bytes = 0;
    double seconds = 0;
    std::uint64_t checksum = 0;
    std::vector<double> latencies_us = {};
    std::vector<double> echo_us = {};  ///< of an echo that does nothing, at the same pace
};
void print(Report report);

/// How long after they were due `count` messages are back from a thread on `server_core` (any core where it is
/// negative), over loopback and with nobody else at work.
std::vector<double> echo_latencies_us(std::int64_t rate, std::int64_t count, std::size_t size_bytes,
                                      std::int64_t server_core);

// The commands.
void create(const Options& options);
void remove(const Options& options);
void produce(const Options& options);
void lone(const Options& options);
void fetch(const Options& options);
void latency(const Options& options);

}  // namespace moldau::bench
