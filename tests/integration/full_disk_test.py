#!/usr/bin/env python3
"""A full disk: appends are refused and may be tried again, reads are served, nothing acknowledged is lost, and all goes on
by itself once there is room. On a small tmpfs of its own."""

import contextlib
import itertools
import os
import pathlib
import subprocess
import tempfile
import time
import unittest

from integration import broker, run_client, start_client
from moldau_broker import run

SIZE_MIB = 24
SPARE_FILE = ".moldau-spare"
TIMEOUT_S = 60


def fill(path, leave_bytes=0):
    """Writes a file until the disk is full but for `leave_bytes`."""
    with open(path, "wb", buffering=0) as file:
        for block in (bytes(1 << 20), bytes(4096)):
            try:
                while True:
                    free = os.statvfs(path.parent).f_bavail * os.statvfs(path.parent).f_frsize
                    if free - len(block) < leave_bytes:
                        break
                    file.write(block)
            except OSError:
                pass


class FullDisk(unittest.TestCase):
    def resize(self, mib):
        subprocess.run(["mount", "-o", f"remount,size={mib}m", str(self.mount)], check=True)

    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="moldau-full-")
        self.addCleanup(directory.cleanup)
        self.mount = pathlib.Path(directory.name) / "disk"
        self.mount.mkdir()
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE_MIB}m", "tmpfs", str(self.mount)], capture_output=True, text=True)
        if done.returncode != 0:
            self.skipTest(f"a tmpfs cannot be mounted here: {done.stderr.strip()}")
        self.addCleanup(subprocess.run, ["umount", "-l", str(self.mount)], check=True)
        self.acked_file = pathlib.Path(directory.name) / "acked"
        self.acked_file.touch()
        self.probes = itertools.count()
        self.broker = broker(**{"log.dirs": str(self.mount / "data"), "log.segment.bytes": "1048576",
                                "log.segment.delete.delay.ms": "0", "log.initial.task.delay.ms": "0",
                                "log.retention.check.interval.ms": "1000", "replica.high.watermark.checkpoint.interval.ms": "500"})
        self.addCleanup(self.broker.close)
        self.broker.start()

    @staticmethod
    def end(client):
        if client.poll() is None:
            client.kill()
            client.communicate()

    def acked(self):
        return [line.rsplit(" ", 1)[0] for line in self.acked_file.read_text().splitlines()]

    def wait_until(self, reached, what):
        deadline = time.monotonic() + TIMEOUT_S
        while not reached():
            self.assertIsNone(self.broker.server.process.poll(), f"the broker ended:\n{self.broker.server.tail()}")
            self.assertLess(time.monotonic(), deadline, f"{what}:\n{self.broker.server.tail()}")
            time.sleep(0.01)

    def start_producer(self):
        client = start_client("produce", self.broker.address, "full", "1", str(self.acked_file), "value.bytes=4000",
                              "records.in.flight=50", "message.timeout.ms=60000")
        self.addCleanup(self.end, client)
        return client

    def is_refused(self):
        """Whether a record of the load's size is, when it is not tried again."""
        value = f"probe-{next(self.probes)}-".ljust(4000, "x")
        done = subprocess.run(["kcat", "-b", self.broker.address, "-P", "-t", "full", "-X", "retries=0", "-X", "acks=all",
                               "-X", "message.timeout.ms=5000"], input=value, capture_output=True, text=True, timeout=TIMEOUT_S)
        return "disk error" in done.stderr.lower()  # librdkafka's words for KAFKA_STORAGE_ERROR

    def wait_until_refused(self):
        self.wait_until(self.is_refused, "the disk does not become full")

    def check_stored(self):
        stored = run_client("read", self.broker.address, "full", "1").splitlines()
        missing = set(self.acked()) - set(stored)
        self.assertFalse(missing, f"{len(missing)} acknowledged records are gone, e.g. {sorted(missing)[:3]}")
        values = [line.split(" ")[3] for line in stored]
        self.assertEqual(len(values), len(set(values)), "a record is there twice")
        self.assertEqual([int(line.split(" ")[2]) for line in stored], list(range(len(stored))), "offsets are dense")

    def wait_until_accepted(self):
        before = len(self.acked())
        self.wait_until(lambda: len(self.acked()) > before, "nothing is accepted though there is room")

    def fill_a_topic(self, name, acked_file):
        """With six segments or so, once the broker has its spare file."""
        self.wait_until((self.mount / "data" / SPARE_FILE).exists, "there is no spare file")
        client = start_client("produce", self.broker.address, name, "1", str(acked_file), "value.bytes=4000", "records.in.flight=50")
        self.addCleanup(self.end, client)
        self.wait_until(lambda: acked_file.exists() and len(acked_file.read_text().splitlines()) > 1500, "the load is slow")
        _, errors = client.communicate(timeout=TIMEOUT_S)
        self.assertEqual(client.returncode, 0, errors.decode())

    def wait_until_retention_frees(self):
        def frees():
            space = os.statvfs(self.mount)
            return space.f_bavail * space.f_frsize > 3 << 20

        self.wait_until(frees, "retention frees nothing")
        self.wait_until((self.mount / "data" / SPARE_FILE).exists, "the spare file is not made again")

    def finish(self, client):
        """The end of the load and of the broker, both by force, and a start: everything is there. The load may have filled
        the disk again by then, and a clean stop needs room."""
        self.end(client)
        self.broker.kill()
        self.resize(2 * SIZE_MIB)
        self.broker.start()
        self.check_stored()
        self.broker.stop()

    def test_refuses_serves_reads_and_goes_on_when_a_file_goes(self):
        filler = self.mount / "filler"
        filler.write_bytes(bytes(10 << 20))
        # It measures the free space at its start, and then once a second: what others take in between it does not know.
        self.broker.stop()
        self.broker.start()
        client = self.start_producer()
        self.wait_until_refused()
        self.check_stored()
        with self.subTest("the reserve has room for metadata"):
            run("topic", "create", "made-on-a-full-disk", "-b", self.broker.address)
        filler.unlink()
        self.wait_until_accepted()
        self.finish(client)

    def test_goes_on_when_a_topic_is_deleted(self):
        run("topic", "create", "big", "-b", self.broker.address, "--config", "file.delete.delay.ms=0")
        self.fill_a_topic("big", self.acked_file.with_name("big"))
        client = self.start_producer()
        self.wait_until_refused()
        run("topic", "delete", "big", "-b", self.broker.address)
        self.wait_until_accepted()
        self.finish(client)

    def test_metadata_waits_for_room_on_a_disk_without_any(self):
        client = self.start_producer()
        self.wait_until_accepted()
        filler = self.mount / "filler"
        fill(filler)
        self.wait_until_refused()
        # The metadata log's last page takes some.
        for number in range(30):
            last = f"topic-{number}"
            if run("topic", "create", last, "--partitions", "5", "-b", self.broker.address, "--timeout", "3s", check=False).returncode != 0:
                break
        else:
            self.fail("topics can be created without end on a full disk")
        self.check_stored()
        self.end(client)  # it would fill the disk again before the topics have their room
        filler.unlink()
        self.wait_until(lambda: not self.is_refused(), "nothing is accepted though there is room")

        def is_there():
            run("topic", "create", last, "--partitions", "5", "-b", self.broker.address, check=False)
            return last in run("topic", "list", "-b", self.broker.address).stdout.split()

        self.wait_until(is_there, "topics cannot be created though there is room")
        for topic in {last, "topic-0"}:
            run_client("read", self.broker.address, topic, "5")
        self.finish(client)

    def test_retention_frees_a_disk_that_others_have_filled(self):
        self.fill_a_topic("full", self.acked_file)
        self.fill_a_topic("old", self.acked_file.with_name("old"))
        filler = self.mount / "filler"
        fill(filler)
        # A change of metadata, such as this one, is not what the spare file is for.
        lent_bytes = 32 << 10
        os.truncate(filler, filler.stat().st_size - lent_bytes)
        run("config", "alter", "--topic", "old", "--add", "retention.bytes=1", "-b", self.broker.address)
        with open(filler, "ab", buffering=0) as file, contextlib.suppress(OSError):
            for _ in range(lent_bytes // 4096):
                file.write(bytes(4096))
        self.wait_until_retention_frees()
        client = self.start_producer()
        self.wait_until_accepted()
        self.finish(client)

    def check_start(self, end):
        run("topic", "create", "full", "-b", self.broker.address, "--config", "retention.bytes=-1")
        self.fill_a_topic("full", self.acked_file)
        self.fill_a_topic("old", self.acked_file.with_name("old"))
        end()
        fill(self.mount / "filler")
        self.broker.start(**{"log.retention.bytes": "1"})
        self.check_stored()
        self.wait_until_retention_frees()
        client = self.start_producer()
        self.wait_until_accepted()
        self.finish(client)

    def test_starts_after_a_stop_on_a_disk_that_others_have_filled(self):
        self.check_start(self.broker.stop)

    def test_starts_after_a_kill_on_a_disk_that_others_have_filled(self):
        self.check_start(self.broker.kill)


if __name__ == "__main__":
    unittest.main()
