#!/usr/bin/env python3
"""The binary as a process among others: descriptors that cannot be written, signals, limits of the system."""

import fcntl
import json
import os
import signal
import subprocess
import time
import unittest

from integration import broker, create_topic
from moldau_broker import binary, run

import processes
import wire

TIMEOUT_S = 20
KAFKA_STORAGE_ERROR = 56


def properties(of):
    return "".join(f"{key}={value}\n" for key, value in of.configuration().items())


def fill(pipe):
    """So that whoever writes to it would wait; returns how many bytes that took."""
    os.set_blocking(pipe, False)
    filled = 0
    while True:
        try:
            filled += os.write(pipe, bytes(4096))
        except BlockingIOError:
            os.set_blocking(pipe, True)
            return filled


class StandardDescriptors(unittest.TestCase):
    """Redirections are the shell's: subprocess cannot hand on a closed descriptor."""

    def serve(self, under_test, redirection, stderr=None, before_the_end=lambda: None):
        """Whether the broker comes up and ends orderly."""
        command = ["bash", "-c", f'exec "$0" "$@" {redirection}', binary(), "broker"]
        for key, value in under_test.configuration().items():
            command += ["--override", f"{key}={value}"]
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=stderr or subprocess.DEVNULL)
        self.addCleanup(process.kill)
        deadline = time.monotonic() + TIMEOUT_S
        while process.poll() is None and not processes.answers(under_test.port):
            self.assertLess(time.monotonic(), deadline, "it does not answer")
            time.sleep(processes.POLL_S)
        self.assertIsNone(process.poll(), "it ended")
        with wire.Connection(under_test.port) as connection:
            create_topic(under_test, "t")
            self.assertEqual(connection.produce("t", wire.record_batch([b"value"])), 0)
        before_the_end()
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(TIMEOUT_S), 0)

    def test_a_broker_starts_whatever_becomes_of_what_it_says(self):
        for redirection in ("2>&-", "2>/dev/full", "<&- >&- 2>&-"):
            with self.subTest(redirection):
                under_test = broker()
                self.addCleanup(under_test.close)
                self.serve(under_test, redirection)
        with self.subTest("a pipe without a reader"):
            under_test = broker()
            self.addCleanup(under_test.close)
            reader, writer = os.pipe()
            os.close(reader)
            self.addCleanup(os.close, writer)
            self.serve(under_test, "", stderr=writer)
        with self.subTest("a pipe that nobody reads"):
            under_test = broker()
            self.addCleanup(under_test.close)
            reader, writer = os.pipe()
            self.addCleanup(os.close, reader)
            self.addCleanup(os.close, writer)
            fill(writer)
            self.serve(under_test, "", stderr=writer)

    def test_tells_how_many_lines_nobody_read(self):
        under_test = broker()
        self.addCleanup(under_test.close)
        reader, writer = os.pipe()
        self.addCleanup(os.close, writer)
        filled = fill(writer)
        with open(reader, "rb") as log:
            self.serve(under_test, "", stderr=writer, before_the_end=lambda: log.read(filled))
            os.set_blocking(log.fileno(), False)
            self.assertRegex(log.read().decode(), r"\A\(\d+ lines are missing here: standard error was not read\)\n.* stopping on signal")

    def test_needs_some_descriptors(self):
        with broker() as under_test:
            under_test.stop()
            overrides = [word for key, value in under_test.configuration().items() for word in ("--override", f"{key}={value}")]
            done = subprocess.run(["bash", "-c", 'ulimit -n 100; exec "$0" "$@"', binary(), "broker", *overrides],
                                  capture_output=True, text=True, timeout=TIMEOUT_S)
            self.assertEqual(done.returncode, 1)
            self.assertIn("the system allows 100 open files (ulimit -n); a broker needs at least 128", done.stderr)

    def test_output_that_is_not_written_is_a_failure(self):
        with broker() as under_test:
            create_topic(under_test, "t")
            bootstrap = f"--bootstrap {under_test.address}"
            for command in (f"topic list {bootstrap}", f"topic list -o json {bootstrap}", f"cluster id {bootstrap}",
                            f"topic create u {bootstrap}", "--help", "topic --help", "broker --help", "storage random-uuid"):
                for target in (">/dev/full", ">&-"):
                    with self.subTest(command, target=target):
                        done = subprocess.run(["bash", "-c", f'exec "$0" {command} {target}', binary()], capture_output=True,
                                              text=True, timeout=TIMEOUT_S)
                        self.assertEqual(done.returncode, 1, done.stderr)
                        if command != "broker --help":
                            self.assertIn("write standard output", done.stderr)
                        if command.startswith("topic create"):
                            run("topic", "delete", "u", "--bootstrap", under_test.address)

    def test_a_reader_that_has_seen_enough_is_none(self):
        with broker() as under_test:
            create_topic(under_test, "t")
            done = subprocess.run(["bash", "-c", f'set -o pipefail; "$0" topic list -b {under_test.address} | true', binary()],
                                  capture_output=True, text=True, timeout=TIMEOUT_S)
            self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_a_closed_input_is_no_empty_one(self):
        with broker() as under_test:
            create_topic(under_test, "t")
            done = subprocess.run(["bash", "-c", f'exec "$0" produce t -b {under_test.address} <&-', binary()],
                                  capture_output=True, text=True, timeout=TIMEOUT_S)
            self.assertEqual(done.returncode, 1)
            self.assertIn("standard input", done.stderr)


