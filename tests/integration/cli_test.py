#!/usr/bin/env python3
"""What the command line tells its users where something is not as they think."""

import os
import pathlib
import re
import subprocess
import threading
import time
import unittest

from integration import broker, create_topic
from moldau_broker import binary, run

import processes


def cli(under_test, *arguments, stdin=None):
    return run(*arguments, "--bootstrap", under_test.address, stdin=stdin, check=False)


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
                        "consume", "storage random-uuid"):
            with self.subTest(command), broker() as under_test:
                environment["MOLDAU_BOOTSTRAP"] = under_test.address
                told = run(*command.split(), "--help").stdout
                before, examples = re.search(r"\nExamples(.*):\n((?:  .*\n)+)", told).groups()
                for line in re.findall("'([^']*)'", before) + examples.splitlines():
                    line = line.replace("localhost:9092", under_test.address)
                    done = subprocess.run(["bash", "-c", "set -o pipefail; " + line], env=environment, capture_output=True,
                                          text=True, timeout=60)
                    self.assertEqual((done.returncode, done.stderr), (0, ""), line)

    def test_counts_a_refused_record_as_not_stored(self):
        with broker() as under_test:
            create_topic(under_test, "t")
            refused = cli(under_test, "produce", "t", stdin="x" * 2_000_000)
            self.assertEqual(refused.returncode, 1)
            self.assertIn("--batch-size", refused.stderr)
            self.assertIn("1 of 1 records were not acknowledged\n", refused.stderr)

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

    def test_the_log_says_why_a_group_waits(self):
        with broker() as under_test:
            create_topic(under_test, "t")
            consumer = subprocess.Popen(["kcat", "-b", under_test.address, "-G", "readers", "t"],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            deadline = time.monotonic() + 20
            told = []
            while not told and time.monotonic() < deadline:
                time.sleep(processes.POLL_S)
                told = [line for line in under_test.log_path.read_text().splitlines() if "group 'readers'" in line]
            consumer.kill()
            consumer.wait()
            self.assertIn("consumer groups are not there yet", "".join(told))


if __name__ == "__main__":
    unittest.main()
