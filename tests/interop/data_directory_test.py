#!/usr/bin/env python3
"""The bytes on disk: Apache Kafka's tools read the broker's directory, and Apache Kafka itself opens and serves it."""

import re
import unittest

import interop
from interop import apache_kafka, moldau_broker, tool

LINES = [f"line-{number}" for number in range(200)]
TOPIC = "kept"


def fill(broker):
    """A topic with small indexes' intervals, so that there are entries to check, and lines of one and of many batches."""
    tool(broker, apache_kafka.TOPICS, "--create", "--topic", TOPIC, "--config", "index.interval.bytes=64", "--config", "segment.bytes=1048576")
    for codec in ("none", "zstd"):
        tool(broker, apache_kafka.CONSOLE_PRODUCER, "--topic", TOPIC, "--compression-codec", codec, "--batch-size", 400,
             stdin="".join(f"{line}\n" for line in LINES))


def consumed(broker, count):
    done = tool(broker, apache_kafka.CONSOLE_CONSUMER, "--topic", TOPIC, "--partition", 0, "--offset", "earliest",
                "--max-messages", count, "--timeout-ms", 20000)
    return done.stdout.split()


class Files(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.broker = interop.new_broker()
        cls.addClassCleanup(cls.broker.close)
        cls.broker.start()
        fill(cls.broker)
        cls.broker.stop()
        cls.segment = cls.broker.data / f"{TOPIC}-0" / "00000000000000000000"

    def test_the_log_is_sound_to_its_records(self):
        dump = apache_kafka.dump_log(f"{self.segment}.log", "--deep-iteration", "--print-data-log")
        self.assertEqual(re.findall(r"payload: (line-\d+)", dump), LINES * 2)
        self.assertEqual(set(re.findall(r"isvalid: (\w+)", dump)), {"true"})
        self.assertEqual(set(re.findall(r"compresscodec: (\w+)", dump)), {"none", "zstd"})

    def test_the_indexes_are_sane(self):
        for suffix in ("index", "timeindex"):
            with self.subTest(suffix):
                dump = apache_kafka.dump_log(f"{self.segment}.{suffix}", "--index-sanity-check")
                self.assertIn("passed sanity check", dump)
                self.assertGreater(len(re.findall(r"^(offset|timestamp): ", apache_kafka.dump_log(f"{self.segment}.{suffix}"), re.M)), 2)

    def test_the_producer_snapshot_is_read(self):
        snapshots = sorted((self.broker.data / f"{TOPIC}-0").glob("*.snapshot"))
        dump = apache_kafka.dump_log(snapshots[-1])
        # We keep up to five batches a producer, one line each.
        self.assertEqual(len(set(re.findall(r"producerId: (\d+) producerEpoch: 0", dump))), 2, dump)

    def test_the_metadata_log_and_checkpoints_are_decoded(self):
        metadata = self.broker.data / "__cluster_metadata-0"
        log = apache_kafka.dump_log(metadata / "00000000000000000000.log", "--cluster-metadata-decoder")
        self.assertIn('"type":"REGISTER_BROKER_RECORD"', log)
        self.assertIn(f'"name":"{TOPIC}"', log)
        self.assertNotIn("isvalid: false", log)
        for checkpoint in [self.broker.data / "bootstrap.checkpoint", *metadata.glob("*.checkpoint")]:
            dump = apache_kafka.dump_log(checkpoint, "--cluster-metadata-decoder")
            self.assertIn("SnapshotHeader", dump)
            self.assertIn("SnapshotFooter", dump)

    def test_kafka_storage_knows_the_directory(self):
        properties = apache_kafka.KafkaBroker(directory=self.broker.directory, ports=(self.broker.port, self.broker.controller_port)).write_properties()
        info = apache_kafka.java(apache_kafka.STORAGE, "info", "-c", properties)
        self.assertIn("Found log directory", info.stdout)
        self.assertNotIn("problem", info.stdout)


def transactions(broker, what):
    return apache_kafka.java("moldau.interop.Transactions", broker.address, TOPIC, what).stdout.splitlines()


class TransactionsOfApacheKafka(unittest.TestCase):
    """What Apache Kafka's transactions left is read from us as from itself."""

    def read(self, after):
        kafka = apache_kafka.KafkaBroker(overrides={"transaction.state.log.num.partitions": "1"})
        self.addCleanup(kafka.close)
        kafka.start()
        tool(kafka, apache_kafka.TOPICS, "--create", "--topic", TOPIC, "--config", "segment.bytes=1048576")
        transactions(kafka, "write")
        wanted = {isolation: transactions(kafka, isolation) for isolation in ("read_committed", "read_uncommitted")}
        after(kafka)
        broker = moldau_broker.MoldauBroker(directory=kafka.directory, ports=(kafka.port, kafka.controller_port))
        self.addCleanup(broker.close)
        broker.start()
        for isolation, lines in wanted.items():
            with self.subTest(isolation):
                self.assertEqual(transactions(broker, isolation), lines)
        broker.stop()
        names = {isolation: {line.split()[1] for line in lines[:-1]} for isolation, lines in wanted.items()}
        self.assertEqual(names["read_committed"], {"plain-0", "committed-0", "plain-1", "committed-1"})
        self.assertEqual(names["read_uncommitted"] - names["read_committed"], {"aborted-0", "aborted-1", "open", "plain-2"})

    def test_after_a_clean_stop(self):
        self.read(lambda kafka: kafka.stop())

    def test_after_a_crash_that_took_the_indexes_of_aborted_transactions(self):
        def crash(kafka):
            kafka.kill()
            indexes = list((kafka.data / f"{TOPIC}-0").glob("*.txnindex"))
            self.assertTrue(indexes)
            for index in indexes:
                index.unlink()
        self.read(crash)


class OpenedByTheOther(unittest.TestCase):
    def test_apache_kafka_opens_the_directory_and_serves_its_data(self):
        broker = interop.new_broker()
        self.addCleanup(broker.close)
        broker.start()
        fill(broker)
        broker.stop()
        kafka = apache_kafka.KafkaBroker(directory=broker.directory, ports=(broker.port, broker.controller_port))
        self.addCleanup(kafka.close)
        kafka.start()
        self.assertEqual(consumed(kafka, 2 * len(LINES)), LINES * 2)
        tool(kafka, apache_kafka.CONSOLE_PRODUCER, "--topic", TOPIC, stdin="added\n")
        kafka.stop()
        with self.subTest("and the broker opens it again"):
            broker.start()
            self.assertEqual(consumed(broker, 2 * len(LINES) + 1), LINES * 2 + ["added"])
            broker.stop()

    def test_a_directory_of_apache_kafka_opens_and_its_data_is_served(self):
        kafka = apache_kafka.KafkaBroker()
        self.addCleanup(kafka.close)
        kafka.start()
        fill(kafka)
        kafka.stop()
        broker = interop.new_broker(directory=kafka.directory, ports=(kafka.port, kafka.controller_port))
        self.addCleanup(broker.close)
        broker.start()
        self.assertEqual(consumed(broker, 2 * len(LINES)), LINES * 2)
        broker.stop()

    def test_what_is_beyond_us_in_a_directory_of_apache_kafka_is_told_with_the_command_that_lowers_it(self):
        kafka = apache_kafka.KafkaBroker(features={}, overrides={
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "super.users": "User:ANONYMOUS"})
        self.addCleanup(kafka.close)
        kafka.format(kafka.write_properties())
        formatted = moldau_broker.MoldauBroker(directory=kafka.directory, ports=(kafka.port, kafka.controller_port))
        self.addCleanup(formatted.close)
        with self.assertRaisesRegex(RuntimeError, "bootstrap.checkpoint: .*transaction.version"):
            formatted.start()
        kafka.start()
        tool(kafka, apache_kafka.ACLS, "--add", "--allow-principal", "User:alice", "--operation", "Read", "--topic", TOPIC)
        kafka.stop()
        broker = moldau_broker.MoldauBroker(directory=kafka.directory, ports=(kafka.port, kafka.controller_port))
        self.addCleanup(broker.close)
        with self.assertRaises(RuntimeError) as refused:
            broker.start()
        told = re.search(r"'kafka-features (downgrade [^']*)'", str(refused.exception))
        self.assertTrue(told, refused.exception)
        kafka.start()
        tool(kafka, apache_kafka.FEATURES_TOOL, *told.group(1).split())
        kafka.stop()
        broker.start()
        self.assertIn("the cluster has 1 ACLs", broker.log_path.read_text())
        broker.stop()


if __name__ == "__main__":
    interop.main()
