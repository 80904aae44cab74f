#!/usr/bin/env python3
"""kcat produces keyed text into several partitions and reads it back identical and in order per key."""

import random
import unittest

from integration import broker, kcat


def text_lines(count, seed):
    print(f"seed {seed}")
    draw = random.Random(seed)
    words = "the stream runs through the city under its bridges and carries every record in its order".split()
    return [f"{draw.randrange(50)}:{number} {' '.join(draw.choices(words, k=draw.randrange(1, 20)))}"
            for number in range(count)]


def by_key(lines):
    sequences = {}
    for line in lines:
        key, value = line.split(":", 1)
        sequences.setdefault(key, []).append(value)
    return sequences


class Kcat(unittest.TestCase):
    def test_reads_back_what_it_produced(self):
        lines = text_lines(50_000, seed=20261121)
        with broker(**{"num.partitions": "4"}) as under_test:
            for codec in ("none", "gzip", "snappy", "lz4", "zstd"):
                topic = f"text-{codec}"
                kcat(under_test, "-P", "-t", topic, "-K", ":", "-z", codec, "-X", "acks=all",
                     stdin="\n".join(lines).encode() + b"\n")
                read = kcat(under_test, "-C", "-t", topic, "-e", "-q", "-K", ":", "-o", "beginning").stdout.decode()
                self.assertEqual(by_key(read.splitlines()), by_key(lines), codec)

    def test_starts_again_with_everything(self):
        lines = text_lines(5_000, seed=7)
        with broker() as under_test:
            kcat(under_test, "-P", "-t", "kept", "-K", ":", stdin="\n".join(lines).encode() + b"\n")
            for end in (under_test.stop, under_test.kill, under_test.stop):
                end()
                under_test.start()
                read = kcat(under_test, "-C", "-t", "kept", "-e", "-q", "-K", ":", "-o", "beginning").stdout.decode()
                self.assertEqual(read.splitlines(), lines)

    def test_an_internal_topic_is_made_as_its_coordinator_needs_it_and_is_not_for_clients_to_write(self):
        with broker() as under_test:
            for internal in ("__consumer_offsets", "__transaction_state"):
                refused = kcat(under_test, "-P", "-t", internal, "-X", "message.timeout.ms=3000",
                               "-X", "topic.metadata.propagation.max.ms=500", stdin=b"x\n", check=False)
                self.assertNotEqual(refused.returncode, 0)
            listing = kcat(under_test, "-L").stdout.decode()
            self.assertIn('topic "__consumer_offsets" with 50 partitions', listing)
            self.assertNotIn("__transaction_state", listing)

    def test_a_group_goes_on_where_it_was_after_any_end_of_the_broker(self):
        with broker(**{"group.initial.rebalance.delay.ms": "0"}) as under_test:
            def consume(count):
                read = kcat(under_test, "-G", "readers", "-q", "-c", str(count), "-X", "auto.offset.reset=earliest", "lines")
                return [int(line) for line in read.stdout.split()]

            kcat(under_test, "-P", "-t", "lines", stdin="".join(f"{i}\n" for i in range(40)).encode())
            self.assertEqual(consume(10), list(range(10)))
            for end, first in ((under_test.stop, 10), (under_test.kill, 20), (under_test.kill, 30)):
                end()
                under_test.start()
                self.assertEqual(consume(10), list(range(first, first + 10)))

    def test_lists_the_broker_and_its_topics(self):
        with broker() as under_test:
            kcat(under_test, "-P", "-t", "one", stdin=b"x\n")
            listing = kcat(under_test, "-L").stdout.decode()
            self.assertIn(under_test.address, listing)
            self.assertIn('topic "one" with 1 partitions', listing)


if __name__ == "__main__":
    unittest.main()
