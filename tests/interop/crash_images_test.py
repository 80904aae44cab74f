#!/usr/bin/env python3
"""Apache Kafka opens what a power cut leaves of our directory, and serves every record that we acknowledged.

Only with MOLDAU_KAFKA_IMAGES=<count>: an image takes some twelve seconds. MOLDAU_SEED: the first image's seed.
"""

import os
import pathlib
import random
import shutil
import sys
import tempfile
import unittest

import interop
from interop import apache_kafka

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "durability"))

import crash_images  # noqa: E402

IMAGES = int(os.environ.get("MOLDAU_KAFKA_IMAGES", "0"))
SEED = int(os.environ.get("MOLDAU_SEED", random.randrange(1 << 30)))


class CrashImages(unittest.TestCase):
    def test_apache_kafka_serves_what_was_acknowledged_before_a_power_cut(self):
        if IMAGES == 0:
            self.skipTest("MOLDAU_KAFKA_IMAGES is not set")
        print(f"seed {SEED}, {IMAGES} images")
        scratch = pathlib.Path(tempfile.mkdtemp(prefix="moldau-kafka-images-"))
        (scratch / "recording").mkdir()
        recording = crash_images.record(scratch / "recording", SEED)
        for number in range(IMAGES):
            self.open_one(recording, scratch / f"image-{number}", SEED + number)
        shutil.rmtree(scratch)  # kept by a failure

    def open_one(self, recording, folder, seed):
        folder.mkdir()
        created_ns = max(recording.created_ns.values())  # before that there may be nothing to open
        line, at_ns = crash_images.make_image(recording.trace, recording.directory, folder / "data", seed, "--from", created_ns)
        kafka = apache_kafka.KafkaBroker(directory=folder, ports=recording.ports)
        try:
            kafka.start()
            there, _ = recording.topics_before(at_ns)
            found = list(crash_images.problems(recording, at_ns, there, crash_images.read(kafka, sorted(there))))
        finally:
            kafka.close()
        self.assertFalse(found, f"seed {seed}, {line}, {folder}:\n" + "\n".join(found))
        print(f"seed {seed}: {line}: {len(recording.acked_before(at_ns))} acknowledged records are there", flush=True)
        shutil.rmtree(folder)


if __name__ == "__main__":
    interop.main()
