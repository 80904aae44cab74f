#!/usr/bin/env python3
"""The same scripted questions to Apache Kafka and to the broker: the decoded answers differ only where it is meant.

What is meant stands in exceptions.txt, one reason a line. With `--target kafka` two Apache Kafkas are compared, which
shows what no two runs share.
"""

import pathlib
import unittest

import answers
import interop
from interop import apache_kafka

SUITES = ("apiversions", "metadata", "produce", "listoffsets", "fetch", "admin", "configs")
EXCEPTIONS = pathlib.Path(__file__).with_name("exceptions.txt")
# Where the brokers' own defaults for one node differ: equal on both sides.
OVERRIDES = {f"{prefix}.{key}": "1" for prefix in ("share.coordinator.state.topic", "transaction.state.log")
             for key in ("replication.factor", "min.isr")} | {"offsets.topic.replication.factor": "1"}


def answers_of(broker):
    """The lines of each suite, asked one after the other: later suites see what earlier ones left."""
    with broker:
        lines = {}
        for suite in SUITES:
            lines[suite] = apache_kafka.java("moldau.interop.Ask", broker.address, suite, timeout_s=120).stdout.splitlines()
        broker.stop()
        return lines


class Differential(unittest.TestCase):
    def test_answers_are_those_of_apache_kafka(self):
        expected = answers_of(apache_kafka.KafkaBroker(overrides=OVERRIDES))
        given = answers_of(interop.new_broker(overrides=OVERRIDES))
        exceptions = answers.Exceptions(EXCEPTIONS.read_text())
        for suite in SUITES:
            with self.subTest(suite):
                self.assertGreater(len(expected[suite]), 10)
                found = [f"{question}: {path}: Kafka says {kafka!r:.200}, the broker {ours!r:.200}"
                         for question, path, kafka, ours in answers.compare(suite, expected[suite], given[suite])
                         if not exceptions.covers(question, path)]
                self.assertEqual(found, [], "\n".join(found))
        if interop.target == "moldau":
            self.assertEqual(exceptions.unused(), [], "exceptions that nothing needs any more")


if __name__ == "__main__":
    interop.main()
