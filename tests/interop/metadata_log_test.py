#!/usr/bin/env python3
"""The same scripted calls leave the same records in the broker's metadata log as in Apache Kafka's.

What no two runs share is given a name at its first appearance: ids, epochs, ports. NoOps are dropped, and records
whose order Kafka leaves open are brought into one.
"""

import json
import re
import unittest

import interop
from interop import apache_kafka

UUID = re.compile(r"^[A-Za-z0-9_-]{22}$")
# Levels of features that are not finalised differ with what a broker offers; these two every node has.
COMPARED_FEATURES = ("kraft.version", "metadata.version")


class Normaliser:
    def __init__(self, broker):
        self._ports = {broker.port: "broker port", broker.controller_port: "controller port"}
        self._names = {}

    def _name(self, kind, value):
        return self._names.setdefault((kind, value), f"{kind} {sum(1 for known, _ in self._names if known == kind) + 1}")

    def value(self, key, value):
        if isinstance(value, dict):
            return {inner: self.value(inner, of) for inner, of in value.items()}
        if isinstance(value, list):
            values = [self.value(key, each) for each in value]
            if key == "features":
                values = sorted((each for each in values if each["name"] in COMPARED_FEATURES), key=lambda each: each["name"])
            return values
        if key == "brokerEpoch":
            return self._name("epoch", value)
        if key == "port":
            return self._ports.get(value, value)
        if isinstance(value, str) and UUID.match(value):
            return self._name("id", value)
        return value


def records(broker):
    """The records of the metadata log, as JSON in the order of the log, normalised."""
    dump = apache_kafka.dump_log(broker.data / "__cluster_metadata-0" / "00000000000000000000.log", "--cluster-metadata-decoder")
    normaliser = Normaliser(broker)
    found = []
    for line in dump.splitlines():
        if not line.startswith("|"):
            continue
        text = line.split("headerKeys: [] ", 1)[1]
        name, _, body = text.partition(" ")
        record = json.loads(body)
        if name == "payload:":
            name = record.pop("type")
        if name != "NO_OP_RECORD":
            found.append((name.rstrip(":"), normaliser.value("", record)))
    return in_one_order(found)


def in_one_order(found):
    """Two freedoms that Kafka has: when a broker's log directories are said not to be cordoned, between its registration
    and its first change, and in which order the partitions of a broker change that comes or goes."""
    ordered, run = [], []
    for record in found:
        if run and record[0] != "PARTITION_CHANGE_RECORD":
            ordered += sorted(run, key=json.dumps)
            run = []
        if record[0] == "PARTITION_CHANGE_RECORD":
            run.append(record)
        elif "cordonedLogDirs" in record[1].get("data", {}):
            registration = max(i for i, (name, _) in enumerate(ordered) if name == "REGISTER_BROKER_RECORD")
            ordered.insert(registration + 1, record)
        else:
            ordered.append(record)
    return ordered + sorted(run, key=json.dumps)


def scripted(broker):
    """Runs the script, stops the broker, starts and stops it once more, and reads its log."""
    broker.start()
    apache_kafka.java("moldau.interop.ScriptedMetadata", broker.address, timeout_s=120)
    broker.stop()
    broker.start()
    broker.stop()
    return records(broker)


class MetadataLog(unittest.TestCase):
    maxDiff = None

    def test_the_script_leaves_the_records_that_apache_kafka_writes(self):
        reference, ours = apache_kafka.KafkaBroker(), interop.new_broker()
        self.addCleanup(reference.close)
        self.addCleanup(ours.close)
        expected, written = scripted(reference), scripted(ours)
        self.assertGreater(len(expected), 60)
        self.assertEqual([json.dumps(record, indent=1) for record in written], [json.dumps(record, indent=1) for record in expected])


if __name__ == "__main__":
    interop.main()
