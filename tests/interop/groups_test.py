#!/usr/bin/env python3
"""Consumer groups of Apache Kafka's own clients and tools against the broker."""

import collections
import json
import pathlib
import tempfile
import time

import interop
import processes
from interop import apache_kafka

WAIT_S = 90


class Member:
    """kafka-verifiable-consumer in a process of its own, by what it prints."""

    def __init__(self, broker, name, topic, group, instance=None):
        self._scratch = tempfile.TemporaryDirectory(prefix="member-")
        static = ("--group-instance-id", instance) if instance else ()
        command = apache_kafka.java_command(apache_kafka.VERIFIABLE_CONSUMER, "--bootstrap-server", broker.address, "--topic", topic,
                                            "--group-id", group, "--session-timeout", 6000, "--reset-policy", "earliest", *static)
        self.name = name
        self.server = processes.Server(name, command, pathlib.Path(self._scratch.name) / "log")

    def events(self, kind):
        with self.server._seen:
            lines = [line for line in self.server._lines if line and line.startswith("{")]
        return [event for event in map(json.loads, lines) if event["name"] == kind]

    def assigned(self):
        """The partitions that it has now."""
        owned = set()
        for event in self.changes():
            partitions = {each["partition"] for each in event["partitions"]}
            owned = owned | partitions if event["name"] == "partitions_assigned" else owned - partitions
        return owned

    def changes(self):
        with self.server._seen:
            lines = [line for line in self.server._lines if line and line.startswith("{")]
        return [event for event in map(json.loads, lines) if event["name"] in ("partitions_assigned", "partitions_revoked")]

    def consumed(self):
        """Offsets by partition."""
        offsets = collections.defaultdict(set)
        for event in self.events("records_consumed"):
            for each in event["partitions"]:
                offsets[each["partition"]].update(range(each["minOffset"], each["maxOffset"] + 1))
        return offsets

    def close(self):
        self.server.kill()
        self._scratch.cleanup()


