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

SUITES = ("apiversions", "metadata", "produce", "listoffsets", "fetch", "admin", "configs", "coordinators", "joins", "rounds",
          "static", "offsets", "groups")
MOST_SHOWN = 200
EXCEPTIONS = pathlib.Path(__file__).with_name("exceptions.txt")
# Groups whose rounds begin at once, are soon full, and whose members may be short-lived.
GROUPS = {"group.initial.rebalance.delay.ms": "0", "group.max.size": "3", "group.min.session.timeout.ms": "100"}
# Where the brokers' own defaults for one node differ: equal on both sides.
OVERRIDES = GROUPS | {f"{prefix}.{key}": "1" for prefix in ("share.coordinator.state.topic", "transaction.state.log")
             for key in ("replication.factor", "min.isr")} | {"offsets.topic.replication.factor": "1"}


def answers_of(broker):
    """The lines of each suite, asked one after the other: later suites see what earlier ones left. Then what was written of groups."""
    with broker:
        lines = {}
        for suite in SUITES:
            lines[suite] = apache_kafka.java("moldau.interop.Ask", broker.address, suite, timeout_s=120).stdout.splitlines()
        broker.stop()
        return lines, apache_kafka.java("moldau.interop.OffsetsLog", broker.data).stdout.splitlines()


class Differential(unittest.TestCase):
    def test_answers_are_those_of_apache_kafka(self):
        expected, kafka_records = answers_of(apache_kafka.KafkaBroker(overrides=OVERRIDES))
        given, our_records = answers_of(interop.new_broker(overrides=OVERRIDES))
        exceptions = answers.Exceptions(EXCEPTIONS.read_text())

        def check(differences):
            found = [f"{question}: {path}: Kafka says {kafka!r:.200}, the broker {ours!r:.200}"
                     for question, path, kafka, ours in differences if not exceptions.covers(question, path)]
            self.assertEqual(len(found), 0, "\n".join(found[:MOST_SHOWN]))

        for suite in SUITES:
            with self.subTest(suite):
                self.assertGreater(len(expected[suite]), 10)
                check(answers.compare(suite, expected[suite], given[suite]))
        with self.subTest("records of __consumer_offsets"):
            self.assertGreater(len(kafka_records), 100)
            check(answers.compare_records(kafka_records, our_records, sum(expected.values(), []), sum(given.values(), [])))
        if interop.target == "moldau":
            self.assertEqual(exceptions.unused(), [], "exceptions that nothing needs any more")


if __name__ == "__main__":
    interop.main()
