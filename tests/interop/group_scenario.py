"""One scenario of producers and a consumer group, the same for every client: `clients_<name>_test.py` names the client.

The client is a program of tests/interop/clients/<name>; clients/README.md says how it is called and what it prints. All
that is checked here is checked by what the members print, of whom the test believes nothing but that.
"""

import collections
import pathlib
import signal
import subprocess
import tempfile
import threading
import time
import unittest

import interop
from interop import apache_kafka
import client_packages
import processes

PARTITIONS = 6
TOPIC = "scenario"
GROUP = "scenario-group"
RECORDS = 300
CRASH_RECORDS = 1500
CRASH_PAUSE_MS = 30
RESET_TO = 10
WAIT_S = 60
COMMAND_S = 90
POLL_S = 0.05


def told(server):
    """The end of a member's output but for what it read."""
    return "\n".join([line for line in server.lines() if not line.startswith("record ")][-15:])


class Ledger:
    """What the members of a group have seen and committed, in the order in which they said it."""

    def __init__(self, timestamp, committed=None):
        self.lock = threading.Lock()
        self._timestamp = timestamp
        self.numbers = {}  # (partition, offset) -> number of the record
        self.committed = dict(committed or {})  # partition -> highest offset that a member had acknowledged
        self.complaints = []
        self.first = {}  # partition -> first offset that was seen

    def has(self, expected):
        with self.lock:
            return all(where in self.numbers for where in expected)

    def ends(self):
        with self.lock:
            ends = collections.defaultdict(int)
            for partition, offset in self.numbers:
                ends[partition] = max(ends[partition], offset + 1)
            return dict(ends)

    def heard(self, member, line):
        """Called for every line of a member, by its reader."""
        kind, _, rest = line.partition(" ")
        with self.lock:
            try:
                if kind == "owns":
                    self._owns(member, {int(each) for each in rest.split(",") if each})
                elif kind == "record":
                    self._record(member, *rest.split(" ", 5))
                elif kind == "committed":
                    self._committed(member, *map(int, rest.split()))
            except ValueError as e:
                self.complaints.append(f"{member.name} printed '{line}': {e}")

    def _owns(self, member, partitions):
        if partitions != member.owned:
            member.changes += 1
        member.owned = partitions
        # It must go on behind what has been committed, and from there on without a gap.
        member.next = {partition: None for partition in partitions}
        member.floor = {partition: self.committed.get(partition, 0) for partition in partitions}

    def _record(self, member, partition, offset, key, timestamp, header, value):
        partition, offset, number = int(partition), int(offset), int(key.removeprefix("key-"))
        at = f"{member.name}: record {partition}:{offset}"
        expected = (f"key-{number}", str(self._timestamp + number), f"number={number}", f"value-{number}-{'x' * 100}",
                    number % PARTITIONS)
        if (key, timestamp, header, value, partition) != expected:
            self.complaints.append(f"{at} is {key} {timestamp} {header} {value}")
        if self.numbers.setdefault((partition, offset), number) != number:
            self.complaints.append(f"{at} is number {number}, but was {self.numbers[partition, offset]}")
        if partition not in member.owned:
            self.complaints.append(f"{at} is of a partition that it does not own: {member.owned}")
        elif member.next[partition] is None and offset < member.floor[partition]:
            self.complaints.append(f"{at} comes although {member.floor[partition]} was committed before")
        elif member.next[partition] not in (None, offset):
            self.complaints.append(f"{at} comes where {member.next[partition]} is next")
        member.next[partition] = offset + 1
        member.seen.append((partition, offset))
        self.first.setdefault(partition, offset)

    def _committed(self, member, partition, offset):
        if offset < member.committed.get(partition, 0):
            self.complaints.append(f"{member.name} commits {offset} of {partition} after {member.committed[partition]}")
        member.committed[partition] = offset
        self.committed[partition] = max(offset, self.committed.get(partition, 0))


