#!/usr/bin/env python3
"""What the command line tells its users where something is not as they think."""

import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import threading
import time
import unittest

from integration import broker, create_topic
from moldau_broker import binary, run

import processes


NOTHING_THERE = r"moldau: there (are no (such )?(topics|groups)|is no group '\w+' yet(; it is made)?)\n"


def cli(under_test, *arguments, stdin=None):
    return run(*arguments, "--bootstrap", under_test.address, stdin=stdin, check=False)


def is_asking_for_a_connection(port):
    """Whether somebody on this machine waits for a connection to the port to be taken."""
    asking = "02"
    for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]:
        _, _, remote, state = line.split()[:4]
        if state == asking and int(remote.split(":")[1], 16) == port:
            return True
    return False


class CommandLine(unittest.TestCase):
    def test_refuses_settings_that_would_have_no_effect(self):
        with broker() as under_test:
            for target, setting in ((("--broker", "1"), "listeners=PLAINTEXT://127.0.0.1:1"),
                                    (("--broker", "1"), "listener.security.protocol.map=A:PLAINTEXT"),
                                    (("--broker", "1"), "max.connections=5"), (("--brokers",), "max.connections=5")):
                with self.subTest(setting, target=target):
                    refused = cli(under_test, "config", "alter", *target, "--add", setting)
                    self.assertEqual(refused.returncode, 1)
                    self.assertIn("read when the broker starts", refused.stderr)
            taken = cli(under_test, "config", "alter", "--broker", "1", "--add", "log.retention.ms=86400000")
            self.assertEqual(taken.returncode, 0, taken.stderr)
            shown = cli(under_test, "config", "describe", "--broker", "1", "listeners", "log.retention.ms").stdout
            self.assertRegex(shown, rf"listeners +PLAINTEXT://{under_test.address}.* startup ")
            self.assertRegex(shown, r"log.retention.ms +86400000 +broker ")

    def test_brings_back_only_keys_that_there_are(self):
        with broker() as under_test:
            create_topic(under_test, "t")
            for target in (("topic", "alter", "t"), ("config", "alter", "--topic", "t"),
                           ("config", "alter", "--broker", "1"), ("config", "alter", "--brokers")):
                with self.subTest(target=target):
                    wrong = cli(under_test, *target, "--delete", "retention.mss")
                    self.assertEqual(wrong.returncode, 4)
                    self.assertIn("retention.mss", wrong.stderr)
                    key = "log.retention.ms" if "--broker" in target or "--brokers" in target else "retention.ms"
                    self.assertEqual(cli(under_test, *target, "--delete", key).returncode, 0)

    def test_examples_of_the_help_work_as_they_are_printed(self):
        environment = os.environ | {"PATH": f"{pathlib.Path(binary()).resolve().parent}:{os.environ['PATH']}"}
        for command in ("", "topic create", "topic list", "topic describe", "topic alter", "topic delete", "config describe",
                        "config alter", "cluster id", "cluster describe", "cluster quorum", "cluster features", "produce",
                        "consume", "group list", "group describe", "group reset-offsets", "group delete",
                        "group delete-offsets", "storage random-uuid"):
            with self.subTest(command), broker() as under_test:
                environment["MOLDAU_BOOTSTRAP"] = under_test.address
                told = run(*command.split(), "--help").stdout
                before, examples = re.search(r"\nExamples(.*):\n((?:  .*\n)+)", told).groups()
                for line in re.findall("'([^']*)'", before) + examples.splitlines():
                    line = line.replace("127.0.0.1:9092", under_test.address)
                    done = subprocess.run(["bash", "-c", "set -o pipefail; " + line], env=environment, capture_output=True,
                                          text=True, timeout=60)
                    self.assertEqual((done.returncode, re.sub(NOTHING_THERE, "", done.stderr)), (0, ""), line)

    def test_counts_a_refused_record_as_not_stored(self):
        with broker() as under_test:
            create_topic(under_test, "t")
            refused = cli(under_test, "produce", "t", stdin="x" * 2_000_000)
            self.assertEqual(refused.returncode, 1)
            self.assertIn("--batch-size", refused.stderr)
            self.assertIn("1 of 1 records were not acknowledged\n", refused.stderr)

    def test_altering_a_topic_changes_all_or_nothing(self):
        with broker() as under_test:
            create_topic(under_test, "t", partitions=2)
            refused = cli(under_test, "topic", "alter", "t", "--add", "retention.ms=5", "--partitions", "1")
            self.assertEqual(refused.returncode, 1)
            self.assertIn("INVALID_PARTITIONS", refused.stderr)
            self.assertNotIn("retention.ms", cli(under_test, "config", "describe", "--topic", "t").stdout)
            both = cli(under_test, "topic", "alter", "t", "--add", "retention.ms=86400000", "--partitions", "3")
            self.assertEqual(both.returncode, 0, both.stderr)
            self.assertIn("86400000", cli(under_test, "config", "describe", "--topic", "t").stdout)

    def test_refuses_to_send_what_it_cannot_read(self):
        with broker() as under_test:
            create_topic(under_test, "t")
            closed = subprocess.run(["sh", "-c", f"exec '{binary()}' produce t --bootstrap {under_test.address} <&-"],
                                    capture_output=True, text=True, timeout=60)
            self.assertEqual(closed.returncode, 1)
            self.assertIn("standard input: ", closed.stderr)

    def test_keeps_the_order_of_records_that_nobody_acknowledges(self):
        with broker() as under_test:
            create_topic(under_test, "t")
            lines = [str(number) for number in range(100_000)]
            sent = cli(under_test, "produce", "t", "--acks", "0", "--batch-size", "1000", stdin="\n".join(lines))
            self.assertEqual((sent.returncode, sent.stderr), (0, ""))
            read = cli(under_test, "consume", "t", "--from-beginning", "--exit-at-end").stdout.splitlines()
            self.assertEqual(len(read), len(lines))
            self.assertEqual([pair for pair in zip(lines, read) if pair[0] != pair[1]][:5], [])

    def test_tells_of_an_outage_and_of_its_end(self):
        with broker() as under_test:
            create_topic(under_test, "t")
            cli(under_test, "produce", "t", stdin="first\n")
            consumer = subprocess.Popen([binary(), "consume", "t", "--from-beginning", "-n", "2", "--bootstrap",
                                         under_test.address], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            give_up = threading.Timer(30, consumer.kill)
            give_up.start()
            self.assertEqual(consumer.stdout.readline(), "first\n")
            under_test.kill()
            self.assertIn("Connection refused; still trying", consumer.stderr.readline())
            under_test.start()
            self.assertIn("going on after", consumer.stderr.readline())
            cli(under_test, "produce", "t", stdin="second\n")
            self.assertEqual(consumer.communicate()[0], "second\n")
            give_up.cancel()

    def test_begins_at_the_first_record_where_those_before_are_deleted(self):
        with broker(**{"log.retention.check.interval.ms": "100", "log.initial.task.delay.ms": "0"}) as under_test:
            cli(under_test, "topic", "create", "t", "--config", "retention.ms=1")
            cli(under_test, "produce", "t", stdin="first\nsecond\n")
            deadline = time.monotonic() + 20
            while True:
                read = cli(under_test, "consume", "t", "--offset", "0", "--exit-at-end")
                if "first" not in read.stdout or time.monotonic() > deadline:
                    break
                time.sleep(processes.POLL_S)
            self.assertEqual((read.returncode, read.stdout), (0, ""), read.stderr)
            self.assertEqual(read.stderr, "moldau: partition 0 of topic 't': the records before offset 2 are deleted; "
                                          "beginning there\n")
            beyond = cli(under_test, "consume", "t", "--offset", "3")
            self.assertEqual(beyond.returncode, 4)
            self.assertIn("there is no offset 3 yet", beyond.stderr)

    def test_consume_ends_quietly_once_nobody_reads_its_output(self):
        with broker() as under_test:
            create_topic(under_test, "t")
            cli(under_test, "produce", "t", stdin="first\n")
            for group in ((), ("--group", "g")):
                with self.subTest(group=group):
                    consumer = subprocess.Popen([binary(), "consume", "t", "--from-beginning", *group, "--bootstrap",
                                                 under_test.address], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                                text=True)
                    self.addCleanup(consumer.kill)
                    self.assertEqual(consumer.stdout.readline(), "first\n")
                    consumer.stdout.close()
                    # No record comes any more whose printing could fail.
                    self.assertEqual((consumer.wait(timeout=20), consumer.stderr.read()), (0, ""))
                    consumer.stderr.close()
            [described] = json.loads(cli(under_test, "group", "describe", "g", "-o", "json").stdout)
            self.assertEqual([(each["committed_offset"], each.get("member")) for each in described["partitions"]], [(1, None)])

    def test_produce_ends_soon_where_its_topic_is_deleted(self):
        with broker() as under_test:
            create_topic(under_test, "t")
            producer = subprocess.Popen([binary(), "produce", "t", "--bootstrap", under_test.address],
                                        stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            self.addCleanup(producer.kill)
            producer.stdin.write("first\n")
            producer.stdin.flush()
            self.assertEqual(cli(under_test, "consume", "t", "--from-beginning", "-n", "1").stdout, "first\n")
            self.assertEqual(cli(under_test, "topic", "delete", "t").returncode, 0)
            producer.stdin.write("second\n")
            producer.stdin.flush()
            told = producer.stderr.read()  # its input is still open
            self.assertEqual(producer.wait(timeout=20), 1)
            self.assertIn("topic 't' is not there any more: it was deleted\n", told)
            self.assertIn("1 of 2 records were not acknowledged\n", told)
            producer.stdin.close()
            producer.stderr.close()

    def test_an_interrupt_ends_a_consumer_that_cannot_reach_a_leader(self):
        # Linux drops who asks for a connection while as many as the backlog wait to be taken.
        with socket.create_server(("127.0.0.1", 0), backlog=0) as full, \
                socket.create_connection(full.getsockname()):
            port = full.getsockname()[1]
            with broker(**{"advertised.listeners": f"PLAINTEXT://127.0.0.1:{port}"}) as under_test:
                create_topic(under_test, "t")
                consumer = subprocess.Popen([binary(), "consume", "t", "--offset", "0", "--bootstrap", under_test.address],
                                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
                give_up = threading.Timer(20, consumer.kill)
                give_up.start()
                while consumer.poll() is None and not is_asking_for_a_connection(port):
                    time.sleep(processes.POLL_S)
                consumer.send_signal(signal.SIGINT)
                asked = time.monotonic()
                told = consumer.communicate()[1]
                give_up.cancel()
                self.assertEqual((consumer.returncode, told), (0, ""))
                self.assertLess(time.monotonic() - asked, 10)

    def test_the_log_says_why_a_transactional_producer_fails(self):
        with broker() as under_test:
            create_topic(under_test, "t")
            producer = subprocess.Popen(["kcat", "-b", under_test.address, "-P", "-t", "t", "-X", "transactional.id=writer"],
                                        stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            deadline = time.monotonic() + 20
            told = []
            while not told and time.monotonic() < deadline:
                time.sleep(processes.POLL_S)
                told = [line for line in under_test.log_path.read_text().splitlines() if "transactional id 'writer'" in line]
            producer.stdin.close()
            producer.kill()
            producer.wait()
            self.assertIn("transactions are not there yet", "".join(told))


if __name__ == "__main__":
    unittest.main()
