#!/usr/bin/env python3
"""Fetch sessions, and the settings that bound what is answered: what found no room in one answer comes in the next, a topic
made anew wakes the session, any connection ends it."""

import struct
import unittest

from integration import broker, create_topic, run  # first: it says where the others are

import wire

VERSION = 7  # the first with sessions
TOPIC, PARTITIONS = "sessions", 4
CORRUPT_MESSAGE, UNKNOWN_TOPIC_OR_PARTITION, FETCH_SESSION_ID_NOT_FOUND = 2, 3, 70
DESCRIBE_TOPIC_PARTITIONS = 75


def body(session, epoch, offsets, max_bytes, min_bytes=1):
    """`offsets`: partition to the offset from which it is wanted."""
    wanted = [struct.pack(">iqqi", partition, offset, -1, 1 << 20) for partition, offset in offsets.items()]
    topics = [wire.text(TOPIC) + wire.array(wanted)] if wanted else []
    return (struct.pack(">iiiibii", -1, 200, min_bytes, max_bytes, 0, session, epoch)
            + wire.array(topics) + wire.array([]))


def errors(answer):
    """The error of the whole, and that of the first partition; none where no partition was answered for."""
    _, error, _, topics = struct.unpack_from(">ihii", answer)
    return error, struct.unpack_from(">h", answer, 14 + 2 + len(TOPIC) + 4 + 4)[0] if topics else None


def parse(answer, damaged=()):
    """The session's id and, of each partition that was answered for, its high watermark and the bytes of its records.
    Those that are `damaged`, and no others, may have an error: one that finds no room is not looked at."""
    _, error, session, topics = struct.unpack_from(">ihii", answer)
    assert error == 0, error
    at, found = 14, {}
    for _ in range(topics):
        at += 2 + struct.unpack_from(">h", answer, at)[0]
        partitions = struct.unpack_from(">i", answer, at)[0]
        at += 4
        for _ in range(partitions):
            partition, error, high_watermark, _, _, aborted, size = struct.unpack_from(">ihqqqii", answer, at)
            assert error == 0 or (error == CORRUPT_MESSAGE and partition in damaged), (partition, error)
            assert aborted <= 0, (partition, aborted)
            at += 38 + max(size, 0)
            found[partition] = (high_watermark, max(size, 0))
    return session, found


class WithBroker(unittest.TestCase):
    overrides = {}

    def setUp(self):
        self.broker = broker(**self.overrides)
        self.broker.start()
        self.addCleanup(self.broker.close)
        create_topic(self.broker, TOPIC, PARTITIONS)
        self.connection = wire.Connection(self.broker.port)
        self.addCleanup(self.connection.close)

    def ask(self, *arguments, **options):
        return self.connection.call(wire.FETCH, VERSION, body(*arguments, **options))

    def fetch(self, *arguments, **options):
        return parse(self.ask(*arguments, **options))