class Member:
    """A member of the group as a process. What it says of itself is changed by its reader, under the ledger's lock."""

    def __init__(self, name, command, log_path, ledger):
        self.name = name
        self.owned, self.changes = set(), 0
        self.next, self.floor, self.committed, self.seen = {}, {}, {}, []
        self.server = processes.Server(name, command, log_path, on_line=lambda line: ledger.heard(self, line))


class GroupScenario(unittest.TestCase):
    """`client`: the folder of the client. `codecs`: what it can compress with. `lacks`: what its library has no call for:
    subcommands, for which Kafka's tools stand in, and `committed`, if it does not tell what was committed."""

    client = None
    codecs = ("none", "gzip", "snappy", "lz4", "zstd")
    lacks = ()

    def setUp(self):
        try:
            self.command = client_packages.command(self.client)
        except apache_kafka.Unavailable as missing:
            self.skipTest(str(missing))
        scratch = tempfile.TemporaryDirectory(prefix=f"{self.client}-")
        self.addCleanup(scratch.cleanup)
        self.scratch = pathlib.Path(scratch.name)
        self.broker = interop.new_broker()
        self.addCleanup(self.broker.close)
        self.broker.start()
        self.members = {}
        self.servers = []
        self.addCleanup(lambda: [server.kill() for server in self.servers])
        self.timestamp = int(time.time() * 1000) - 3_600_000
        self.ledger = Ledger(self.timestamp)
        self.produced = {}  # (partition, offset) -> number, of all that was acknowledged
        self.next_number = 0
        self.began = time.monotonic()

    # What the client is asked to do.

    def words(self, subcommand, *arguments):
        return [*self.command, subcommand, self.broker.address, *map(str, arguments)]

    def ask(self, subcommand, *arguments, is_retried=False):
        """Runs a subcommand to its end; the words of each line that it prints. `is_retried`: until it succeeds, since not
        every client waits for a coordinator that is loading."""
        deadline = time.monotonic() + WAIT_S
        while True:
            done = subprocess.run(self.words(subcommand, *arguments), capture_output=True, text=True, timeout=COMMAND_S)
            if done.returncode == 0 or not is_retried or time.monotonic() > deadline:
                break
            time.sleep(POLL_S)
        lines = [line.split(" ") for line in done.stdout.splitlines()]
        if done.returncode != 0 or not lines or lines[-1] != ["done"]:
            self.fail(f"{self.client} {subcommand} {arguments} ends with status {done.returncode}:\n"
                      f"{done.stdout[-2000:]}{done.stderr[-2000:]}")
        return lines[:-1]

    def tool(self, main_class, *arguments):
        return apache_kafka.java(main_class, "--bootstrap-server", self.broker.address, *arguments)

    def begin_produce(self, codec, count, pause_ms=0):
        words = self.words("produce", TOPIC, PARTITIONS, codec, self.next_number, count, pause_ms, self.timestamp)
        server = processes.Server(f"producer {codec}", words, self.scratch / "producer.log")
        self.servers.append(server)
        self.next_number += count
        return server

    def acknowledged(self, producer):
        rows = [map(int, line.split()[1:]) for line in producer.lines() if line.startswith("produced ")]
        return {(partition, offset): number for partition, offset, number in rows}

    def end_produce(self, producer, count):
        producer.wait_for_line("done", COMMAND_S)
        self.assertEqual(producer.process.wait(COMMAND_S), 0)
        producer.stop()
        acknowledged = self.acknowledged(producer)
        self.assertEqual(len(set(acknowledged.values())), count, "records that were acknowledged")
        self.assertFalse(set(acknowledged) & set(self.produced), "an offset was given twice")
        self.produced.update(acknowledged)
        return acknowledged

    def produce(self, codec="none", count=RECORDS):
        return self.end_produce(self.begin_produce(codec, count), count)

    def join(self, name):
        words = self.words("member", TOPIC, GROUP, name)
        self.members[name] = Member(name, words, self.scratch / f"{name}.log", self.ledger)
        self.servers.append(self.members[name].server)

    def kill(self, name):
        self.members.pop(name).server.kill()

    def leave(self, *names):
        """All of them at once, orderly."""
        leaving = [self.members.pop(name).server for name in names]
        for server in leaving:
            server.process.send_signal(signal.SIGTERM)
        for server in leaving:
            try:
                status = server.process.wait(WAIT_S)
            except subprocess.TimeoutExpired:
                status = None
            server.stop()
            self.assertEqual((status, "left" in server.lines()), (0, True), f"{server.name} ends orderly:\n{told(server)}")

    # What is waited for.

    def wait_until(self, what, condition):
        deadline = time.monotonic() + WAIT_S
        while not condition():
            for server in self.servers:
                if any(server is member.server for member in self.members.values()) and server.process.poll() is not None:
                    self.fail(f"{server.name} has ended by itself:\n{told(server)}")
            if time.monotonic() > deadline:
                self.fail(f"in {WAIT_S} s it did not come true that {what}\n{self.story()}")
            time.sleep(POLL_S)
        self.assertFalse(self.ledger.complaints, f"until {what}\n{self.story()}")

    def story(self):
        members = [f"{member.name} owns {sorted(member.owned)} and says:\n{told(member.server)}"
                   for member in self.members.values()]
        return "\n".join([*self.ledger.complaints[:10], *members, "broker:", self.broker.server.tail(15)])

    def step(self, what):
        print(f"{time.monotonic() - self.began:6.1f} s: {what}", flush=True)

    def is_shared(self):
        """Every partition has one owner, and all members have equally many, as far as that goes."""
        with self.ledger.lock:
            sets = [member.owned for member in self.members.values()]
        counts = [len(each) for each in sets]
        return sum(counts) == PARTITIONS and set().union(*sets) == set(range(PARTITIONS)) and max(counts) - min(counts) <= 1

    def changes(self):
        with self.ledger.lock:
            return [member.changes for member in self.members.values()]

    def share(self, *names, codec="none"):
        """These members share the partitions, and what is produced while nothing changes is seen by each partition's
        owner alone, once."""
        self.assertEqual(set(names), set(self.members))
        for _ in range(5):
            self.wait_until(f"{', '.join(names)} share the partitions", self.is_shared)
            before = self.changes()
            sent = self.produce(codec)
            self.wait_until("all that was produced is seen", lambda: self.ledger.has(self.produced))
            if self.changes() == before:
                break
        else:
            self.fail(f"the group does not become stable\n{self.story()}")
        with self.ledger.lock:
            seen = collections.Counter(where for member in self.members.values() for where in member.seen if where in sent)
        self.assertEqual(set(seen.values()), {1}, "in a stable round every record is seen once")

    def described(self, is_retried=False):
        """(state, members' client ids, committed offsets by partition)"""
        lines = self.ask("describe", TOPIC, PARTITIONS, GROUP, is_retried=is_retried)
        state = next(words[1] for words in lines if words[0] == "state")
        offsets = {int(words[1]): int(words[2]) for words in lines if words[0] == "offset"}
        with self.ledger.lock:
            self.ledger.committed = {**self.ledger.committed, **offsets}
        return state, {words[1] for words in lines if words[0] == "member"}, offsets

    def has_committed(self, ends):
        return (self.described()[2] if "committed" in self.lacks else self.ledger.committed) == ends

    def check_all_is_committed(self):
        ends = self.ledger.ends()
        self.wait_until("all is committed", lambda: self.has_committed(ends))
        state, members, offsets = self.described()
        self.assertEqual((state, members, offsets), ("Stable" if self.members else "Empty", set(self.members), ends))

    # The scenario.

    def test_groups_through_deaths_of_members_and_of_the_broker(self):
        self.ask("create", TOPIC, PARTITIONS)
        self.assertIn(["topic", TOPIC, str(PARTITIONS)], self.ask("topics"))
        self.step("two members share what every codec brings")
        self.join("one")
        self.join("two")
        for codec in self.codecs:
            self.share("one", "two", codec=codec)
        self.step("a third joins")
        self.join("three")
        self.share("one", "two", "three")
        self.check_all_is_committed()
        self.assertIn(["group", GROUP], self.ask("groups"))
        self.step("one leaves, and comes back")
        self.leave("two")
        self.share("one", "three")
        self.join("two-again")
        self.share("one", "three", "two-again")
        self.kill_a_member_while_it_reads()
        self.kill_the_broker_while_all_work()
        self.step("all leave")
        self.leave(*self.members)
        self.check_all_is_committed()
        self.look_up_by_time()
        self.reset()
        self.delete()
        self.step("the broker ends")
        self.broker.stop()

    def kill_a_member_while_it_reads(self):
        self.step("a member is killed while it reads")
        producer = self.begin_produce(self.codecs[-1], RECORDS, CRASH_PAUSE_MS)
        victim = self.members["one"]
        had = len(victim.seen)
        self.wait_until("it reads", lambda: len(victim.seen) > had)
        self.kill("one")
        self.end_produce(producer, RECORDS)
        self.share("three", "two-again")
        self.join("one-again")
        self.share("one-again", "three", "two-again")
        self.check_all_is_committed()

    def kill_the_broker_while_all_work(self):
        self.step("the broker is killed while all work")
        producer = self.begin_produce(self.codecs[-1], CRASH_RECORDS, CRASH_PAUSE_MS)
        self.wait_until("a part of it is produced", lambda: len(self.acknowledged(producer)) >= CRASH_RECORDS / 5)
        self.broker.kill()
        # What members said until now was acknowledged; the rest of it is printed within this wait, if at all.
        with self.ledger.lock:
            committed = dict(self.ledger.committed)
        self.assertLess(len(self.acknowledged(producer)), CRASH_RECORDS, "the broker was killed too late")
        self.broker.start()
        self.step("the broker is back")
        told = self.described(is_retried=True)[2]
        for partition, offset in committed.items():
            self.assertGreaterEqual(told.get(partition, -1), offset, f"committed of {partition}")
        self.end_produce(producer, CRASH_RECORDS)
        self.wait_until("all that was produced is seen", lambda: self.ledger.has(self.produced))
        self.step("all is produced and seen")
        self.share(*self.members)
        self.check_all_is_committed()

    def look_up_by_time(self):
        self.step("offsets are looked up by time")
        ends = self.ledger.ends()
        for number in (0, self.next_number // 2, self.next_number - 1, self.next_number):
            lines = self.ask("times", TOPIC, PARTITIONS, self.timestamp + number)
            found = {int(words[1]): words[2] for words in lines if words[0] == "offset"}
            for partition in range(PARTITIONS):
                later = [at[1] for at, each in self.ledger.numbers.items() if at[0] == partition and each >= number]
                wanted = {str(min(later))} if later else {"-", str(ends[partition])}
                self.assertIn(found[partition], wanted, f"the time of record {number} in partition {partition}")

    def reset(self):
        self.step("offsets are reset")
        if "reset" in self.lacks:
            self.tool(apache_kafka.CONSUMER_GROUPS, "--reset-offsets", "--group", GROUP, "--topic", TOPIC, "--to-offset", RESET_TO,
                      "--execute")
        else:
            self.ask("reset", TOPIC, PARTITIONS, GROUP, RESET_TO)
        offsets = {partition: RESET_TO for partition in range(PARTITIONS)}
        self.assertEqual(self.described(), ("Empty", set(), offsets))
        expected = {at for at in self.ledger.numbers if at[1] >= RESET_TO}
        ends = self.ledger.ends()
        self.ledger = Ledger(self.timestamp, offsets)
        self.join("reader")
        self.wait_until("all behind the reset is seen again", lambda: self.ledger.has(expected))
        self.assertEqual(self.ledger.first, offsets)
        self.wait_until("all is committed again", lambda: self.has_committed(ends))
        self.leave("reader")

    def delete(self):
        self.step("group and topic are deleted")
        if "delete-group" in self.lacks:
            self.tool(apache_kafka.CONSUMER_GROUPS, "--delete", "--group", GROUP)
        else:
            self.ask("delete-group", GROUP)
        self.assertNotIn(["group", GROUP], self.ask("groups"))
        self.ask("delete-topic", TOPIC)
        self.wait_until("the topic is no longer listed", lambda: TOPIC not in [words[1] for words in self.ask("topics")])
