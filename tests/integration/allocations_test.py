#!/usr/bin/env python3
"""Allocations on the hot path: bounds that do not depend on how fast the machine is."""

import mmap
import os
import pathlib
import struct
import tempfile
import unittest

from integration import broker, create_topic  # first: it says where the others are

import wire

REQUESTS = 1000
TOPIC = "counted"
COUNTING = os.environ.get("COUNT_ALLOCATIONS")


@unittest.skipIf(os.environ.get("MOLDAU_SANITIZE"), "a sanitizer allocates by itself")
@unittest.skipUnless(COUNTING, "COUNT_ALLOCATIONS names the library that counts")
class Allocations(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.TemporaryDirectory()
        self.addCleanup(self.directory.cleanup)
        counter = pathlib.Path(self.directory.name) / "counter"
        counter.write_bytes(bytes(8))
        with open(counter, "r+b") as file:
            self.counter = mmap.mmap(file.fileno(), 8)
        self.addCleanup(self.counter.close)
        # What the broker does by itself now and then would be counted too.
        self.broker = broker(environment={"LD_PRELOAD": COUNTING, "ALLOCATION_COUNTER": str(counter)},
                             **{"replica.high.watermark.checkpoint.interval.ms": "600000"})
        self.broker.start()
        self.addCleanup(self.broker.close)
        create_topic(self.broker, TOPIC)
        self.connection = wire.Connection(self.broker.port)
        self.addCleanup(self.connection.close)

    def allocations(self):
        return struct.unpack_from("=Q", self.counter)[0]

    def for_each(self, work):
        """Allocations a call of `work`, after as many that warm everything."""
        for _ in range(REQUESTS):
            work()
        before = self.allocations()
        self.assertGreater(before, 0, "allocations are counted")
        for _ in range(REQUESTS):
            work()
        each = (self.allocations() - before) / REQUESTS
        print(f"{self.id().rpartition('.')[2]}: {each:.2f}")
        return each

    def produce(self, records, acks):
        batch = wire.record_batch([b"counted"] * records)
        return self.for_each(lambda: self.connection.produce(TOPIC, batch, acks=acks))

    def test_a_produce_allocates_a_bounded_number_of_times(self):
        self.assertLess(self.produce(1, acks=1), 30)

    def test_a_produce_with_acks_all_does_too(self):
        self.assertLess(self.produce(1, acks=-1), 40)

    def test_a_produce_of_more_records_allocates_no_more_often(self):
        self.assertLess(self.produce(100, acks=1), self.produce(1, acks=1) + 2)

    def test_a_fetch_allocates_a_bounded_number_of_times(self):
        self.connection.produce(TOPIC, wire.record_batch([b"counted"]))
        self.assertLess(self.for_each(lambda: self.connection.fetch(TOPIC, 0, 0)), 50)


if __name__ == "__main__":
    unittest.main()
