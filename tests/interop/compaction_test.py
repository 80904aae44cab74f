#!/usr/bin/env python3
"""Compaction leaves what Apache Kafka's leaves: both compact copies of one directory, and Apache Kafka's tool prints the same
of each file, but for what depends on the clock or on a codec's library, and for the batch without records that tells where a
segment of ours ends (docs/adr/0008).
"""

import re
import shutil
import time
import unittest

import interop
from interop import apache_kafka, moldau_broker, tool

TOPIC = "keyed"
CODECS = ("none", "gzip", "snappy", "lz4", "zstd")
NEVER, ALWAYS = "1.0", "0.0001"
SETTINGS = {"log.cleaner.backoff.ms": "100", "replica.high.watermark.checkpoint.interval.ms": "100",
            "log.flush.offset.checkpoint.interval.ms": "100", "log.segment.delete.delay.ms": "0"}
TIMEOUT_S = 60
DELETED = "NULL"  # the console producer's word for a tombstone


def produce(broker, lines, codec, batch_bytes=300):
    tool(broker, apache_kafka.CONSOLE_PRODUCER, "--topic", TOPIC, "--compression-codec", codec, "--batch-size", batch_bytes,
         "--reader-property", "parse.key=true", "--reader-property", "key.separator==", "--reader-property", f"null.marker={DELETED}",
         stdin="".join(f"{line}\n" for line in lines))


def set_dirty_ratio(broker, ratio):
    tool(broker, apache_kafka.CONFIGS, "--alter", "--entity-type", "topics", "--entity-name", TOPIC,
         "--add-config", f"min.cleanable.dirty.ratio={ratio}")


def segments(broker):
    return sorted((broker.data / f"{TOPIC}-0").glob("*.log"))


def cleaned_up_to(broker):
    """As the checkpoint of cleaners has it."""
    path = broker.data / "cleaner-offset-checkpoint"
    found = re.search(rf"^{TOPIC} 0 (\d+)$", path.read_text() if path.exists() else "", re.M)
    return int(found.group(1)) if found else None


def comparable(line):
    """Without what the clock or the codec's library decides: when tombstones may go, and sizes and sums of compressed bytes."""
    line = re.sub(r"position: \d+ ", "", line)
    if "deleteHorizonMs: OptionalLong[" in line or re.search(r"compresscodec: (?!none)", line):
        line = re.sub(r" size: \d+ ", " ", re.sub(r" crc: \d+ ", " ", line))
    return re.sub(r"OptionalLong\[\d+\]", "OptionalLong[then]", line)


def without_its_end(ours, theirs):
    """Our lines without the last one, where that is a batch without records and theirs do not end with one."""
    is_empty = [lines and lines[-1].startswith("baseOffset") and " count: 0 " in lines[-1] for lines in (ours, theirs)]
    return ours[:-1] if is_empty == [True, False] else ours


class Compaction(unittest.TestCase):
    def compacted(self, broker):
        """What Apache Kafka's tool says of each segment once all that may be is compacted."""
        self.addCleanup(broker.close)
        broker.start()
        wanted = int(segments(broker)[-1].stem)
        set_dirty_ratio(broker, ALWAYS)
        deadline = time.monotonic() + TIMEOUT_S
        while cleaned_up_to(broker) != wanted:
            self.assertLess(time.monotonic(), deadline, f"cleaned up to {cleaned_up_to(broker)}, {wanted} is wanted:\n{broker.server.tail()}")
            time.sleep(0.05)
        set_dirty_ratio(broker, NEVER)
        broker.stop()
        dumps = {}
        for path in segments(broker):
            dump = apache_kafka.dump_log(path, "--deep-iteration", "--print-data-log")
            self.assertNotIn("isvalid: false", dump)
            dumps[path.name] = [comparable(line) for line in dump.splitlines() if not line.startswith("Dumping")]
        return dumps

    def both_compact(self, kafka):
        """Compares, and leaves `kafka` stopped with its own result."""
        kafka.stop()
        before = sum(path.stat().st_size for path in segments(kafka))
        copy = moldau_broker.MoldauBroker(ports=(kafka.port, kafka.controller_port), overrides=SETTINGS)
        shutil.copytree(kafka.data, copy.data)
        theirs, ours = self.compacted(kafka), self.compacted(copy)
        self.assertLess(sum(path.stat().st_size for path in segments(kafka)), before / 2)
        self.assertEqual(list(ours), list(theirs))
        self.maxDiff = 4000
        for name, lines in theirs.items():
            with self.subTest(name):
                self.assertEqual(without_its_end(ours[name], lines), lines)

    def kafka_with_records(self, delete_retention_ms):
        kafka = apache_kafka.KafkaBroker(overrides=SETTINGS)
        self.addCleanup(kafka.close)
        kafka.start()
        tool(kafka, apache_kafka.TOPICS, "--create", "--topic", TOPIC, "--config", "cleanup.policy=compact",
             "--config", f"min.cleanable.dirty.ratio={NEVER}", "--config", "internal.segment.bytes=6000",
             "--config", "index.interval.bytes=500", "--config", f"delete.retention.ms={delete_retention_ms}")
        self.more_records(kafka, 0)
        return kafka

    def more_records(self, kafka, first):
        """Some keys many times and some once, a few of them deleted, in batches of one and of several records, of every codec."""
        for round_, codec in enumerate(CODECS):
            lines = []
            for i in range(200):
                number = first + round_ * 200 + i
                key = f"once-{number}" if i % 17 == 0 else f"key-{number * number % 61}"
                lines.append(f"{key}={DELETED if i % 23 == 5 else f'value {number} ' * (1 + i % 3)}")
            produce(kafka, lines, codec, batch_bytes=60 if codec == "none" and first == 0 else 300)

    def test_tombstones_that_stay(self):
        self.both_compact(self.kafka_with_records(delete_retention_ms=86_400_000))

    def test_a_second_time_with_tombstones_that_go(self):
        kafka = self.kafka_with_records(delete_retention_ms=0)
        self.both_compact(kafka)
        kafka.start()
        self.more_records(kafka, 1000)
        self.both_compact(kafka)


if __name__ == "__main__":
    interop.main()
