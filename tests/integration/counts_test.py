#!/usr/bin/env python3
"""System calls on the hot path, counted from outside: bounds that do not depend on how fast the machine is."""

import unittest

from integration import broker, create_topic  # first: it says where the others are

import wire
from system_calls import NotPermitted, SystemCalls

REQUESTS = 200
TOPIC = "counted"
LOG = f"/{TOPIC}-0/00000000000000000000.log"
SOCKET_CALLS = ("recvfrom", "recvmsg", "sendto", "sendmsg", "sendfile", "read", "write", "readv", "writev")
WRITES = ("pwrite64", "pwritev", "pwritev2")
READS = ("pread64", "preadv", "preadv2")
SYNCS = ("fdatasync", "fsync")
WAITS = ("epoll_wait", "epoll_pwait", "epoll_ctl")


class Counts(unittest.TestCase):
    def setUp(self):
        # Checkpoints and what is flushed behind would be counted too.
        self.broker = broker(**{"replica.high.watermark.checkpoint.interval.ms": "600000"})
        self.broker.start()
        self.addCleanup(self.broker.close)
        create_topic(self.broker, TOPIC)
        self.connection = wire.Connection(self.broker.port)
        self.addCleanup(self.connection.close)
        self.batch = wire.record_batch([b"counted"])
        self.connection.produce(TOPIC, self.batch)

    def counted(self, work):
        try:
            with SystemCalls(self.broker.server.process.pid, SOCKET_CALLS + WRITES + READS + SYNCS + WAITS) as seen:
                work()
        except NotPermitted as reason:
            self.skipTest(f"strace may not attach here: {reason}")
        own = f":{self.connection.socket.getsockname()[1]}]"
        found = {"socket calls": len(seen.about(SOCKET_CALLS, own)), "appends": len(seen.about(WRITES, LOG)),
                 "reads": len(seen.about(READS, f"/{TOPIC}-0/")), "syncs": len(seen.about(SYNCS, LOG)),
                 "waits": len(seen.about(WAITS))}
        print(f"{self.id().rpartition('.')[2]}: {found}")
        return found

    def produce_all(self, acks):
        for _ in range(REQUESTS):
            self.connection.produce(TOPIC, self.batch, acks=acks)

    def test_a_produce_is_one_read_one_append_one_write(self):
        found = self.counted(lambda: self.produce_all(acks=1))
        self.assertEqual(found["appends"], REQUESTS)
        self.assertEqual(found["socket calls"], 2 * REQUESTS)
        self.assertEqual(found["reads"], 0)

    def test_a_produce_with_acks_all_is_one_sync_more(self):
        found = self.counted(lambda: self.produce_all(acks=-1))
        self.assertEqual(found["appends"], REQUESTS)
        self.assertEqual(found["socket calls"], 2 * REQUESTS)
        self.assertEqual(found["syncs"], REQUESTS)
        self.assertEqual(found["reads"], 0)

    def test_produces_that_come_together_share_their_calls(self):
        body = wire.produce_body(TOPIC, [(0, self.batch)])

        def work():
            numbers = [self.connection.next_id() for _ in range(REQUESTS)]
            self.connection.socket.sendall(
                b"".join(wire.request(wire.PRODUCE, wire.PRODUCE_VERSION, number, body) for number in numbers))
            for number in numbers:
                wire.produced(self.connection.answer(number))

        found = self.counted(work)
        self.assertLessEqual(found["appends"], REQUESTS)
        self.assertLessEqual(found["syncs"], REQUESTS // 4)
        self.assertLessEqual(found["socket calls"], REQUESTS // 2)

    def test_a_fetch_of_what_is_cached_is_one_read(self):
        for _ in range(10):
            self.connection.produce(TOPIC, self.batch)

        def work():
            for number in range(REQUESTS):
                self.connection.fetch(TOPIC, 0, number % 10)

        found = self.counted(work)
        self.assertEqual(found["socket calls"], 2 * REQUESTS)
        self.assertLessEqual(found["reads"], REQUESTS)


if __name__ == "__main__":
    unittest.main()
