#!/usr/bin/env python3
"""kill -9 under acks=all load: what was acknowledged is there, at its offset, once."""

import os
import pathlib
import random
import tempfile
import time
import unittest

from integration import broker, run_client, start_client

PARTITIONS = 3
ROUNDS = int(os.environ.get("MOLDAU_KILLS", "4"))


class Kill(unittest.TestCase):
    def check(self, acked_file, under_test, exactly_once):
        acked = [line.rsplit(" ", 1)[0] for line in acked_file.read_text().splitlines()]
        stored = run_client("read", under_test.address, "killed", str(PARTITIONS)).splitlines()
        self.assertGreater(len(acked), 0)
        missing = set(acked) - set(stored)
        self.assertFalse(missing, f"{len(missing)} acknowledged records are gone, e.g. {sorted(missing)[:3]}")
        if exactly_once:
            values = [line.split(" ")[3] for line in stored]
            self.assertEqual(len(values), len(set(values)), "a record of an idempotent producer is there twice")
        for partition in range(PARTITIONS):
            offsets = [int(line.split(" ")[2]) for line in stored if line.startswith(f"killed {partition} ")]
            self.assertEqual(offsets, list(range(len(offsets))), "offsets are dense")

    def run_rounds(self, idempotent):
        seed = random.randrange(1 << 30)
        print(f"seed {seed}, {ROUNDS} kills")
        draw = random.Random(seed)
        with tempfile.TemporaryDirectory() as directory, broker(**{"num.partitions": str(PARTITIONS)}) as under_test:
            acked = pathlib.Path(directory) / "acked"
            acked.touch()
            for _ in range(ROUNDS):
                client = start_client("produce", under_test.address, "killed", str(PARTITIONS), str(acked),
                                      f"enable.idempotence={'true' if idempotent else 'false'}")
                before = acked.stat().st_size
                deadline = time.monotonic() + 20
                while acked.stat().st_size == before:
                    if time.monotonic() > deadline:
                        client.kill()
                        _, errors = client.communicate()
                        self.fail(f"nothing is acknowledged:\n{errors.decode()}\n{under_test.server.tail()}")
                    time.sleep(0.002)
                time.sleep(draw.random() * 0.2)  # somewhere in the midst of the load
                under_test.kill()
                under_test.start()
                _, errors = client.communicate(timeout=60)
                self.assertEqual(client.returncode, 0, errors.decode())
                self.check(acked, under_test, idempotent)

    def test_idempotent_producer(self):
        self.run_rounds(idempotent=True)

    def test_plain_producer(self):
        self.run_rounds(idempotent=False)


if __name__ == "__main__":
    unittest.main()
