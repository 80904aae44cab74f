// Topics are made and deleted.

#include <fmt/core.h>

#include "common.h"

namespace moldau::bench {
namespace {

/// Waits for the answer to an admin call and fails on the error of its one topic.
void await_topic(rd_kafka_queue_t* queue,
                 const rd_kafka_topic_result_t** (*topics)(const rd_kafka_event_t*, std::size_t*)) {
    rd_kafka_event_t* event = rd_kafka_queue_poll(queue, timeout_ms);
    if (!event) fail("no answer to an admin call");
    if (rd_kafka_event_error(event) != RD_KAFKA_RESP_ERR_NO_ERROR) fail(rd_kafka_event_error_string(event));
    std::size_t count = 0;
    const rd_kafka_topic_result_t** results = topics(event, &count);
    for (std::size_t i = 0; i < count; ++i)
        if (rd_kafka_topic_result_error(results[i]) != RD_KAFKA_RESP_ERR_NO_ERROR)
            fail(fmt::format("{}: {}", rd_kafka_topic_result_name(results[i]),
                             rd_kafka_err2str(rd_kafka_topic_result_error(results[i]))));
    rd_kafka_event_destroy(event);
}

const rd_kafka_topic_result_t** created(const rd_kafka_event_t* event, std::size_t* count) {
    return rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(const_cast<rd_kafka_event_t*>(event)),
                                               count);
}

const rd_kafka_topic_result_t** deleted(const rd_kafka_event_t* event, std::size_t* count) {
    return rd_kafka_DeleteTopics_result_topics(rd_kafka_event_DeleteTopics_result(const_cast<rd_kafka_event_t*>(event)),
                                               count);
}

}  // namespace

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

}  // namespace moldau::bench
