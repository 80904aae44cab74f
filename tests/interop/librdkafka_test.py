#!/usr/bin/env python3
"""librdkafka, as its Python package brings it, at work with the broker; then a look at the files that it filled."""

import pathlib
import re
import subprocess
import unittest

import interop
from interop import apache_kafka
import client_packages

SCRIPT = pathlib.Path(__file__).with_name("librdkafka_client.py")


class Librdkafka(unittest.TestCase):
    def test_every_codec_plain_and_idempotent(self):
        try:
            python = client_packages.python("librdkafka")
        except apache_kafka.Unavailable as missing:
            self.skipTest(str(missing))
        broker = interop.new_broker()
        self.addCleanup(broker.close)
        broker.start()
        done = subprocess.run([python, SCRIPT, broker.address], capture_output=True, text=True, timeout=180)
        self.assertEqual((done.returncode, done.stdout.count("ok librdkafka-")), (0, 10), done.stdout + done.stderr)
        broker.stop()
        for codec in ("none", "gzip", "snappy", "lz4", "zstd"):
            for kind in ("plain", "idempotent"):
                with self.subTest(codec=codec, kind=kind):
                    self.check_files(broker.data / f"librdkafka-{codec}-{kind}-0", codec, kind == "idempotent")

    def check_files(self, directory, codec, idempotent):
        """Batches keep the codec that the producer was told, and only an idempotent producer's have its id."""
        dump = apache_kafka.dump_log(directory / "00000000000000000000.log")
        self.assertEqual(set(re.findall(r"compresscodec: (\w+)", dump)), {codec})
        self.assertEqual(set(re.findall(r"isvalid: (\w+)", dump)), {"true"})
        ids = set(re.findall(r"producerId: (-?\d+)", dump))
        self.assertEqual(ids == {"-1"}, not idempotent, ids)


if __name__ == "__main__":
    interop.main()
