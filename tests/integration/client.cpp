// A client for tests, over librdkafka.
//
//   client produce <brokers> <topic> <partitions> <acked file> [property=value …]
//       Produces numbered records (the value's first word is "<run>-<number>") with acks=all until standard input ends
//       or the broker is away for good; appends "<topic> <partition> <offset> <run>-<number> <time>" to the file for
//       each acknowledgement, the time in nanoseconds of CLOCK_MONOTONIC, which is one for all processes of a machine.
//       Properties are librdkafka's, and: records.in.flight, value.bytes.
//   client read <brokers> <topic> <partitions> [<topic> <partitions> …]
//       Prints "<topic> <partition> <offset> <run>-<number>" for every committed record.

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <poll.h>
#include <string>
#include <string_view>
#include <time.h>
#include <unistd.h>

#include <librdkafka/rdkafka.h>

namespace {

[[noreturn]] void die(const std::string& what) {
    std::fprintf(stderr, "client: %s\n", what.c_str());
    std::exit(1);
}

void set(rd_kafka_conf_t* conf, const std::string& key, const std::string& value) {
    char error[256];
    if (rd_kafka_conf_set(conf, key.c_str(), value.c_str(), error, sizeof error) != RD_KAFKA_CONF_OK) die(error);
}

std::string_view first_word(const rd_kafka_message_t& message) {
    const std::string_view value(static_cast<const char*>(message.payload), message.len);
    return value.substr(0, value.find(' '));
}

struct Producing {
    std::FILE* acked = nullptr;
    std::uint64_t failed = 0;
};

void on_delivery(rd_kafka_t*, const rd_kafka_message_t* message, void* opaque) {
    auto& producing = *static_cast<Producing*>(opaque);
    if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
        ++producing.failed;
        return;
    }
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    const std::string_view word = first_word(*message);
    std::fprintf(producing.acked, "%s %d %lld %.*s %lld\n", rd_kafka_topic_name(message->rkt), message->partition,
                 static_cast<long long>(message->offset), static_cast<int>(word.size()), word.data(),
                 static_cast<long long>(now.tv_sec) * 1'000'000'000 + now.tv_nsec);
    std::fflush(producing.acked);
}

bool input_has_ended() {
    pollfd in{.fd = 0, .events = POLLIN, .revents = 0};
    if (::poll(&in, 1, 0) <= 0) return false;
    char byte;
    return std::fread(&byte, 1, 1, stdin) == 0;
}

int produce(int argc, char** argv) {
    if (argc < 6) die("produce <brokers> <topic> <partitions> <acked file> [property=value …]");
    Producing producing{.acked = std::fopen(argv[5], "a")};
    if (producing.acked == nullptr) die(std::string("cannot open ") + argv[5]);
    rd_kafka_conf_t* conf = rd_kafka_conf_new();
    set(conf, "bootstrap.servers", argv[2]);
    set(conf, "acks", "all");
    set(conf, "linger.ms", "0");
    set(conf, "message.timeout.ms", "20000");
    std::size_t records_in_flight = 2000;
    std::size_t value_bytes = 0;
    for (int i = 6; i < argc; ++i) {
        const std::string_view property = argv[i];
        const std::size_t equals = property.find('=');
        if (equals == std::string_view::npos) die("a property is key=value: " + std::string(property));
        const std::string key(property.substr(0, equals));
        const std::string text(property.substr(equals + 1));
        if (key == "records.in.flight") {
            records_in_flight = std::stoul(text);
        } else if (key == "value.bytes") {
            value_bytes = std::stoul(text);
        } else {
            set(conf, key, text);
        }
    }
    rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
    rd_kafka_conf_set_opaque(conf, &producing);
    char error[256];
    rd_kafka_t* producer = rd_kafka_new(RD_KAFKA_PRODUCER, conf, error, sizeof error);
    if (producer == nullptr) die(error);
    const int partitions = std::atoi(argv[4]);
    const std::string run = std::to_string(static_cast<unsigned long>(::getpid()));
    for (std::uint64_t number = 0; !input_has_ended(); ++number) {
        while (static_cast<std::size_t>(rd_kafka_outq_len(producer)) >= records_in_flight) rd_kafka_poll(producer, 10);
        std::string value = run + "-" + std::to_string(number);
        if (value.size() < value_bytes) value.resize(value_bytes, ' ');
        const rd_kafka_resp_err_t sent = rd_kafka_producev(
            producer, RD_KAFKA_V_TOPIC(argv[3]),
            RD_KAFKA_V_PARTITION(static_cast<std::int32_t>(number % static_cast<std::uint64_t>(partitions))),
            RD_KAFKA_V_VALUE(const_cast<char*>(value.data()), value.size()), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
            RD_KAFKA_V_END);
        if (sent != RD_KAFKA_RESP_ERR_NO_ERROR) die(rd_kafka_err2str(sent));
        rd_kafka_poll(producer, 0);
    }
    rd_kafka_flush(producer, 20000);
    const char* reason = nullptr;
    char fatal[256];
    if (rd_kafka_fatal_error(producer, fatal, sizeof fatal) != RD_KAFKA_RESP_ERR_NO_ERROR) reason = fatal;
    std::fprintf(stderr, "failed %llu%s%s\n", static_cast<unsigned long long>(producing.failed),
                 reason != nullptr ? ", fatal: " : "", reason != nullptr ? reason : "");
    std::fclose(producing.acked);
    rd_kafka_destroy(producer);
    return reason != nullptr ? 3 : 0;
}

int read_all(int argc, char** argv) {
    if (argc < 5 || argc % 2 == 0) die("read <brokers> <topic> <partitions> [<topic> <partitions> …]");
    rd_kafka_conf_t* conf = rd_kafka_conf_new();
    set(conf, "bootstrap.servers", argv[2]);
    set(conf, "group.id", "unused");
    set(conf, "enable.auto.commit", "false");
    set(conf, "auto.offset.reset", "earliest");
    set(conf, "enable.partition.eof", "true");
    set(conf, "fetch.wait.max.ms", "10");
    char error[256];
    rd_kafka_t* consumer = rd_kafka_new(RD_KAFKA_CONSUMER, conf, error, sizeof error);
    if (consumer == nullptr) die(error);
    rd_kafka_poll_set_consumer(consumer);
    rd_kafka_topic_partition_list_t* assignment = rd_kafka_topic_partition_list_new(16);
    for (int topic = 3; topic + 1 < argc; topic += 2)
        for (int i = 0; i < std::atoi(argv[topic + 1]); ++i)
            rd_kafka_topic_partition_list_add(assignment, argv[topic], i)->offset = RD_KAFKA_OFFSET_BEGINNING;
    rd_kafka_assign(consumer, assignment);
    int ended = 0;
    int idle_polls = 0;
    while (ended < assignment->cnt) {
        rd_kafka_message_t* message = rd_kafka_consumer_poll(consumer, 1000);
        if (message == nullptr) {
            if (++idle_polls == 20) die("nothing came for 20 seconds");
            continue;
        }
        idle_polls = 0;
        if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
            ++ended;
        } else if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
            die(rd_kafka_message_errstr(message));
        } else {
            const std::string_view word = first_word(*message);
            std::printf("%s %d %lld %.*s\n", rd_kafka_topic_name(message->rkt), message->partition,
                        static_cast<long long>(message->offset), static_cast<int>(word.size()), word.data());
        }
        rd_kafka_message_destroy(message);
    }
    rd_kafka_topic_partition_list_destroy(assignment);
    rd_kafka_consumer_close(consumer);
    rd_kafka_destroy(consumer);
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc > 1 && std::string_view(argv[1]) == "produce") return produce(argc, argv);
    if (argc > 1 && std::string_view(argv[1]) == "read") return read_all(argc, argv);
    die("produce or read");
}
