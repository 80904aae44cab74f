#!/usr/bin/env python3
"""Fetch sessions: what found no room in one answer comes in the next, without an append in between."""

import struct
import unittest

from integration import broker, create_topic  # first: it says where the others are

import wire

VERSION = 7  # the first with sessions
TOPIC, PARTITIONS = "sessions", 4


def body(session, epoch, offsets, max_bytes, min_bytes=1):
    """`offsets`: partition to the offset from which it is wanted."""
    wanted = [struct.pack(">iqqi", partition, offset, -1, 1 << 20) for partition, offset in offsets.items()]
    topics = [wire.text(TOPIC) + wire.array(wanted)] if wanted else []
    return (struct.pack(">iiiibii", -1, 200, min_bytes, max_bytes, 0, session, epoch)
            + wire.array(topics) + wire.array([]))


def parse(answer):
    """The session's id and, of each partition that was answered for, its high watermark and the bytes of its records."""
    _, error, session, topics = struct.unpack_from(">ihii", answer)
    assert error == 0, error
    at, found = 14, {}
    for _ in range(topics):
        at += 2 + struct.unpack_from(">h", answer, at)[0]
        partitions = struct.unpack_from(">i", answer, at)[0]
        at += 4
        for _ in range(partitions):
            partition, error, high_watermark, _, _, aborted, size = struct.unpack_from(">ihqqqii", answer, at)
            assert error == 0 and aborted <= 0, (partition, error, aborted)
            at += 38 + max(size, 0)
            found[partition] = (high_watermark, max(size, 0))
    return session, found


class FetchSessions(unittest.TestCase):
    def setUp(self):
        self.broker = broker()
        self.broker.start()
        self.addCleanup(self.broker.close)
        create_topic(self.broker, TOPIC, PARTITIONS)
        self.connection = wire.Connection(self.broker.port)
        self.addCleanup(self.connection.close)

    def fetch(self, *arguments, **options):
        return parse(self.connection.call(wire.FETCH, VERSION, body(*arguments, **options)))

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

    def test_more_is_asked_for_than_may_be_answered(self):
        batch = wire.record_batch([bytes(1000)])
        self.connection.produce(TOPIC, batch)
        _, found = self.fetch(0, 0, {0: 0}, len(batch), min_bytes=1 << 20)
        self.assertEqual(found[0], (1, len(batch)))


if __name__ == "__main__":
    unittest.main()
