// The load of the benchmarks: one librdkafka program that makes topics, fills them, reads them back and verifies what
// it reads. Prints one line of JSON with what it did; status 1 and a reason on stderr when anything was not as it
// should be.
//
//   moldau_bench_load create|delete|produce|lone|fetch --brokers ADDRESS --topic NAME [--name value …]
//
// create: --partitions N --config key=value. produce: --partitions N --size BYTES --count N --acks 1|all
// --idempotent true|false. lone: the same with --producers P. fetch: --partitions N --count N.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <fmt/core.h>
#include <librdkafka/rdkafka.h>

#include <moldau/base/bytes.h>
#include <moldau/base/crc32c.h>

namespace {

using Clock = std::chrono::steady_clock;

constexpr int kTimeoutMs = 60'000;
constexpr size_t kDistinctPayloads = 512;

[[noreturn]] void fail(std::string_view what) {
    fmt::print(stderr, "{}\n", what);
    std::_Exit(1);
}

/// `--name value` pairs after the command.
class Options {
 public:
    Options(int count, char** words) {
        for (int i = 2; i + 1 < count; i += 2) values_[std::string(words[i]).substr(2)] = words[i + 1];
    }
    std::string text(const std::string& name, const std::string& otherwise) const {
        const auto found = values_.find(name);
        return found == values_.end() ? otherwise : found->second;
    }
    int64_t number(const std::string& name, int64_t otherwise) const {
        const auto found = values_.find(name);
        return found == values_.end() ? otherwise : std::stoll(found->second);
    }

 private:
    std::map<std::string, std::string> values_;
};

/// Random payloads, the same for the same size; record i carries payload i modulo their number.
class Payloads {
 public:
    explicit Payloads(size_t size_bytes) {
        std::mt19937_64 random(size_bytes);
        for (size_t i = 0; i < kDistinctPayloads; ++i) {
            std::string payload(size_bytes, '\0');
            std::ranges::generate(payload, [&] { return static_cast<char>(random()); });
            checksums_.push_back(moldau::crc32c(moldau::bytes_of(payload)));
            payloads_.push_back(std::move(payload));
        }
    }
    const std::string& at(size_t i) const { return payloads_[i % kDistinctPayloads]; }

    /// The sum of the checksums of records 0 to `count` - 1.
    uint64_t checksum(size_t count) const {
        uint64_t sum = 0;
        for (size_t i = 0; i < count; ++i) sum += checksums_[i % kDistinctPayloads];
        return sum;
    }

 private:
    std::vector<std::string> payloads_;
    std::vector<uint32_t> checksums_;
};

using Handle = std::unique_ptr<rd_kafka_t, decltype(&rd_kafka_destroy)>;
using Topic = std::unique_ptr<rd_kafka_topic_t, decltype(&rd_kafka_topic_destroy)>;
using Queue = std::unique_ptr<rd_kafka_queue_t, decltype(&rd_kafka_queue_destroy)>;

/// What delivery reports add up to; one a producer, touched by the thread that polls.
struct Deliveries {
    int64_t delivered = 0;
};

void on_delivery(rd_kafka_t*, const rd_kafka_message_t* message, void* opaque) {
    if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR)
        fail(fmt::format("not delivered: {}", rd_kafka_err2str(message->err)));
    ++static_cast<Deliveries*>(opaque)->delivered;
}

Handle make_client(rd_kafka_type_t type, const std::map<std::string, std::string>& settings, Deliveries* deliveries) {
    char error[512];
    rd_kafka_conf_t* conf = rd_kafka_conf_new();
    for (const auto& [name, value] : settings)
        if (rd_kafka_conf_set(conf, name.c_str(), value.c_str(), error, sizeof(error)) != RD_KAFKA_CONF_OK) fail(error);
    if (deliveries) {
        rd_kafka_conf_set_opaque(conf, deliveries);
        rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
    }
    rd_kafka_t* client = rd_kafka_new(type, conf, error, sizeof(error));
    if (!client) fail(error);
    return {client, &rd_kafka_destroy};
}

Handle make_producer(const Options& options, const std::string& linger_ms, Deliveries* deliveries) {
    return make_client(RD_KAFKA_PRODUCER,
                       {{"bootstrap.servers", options.text("brokers", "127.0.0.1:9092")},
                        {"acks", options.text("acks", "1")},
                        {"enable.idempotence", options.text("idempotent", "false")},
                        {"linger.ms", options.text("linger", linger_ms)},
                        {"compression.codec", options.text("compression", "none")},
                        {"queue.buffering.max.messages", "1000000"},
                        {"queue.buffering.max.kbytes", "524288"},
                        {"message.timeout.ms", std::to_string(kTimeoutMs)}},
                       deliveries);
}

Topic open_topic(rd_kafka_t* client, const Options& options) {
    rd_kafka_topic_t* topic = rd_kafka_topic_new(client, options.text("topic", "bench").c_str(), nullptr);
    if (!topic) fail("cannot open the topic");
    return {topic, &rd_kafka_topic_destroy};
}

