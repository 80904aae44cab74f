#!/usr/bin/env python3
"""Apache Kafka's command line tools against the broker."""

import interop
from interop import apache_kafka


class Topics(interop.BrokerTest):
    def test_a_topic_is_made_listed_described_grown_and_deleted(self):
        self.tool(apache_kafka.TOPICS, "--create", "--topic", "made", "--partitions", 2, "--config", "retention.ms=5000")
        self.assertEqual(self.tool(apache_kafka.TOPICS, "--list").stdout.split(), ["made"])
        described = self.tool(apache_kafka.TOPICS, "--describe", "--topic", "made").stdout
        self.assertIn("PartitionCount: 2", described)
        self.assertIn("retention.ms=5000", described)
        self.assertEqual(described.count("Leader: 1\tReplicas: 1\tIsr: 1"), 2)
        self.tool(apache_kafka.TOPICS, "--alter", "--topic", "made", "--partitions", 5)
        self.assertIn("PartitionCount: 5", self.tool(apache_kafka.TOPICS, "--describe", "--topic", "made").stdout)
        self.tool(apache_kafka.TOPICS, "--delete", "--topic", "made")
        self.assertEqual(self.tool(apache_kafka.TOPICS, "--list").stdout.split(), [])

    def test_an_existing_topic_is_refused(self):
        self.tool(apache_kafka.TOPICS, "--create", "--topic", "twice")
        done = self.tool(apache_kafka.TOPICS, "--create", "--topic", "twice", check=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("already exists", done.stdout + done.stderr)
        self.tool(apache_kafka.TOPICS, "--delete", "--topic", "twice")


class Configs(interop.BrokerTest):
    def test_a_topics_configs_are_altered_and_described(self):
        self.tool(apache_kafka.TOPICS, "--create", "--topic", "configured")
        topic = ("--entity-type", "topics", "--entity-name", "configured")
        self.tool(apache_kafka.CONFIGS, "--alter", *topic, "--add-config", "retention.ms=7000,cleanup.policy=[compact,delete]")
        described = self.tool(apache_kafka.CONFIGS, "--describe", *topic).stdout
        self.assertIn("retention.ms=7000", described)
        self.assertIn("cleanup.policy=compact,delete", described)
        self.tool(apache_kafka.CONFIGS, "--alter", *topic, "--delete-config", "retention.ms")
        self.assertNotIn("retention.ms=7000", self.tool(apache_kafka.CONFIGS, "--describe", *topic).stdout)

    def test_cluster_wide_and_broker_configs_are_altered_and_described(self):
        everyone = ("--entity-type", "brokers", "--entity-default")
        one = ("--entity-type", "brokers", "--entity-name", "1")
        self.tool(apache_kafka.CONFIGS, "--alter", *everyone, "--add-config", "log.retention.ms=80000000")
        self.tool(apache_kafka.CONFIGS, "--alter", *one, "--add-config", "log.retention.ms=90000000")
        self.assertIn("log.retention.ms=80000000", self.tool(apache_kafka.CONFIGS, "--describe", *everyone).stdout)
        described = self.tool(apache_kafka.CONFIGS, "--describe", *one, "--all").stdout
        self.assertIn("log.retention.ms=90000000", described)
        self.assertIn("DYNAMIC_DEFAULT_BROKER_CONFIG:log.retention.ms=80000000", described)

    def test_a_bad_value_is_refused(self):
        self.tool(apache_kafka.TOPICS, "--create", "--topic", "refused")
        done = self.tool(apache_kafka.CONFIGS, "--alter", "--entity-type", "topics", "--entity-name", "refused",
                         "--add-config", "retention.ms=soon", check=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("retention.ms", done.stdout + done.stderr)


class Console(interop.BrokerTest):
    def test_lines_are_produced_and_consumed_from_a_partition(self):
        self.tool(apache_kafka.TOPICS, "--create", "--topic", "lines")
        self.tool(apache_kafka.CONSOLE_PRODUCER, "--topic", "lines", stdin="one\ntwo\nthree\n")
        consumed = self.tool(apache_kafka.CONSOLE_CONSUMER, "--topic", "lines", "--partition", 0, "--offset", "earliest",
                             "--max-messages", 3, "--timeout-ms", 20000)
        self.assertEqual(consumed.stdout.split(), ["one", "two", "three"])
        offsets = self.tool(apache_kafka.GET_OFFSETS, "--topic", "lines").stdout
        self.assertEqual(offsets.strip(), "lines:0:3")


class Cluster(interop.BrokerTest):
    def test_the_cluster_describes_itself(self):
        self.assertIn("Cluster ID: ", self.tool(apache_kafka.CLUSTER, "cluster-id").stdout)
        self.assertIn("(id: 1 rack: null", self.tool(apache_kafka.API_VERSIONS).stdout)

    def test_the_quorum_describes_itself(self):
        status = self.tool(apache_kafka.METADATA_QUORUM, "describe", "--status").stdout
        self.assertRegex(status, r"LeaderId:\s+1\n")
        self.assertRegex(status, r"CurrentVoters:.*\"?id\"?: ?1")

    def tool(self, main_class, *arguments, **options):
        """These tools name their command first."""
        if main_class == apache_kafka.CLUSTER:
            return apache_kafka.java(main_class, *arguments, "--bootstrap-server", self.broker.address, **options)
        return super().tool(main_class, *arguments, **options)


if __name__ == "__main__":
    interop.main()
