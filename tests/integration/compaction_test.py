#!/usr/bin/env python3
"""Compaction in a running broker that is killed again and again: files shrink, the last record of each key stays, what
was deleted does not come back, and a group's offsets are what was committed last.
"""

import random
import time
import unittest

from integration import broker, kcat
from moldau_broker import run

import wire

# What is compacted holds less than this.
SMALL_BYTES = 100_000
SETTINGS = {"log.cleaner.backoff.ms": "50", "log.cleaner.min.cleanable.ratio": "0.01", "offsets.topic.num.partitions": "1",
            "log.roll.ms": "100", "log.segment.delete.delay.ms": "0",
            "replica.high.watermark.checkpoint.interval.ms": "100"}
TIMEOUT_S = 60
RETRIABLE = {14, 15, 16}  # a coordinator that is made, loads or moves


class Compaction(unittest.TestCase):
    def setUp(self):
        self.broker = broker(**SETTINGS)
        self.addCleanup(self.broker.close)
        self.broker.start()

    def log_bytes(self, partition):
        """Of all segments; one may go while it is looked at."""
        total = 0
        for path in (self.broker.data / partition).glob("*.log"):
            try:
                total += path.stat().st_size
            except FileNotFoundError:
                pass
        return total

    def wait_until(self, reached, what):
        deadline = time.monotonic() + TIMEOUT_S
        while not reached():
            self.assertLess(time.monotonic(), deadline, f"{what}:\n{self.broker.server.tail()}")
            time.sleep(0.01)

    def restart_by_force(self):
        self.broker.kill()
        self.broker.start()

    def test_the_last_record_of_each_key_stays(self):
        seed = random.randrange(1 << 32)
        draw = random.Random(seed)
        run("topic", "create", "keyed", "--config", "cleanup.policy=compact", "--config", "delete.retention.ms=0",
            "-b", self.broker.address)
        last, sent = {}, 0

        def send(connection, count):
            """Each record is unlike all others; a tenth of the keys is deleted now and then."""
            nonlocal sent
            keys, values = [], []
            for _ in range(count):
                key = f"key-{draw.randrange(100)}"
                last[key] = None if key.endswith("7") and draw.random() < 0.5 else f"{sent:0100}"
                keys.append(key.encode())
                values.append(None if last[key] is None else last[key].encode())
                sent += 1
            connection.produce("keyed", wire.record_batch(values, int(time.time() * 1000), keys=keys))

        for _ in range(4):
            with wire.Connection(self.broker.port) as connection:
                for _ in range(60):
                    send(connection, 50)

                def is_small():
                    send(connection, 1)  # the last segment is closed by what comes after its time
                    return self.log_bytes("keyed-0") < SMALL_BYTES

                self.wait_until(is_small, f"nothing is compacted (seed {seed})")
                for _ in range(draw.randrange(20)):
                    send(connection, 50)
            self.restart_by_force()
            self.check(last, sent, seed)
        self.broker.stop()

    def check(self, last, sent, seed):
        read = kcat(self.broker, "-C", "-t", "keyed", "-p", "0", "-o", "beginning", "-e", "-q", "-f", "%o %k %S %s\n").stdout.decode()
        found, offsets = {}, []
        for line in read.splitlines():
            offset, key, size, value = line.split(" ")
            offsets.append(int(offset))
            found[key] = None if int(size) < 0 else value
        self.assertEqual(offsets, sorted(set(offsets)))
        self.assertLess(offsets[-1], sent)
        for key, value in last.items():
            if value is None:
                self.assertIsNone(found.get(key), f"{key} was deleted (seed {seed})")
            else:
                self.assertEqual(found.get(key), value, f"{key} (seed {seed})")
        self.assertLessEqual(set(found), set(last))

    def test_committed_offsets_stay_and_their_topic_does_not_grow(self):
        topic, partitions, commits = "counted", 20, 0
        run("topic", "create", topic, "--partitions", str(partitions), "-b", self.broker.address)
        for group in ("first", "second"):
            self.wait_for_coordinator(group)
        for _ in range(3):
            with wire.Connection(self.broker.port) as connection:

                def commit():
                    nonlocal commits
                    commits += 1
                    for group, factor in (("first", 1), ("second", 2)):
                        error = connection.commit(group, topic, [factor * commits + index for index in range(partitions)])
                        self.assertEqual(error, 0)

                for _ in range(200):  # 8,000 records, of more than fifty bytes each
                    commit()

                def is_small():
                    commit()
                    return self.log_bytes("__consumer_offsets-0") < SMALL_BYTES

                self.wait_until(is_small, "the offsets' topic grows")
            self.restart_by_force()
            for group, factor in (("first", 1), ("second", 2)):
                self.wait_for_coordinator(group)
                with wire.Connection(self.broker.port) as connection:
                    self.assertEqual(connection.committed(group, topic, partitions),
                                     [(0, factor * commits + index) for index in range(partitions)])
        self.broker.stop()

    def wait_for_coordinator(self, group):
        def answers():
            with wire.Connection(self.broker.port) as connection:
                connection.call(wire.FIND_COORDINATOR, 0, wire.text(group))
                error, _ = connection.committed(group, "counted", 1)[0]
            self.assertIn(error, RETRIABLE | {0})
            return error == 0

        self.wait_until(answers, "there is no coordinator")


if __name__ == "__main__":
    unittest.main()