class Groups(interop.BrokerTest):
    def setUp(self):
        self.members = []
        self.addCleanup(lambda: [member.close() for member in self.members])

    def join(self, name, topic, group, instance=None):
        self.members.append(Member(self.broker, name, topic, group, instance))
        return self.members[-1]

    def wait_until(self, what, condition):
        deadline = time.monotonic() + WAIT_S
        while not condition():
            if time.monotonic() > deadline:
                told = "\n".join(f"{member.name}: {member.server.tail(15)}" for member in self.members)
                self.fail(f"{what} did not come true in {WAIT_S} s\n{told}\n{self.broker.server.tail(15)}")
            time.sleep(0.1)

    def produce(self, topic, count):
        self.tool(apache_kafka.VERIFIABLE_PRODUCER, "--topic", topic, "--max-messages", count)

    def ends(self, topic):
        lines = self.tool(apache_kafka.GET_OFFSETS, "--topic", topic).stdout.split()
        return {int(partition): int(end) for _, partition, end in (line.split(":") for line in lines)}

    def has_all(self, topic, members):
        ends = self.ends(topic)

        def check():
            union = collections.defaultdict(set)
            for member in members:
                for partition, offsets in member.consumed().items():
                    union[partition] |= offsets
            return all(len(union[partition]) == end for partition, end in ends.items())

        return check

    def groups(self, *arguments, **options):
        return self.tool(apache_kafka.CONSUMER_GROUPS, *arguments, **options)

    def described(self, group):
        """Partition to (committed, end, lag)."""
        rows = [line.split() for line in self.groups("--describe", "--group", group).stdout.splitlines()]
        return {int(row[2]): tuple(row[3:6]) for row in rows if len(row) > 6 and row[0] == group}

    def test_three_members_share_a_topic_and_survive_deaths(self):
        self.tool(apache_kafka.TOPICS, "--create", "--topic", "shared", "--partitions", 6)
        members = [self.join(f"member {i}", "shared", "three") for i in range(3)]
        self.wait_until("two partitions each", lambda: [len(each.assigned()) for each in members] == [2, 2, 2])
        self.produce("shared", 3000)
        self.wait_until("all is consumed", self.has_all("shared", members))
        self.assertIn("Stable", self.groups("--describe", "--group", "three", "--state").stdout)
        self.assertEqual(self.groups("--describe", "--group", "three", "--members").stdout.count("consumer-three-"), 3 * 2)

        members[0].server.kill()
        left = members[1:]
        self.wait_until("three partitions each", lambda: [len(each.assigned()) for each in left] == [3, 3])
        self.produce("shared", 3000)
        self.wait_until("all is consumed by two", self.has_all("shared", members))

        self.broker.kill()
        self.broker.start()
        self.produce("shared", 3000)
        self.wait_until("all is consumed after the broker's death", self.has_all("shared", members))
        # A partition that got no record has no offset either.
        self.wait_until("all is committed", lambda: all(committed in (end, "-") and end in (committed, "0")
                                                        for committed, end, _ in self.described("three").values()))

    def test_more_members_than_partitions(self):
        self.tool(apache_kafka.TOPICS, "--create", "--topic", "single", "--partitions", 1)
        members = [self.join(f"member {i}", "single", "crowd") for i in range(2)]
        self.wait_until("one has it", lambda: sorted(len(each.assigned()) for each in members) == [0, 1])
        self.produce("single", 100)
        self.wait_until("all is consumed", self.has_all("single", members))
        owner, idle = sorted(members, key=lambda each: len(each.assigned()), reverse=True)
        owner.server.stop()
        self.wait_until("the other has it", lambda: len(idle.assigned()) == 1)

    def test_two_groups_each_get_everything(self):
        self.tool(apache_kafka.TOPICS, "--create", "--topic", "broadcast", "--partitions", 2)
        self.produce("broadcast", 500)
        members = [self.join(f"of {group}", "broadcast", group) for group in ("left", "right")]
        for member in members:
            self.wait_until(f"{member.name} has all", self.has_all("broadcast", [member]))
        listed = self.groups("--list").stdout.split()
        self.assertTrue({"left", "right"} <= set(listed), listed)

    def test_a_static_member_comes_back_to_its_partitions(self):
        self.tool(apache_kafka.TOPICS, "--create", "--topic", "static", "--partitions", 4)
        first, second = (self.join(instance, "static", "standing", instance) for instance in ("one", "two"))
        self.wait_until("two each", lambda: len(first.assigned()) == 2 and len(second.assigned()) == 2)
        had, before = first.assigned(), len(second.changes())
        first.server.kill()
        again = self.join("one again", "static", "standing", "one")
        self.wait_until("it is back", lambda: again.assigned() == had)
        self.assertEqual(len(second.changes()), before, "the other has not noticed")

    def test_offsets_are_shown_reset_and_deleted(self):
        self.tool(apache_kafka.TOPICS, "--create", "--topic", "counted", "--partitions", 1)
        self.tool(apache_kafka.CONSOLE_PRODUCER, "--topic", "counted", stdin="".join(f"{i}\n" for i in range(100)))
        consumed = self.tool(apache_kafka.CONSOLE_CONSUMER, "--topic", "counted", "--group", "counting", "--from-beginning",
                             "--max-messages", 60, "--timeout-ms", 30000, "--command-property", "max.poll.records=60")
        self.assertEqual(consumed.stdout.split(), [str(i) for i in range(60)])
        self.assertEqual(self.described("counting"), {0: ("60", "100", "40")})
        target = ("--reset-offsets", "--group", "counting", "--topic", "counted")
        dry = self.groups(*target, "--to-earliest", "--dry-run")
        self.assertRegex(dry.stdout, r"counting\s+counted\s+0\s+0")
        self.assertEqual(self.described("counting"), {0: ("60", "100", "40")})
        for how, offset in ((("--to-earliest",), 0), (("--to-offset", 10), 10), (("--shift-by", 5), 15), (("--to-latest",), 100),
                            (("--to-datetime", "2020-01-01T00:00:00.000"), 0)):
            self.groups(*target, *how, "--execute")
            self.assertEqual(self.described("counting"), {0: (str(offset), "100", str(100 - offset))}, how)
        self.groups("--delete-offsets", "--group", "counting", "--topic", "counted")
        self.assertEqual(self.described("counting"), {})
        self.groups("--delete", "--group", "counting")
        self.assertNotIn("counting", self.groups("--list").stdout.split())
        refused = self.groups("--delete", "--group", "counting", check=False)
        self.assertIn("GroupIdNotFoundException", refused.stdout + refused.stderr)

    @classmethod
    def tearDownClass(cls):
        super().tearDownClass()
        logs = sorted(cls.broker.data.glob("__consumer_offsets-*/*.log"))
        dumped = "".join(apache_kafka.dump_log(log, "--offsets-decoder") for log in logs if log.stat().st_size > 0)
        # What it cannot decode it says.
        for trouble in ("Could not", "Exception", "mismatch", "invalid"):
            assert trouble not in dumped, dumped[:2000]
        assert '"group":"three"' in dumped, dumped[:2000]


if __name__ == "__main__":
    interop.main()
