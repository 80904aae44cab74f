"""aiokafka; what the subcommands take and print is in ../README.md. It cannot delete groups."""

import asyncio
import contextlib
import signal
import sys

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRebalanceListener, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError, for_code

ROUND = 30


def say(*words):
    print(*words, flush=True)


@contextlib.asynccontextmanager
async def started(client):
    await client.start()
    try:
        yield client
    finally:
        await (client.close if isinstance(client, AIOKafkaAdminClient) else client.stop)()


def admin(broker):
    return started(AIOKafkaAdminClient(bootstrap_servers=broker))


def check(errors):
    for name, code, *_ in errors:
        if code:
            raise for_code(code)(name)


async def create(broker, topic, partitions):
    async with admin(broker) as client:
        check((await client.create_topics([NewTopic(topic, int(partitions), 1)])).topic_errors)


async def topics(broker):
    async with admin(broker) as client:
        for topic in await client.describe_topics():
            say("topic", topic["topic"], len(topic["partitions"]))


async def produce(broker, topic, partitions, codec, first, count, pause_ms, timestamp):
    # One request at a time is in flight for a partition; there is no setting.
    producer = AIOKafkaProducer(bootstrap_servers=broker, compression_type=None if codec == "none" else codec, acks="all",
                                enable_idempotence=True, linger_ms=5)
    async with started(producer):
        for start in range(int(first), int(first) + int(count), ROUND):
            numbers = range(start, min(start + ROUND, int(first) + int(count)))
            sent = [await producer.send(topic, f"value-{number}-{'x' * 100}".encode(), f"key-{number}".encode(),
                                        number % int(partitions), int(timestamp) + number, [("number", b"%d" % number)])
                    for number in numbers]
            for number, at in zip(numbers, await asyncio.gather(*sent)):
                say("produced", at.partition, at.offset, number)
            await asyncio.sleep(int(pause_ms) / 1000)


class Owned(ConsumerRebalanceListener):
    """aiokafka's groups are eager: all is revoked, then all is assigned."""

    def on_partitions_assigned(self, assigned):
        say("owns", ",".join(map(str, sorted(each.partition for each in assigned))))

    def on_partitions_revoked(self, revoked):
        say("owns")


async def member(broker, topic, group, name):
    consumer = AIOKafkaConsumer(bootstrap_servers=broker, group_id=group, client_id=name, enable_auto_commit=False,
                                auto_offset_reset="earliest", session_timeout_ms=6000, heartbeat_interval_ms=500)
    end = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, end.set)
    consumer.subscribe([topic], listener=Owned())
    async with started(consumer):
        while not end.is_set():
            ends = {}
            try:
                for partition, records in (await consumer.getmany(timeout_ms=100)).items():
                    for each in records:
                        (header, number), = each.headers
                        say("record", each.partition, each.offset, each.key.decode(), each.timestamp, f"{header}={number.decode()}",
                            each.value.decode())
                    ends[partition] = records[-1].offset + 1
                if ends:
                    await consumer.commit(ends)
                    for partition, end_of in ends.items():
                        say("committed", partition.partition, end_of)
            except KafkaError as e:
                say("trouble", repr(e))
    say("left")


async def times(broker, topic, partitions, timestamp):
    async with started(AIOKafkaConsumer(bootstrap_servers=broker)) as consumer:
        wanted = {TopicPartition(topic, partition): int(timestamp) for partition in range(int(partitions))}
        for partition, found in (await consumer.offsets_for_times(wanted)).items():
            say("offset", partition.partition, found.offset if found else "-")


async def reset(broker, topic, partitions, group, offset):
    """As a consumer outside of the group, since its admin client has no call for it."""
    async with started(AIOKafkaConsumer(bootstrap_servers=broker, group_id=group, enable_auto_commit=False)) as consumer:
        wanted = {TopicPartition(topic, partition): int(offset) for partition in range(int(partitions))}
        consumer.assign(list(wanted))
        await consumer.commit(wanted)


async def groups(broker):
    async with admin(broker) as client:
        for name, *_ in await client.list_consumer_groups():
            say("group", name)


async def describe(broker, topic, partitions, group):
    async with admin(broker) as client:
        response, = await client.describe_consumer_groups([group])
        described, = response.to_object()["groups"]
        say("state", described["state"])
        for each in described["members"]:
            say("member", each["client_id"])
        for partition, offset in (await client.list_consumer_group_offsets(group)).items():
            say("offset", partition.partition, offset.offset)


async def delete_topic(broker, topic):
    async with admin(broker) as client:
        check((await client.delete_topics([topic])).topic_error_codes)


COMMANDS = (create, topics, produce, member, times, reset, groups, describe, delete_topic)

if __name__ == "__main__":
    asyncio.run({each.__name__.replace("_", "-"): each for each in COMMANDS}[sys.argv[1]](*sys.argv[2:]))
    say("done")
