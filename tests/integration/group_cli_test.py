#!/usr/bin/env python3
"""The command line for consumer groups, with kcat as their members."""

import contextlib
import json
import pathlib
import signal
import subprocess
import tempfile
import time
import unittest

from integration import broker, create_topic, kcat
from moldau_broker import binary, run

import processes

AT_ONCE = {"group.initial.rebalance.delay.ms": "0"}
TIMEOUT_S = 40


def cli(under_test, *arguments, stdin=None):
    return run(*arguments, "--bootstrap", under_test.address, stdin=stdin, check=False)


def told(under_test, *arguments):
    """What a command that succeeds prints, as JSON."""
    done = cli(under_test, *arguments, "-o", "json")
    if done.returncode != 0:
        raise AssertionError(f"{arguments}: {done.stderr}")
    return json.loads(done.stdout)


def described(under_test, group, *view):
    return told(under_test, "group", "describe", group, *view)[0]


def wait_until(condition):
    deadline = time.monotonic() + TIMEOUT_S
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError("it did not come about in time")
        time.sleep(10 * processes.POLL_S)


@contextlib.contextmanager
def member(under_test, group, topic, *more):
    """kcat as a member of the group until the block ends; it leaves in an orderly way."""
    quick = ("-X", "heartbeat.interval.ms=100", "-X", "auto.commit.interval.ms=200")
    process = subprocess.Popen(["kcat", "-b", under_test.address, "-G", group, "-q", "-u", *quick, *more, topic],
                               stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.communicate(timeout=TIMEOUT_S)
        finally:
            process.kill()


def fill(under_test, topic, partitions, records_each):
    create_topic(under_test, topic, partitions)
    for partition in range(partitions):
        kcat(under_test, "-P", "-t", topic, "-p", str(partition),
             stdin="".join(f"{partition}:{i}\n" for i in range(records_each)).encode())


def consumer(under_test, group, topic, *more):
    """moldau consume as a member of the group."""
    return subprocess.Popen([binary(), "consume", topic, "--group", group, "--from-beginning", *more, "--bootstrap",
                             under_test.address], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def interrupted(process):
    """What it printed to its end, and on standard error."""
    process.send_signal(signal.SIGINT)
    try:
        return process.communicate(timeout=TIMEOUT_S)
    finally:
        process.kill()


class GroupCommandLine(unittest.TestCase):
    def test_lists_and_describes_what_members_read(self):
        with broker(**AT_ONCE) as under_test:
            fill(under_test, "t", partitions=3, records_each=10)
            with member(under_test, "readers", "t", "-X", "auto.offset.reset=earliest",
                        "-X", "auto.commit.interval.ms=100", "-X", "client.id=first"):
                wait_until(lambda: cli(under_test, "group", "list", "--state", "stable").stdout.count("readers") == 1 and
                           [row["lag"] for row in described(under_test, "readers")["partitions"]] == [0, 0, 0])
                group = described(under_test, "readers")
                self.assertEqual((group["state"], group["protocol"], group["member_count"]), ("Stable", "range", 1))
                for index, row in enumerate(group["partitions"]):
                    self.assertEqual((row["topic"], row["partition"], row["committed_offset"], row["log_end_offset"]),
                                     ("t", index, 10, 10))
                    self.assertEqual(row["client"], "first")
                    self.assertIn("127.0.0.1", row["host"])
                members = described(under_test, "readers", "--members", "--verbose")["members"]
                self.assertEqual([each["partition"] for each in members[0]["partitions"]], [0, 1, 2])
                with member(under_test, "readers", "t"):
                    wait_until(lambda: described(under_test, "readers", "--state")["member_count"] == 2 and
                               described(under_test, "readers")["state"] == "Stable")
                    owners = {row["member"] for row in described(under_test, "readers")["partitions"]}
                    self.assertEqual(len(owners), 2)
            wait_until(lambda: described(under_test, "readers")["state"] == "Empty")
            kcat(under_test, "-P", "-t", "t", "-p", "1", stdin=b"more\n")
            rows = described(under_test, "readers")["partitions"]
            self.assertEqual([row["lag"] for row in rows], [0, 1, 0])
            self.assertNotIn("member", rows[0])
            table = cli(under_test, "group", "describe", "--all")
            self.assertRegex(table.stdout, r"State: +Empty\n")
            self.assertRegex(table.stdout, r"\nt +1 +10 +11 +1 +- +- +-\n")
            self.assertEqual(told(under_test, "group", "list"),
                             [{"group": "readers", "type": "classic", "state": "Empty", "protocol_type": "consumer"}])
            self.assertEqual(told(under_test, "group", "list", "--state", "stable"), [])

    def test_names_the_group_that_there_is_not(self):
        with broker() as under_test:
            for command in (("describe",), ("delete",), ("delete-offsets", "--topic", "t:0")):
                missing = cli(under_test, "group", *command, "nobody")
                self.assertEqual(missing.returncode, 4, missing.stderr)
                self.assertIn("moldau: group 'nobody': there is no such group", missing.stderr)

    def test_members_go_on_where_offsets_were_reset_to(self):
        with broker(**AT_ONCE) as under_test, tempfile.TemporaryDirectory() as directory:
            fill(under_test, "t", partitions=2, records_each=20)

            def reset(*form):
                done = cli(under_test, "group", "reset-offsets", "readers", *form)
                self.assertEqual(done.returncode, 0, done.stderr)
                return done

            def read(count):
                """What a member reads of the next `count` records, by partition."""
                lines = kcat(under_test, "-G", "readers", "-q", "-c", str(count), "t").stdout.decode().split()
                return {p: [int(line.split(":")[1]) for line in lines if line.startswith(f"{p}:")] for p in range(2)}

            reset("--topic", "t", "--to-earliest")
            self.assertEqual(cli(under_test, "group", "describe", "readers").returncode, 4)  # shown, not done
            reset("--topic", "t:0", "--topic", "t:1", "--to-offset", "15", "--execute")
            self.assertEqual(read(10), {0: list(range(15, 20)), 1: list(range(15, 20))})
            reset("--all-topics", "--shift-by", "-3", "--execute")
            self.assertEqual(read(6), {0: [17, 18, 19], 1: [17, 18, 19]})
            clamped = reset("--topic", "t:1", "--to-offset", "99", "--execute")
            self.assertEqual(clamped.stderr, "moldau: partition 1 of topic 't': offset 99 is behind the end; taking 20\n")
            reset("--topic", "t:0", "--by-duration", "PT1H", "--execute")
            self.assertEqual(read(20), {0: list(range(20)), 1: []})
            late = reset("--topic", "t", "--to-datetime", "2999-01-01T00:00:00.000", "--execute")
            self.assertIn("no record is as late; taking its end, 20", late.stderr)
            plan = pathlib.Path(directory, "plan.csv")
            plan.write_text(reset("--all-topics", "--shift-by", "-5", "--export").stdout)
            self.assertEqual(plan.read_text(), "t,0,15\nt,1,15\n")
            reset("--from-file", str(plan), "--execute")
            self.assertEqual(read(10), {0: list(range(15, 20)), 1: list(range(15, 20))})

    def test_leaves_groups_with_members_alone(self):
        with broker(**AT_ONCE) as under_test:
            fill(under_test, "t", partitions=1, records_each=5)
            with member(under_test, "readers", "t", "-X", "auto.offset.reset=earliest",
                        "-X", "auto.commit.interval.ms=100"):
                wait_until(lambda: cli(under_test, "group", "list", "--state", "stable").stdout.count("readers") == 1 and
                           [row["lag"] for row in described(under_test, "readers")["partitions"]] == [0])
                for command, why in ((("reset-offsets", "readers", "--all-topics", "--to-earliest", "--execute"),
                                      "stop its members first"),
                                     (("delete", "readers"), "stop its members first"),
                                     (("delete-offsets", "readers", "--topic", "t"), "stop the members that read it first")):
                    refused = cli(under_test, "group", *command)
                    self.assertEqual(refused.returncode, 1, command)
                    self.assertIn(why, refused.stderr)
            wait_until(lambda: described(under_test, "readers")["state"] == "Empty")
            self.assertEqual(cli(under_test, "group", "delete-offsets", "readers", "--topic", "t").stdout,
                             "Deleted the offset of partition 0 of topic t.\n")
            cli(under_test, "group", "reset-offsets", "readers", "--topic", "t", "--to-latest", "--execute")
            self.assertEqual(cli(under_test, "group", "delete", "readers").stdout, "Deleted group readers.\n")
            self.assertEqual(told(under_test, "group", "list"), [])

    def test_consume_goes_on_behind_what_it_printed(self):
        with broker(**AT_ONCE) as under_test:
            fill(under_test, "t", partitions=1, records_each=30)
            read = []
            for count in (7, 0, 12):
                done = cli(under_test, "consume", "t", "--group", "readers", "--from-beginning", "-n", str(count))
                self.assertEqual((done.returncode, done.stderr), (0, ""))
                read += done.stdout.split()
                self.assertEqual(described(under_test, "readers")["partitions"][0]["committed_offset"], len(read))
                self.assertEqual(described(under_test, "readers")["state"], "Empty")
            rest = cli(under_test, "consume", "t", "--group", "readers", "--exit-at-end")
            self.assertEqual(rest.stdout.split(), [f"0:{i}" for i in range(19, 30)])
            self.assertEqual(read, [f"0:{i}" for i in range(19)])
            self.assertEqual(described(under_test, "readers")["partitions"][0]["lag"], 0)

    def test_consume_shares_a_topic_with_members_of_other_clients(self):
        with broker(**AT_ONCE) as under_test:
            fill(under_test, "t", partitions=4, records_each=10)
            ours = consumer(under_test, "readers", "t")
            wait_until(lambda: cli(under_test, "group", "list", "--state", "stable").stdout.count("readers") == 1 and
                       len(described(under_test, "readers", "--members", "--verbose")["members"][0]["partitions"]) == 4)
            with member(under_test, "readers", "t", "-X", "auto.offset.reset=earliest") as theirs:
                def shares():
                    members = described(under_test, "readers", "--members")["members"]
                    return sorted(each["partition_count"] for each in members)

                wait_until(lambda: shares() == [2, 2] and described(under_test, "readers")["state"] == "Stable")
                for partition in range(4):
                    kcat(under_test, "-P", "-t", "t", "-p", str(partition), stdin=f"{partition}:more\n".encode())
                self.assertTrue(theirs.stdout.readline())
                wait_until(lambda: [row["lag"] for row in described(under_test, "readers")["partitions"]] == [0] * 4)
            wait_until(lambda: shares() == [4])
            kcat(under_test, "-P", "-t", "t", "-p", "0", stdin=b"last\n")
            wait_until(lambda: [row["lag"] for row in described(under_test, "readers")["partitions"]] == [0] * 4)
            read, complaints = interrupted(ours)
            self.assertEqual((ours.returncode, complaints), (0, ""))
            lines = read.split()
            self.assertEqual(lines[-1], "last")
            self.assertEqual(len([line for line in lines if not line.endswith("more")]), 41)
            self.assertEqual(len(lines), len(set(lines)), "each once")
            self.assertEqual(described(under_test, "readers")["state"], "Empty")

    def test_consume_goes_on_after_a_restart_of_the_broker(self):
        with broker(**AT_ONCE) as under_test:
            fill(under_test, "t", partitions=1, records_each=5)
            ours = consumer(under_test, "readers", "t")
            self.assertEqual([ours.stdout.readline() for _ in range(5)], [f"0:{i}\n" for i in range(5)])
            under_test.kill()
            under_test.start()
            kcat(under_test, "-P", "-t", "t", stdin=b"after\n")
            while (line := ours.stdout.readline()) != "after\n":
                self.assertIn(line, [f"0:{i}\n" for i in range(5)])
            read, complaints = interrupted(ours)
            self.assertEqual((ours.returncode, read), (0, ""), complaints)
            self.assertEqual(described(under_test, "readers")["partitions"][0]["lag"], 0)

    def test_an_interrupt_ends_a_member_that_cannot_commit(self):
        with broker(**AT_ONCE) as under_test:
            fill(under_test, "t", partitions=1, records_each=5)
            ours = consumer(under_test, "readers", "t")
            self.assertEqual([ours.stdout.readline() for _ in range(5)], [f"0:{i}\n" for i in range(5)])
            under_test.kill()
            asked = time.monotonic()
            _, complaints = interrupted(ours)
            self.assertLess(time.monotonic() - asked, 15)
            self.assertEqual(ours.returncode, 3, complaints)
            self.assertIn("what was printed last is not committed, and may be read again: ", complaints)


if __name__ == "__main__":
    unittest.main()