class Signals(unittest.TestCase):
    def test_a_hangup_stops_the_broker_orderly(self):
        with broker() as under_test:
            under_test.server.process.send_signal(signal.SIGHUP)
            self.assertEqual(under_test.server.process.wait(TIMEOUT_S), 0)
            self.assertIn("stopped", under_test.server.tail())

    def test_signals_in_quick_succession_are_one_stop(self):
        with broker() as under_test:
            create_topic(under_test, "t")
            for _ in range(5):  # coreutils' timeout sends two
                under_test.server.process.send_signal(signal.SIGTERM)
                time.sleep(0.002)
            self.assertEqual(under_test.server.process.wait(TIMEOUT_S), 0)
            self.assertIn("stopped", under_test.server.tail())

    def test_a_member_that_is_told_to_end_twice_leaves_its_group(self):
        with broker() as under_test:
            create_topic(under_test, "t")
            run("produce", "t", "--bootstrap", under_test.address, stdin="one\n")
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                with self.subTest(number):
                    group = f"g-{number}"
                    member = subprocess.Popen([binary(), "consume", "t", "--group", group, "--from-beginning", "--bootstrap", under_test.address],
                                              stdout=subprocess.PIPE, stderr=subprocess.PIPE)
                    self.addCleanup(member.kill)
                    self.assertEqual(member.stdout.readline(), b"one\n")
                    for _ in range(5):
                        member.send_signal(number)
                        time.sleep(0.001)
                    member.communicate(timeout=TIMEOUT_S)
                    described = json.loads(run("group", "describe", group, "-o", "json", "--bootstrap", under_test.address).stdout)[0]
                    self.assertEqual((described["state"], described["partitions"][0]["committed_offset"]), ("Empty", 1))

    def test_a_broker_under_nohup_outlives_the_hangup(self):
        with broker(prefix=["bash", "-c", 'trap "" HUP; exec "$0" "$@"']) as under_test:
            under_test.server.process.send_signal(signal.SIGHUP)
            create_topic(under_test, "t")
            under_test.stop()

    def test_an_interrupted_produce_sends_whole_lines_alone(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            with self.subTest(number), broker() as under_test:
                create_topic(under_test, "t")
                producer = subprocess.Popen([binary(), "produce", "t", "--bootstrap", under_test.address],
                                            stdin=subprocess.PIPE, stderr=subprocess.PIPE)
                self.addCleanup(producer.kill)
                producer.stdin.write(b"amount=100\namount=1")
                producer.stdin.flush()
                deadline = time.monotonic() + TIMEOUT_S
                with wire.Connection(under_test.port) as connection:
                    while connection.offset_of_time("t", 0, -1)[1] < 1:
                        self.assertLess(time.monotonic(), deadline, "the first line does not come")
                    producer.send_signal(number)
                    self.assertEqual(producer.wait(TIMEOUT_S), 1)
                    told = producer.stderr.read()
                    self.assertIn(b"Ctrl-C again ends at once", told)
                    self.assertIn(b"the line that had not ended yet is not sent", told)
                    self.assertIn(b"nothing after line 1 was sent", told)
                    self.assertEqual(wire.batch_values(connection.fetch("t", 0, 0)), [(0, b"amount=100")])
                producer.stdin.close()
                producer.stderr.close()


class Refusals(unittest.TestCase):
    """What a broker says that cannot start: /dev/null/x is a directory that nobody can make."""

    def test_a_key_that_is_not_known_is_told_before_what_it_led_to(self):
        refused = run("broker", "--override", "log.retention.houre=1", "--override", "log.dirs=/dev/null/x", check=False)
        self.assertEqual(refused.returncode, 1)
        self.assertRegex(refused.stderr, r"(?s)did you mean log\.retention\.hours\?.*moldau: create directory /dev/null/x: ")
        self.assertTrue(refused.stderr.endswith("; log.dirs names another directory\n"), refused.stderr)

    def test_an_option_that_is_not_known_is_named(self):
        refused = run("broker", "--confg", "server.properties", check=False)
        self.assertEqual(refused.returncode, 2)
        self.assertIn("moldau: there is no option --confg; did you mean --config?\n", refused.stderr)


class Limits(unittest.TestCase):
    def test_a_file_that_may_not_grow_is_that_partitions_trouble_alone(self):
        with broker(prefix=["bash", "-c", 'ulimit -f 4096; exec "$0" "$@"']) as under_test:
            create_topic(under_test, "t")
            create_topic(under_test, "u")
            with wire.Connection(under_test.port) as connection:
                batch = wire.record_batch([os.urandom(900_000)])
                acknowledged = 0
                with self.assertRaisesRegex(RuntimeError, f"error {KAFKA_STORAGE_ERROR}"):
                    for _ in range(10):
                        connection.produce("t", batch)
                        acknowledged += 1
                self.assertGreater(acknowledged, 0)
                self.assertEqual(connection.offset_of_time("t", 0, -1)[1], acknowledged)
                self.assertEqual(connection.produce("u", batch), 0)
                create_topic(under_test, "v")
            under_test.stop()


class Formatting(unittest.TestCase):
    def setUp(self):
        self.broker = broker()
        self.addCleanup(self.broker.close)
        self.config = self.broker.directory / "server.properties"
        self.config.write_text(properties(self.broker))
        self.meta = self.broker.data / "meta.properties"

    def format(self, *flags):
        return run("storage", "format", "--config", str(self.config), *(flags or ["--standalone"]), "--cluster-id",
                   run("storage", "random-uuid").stdout.strip(), check=False)

    def test_a_directory_of_a_static_quorum_works(self):
        voters = {"controller.quorum.voters": "1@127.0.0.1:9093"}
        self.config.write_text(self.config.read_text() + "controller.quorum.voters=1@127.0.0.1:9093\n")
        self.assertEqual(self.format("--feature", "kraft.version=0").returncode, 0)
        for life in range(2):
            self.broker.start(**voters)
            create_topic(self.broker, f"topic-{life}")
            self.broker.stop()

    def test_a_cluster_begins_with_the_version_that_it_was_formatted_for(self):
        self.assertEqual(self.format("--standalone", "--release-version", "4.0").returncode, 0)
        for life in range(2):
            self.broker.start()
            self.assertRegex(run("cluster", "features", "-b", self.broker.address).stdout, r"metadata.version .* 25\b")
            create_topic(self.broker, f"topic-{life}")
            self.broker.stop()

    def test_a_directory_that_somebody_uses_is_left_alone(self):
        self.broker.data.mkdir()
        with open(self.broker.data / ".lock", "wb") as lock:
            fcntl.lockf(lock, fcntl.LOCK_EX)
            refused = self.format()
            self.assertEqual(refused.returncode, 5)
            self.assertIn("another process uses this directory", refused.stderr)
            self.assertEqual(os.listdir(self.broker.data), [".lock"])
        self.assertEqual(self.format().returncode, 0)
        self.assertTrue(self.meta.exists())

    def test_a_directory_that_cannot_be_made_is_one_to_name_anew(self):
        self.config.write_text(self.config.read_text() + "log.dirs=/dev/null/x\n")
        refused = self.format()
        self.assertEqual(refused.returncode, 1)
        self.assertTrue(refused.stderr.endswith("; log.dirs names another directory\n"), refused.stderr)

    def test_a_metadata_log_without_its_properties_is_left_alone(self):
        self.broker.start()
        kept = self.meta.read_bytes()
        self.meta.unlink()
        refused = self.format()
        self.assertEqual(refused.returncode, 5)
        self.assertIn("holds a metadata log", refused.stderr)
        self.assertFalse(self.meta.exists())
        self.meta.write_bytes(kept)
        self.broker.stop()
        self.broker.start()


if __name__ == "__main__":
    unittest.main()
