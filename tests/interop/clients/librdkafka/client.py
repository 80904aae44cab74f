"""librdkafka through confluent-kafka; what the subcommands take and print is in ../README.md."""

import functools
import signal
import sys
import time

from confluent_kafka import Consumer, ConsumerGroupTopicPartitions, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic, OffsetSpec

TIMEOUT_S = 30
ROUND = 30


def say(*words):
    print(*words, flush=True)


@functools.cache  # It must outlive the futures that it gives.
def admin(broker):
    return AdminClient({"bootstrap.servers": broker})


def create(broker, topic, partitions):
    admin(broker).create_topics([NewTopic(topic, int(partitions), 1)])[topic].result(TIMEOUT_S)


def topics(broker):
    for name, topic in admin(broker).list_topics(timeout=TIMEOUT_S).topics.items():
        say("topic", name, len(topic.partitions))


def produce(broker, topic, partitions, codec, first, count, pause_ms, timestamp):
    producer = Producer({"bootstrap.servers": broker, "compression.type": codec, "enable.idempotence": True,
                         "max.in.flight.requests.per.connection": 1, "linger.ms": 5, "reconnect.backoff.max.ms": 500})
    trouble = []

    def delivered(number):
        def report(error, message):
            if error:
                trouble.append(f"record {number}: {error}")
            else:
                say("produced", message.partition(), message.offset(), number)
        return report

    for start in range(int(first), int(first) + int(count), ROUND):
        for number in range(start, min(start + ROUND, int(first) + int(count))):
            producer.produce(topic, f"value-{number}-{'x' * 100}", f"key-{number}", partition=number % int(partitions),
                             timestamp=int(timestamp) + number, headers=[("number", str(number))], on_delivery=delivered(number))
        if producer.flush(2 * TIMEOUT_S) or trouble:
            sys.exit(f"not all is produced: {trouble}")
        time.sleep(int(pause_ms) / 1000)


def member(broker, topic, group, name):
    consumer = Consumer({"bootstrap.servers": broker, "group.id": group, "client.id": name, "enable.auto.commit": False,
                         "auto.offset.reset": "earliest", "session.timeout.ms": 6000, "heartbeat.interval.ms": 500,
                         "reconnect.backoff.max.ms": 500})
    owned = set()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())

    def own(partitions):
        nonlocal owned
        owned = partitions
        say("owns", ",".join(map(str, sorted(owned))))

    consumer.subscribe([topic], on_assign=lambda _, given: own(owned | {each.partition for each in given}),
                       on_revoke=lambda _, taken: own(owned - {each.partition for each in taken}),
                       on_lost=lambda _, taken: own(owned - {each.partition for each in taken}))
    try:
        while True:
            ends = {}
            for message in consumer.consume(100, 0.1):
                if message.error():
                    say("trouble", message.error())
                    continue
                (header, number), = message.headers()
                say("record", message.partition(), message.offset(), message.key().decode(), message.timestamp()[1],
                    f"{header}={number.decode()}", message.value().decode())
                ends[message.partition()] = message.offset() + 1
            if ends:
                try:
                    for each in consumer.commit(offsets=[TopicPartition(topic, *end) for end in ends.items()], asynchronous=False):
                        say(*("trouble", each.error) if each.error else ("committed", each.partition, each.offset))
                except KafkaException as e:
                    say("trouble", e)
    finally:
        consumer.close()
        say("left")


def times(broker, topic, partitions, timestamp):
    wanted = {TopicPartition(topic, partition): OffsetSpec.for_timestamp(int(timestamp)) for partition in range(int(partitions))}
    for partition, future in admin(broker).list_offsets(wanted).items():
        offset = future.result(TIMEOUT_S).offset
        say("offset", partition.partition, offset if offset >= 0 else "-")


def reset(broker, topic, partitions, group, offset):
    wanted = ConsumerGroupTopicPartitions(group, [TopicPartition(topic, each, int(offset)) for each in range(int(partitions))])
    for each in admin(broker).alter_consumer_group_offsets([wanted])[group].result(TIMEOUT_S).topic_partitions:
        if each.error:
            raise KafkaException(each.error)


def groups(broker):
    listed = admin(broker).list_consumer_groups().result(TIMEOUT_S)
    if listed.errors:
        raise listed.errors[0]
    for each in listed.valid:
        say("group", each.group_id)


def describe(broker, topic, partitions, group):
    described = admin(broker).describe_consumer_groups([group])[group].result(TIMEOUT_S)
    say("state", described.state.name.title())
    for each in described.members:
        say("member", each.client_id)
    committed = admin(broker).list_consumer_group_offsets([ConsumerGroupTopicPartitions(group)])[group].result(TIMEOUT_S)
    for each in committed.topic_partitions:
        say("offset", each.partition, each.offset)


def delete_group(broker, group):
    admin(broker).delete_consumer_groups([group])[group].result(TIMEOUT_S)


def delete_topic(broker, topic):
    admin(broker).delete_topics([topic])[topic].result(TIMEOUT_S)


COMMANDS = (create, topics, produce, member, times, reset, groups, describe, delete_group, delete_topic)

if __name__ == "__main__":
    {each.__name__.replace("_", "-"): each for each in COMMANDS}[sys.argv[1]](*sys.argv[2:])
    say("done")