/// Hands one record over, waiting while the producer's queue is full. The payload outlives the delivery.
void send(rd_kafka_t* client, rd_kafka_topic_t* topic, int32_t partition, const std::string& payload) {
    while (rd_kafka_produce(topic, partition, 0, const_cast<char*>(payload.data()), payload.size(), nullptr, 0,
                            nullptr) != 0) {
        if (rd_kafka_last_error() != RD_KAFKA_RESP_ERR__QUEUE_FULL) fail(rd_kafka_err2str(rd_kafka_last_error()));
        rd_kafka_poll(client, 1);
    }
}

double seconds_since(Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
}

void report(int64_t records, int64_t bytes, double seconds, uint64_t checksum, std::vector<double> latencies_us = {}) {
    std::ranges::sort(latencies_us);
    const auto quantile = [&](double q) {
        return latencies_us.empty()
                   ? 0.0
                   : latencies_us[static_cast<size_t>(q * static_cast<double>(latencies_us.size() - 1))];
    };
    fmt::print(
        R"({{"records": {}, "bytes": {}, "seconds": {:.6f}, "checksum": {}, "p50_us": {:.1f}, "p99_us": {:.1f}}})"
        "\n",
        records, bytes, seconds, checksum, quantile(0.5), quantile(0.99));
}

void produce(const Options& options) {
    const int64_t count = options.number("count", 1000);
    const int64_t size_bytes = options.number("size", 100);
    const auto partitions = static_cast<int32_t>(options.number("partitions", 1));
    const Payloads payloads(static_cast<size_t>(size_bytes));
    Deliveries deliveries;
    const Handle client = make_producer(options, "5", &deliveries);
    const Topic topic = open_topic(client.get(), options);
    const auto start = Clock::now();
    for (int64_t i = 0; i < count; ++i) {
        send(client.get(), topic.get(), static_cast<int32_t>(i % partitions), payloads.at(static_cast<size_t>(i)));
        if (i % 64 == 0) rd_kafka_poll(client.get(), 0);
    }
    if (rd_kafka_flush(client.get(), kTimeoutMs) != RD_KAFKA_RESP_ERR_NO_ERROR) fail("records are left in the queue");
    const double seconds = seconds_since(start);
    if (deliveries.delivered != count) fail(fmt::format("{} records delivered of {}", deliveries.delivered, count));
    report(count, count * size_bytes, seconds, payloads.checksum(static_cast<size_t>(count)));
}

/// `producers` clients, each with one record in flight; `count` records each.
void lone(const Options& options) {
    const int64_t count = options.number("count", 100);
    const int64_t size_bytes = options.number("size", 1024);
    const int64_t producers = options.number("producers", 1);
    const auto partitions = static_cast<int32_t>(options.number("partitions", 1));
    const Payloads payloads(static_cast<size_t>(size_bytes));
    std::mutex mutex;
    std::vector<double> latencies_us;
    std::atomic<int64_t> warm{0};
    const auto run = [&](int64_t number) {
        Deliveries deliveries;
        const Handle client = make_producer(options, "0", &deliveries);
        const Topic topic = open_topic(client.get(), options);
        const auto one = [&](int64_t i) {
            const auto start = Clock::now();
            send(client.get(), topic.get(), static_cast<int32_t>(number % partitions),
                 payloads.at(static_cast<size_t>(i)));
            while (deliveries.delivered <= i) rd_kafka_poll(client.get(), 1000);
            return seconds_since(start) * 1e6;
        };
        // The first record connects and looks the topic up; nobody's clock starts before everyone's is through.
        one(0);
        warm.fetch_add(1);
        for (int64_t seen = warm.load(); seen < producers; seen = warm.load()) std::this_thread::yield();
        std::vector<double> own;
        own.reserve(static_cast<size_t>(count));
        for (int64_t i = 1; i <= count; ++i) own.push_back(one(i));
        const std::scoped_lock lock(mutex);
        latencies_us.insert(latencies_us.end(), own.begin(), own.end());
    };
    std::vector<std::jthread> threads;
    threads.reserve(static_cast<size_t>(producers));
    for (int64_t number = 0; number < producers; ++number) threads.emplace_back(run, number);
    while (warm.load() < producers) std::this_thread::yield();
    const auto start = Clock::now();
    threads.clear();
    report(count * producers, count * producers * size_bytes, seconds_since(start), 0, std::move(latencies_us));
}

