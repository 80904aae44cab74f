#!/usr/bin/env python3
"""Apache Kafka opens what a power cut leaves of our directory, and serves every record that we acknowledged.

Apache Kafka has two defects here, with directories of its own too: where the index of a segment did not survive, it rebuilds
its producers from what lies before without having recovered that, and ends at the first hole; and a segment that lost its end
at a boundary of batches keeps those behind it, so that readers wait at the hole until somebody appends. Of such an image our
broker is the first to make what it can, and Apache Kafka opens what that leaves.

Only with MOLDAU_KAFKA_IMAGES=<count>: an image takes some twelve seconds. MOLDAU_SEED: the first image's seed.
"""

import os
import pathlib
import random
import re
import shutil
import sys
import tempfile
import unittest

import interop
import wire
from interop import apache_kafka
from moldau_broker import MoldauBroker

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "durability"))

import crash_images  # noqa: E402

IMAGES = int(os.environ.get("MOLDAU_KAFKA_IMAGES", "0"))
SEED = int(os.environ.get("MOLDAU_SEED", random.randrange(1 << 30)))
RECOVERY_POINTS = "recovery-point-offset-checkpoint"
ENDS_AT_A_HOLE = re.compile(r"CorruptRecordException: Found record size 0 .* in file \S*/([^/]+)-(\d+)/(\d+)\.log")


def recovery_points(data):
    """By topic and partition."""
    path = data / RECOVERY_POINTS
    lines = path.read_text().splitlines()[2:] if path.exists() else []
    return {tuple(line.split(" ")[:2]): int(line.split(" ")[2]) for line in lines}


def ended_where_nothing_was_durable(log, data, points):
    """Whether Apache Kafka ended at a hole in a segment that the directory says was not recovered yet."""
    found = ENDS_AT_A_HOLE.search(log)
    if not found:
        return False
    topic, partition, base = found[1], found[2], int(found[3])
    later = [int(path.stem) for path in (data / f"{topic}-{partition}").glob("*.log") if int(path.stem) > base]
    return points.get((topic, partition), 0) < min(later, default=1 << 63)


def waits_where_nothing_was_durable(data, points):
    """Whether Apache Kafka has kept a segment behind the end of one that lost its own, which was not recovered yet: whoever
    reads waits there until somebody appends."""
    for folder in data.iterdir():
        topic, _, partition = folder.name.rpartition("-")
        logs = sorted(folder.glob("*.log"), key=lambda path: int(path.stem))
        for log, later in zip(logs, logs[1:]):
            end = wire.end_offset(log.read_bytes(), int(log.stem))
            if points.get((topic, partition), 0) <= end < int(later.stem):
                return True
    return False


class CrashImages(unittest.TestCase):
    def test_apache_kafka_serves_what_was_acknowledged_before_a_power_cut(self):
        if IMAGES == 0:
            self.skipTest("MOLDAU_KAFKA_IMAGES is not set")
        print(f"seed {SEED}, {IMAGES} images")
        scratch = pathlib.Path(tempfile.mkdtemp(prefix="moldau-kafka-images-"))
        (scratch / "recording").mkdir()
        recording = crash_images.record(scratch / "recording", SEED)
        recovered = sum(self.open_one(recording, scratch / f"image-{number}", SEED + number) for number in range(IMAGES))
        print(f"{IMAGES} images, {recovered} of them recovered by our broker before")
        shutil.rmtree(scratch)  # kept by a failure

    def open_one(self, recording, folder, seed):
        """Returns whether our broker had to open the image before."""
        folder.mkdir()
        created_ns = max(recording.created_ns.values())  # before that there may be nothing to open
        cut = recording.trace, recording.directory, folder / "data", seed, "--from", created_ns
        line, at_ns = crash_images.make_image(*cut)
        points = recovery_points(folder / "data")
        kafka = apache_kafka.KafkaBroker(directory=folder, ports=recording.ports)
        there, _ = recording.topics_before(at_ns)
        recovers = False
        try:
            try:
                kafka.start()
                stored = crash_images.read(kafka, sorted(there))
            except RuntimeError:
                kafka.close()
                recovers = (ended_where_nothing_was_durable(kafka.log_path.read_text(), folder / "data", points)
                            or waits_where_nothing_was_durable(folder / "data", points))
                if not recovers:
                    raise
                shutil.rmtree(folder / "data")
                crash_images.make_image(*cut)
                with MoldauBroker(directory=folder, ports=recording.ports) as broker:
                    broker.stop()
                kafka.start()
                stored = crash_images.read(kafka, sorted(there))
            found = list(crash_images.problems(recording, at_ns, there, stored))
        finally:
            kafka.close()
        self.assertFalse(found, f"seed {seed}, {line}, {folder}:\n" + "\n".join(found))
        print(f"seed {seed}: {line}: {len(recording.acked_before(at_ns))} acknowledged records are there"
              + (", recovered by our broker" if recovers else ""), flush=True)
        shutil.rmtree(folder)
        return recovers


if __name__ == "__main__":
    interop.main()
