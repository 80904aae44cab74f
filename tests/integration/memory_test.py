#!/usr/bin/env python3
"""Resident memory after load, after many connections came and went, and while many are open and idle."""

import os
import random
import time
import unittest

from integration import RESIDENT_MEMORY_COUNTS, broker, create_topic  # first: it says where the others are

import wire

LOAD_BYTES = int(os.environ.get("MOLDAU_LOAD_BYTES", str(300 << 20)))
CONNECTIONS = 1000
GROWTH_BOUND = 20 << 20
BYTES_A_CONNECTION_BOUND = 16 << 10
TOPIC, PARTITIONS = "load", 4
PRODUCERS = 8
SETTLE_S = 15


@unittest.skipUnless(RESIDENT_MEMORY_COUNTS, "a sanitizer's memory is not the broker's")
class Memory(unittest.TestCase):
    def through(self, port, size_bytes, seed):
        """So many bytes in batches of all sizes, produced on several connections at once and read back behind them."""
        draw = random.Random(seed)
        batches = [wire.record_batch([draw.randbytes(500)] * count) for count in (1, 3, 10, 40, 150, 500, 1800)]
        weights = [len(batch) for batch in batches]
        producers = [wire.Connection(port) for _ in range(PRODUCERS)]
        with wire.Connection(port) as consumer:
            ends, sent, round_number = [0] * PARTITIONS, 0, 0
            while sent < size_bytes:
                calls = []
                for producer in producers:  # all are on their way before the first is answered
                    partition = draw.randrange(PARTITIONS)
                    # As many bytes go in small batches as in large ones, but not as many batches.
                    batch = draw.choices(batches, [1 + weight // 5000 for weight in weights])[0]
                    body = wire.produce_body(TOPIC, [(partition, batch)], acks=draw.choice([1, 1, 1, -1]))
                    number = producer.next_id()
                    producer.socket.sendall(wire.request(wire.PRODUCE, wire.PRODUCE_VERSION, number, body))
                    calls.append((producer, number))
                    sent += len(batch)
                for producer, number in calls:
                    wire.produced(producer.answer(number))
                partition = round_number % PARTITIONS
                round_number += 1
                data = consumer.fetch(TOPIC, partition, ends[partition], max_wait_ms=0, max_bytes=16 << 20)
                ends[partition] = wire.end_offset(data, ends[partition])
        for producer in producers:
            producer.close()

    def come_and_go(self, port, count):
        for _ in range(count):
            with wire.Connection(port) as connection:
                connection.call(wire.METADATA, wire.METADATA_VERSION, wire.metadata_body([TOPIC]))

    def wait_until_below(self, under_test, bound, what):
        """Freed memory goes back with the next work of its shard; a busy neighbour may delay that."""
        deadline = time.monotonic() + SETTLE_S
        while (now := under_test.server.resident_bytes()) >= bound:
            self.assertLess(time.monotonic(), deadline, f"{what}: {now >> 10} KiB resident, {bound >> 10} were to be")
            time.sleep(0.05)
        return now

    def test_load_and_connections_leave_nothing_behind(self):
        seed = random.randrange(1 << 30)
        print(f"seed {seed}, {LOAD_BYTES >> 20} MiB")
        # The records are of 1970: by size alone are they to go.
        limits = {"log.retention.ms": "-1", "log.retention.bytes": str(1 << 30), "log.segment.bytes": str(128 << 20),
                  "log.retention.check.interval.ms": "1000", "log.segment.delete.delay.ms": "1000"}
        with broker(**limits) as under_test:
            create_topic(under_test, TOPIC, PARTITIONS)
            self.through(under_test.port, 16 << 20, seed)  # warm
            self.come_and_go(under_test.port, 50)
            idle = under_test.server.resident_bytes()
            self.through(under_test.port, LOAD_BYTES, seed + 1)
            loaded = under_test.server.resident_bytes()
            self.come_and_go(under_test.port, CONNECTIONS)
            after = self.wait_until_below(under_test, idle + GROWTH_BOUND, "after load and connections")
            print(f"idle {idle >> 10} KiB, after load {loaded >> 10} KiB, after {CONNECTIONS} connections {after >> 10} KiB")

    def test_an_idle_connection_costs_little(self):
        with broker() as under_test:
            create_topic(under_test, TOPIC, PARTITIONS)
            self.come_and_go(under_test.port, 50)
            idle = under_test.server.resident_bytes()
            connections = [wire.Connection(under_test.port) for _ in range(CONNECTIONS)]
            for connection in connections:
                connection.call(wire.METADATA, wire.METADATA_VERSION, wire.metadata_body([TOPIC]))
            each = (under_test.server.resident_bytes() - idle) // CONNECTIONS
            print(f"{each} bytes a connection")
            self.assertLess(each, BYTES_A_CONNECTION_BOUND)
            for connection in connections:
                connection.close()


if __name__ == "__main__":
    unittest.main()
