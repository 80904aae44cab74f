"""kafka-python; what the subcommands take and print is in ../README.md."""

import signal
import sys
import time

from kafka import ConsumerRebalanceListener, KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.errors import KafkaError
from kafka.structs import OffsetAndMetadata

TIMEOUT_S = 60
ROUND = 30


def say(*words):
    print(*words, flush=True)


def admin(broker):
    return KafkaAdminClient(bootstrap_servers=broker)


def create(broker, topic, partitions):
    admin(broker).create_topics({topic: {"num_partitions": int(partitions), "replication_factor": 1}})


def topics(broker):
    for topic in admin(broker).describe_topics():
        say("topic", topic["name"], len(topic["partitions"]))


def produce(broker, topic, partitions, codec, first, count, pause_ms, timestamp):
    producer = KafkaProducer(bootstrap_servers=broker, compression_type=None if codec == "none" else codec, acks="all",
                             enable_idempotence=True, max_in_flight_requests_per_connection=1, linger_ms=5,
                             reconnect_backoff_max_ms=500)
    for start in range(int(first), int(first) + int(count), ROUND):
        numbers = range(start, min(start + ROUND, int(first) + int(count)))
        sent = [producer.send(topic, f"value-{number}-{'x' * 100}".encode(), f"key-{number}".encode(), [("number", b"%d" % number)],
                              number % int(partitions), int(timestamp) + number) for number in numbers]
        for number, future in zip(numbers, sent):
            at = future.get(TIMEOUT_S)
            say("produced", at.partition, at.offset, number)
        time.sleep(int(pause_ms) / 1000)
    producer.close()


class Owned(ConsumerRebalanceListener):
    def __init__(self):
        self.partitions = set()

    def on_partitions_assigned(self, assigned):
        self.set(self.partitions | {each.partition for each in assigned})

    def on_partitions_revoked(self, revoked):
        self.set(self.partitions - {each.partition for each in revoked})

    def on_partitions_lost(self, lost):
        self.on_partitions_revoked(lost)

    def set(self, partitions):
        self.partitions = partitions
        say("owns", ",".join(map(str, sorted(partitions))))


def member(broker, topic, group, name):
    consumer = KafkaConsumer(bootstrap_servers=broker, group_id=group, client_id=name, enable_auto_commit=False,
                             auto_offset_reset="earliest", session_timeout_ms=6000, heartbeat_interval_ms=500,
                             reconnect_backoff_max_ms=500)
    is_ended = False

    def end(*_):
        nonlocal is_ended
        is_ended = True

    signal.signal(signal.SIGTERM, end)
    consumer.subscribe([topic], listener=Owned())
    while not is_ended:
        ends = {}
        try:
            for partition, records in consumer.poll(timeout_ms=100).items():
                for each in records:
                    (header, number), = each.headers
                    say("record", each.partition, each.offset, each.key.decode(), each.timestamp, f"{header}={number.decode()}",
                        each.value.decode())
                ends[partition] = OffsetAndMetadata(records[-1].offset + 1, "", -1)
            if ends:
                consumer.commit(ends)
                for partition, end_of in ends.items():
                    say("committed", partition.partition, end_of.offset)
        except KafkaError as e:
            say("trouble", repr(e))
    consumer.close(autocommit=False)
    say("left")


def times(broker, topic, partitions, timestamp):
    consumer = KafkaConsumer(bootstrap_servers=broker)
    wanted = {TopicPartition(topic, partition): int(timestamp) for partition in range(int(partitions))}
    for partition, found in consumer.offsets_for_times(wanted).items():
        say("offset", partition.partition, found.offset if found else "-")
    consumer.close()


def reset(broker, topic, partitions, group, offset):
    offsets = {TopicPartition(topic, partition): OffsetAndMetadata(int(offset), "", -1) for partition in range(int(partitions))}
    for partition, error in admin(broker).alter_group_offsets(group, offsets).items():
        if error.errno:
            raise RuntimeError(f"{partition}: {error}")


def groups(broker):
    for each in admin(broker).list_groups():
        say("group", each["group_id"])


def describe(broker, topic, partitions, group):
    client = admin(broker)
    described = client.describe_groups([group])[group]
    say("state", described["group_state"])
    for each in described["members"]:
        say("member", each["client_id"])
    for partition, offset in client.list_group_offsets(group)[group].items():
        say("offset", partition.partition, offset.offset)


def delete_group(broker, group):
    result = admin(broker).delete_groups([group])
    if result != {group: "OK"}:
        raise RuntimeError(result)


def delete_topic(broker, topic):
    admin(broker).delete_topics([topic])


COMMANDS = (create, topics, produce, member, times, reset, groups, describe, delete_group, delete_topic)

if __name__ == "__main__":
    {each.__name__.replace("_", "-"): each for each in COMMANDS}[sys.argv[1]](*sys.argv[2:])
    say("done")
