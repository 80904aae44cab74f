// Reads all of a topic's partitions from their beginnings.

#include <fmt/core.h>

#include <moldau/base/bytes.h>
#include <moldau/base/crc32c.h>

#include "common.h"

namespace moldau::bench {

void fetch(const Options& options) {
    const std::int64_t count = options.number("count", 1000);
    const auto partitions = static_cast<std::int32_t>(options.number("partitions", 1));
    const Handle client = make_consumer(options);
    const Topic topic = open_topic(client.get(), options);
    const Queue queue(rd_kafka_queue_new(client.get()), &rd_kafka_queue_destroy);
    const auto start = Clock::now();
    for (std::int32_t partition = 0; partition < partitions; ++partition)
        if (rd_kafka_consume_start_queue(topic.get(), partition, RD_KAFKA_OFFSET_BEGINNING, queue.get()) != 0)
            fail(rd_kafka_err2str(rd_kafka_last_error()));
    std::vector<rd_kafka_message_t*> messages(10'000);
    std::int64_t records = 0;
    std::int64_t bytes = 0;
    std::uint64_t checksum = 0;
    while (records < count) {
        if (seconds_since(start) * 1000 > timeout_ms)
            fail(fmt::format("{} records fetched of {} in a minute", records, count));
        const ssize_t got = rd_kafka_consume_batch_queue(queue.get(), 1000, messages.data(), messages.size());
        for (ssize_t i = 0; i < got; ++i) {
            const rd_kafka_message_t* message = messages[static_cast<std::size_t>(i)];
            if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) fail(rd_kafka_message_errstr(message));
            ++records;
            bytes += static_cast<std::int64_t>(message->len);
            checksum += crc32c({static_cast<const std::uint8_t*>(message->payload), message->len});
            rd_kafka_message_destroy(messages[static_cast<std::size_t>(i)]);
        }
    }
    const double seconds = seconds_since(start);
    for (std::int32_t partition = 0; partition < partitions; ++partition) rd_kafka_consume_stop(topic.get(), partition);
    if (records != count) fail(fmt::format("{} records fetched of {}", records, count));
    print({.records = records, .bytes = bytes, .seconds = seconds, .checksum = checksum});
}

}  // namespace moldau::bench
