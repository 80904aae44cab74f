#!/usr/bin/env python3
"""Fewer descriptors than partitions and segments: all is served with those that there are, also after a kill, and too many
connections leave the others alone."""

import os
import resource
import socket
import unittest

from integration import broker, create_topic, kcat

LIMIT = 256
PREFIX = ["prlimit", f"--nofile={LIMIT}:{LIMIT}", "--"]
PARTITIONS = 300
RECORDS = 3000


# Without a descriptor left the undefined behaviour sanitizer takes every object for a wrong one.
@unittest.skipIf(os.environ.get("MOLDAU_SANITIZE") == "address", "the sanitizer needs descriptors of its own")
class Descriptors(unittest.TestCase):
    def setUp(self):
        self.broker = broker(prefix=PREFIX)
        self.addCleanup(self.broker.close)
        self.start()

    def start(self):
        self.broker.start()
        self.assertEqual(resource.prlimit(self.broker.server.process.pid, resource.RLIMIT_NOFILE), (LIMIT, LIMIT))

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.broker.server.process.pid}/fd"))

    def expect_all(self):
        done = kcat(self.broker, "-C", "-t", "many", "-o", "beginning", "-e", "-q")
        self.assertEqual(sorted(done.stdout.decode().split()), sorted(self.values))

    def test_more_partitions_than_descriptors(self):
        create_topic(self.broker, "many", PARTITIONS)
        self.values = [str(i) for i in range(RECORDS)]
        kcat(self.broker, "-P", "-t", "many", "-X", "acks=all", "-X", "sticky.partitioning.linger.ms=0", "-K", ":",
             stdin="\n".join(f"{value}:{value}" for value in self.values).encode())
        self.expect_all()
        self.assertLess(self.descriptors(), LIMIT)
        self.broker.kill()
        self.start()
        self.expect_all()
        self.broker.stop()
        self.start()
        self.expect_all()

    def test_more_connections_than_descriptors(self):
        create_topic(self.broker, "few")
        sockets = []
        self.addCleanup(lambda: [each.close() for each in sockets])
        for _ in range(LIMIT):
            sockets.append(socket.create_connection(("127.0.0.1", self.broker.port), timeout=10))
        while sockets:
            sockets.pop().close()
        kcat(self.broker, "-P", "-t", "few", "-X", "acks=all", stdin=b"1\n")
        done = kcat(self.broker, "-C", "-t", "few", "-o", "beginning", "-e", "-q")
        self.assertEqual(done.stdout, b"1\n")


if __name__ == "__main__":
    unittest.main(verbosity=2)
