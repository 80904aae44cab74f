#include "common.h"

#include <algorithm>
#include <cstdlib>
#include <random>

#include <fmt/core.h>

#include <moldau/base/bytes.h>
#include <moldau/base/crc32c.h>

namespace moldau::bench {
namespace {

constexpr std::size_t distinct_payloads = 512;

void on_delivery(rd_kafka_t*, const rd_kafka_message_t* message, void* opaque) {
    if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR)
        fail(fmt::format("not delivered: {}", rd_kafka_err2str(message->err)));
    ++static_cast<Deliveries*>(opaque)->delivered;
}

}  // namespace

void fail(std::string_view what) {
    fmt::print(stderr, "{}\n", what);
    std::_Exit(1);
}

Options::Options(int count, char** words) {
    for (int i = 2; i + 1 < count; i += 2) values_[std::string(words[i]).substr(2)] = words[i + 1];
}

std::string Options::text(const std::string& name, const std::string& otherwise) const {
    const auto found = values_.find(name);
    return found == values_.end() ? otherwise : found->second;
}

std::int64_t Options::number(const std::string& name, std::int64_t otherwise) const {
    const auto found = values_.find(name);
    return found == values_.end() ? otherwise : std::stoll(found->second);
}

Payloads::Payloads(std::size_t size_bytes) {
    std::mt19937_64 random(size_bytes);
    for (std::size_t i = 0; i < distinct_payloads; ++i) {
        std::string payload(size_bytes, '\0');
        std::ranges::generate(payload, [&] { return static_cast<char>(random()); });
        checksums_.push_back(crc32c(bytes_of(payload)));
        payloads_.push_back(std::move(payload));
    }
}

std::uint64_t Payloads::checksum(std::int64_t count) const {
    std::uint64_t sum = 0;
    for (std::int64_t i = 0; i < count; ++i) sum += checksums_[static_cast<std::size_t>(i) % checksums_.size()];
    return sum;
}

Handle make_client(rd_kafka_type_t type, const Options& options, const std::map<std::string, std::string>& settings,
                   Deliveries* deliveries) {
    char error[512];
    rd_kafka_conf_t* conf = rd_kafka_conf_new();
    const auto set = [&](const std::string& name, const std::string& value) {
        if (rd_kafka_conf_set(conf, name.c_str(), value.c_str(), error, sizeof(error)) != RD_KAFKA_CONF_OK) fail(error);
    };
    set("bootstrap.servers", options.text("brokers", "127.0.0.1:9092"));
    for (const auto& [name, value] : settings) set(name, value);
    if (deliveries) {
        rd_kafka_conf_set_opaque(conf, deliveries);
        rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
    }
    rd_kafka_t* client = rd_kafka_new(type, conf, error, sizeof(error));
    if (!client) fail(error);
    return {client, &rd_kafka_destroy};
}

Handle make_producer(const Options& options, const std::string& linger_ms, Deliveries* deliveries) {
    return make_client(RD_KAFKA_PRODUCER, options,
                       {{"acks", options.text("acks", "1")},
                        {"enable.idempotence", options.text("idempotent", "false")},
                        {"linger.ms", options.text("linger", linger_ms)},
                        {"compression.codec", options.text("compression", "none")},
                        {"queue.buffering.max.messages", "1000000"},
                        {"queue.buffering.max.kbytes", "524288"},
                        {"message.timeout.ms", std::to_string(timeout_ms)}},
                       deliveries);
}

Handle make_consumer(const Options& options) {
    return make_client(RD_KAFKA_CONSUMER, options,
                       {{"fetch.wait.max.ms", "100"},
                        {"fetch.message.max.bytes", options.text("fetch-bytes", "1048576")},
                        {"queued.max.messages.kbytes", "65536"}});
}

Topic open_topic(rd_kafka_t* client, const Options& options) {
    rd_kafka_topic_t* topic = rd_kafka_topic_new(client, options.text("topic", "bench").c_str(), nullptr);
    if (!topic) fail("cannot open the topic");
    return {topic, &rd_kafka_topic_destroy};
}

void send(rd_kafka_t* client, rd_kafka_topic_t* topic, std::int32_t partition, std::string_view payload,
          std::string_view key) {
    while (rd_kafka_produce(topic, partition, 0, const_cast<char*>(payload.data()), payload.size(),
                            key.empty() ? nullptr : key.data(), key.size(), nullptr) != 0) {
        if (rd_kafka_last_error() != RD_KAFKA_RESP_ERR__QUEUE_FULL) fail(rd_kafka_err2str(rd_kafka_last_error()));
        rd_kafka_poll(client, 1);
    }
}

void flush(rd_kafka_t* client, const Deliveries& deliveries, std::int64_t count) {
    if (rd_kafka_flush(client, timeout_ms) != RD_KAFKA_RESP_ERR_NO_ERROR) fail("records are left in the queue");
    if (deliveries.delivered != count) fail(fmt::format("{} records delivered of {}", deliveries.delivered, count));
}

double seconds_since(Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
}

void print(Report report) {
    const auto sorted = [](std::vector<double> values) {
        std::ranges::sort(values);
        return values;
    };
    const auto quantile = [](const std::vector<double>& values, double q) {
        return values.empty() ? 0.0 : values[static_cast<std::size_t>(q * static_cast<double>(values.size() - 1))];
    };
    const std::vector<double> latencies_us = sorted(std::move(report.latencies_us));
    const std::vector<double> echo_us = sorted(std::move(report.echo_us));
    fmt::print(
        R"({{"records": {}, "bytes": {}, "seconds": {:.6f}, "checksum": {}, "p50_us": {:.1f}, "p99_us": {:.1f}, "p999_us": {:.1f}, "echo_p99_us": {:.1f}}})"
        "\n",
        report.records, report.bytes, report.seconds, report.checksum, quantile(latencies_us, 0.5),
        quantile(latencies_us, 0.99), quantile(latencies_us, 0.999), quantile(echo_us, 0.99));
}

}  // namespace moldau::bench
