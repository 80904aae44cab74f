"""A librdkafka program at work with a broker, checked at each step: `librdkafka_client.py host:port`.

For every codec, plain and idempotent: a topic is made, filled, read back by assigned partitions without committing
anything, searched by time and altered. The topics stay, so that their files can be looked at afterwards.
"""

import random
import sys
import time

from confluent_kafka import OFFSET_BEGINNING, Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, NewTopic, ResourceType

PARTITIONS = 2
RECORDS = 500
T0 = 1_700_000_000_000
TIMEOUT_S = 20


def values(seed):
    """Values of every size up to a kilobyte; half of each is random, half compresses."""
    source = random.Random(seed)
    return [b"x" * (size // 2) + source.randbytes(size - size // 2) for size in (source.randrange(1024) for _ in range(RECORDS))]


def check(holds, what):
    if not holds:
        raise AssertionError(what)


def produce(address, topic, codec, idempotent, sent):
    # Without idempotence a retry overtakes unless one request alone is in flight.
    producer = Producer({"bootstrap.servers": address, "compression.type": codec, "enable.idempotence": idempotent,
                         "acks": "all" if idempotent else "1", "linger.ms": 20, "batch.num.messages": 50,
                         "max.in.flight.requests.per.connection": 5 if idempotent else 1,
                         "message.timeout.ms": TIMEOUT_S * 1000})
    offsets = {}

    def acknowledged(i):
        def delivered(error, message):
            check(error is None, f"{topic}: record {i}: {error}")
            offsets[i] = message.offset()
        return delivered

    for i, value in enumerate(sent):
        producer.produce(topic, value, None if i % 3 == 0 else b"key-%d" % i, partition=i % PARTITIONS,
                         on_delivery=acknowledged(i), timestamp=T0 + i, headers=[("number", b"%d" % i), ("none", None)])
    check(producer.flush(TIMEOUT_S) == 0, f"{topic}: records are left in the producer's queue")
    for i in range(RECORDS):
        check(offsets[i] == i // PARTITIONS, f"{topic}: record {i} has offset {offsets[i]}")


def consume(address, topic, sent):
    consumer = Consumer({"bootstrap.servers": address, "group.id": "not-used", "enable.auto.commit": False,
                         "enable.auto.offset.store": False, "check.crcs": True})
    try:
        consumer.assign([TopicPartition(topic, partition, OFFSET_BEGINNING) for partition in range(PARTITIONS)])
        count = 0
        deadline = time.monotonic() + TIMEOUT_S
        while count < RECORDS and time.monotonic() < deadline:
            for message in consumer.consume(RECORDS, 0.5):
                check(message.error() is None, f"{topic}: {message.error()}")
                i = message.offset() * PARTITIONS + message.partition()
                check(message.value() == sent[i], f"{topic}: value of record {i}")
                check(message.key() == (None if i % 3 == 0 else b"key-%d" % i), f"{topic}: key of record {i}")
                check(message.timestamp()[1] == T0 + i, f"{topic}: timestamp of record {i} is {message.timestamp()}")
                check(message.headers() == [("number", b"%d" % i), ("none", None)], f"{topic}: headers of record {i}")
                count += 1
        check(count == RECORDS, f"{topic}: {count} records of {RECORDS}")
        check(consumer.get_watermark_offsets(TopicPartition(topic, 0), TIMEOUT_S) == (0, RECORDS // PARTITIONS), f"{topic}: watermarks")
        found = consumer.offsets_for_times([TopicPartition(topic, 0, T0 + 101), TopicPartition(topic, 1, T0 + RECORDS)], TIMEOUT_S)
        check(found[0].offset == 51, f"{topic}: time T0 + 101 is found at {found[0].offset}")
        check(found[1].offset < 0, f"{topic}: a time after the last record is found at {found[1].offset}")
    finally:
        consumer.close()


def alter(admin, topic):
    resource = ConfigResource(ResourceType.TOPIC, topic, incremental_configs=[
        ConfigEntry("retention.ms", "12345678", incremental_operation=AlterConfigOpType.SET)])
    for future in admin.incremental_alter_configs([resource]).values():
        future.result(TIMEOUT_S)
    deadline = time.monotonic() + TIMEOUT_S
    value = None
    while value != "12345678" and time.monotonic() < deadline:
        described = admin.describe_configs([ConfigResource(ResourceType.TOPIC, topic)])
        value = next(iter(described.values())).result(TIMEOUT_S)["retention.ms"].value
    check(value == "12345678", f"{topic}: retention.ms is {value} after being set to 12345678")


def main(address):
    admin = AdminClient({"bootstrap.servers": address})
    for codec in ("none", "gzip", "snappy", "lz4", "zstd"):
        for idempotent in (False, True):
            topic = f"librdkafka-{codec}-{'idempotent' if idempotent else 'plain'}"
            admin.create_topics([NewTopic(topic, PARTITIONS, 1, config={"retention.ms": "-1"})])[topic].result(TIMEOUT_S)
            sent = values(topic)
            produce(address, topic, codec, idempotent, sent)
            consume(address, topic, sent)
            alter(admin, topic)
            print("ok", topic, flush=True)
    admin.create_topics([NewTopic("librdkafka-deleted", 1, 1)])["librdkafka-deleted"].result(TIMEOUT_S)
    admin.delete_topics(["librdkafka-deleted"])["librdkafka-deleted"].result(TIMEOUT_S)
    deadline = time.monotonic() + TIMEOUT_S
    while "librdkafka-deleted" in admin.list_topics(timeout=TIMEOUT_S).topics:
        check(time.monotonic() < deadline, "a deleted topic is still listed")


if __name__ == "__main__":
    main(sys.argv[1])
