#!/usr/bin/env python3
"""Connections are cut when a Produce has been sent and is not answered: an idempotent client sends it again, and every
record is there once, in order.
"""

import os
import pathlib
import random
import tempfile
import time
import unittest

from integration import broker, create_topic, run_client, start_client  # first: it says where the others are

import processes
from cutting_proxy import CuttingProxy

CUTS = int(os.environ.get("MOLDAU_CUTS", "50"))
PARTITIONS = 3
TOPIC = "cut"


class Cut(unittest.TestCase):
    def test_an_idempotent_producer_is_stored_once_and_in_order(self):
        seed = random.randrange(1 << 30)
        print(f"seed {seed}, {CUTS} cuts")
        proxy_port = processes.free_ports(1)[0]
        with tempfile.TemporaryDirectory() as directory, \
                broker(**{"advertised.listeners": f"PLAINTEXT://127.0.0.1:{proxy_port}"}) as under_test:
            proxy = CuttingProxy(proxy_port, under_test.port, seed)
            proxy.is_cutting = False
            create_topic(under_test, TOPIC, PARTITIONS)
            proxy.is_cutting = True
            acked = pathlib.Path(directory) / "acked"
            client = start_client("produce", f"127.0.0.1:{proxy_port}", TOPIC, str(PARTITIONS), str(acked),
                                  "enable.idempotence=true", "reconnect.backoff.ms=1", "reconnect.backoff.max.ms=20",
                                  "retry.backoff.ms=5", "message.timeout.ms=60000")
            deadline = time.monotonic() + 15 + CUTS / 5
            while proxy.cuts < CUTS:
                self.assertLess(time.monotonic(), deadline, f"only {proxy.cuts} cuts")
                self.assertIsNone(client.poll(), "the client ends by itself")
                time.sleep(0.005)
            proxy.is_cutting = False
            _, errors = client.communicate(timeout=60)
            self.assertEqual(client.returncode, 0, errors.decode())
            self.assertIn("failed 0", errors.decode())

            acknowledged = [line.rsplit(" ", 1)[0] for line in acked.read_text().splitlines()]  # a time ends it
            stored = run_client("read", f"127.0.0.1:{proxy_port}", TOPIC, str(PARTITIONS)).splitlines()
            proxy.close()
            print(f"{proxy.cuts} cuts, {len(acknowledged)} records")
            self.assertGreater(len(acknowledged), CUTS)
            for partition in range(PARTITIONS):
                numbers = [int(line.rsplit("-", 1)[1]) for line in stored if line.startswith(f"{TOPIC} {partition} ")]
                self.assertEqual(numbers, list(range(partition, len(acknowledged), PARTITIONS)), f"partition {partition}")
            self.assertEqual(set(acknowledged), set(stored), "each acknowledgement told the offset")


if __name__ == "__main__":
    unittest.main()