class FetchSessions(WithBroker):
    def test_what_found_no_room_comes_next(self):
        batch = wire.record_batch([bytes(10_000)])
        for partition in range(PARTITIONS):
            self.connection.produce(TOPIC, batch, partition=partition)
        session, found = self.fetch(0, 0, dict.fromkeys(range(PARTITIONS), 0), len(batch))
        self.assertNotEqual(session, 0)
        read = {}
        for epoch in range(1, 10):
            now = [partition for partition, (_, size) in found.items() if size > 0]
            for partition in now:
                self.assertNotIn(partition, read, "it was read before")
                read[partition] = found[partition][1]
            if len(read) == PARTITIONS:
                break
            _, found = self.fetch(session, epoch, dict.fromkeys(now, 1), len(batch))
        self.assertEqual(read, dict.fromkeys(range(PARTITIONS), len(batch)))

    def test_what_cannot_be_sent_takes_no_room(self):
        batch = wire.record_batch([bytes(1000)])
        for partition in range(PARTITIONS):
            self.connection.produce(TOPIC, batch, partition=partition)
        self.broker.stop()
        damaged = (0, 2)
        for partition in damaged:
            log = self.broker.data / f"{TOPIC}-{partition}" / f"{0:020}.log"
            content = bytearray(log.read_bytes())
            content[-1] ^= 1
            log.write_bytes(content)
        self.broker.start()
        self.connection = wire.Connection(self.broker.port)
        self.addCleanup(self.connection.close)
        for partitions in ((0, 1), (0, 2, 3), (2, 0, 1, 3)):
            _, found = parse(self.ask(0, -1, dict.fromkeys(partitions, 0), len(batch)), damaged)
            self.assertEqual(sum(size for _, size in found.values()), len(batch), partitions)

    def test_more_is_asked_for_than_may_be_answered(self):
        batch = wire.record_batch([bytes(1000)])
        self.connection.produce(TOPIC, batch)
        _, found = self.fetch(0, 0, {0: 0}, len(batch), min_bytes=1 << 20)
        self.assertEqual(found[0], (1, len(batch)))

    def test_a_topic_made_anew_wakes_the_session(self):
        session, _ = self.fetch(0, 0, {0: 0}, 1 << 20)
        run("topic", "delete", TOPIC, "--bootstrap", self.broker.address)
        self.assertEqual(errors(self.ask(session, 1, {}, 1 << 20)), (0, UNKNOWN_TOPIC_OR_PARTITION))
        create_topic(self.broker, TOPIC, PARTITIONS)
        self.fetch(session, 2, {}, 1 << 20)  # waits in vain at the new partition
        batch = wire.record_batch([b"new"])
        with wire.Connection(self.broker.port) as producer:
            producer.produce(TOPIC, batch)
        _, found = self.fetch(session, 3, {}, 1 << 20)
        self.assertEqual(found, {0: (1, len(batch))})

    def test_any_connection_ends_a_session(self):
        for _ in range(4):  # each on the shard with the fewest connections
            session, _ = self.fetch(0, 0, {0: 0}, 1 << 20)
            other = wire.Connection(self.broker.port)
            self.addCleanup(other.close)
            self.assertEqual(errors(other.call(wire.FETCH, VERSION, body(session, -1, {0: 0}, 1 << 20)))[0], 0)
            self.assertEqual(errors(self.ask(session, 1, {}, 1 << 20)), (FETCH_SESSION_ID_NOT_FOUND, None))


class Limits(WithBroker):
    overrides = {"fetch.max.bytes": "1500", "max.incremental.fetch.session.cache.slots": "1",
                 "max.request.partition.size.limit": "3"}

    def test_no_answer_is_larger_than_fetch_max_bytes(self):
        batch = wire.record_batch([bytes(1000)])
        for partition in range(PARTITIONS):
            self.connection.produce(TOPIC, batch, partition=partition)
        _, found = self.fetch(0, -1, dict.fromkeys(range(PARTITIONS), 0), 1 << 20)
        self.assertEqual(sum(size for _, size in found.values()), len(batch))

    def test_no_more_sessions_are_kept_than_there_are_slots(self):
        connections = [wire.Connection(self.broker.port) for _ in range(4)]
        for connection in connections:
            self.addCleanup(connection.close)
        ids = [parse(each.call(wire.FETCH, VERSION, body(0, 0, {0: 0}, 1 << 20)))[0] for each in connections * 2]
        self.assertEqual(sum(session != 0 for session in ids), 1)

    def test_no_more_partitions_are_described_than_allowed(self):
        # Header tags; all topics, any count, no cursor, no tags.
        answer = self.connection.call(DESCRIBE_TOPIC_PARTITIONS, 0, b"\0" + struct.pack(">Bib", 1, 2000, -1) + b"\0")
        name = TOPIC.encode()
        self.assertTrue(answer.endswith(bytes([1, len(name) + 1]) + name + struct.pack(">i", 3) + b"\0\0"), answer)


if __name__ == "__main__":
    unittest.main()
