#!/usr/bin/env python3
"""A partition that cannot be opened: whoever asks for it is told that, not that it does not exist."""

import json
import os
import unittest

from integration import broker, create_topic
from moldau_broker import run

import wire

KAFKA_STORAGE_ERROR, UNKNOWN_TOPIC_OR_PARTITION = 56, 3


class Offline(unittest.TestCase):
    def setUp(self):
        self.broker = broker()
        self.addCleanup(self.broker.close)
        self.broker.start()
        for topic in ("damaged", "whole"):
            create_topic(self.broker, topic)
            with wire.Connection(self.broker.port) as connection:
                connection.produce(topic, wire.record_batch([b"value"]))
        self.broker.stop()
        os.truncate(self.broker.data / "damaged-0" / f"{0:020}.log", 0)
        self.broker.start()

    def test_answers_name_the_storage(self):
        with wire.Connection(self.broker.port) as connection:
            asked = {"Produce": lambda topic: connection.produce(topic, wire.record_batch([b"value"])),
                     "Fetch": lambda topic: connection.fetch(topic, 0, 0),
                     "ListOffsets": lambda topic: connection.offset_of_time(topic, 0, -1)}
            for name, ask in asked.items():
                with self.subTest(name):
                    ask("whole")
                    for topic, error in (("damaged", KAFKA_STORAGE_ERROR), ("missing", UNKNOWN_TOPIC_OR_PARTITION)):
                        with self.assertRaisesRegex(RuntimeError, rf"error {error}\b"):
                            ask(topic)

    def test_it_is_described_as_offline(self):
        described = run("topic", "describe", "damaged", "-o", "json", "--bootstrap", self.broker.address)
        partition = json.loads(described.stdout)[0]["partitions"][0]
        self.assertEqual(partition["offline_replicas"], [1], partition)

    def test_the_command_line_sends_its_user_to_the_log(self):
        where = ("--timeout", "1s", "--bootstrap", self.broker.address)
        told = run("consume", "damaged", "--exit-at-end", *where, check=False)
        self.assertNotEqual(told.returncode, 0)
        self.assertIn("partition 0 of topic 'damaged': the partition's files cannot be used", told.stderr)
        self.assertIn("(KAFKA_STORAGE_ERROR); the broker's log names the cause", told.stderr)
        told = run("produce", "damaged", "--delivery-timeout", "1s", *where, stdin="value\n", check=False)
        self.assertNotEqual(told.returncode, 0)
        self.assertIn("KAFKA_STORAGE_ERROR", told.stderr)
        self.assertIn("damaged-0 is offline: ", self.broker.log_path.read_text())


if __name__ == "__main__":
    unittest.main()