void fetch(const Options& options) {
    const int64_t count = options.number("count", 1000);
    const auto partitions = static_cast<int32_t>(options.number("partitions", 1));
    const Handle client = make_client(RD_KAFKA_CONSUMER,
                                      {{"bootstrap.servers", options.text("brokers", "127.0.0.1:9092")},
                                       {"fetch.wait.max.ms", "100"},
                                       {"fetch.message.max.bytes", options.text("fetch-bytes", "1048576")},
                                       {"queued.max.messages.kbytes", "65536"}},
                                      nullptr);
    const Topic topic = open_topic(client.get(), options);
    const Queue queue(rd_kafka_queue_new(client.get()), &rd_kafka_queue_destroy);
    const auto start = Clock::now();
    for (int32_t partition = 0; partition < partitions; ++partition)
        if (rd_kafka_consume_start_queue(topic.get(), partition, RD_KAFKA_OFFSET_BEGINNING, queue.get()) != 0)
            fail(rd_kafka_err2str(rd_kafka_last_error()));
    std::vector<rd_kafka_message_t*> messages(10'000);
    int64_t records = 0;
    int64_t bytes = 0;
    uint64_t checksum = 0;
    while (records < count) {
        if (seconds_since(start) * 1000 > kTimeoutMs)
            fail(fmt::format("{} records fetched of {} in a minute", records, count));
        const ssize_t got = rd_kafka_consume_batch_queue(queue.get(), 1000, messages.data(), messages.size());
        for (ssize_t i = 0; i < got; ++i) {
            const rd_kafka_message_t* message = messages[static_cast<size_t>(i)];
            if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) fail(rd_kafka_message_errstr(message));
            ++records;
            bytes += static_cast<int64_t>(message->len);
            checksum += moldau::crc32c({static_cast<const std::uint8_t*>(message->payload), message->len});
            rd_kafka_message_destroy(messages[static_cast<size_t>(i)]);
        }
    }
    const double seconds = seconds_since(start);
    for (int32_t partition = 0; partition < partitions; ++partition) rd_kafka_consume_stop(topic.get(), partition);
    if (records != count) fail(fmt::format("{} records fetched of {}", records, count));
    report(records, bytes, seconds, checksum);
}

/// Waits for the answer to an admin call and fails on the error of its one topic.
void await_topic(rd_kafka_queue_t* queue, const rd_kafka_topic_result_t** (*topics)(const rd_kafka_event_t*, size_t*)) {
    rd_kafka_event_t* event = rd_kafka_queue_poll(queue, kTimeoutMs);
    if (!event) fail("no answer to an admin call");
    if (rd_kafka_event_error(event) != RD_KAFKA_RESP_ERR_NO_ERROR) fail(rd_kafka_event_error_string(event));
    size_t count = 0;
    const rd_kafka_topic_result_t** results = topics(event, &count);
    for (size_t i = 0; i < count; ++i)
        if (rd_kafka_topic_result_error(results[i]) != RD_KAFKA_RESP_ERR_NO_ERROR)
            fail(fmt::format("{}: {}", rd_kafka_topic_result_name(results[i]),
                             rd_kafka_err2str(rd_kafka_topic_result_error(results[i]))));
    rd_kafka_event_destroy(event);
}

const rd_kafka_topic_result_t** created(const rd_kafka_event_t* event, size_t* count) {
    return rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(const_cast<rd_kafka_event_t*>(event)),
                                               count);
}

const rd_kafka_topic_result_t** deleted(const rd_kafka_event_t* event, size_t* count) {
    return rd_kafka_DeleteTopics_result_topics(rd_kafka_event_DeleteTopics_result(const_cast<rd_kafka_event_t*>(event)),
                                               count);
}

void create(const Options& options) {
    const Handle client = make_producer(options, "0", nullptr);
    const Queue queue(rd_kafka_queue_new(client.get()), &rd_kafka_queue_destroy);
    rd_kafka_NewTopic_t* topic = rd_kafka_NewTopic_new(
        options.text("topic", "bench").c_str(), static_cast<int>(options.number("partitions", 1)), 1, nullptr, 0);
    const std::string config = options.text("config", "");
    if (const auto equals = config.find('='); equals != std::string::npos)
        rd_kafka_NewTopic_set_config(topic, config.substr(0, equals).c_str(), config.substr(equals + 1).c_str());
    rd_kafka_CreateTopics(client.get(), &topic, 1, nullptr, queue.get());
    await_topic(queue.get(), created);
    rd_kafka_NewTopic_destroy(topic);
}

void remove(const Options& options) {
    const Handle client = make_producer(options, "0", nullptr);
    const Queue queue(rd_kafka_queue_new(client.get()), &rd_kafka_queue_destroy);
    rd_kafka_DeleteTopic_t* topic = rd_kafka_DeleteTopic_new(options.text("topic", "bench").c_str());
    rd_kafka_DeleteTopics(client.get(), &topic, 1, nullptr, queue.get());
    await_topic(queue.get(), deleted);
    rd_kafka_DeleteTopic_destroy(topic);
}

}  // namespace

int main(int count, char** words) {
    const std::map<std::string_view, void (*)(const Options&)> commands = {
        {"create", create}, {"delete", remove}, {"produce", produce}, {"lone", lone}, {"fetch", fetch}};
    const auto command = count > 1 ? commands.find(words[1]) : commands.end();
    if (command == commands.end()) fail("usage: moldau_bench_load create|delete|produce|lone|fetch [--name value …]");
    command->second(Options(count, words));
}
