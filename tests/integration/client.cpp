// A client for tests, over librdkafka.
//
//   client produce <brokers> <topic> <partitions> <acked file> [property=value …]
//       Produces numbered records (key and value "<run>-<number>") with acks=all until standard input ends or the broker
//       is away for good; appends "<partition> <offset> <value>" to the file for each acknowledgement.
//   client read <brokers> <topic> <partitions>
//       Prints "<partition> <offset> <value>" for every committed record of the topic.

#include <librdkafka/rdkafka.h>
#include <poll.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>

namespace {

constexpr std::size_t max_in_flight = 2000;

[[noreturn]] void die(const std::string& what) {
    std::fprintf(stderr, "client: %s\n", what.c_str());
    std::exit(1);
}

void set(rd_kafka_conf_t* conf, const std::string& key, const std::string& value) {
    char error[256];
    if (rd_kafka_conf_set(conf, key.c_str(), value.c_str(), error, sizeof error) != RD_KAFKA_CONF_OK) die(error);
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
    std::fprintf(producing.acked, "%d %lld %.*s\n", message->partition, static_cast<long long>(message->offset),
                 static_cast<int>(message->len), static_cast<const char*>(message->payload));
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
    for (int i = 6; i < argc; ++i) {
        const std::string_view property = argv[i];
        const std::size_t equals = property.find('=');
        if (equals == std::string_view::npos) die("a property is key=value: " + std::string(property));
        set(conf, std::string(property.substr(0, equals)), std::string(property.substr(equals + 1)));
    }
    rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
    rd_kafka_conf_set_opaque(conf, &producing);
    char error[256];
    rd_kafka_t* producer = rd_kafka_new(RD_KAFKA_PRODUCER, conf, error, sizeof error);
    if (producer == nullptr) die(error);
    const int partitions = std::atoi(argv[4]);
    const std::string run = std::to_string(static_cast<unsigned long>(::getpid()));
    for (std::uint64_t number = 0; !input_has_ended(); ++number) {
        while (static_cast<std::size_t>(rd_kafka_outq_len(producer)) >= max_in_flight) rd_kafka_poll(producer, 10);
        const std::string value = run + "-" + std::to_string(number);
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
    if (argc != 5) die("read <brokers> <topic> <partitions>");
    rd_kafka_conf_t* conf = rd_kafka_conf_new();
    set(conf, "bootstrap.servers", argv[2]);
    set(conf, "group.id", "unused");
    set(conf, "enable.auto.commit", "false");
    set(conf, "auto.offset.reset", "earliest");
    set(conf, "enable.partition.eof", "true");
    char error[256];
    rd_kafka_t* consumer = rd_kafka_new(RD_KAFKA_CONSUMER, conf, error, sizeof error);
    if (consumer == nullptr) die(error);
    rd_kafka_poll_set_consumer(consumer);
    const int partitions = std::atoi(argv[4]);
    rd_kafka_topic_partition_list_t* assignment = rd_kafka_topic_partition_list_new(partitions);
    for (int i = 0; i < partitions; ++i)
        rd_kafka_topic_partition_list_add(assignment, argv[3], i)->offset = RD_KAFKA_OFFSET_BEGINNING;
    rd_kafka_assign(consumer, assignment);
    int ended = 0;
    int idle_polls = 0;
    while (ended < partitions) {
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
            std::printf("%d %lld %.*s\n", message->partition, static_cast<long long>(message->offset),
                        static_cast<int>(message->len), static_cast<const char*>(message->payload));
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
