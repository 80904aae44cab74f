#!/usr/bin/env python3
"""The broker's system calls, seen from outside: what acks=all waits for."""

import os
import pathlib
import re
import subprocess
import tempfile
import time
import unittest

from integration import broker, kcat

CALLS = "recvfrom,sendmsg,sendto,sendfile,pwrite64,pwritev,fdatasync,fsync"
LINE = re.compile(r"(\d+)\s+(?:<\.\.\. (\w+) resumed>|(\w+)\()(.*)")
ATTACH_TIMEOUT_S = 20


class Call:
    def __init__(self, name, begun, text):
        self.name, self.begun, self.done, self.text = name, begun, None, text

    def is_on(self, path):
        return path in self.text


def calls_of(trace):
    """The calls of all threads by the order of their beginning; `begun` and `done` are lines."""
    calls, unfinished = [], {}
    for number, line in enumerate(trace.splitlines()):
        match = LINE.match(line)
        if not match:
            continue
        thread, resumed, name, rest = match.groups()
        if resumed:
            call = unfinished.pop(thread, None)
            if call:
                call.done = number
                call.text += rest
            continue
        call = Call(name, number, rest)
        calls.append(call)
        if rest.endswith("<unfinished ...>"):
            unfinished[thread] = call
        else:
            call.done = number
    return calls


class Strace:
    """The calls that a process makes while the block runs, as `calls`."""

    def __init__(self, test, process):
        self._test, self._process = test, process

    def __enter__(self):
        self._directory = tempfile.TemporaryDirectory()
        self._output = pathlib.Path(self._directory.name) / "trace"
        self._strace = subprocess.Popen(["strace", "-f", "-y", "-s", "0", "-e", f"trace={CALLS}", "-o", str(self._output), "-p",
                                         str(self._process.pid)], stderr=subprocess.PIPE, text=True)
        deadline = time.monotonic() + ATTACH_TIMEOUT_S
        while not self._is_attached():
            if self._strace.poll() is not None:
                errors = self._strace.stderr.read()
                if "Operation not permitted" in errors:
                    self._test.skipTest(f"strace may not attach here: {errors.strip()}")
                raise RuntimeError(f"strace ended: {errors}")
            if time.monotonic() > deadline:
                self._strace.kill()
                raise RuntimeError("strace does not attach")
            time.sleep(0.005)
        return self

    def _is_attached(self):
        tasks = pathlib.Path(f"/proc/{self._process.pid}/task").iterdir()
        return all("TracerPid:\t0\n" not in (task / "status").read_text() for task in tasks)

    def __exit__(self, *_):
        if self._strace.poll() is None:
            self._strace.terminate()
        self._strace.communicate(timeout=30)
        self.calls = calls_of(self._output.read_text()) if self._output.exists() else []
        self._directory.cleanup()


class Sync(unittest.TestCase):
    def produce_one_traced(self, durability, acks):
        """A record to a warm partition. Returns the log's path, the calls, and the record's write, request and answer."""
        # No checkpoint falls into the time that is looked at.
        with broker(**{"moldau.durability": durability, "replica.high.watermark.checkpoint.interval.ms": "600000"}) as under_test:
            log = os.path.join(under_test.data, "warm-0", "00000000000000000000.log")
            for _ in range(2):
                kcat(under_test, "-P", "-t", "warm", "-X", "acks=all", stdin=b"warm\n")
            with Strace(self, under_test.server.process) as strace:
                kcat(under_test, "-P", "-t", "warm", "-X", f"acks={acks}", stdin=b"the record\n")
            writes = [call for call in strace.calls if call.name.startswith("pwrite") and call.is_on(log)]
            self.assertEqual(len(writes), 1, "one write for one record")
            before = [call for call in strace.calls if call.name == "recvfrom" and call.begun < writes[0].begun]
            # Of a connection on the same shard, or another: the next answer of any is the record's, since kcat waits for it.
            after = [call for call in strace.calls if call.name in ("sendmsg", "sendto") and call.begun > writes[0].done]
            self.assertTrue(before and after, "the request and the answer are seen")
            syncs = [call for call in strace.calls if call.name in ("fdatasync", "fsync") and call.is_on(log)]
            return before[-1], writes[0], after[0], syncs

    def test_an_acks_all_record_is_answered_after_one_fdatasync(self):
        request, write, answer, syncs = self.produce_one_traced("disk", "all")
        between = [sync for sync in syncs if request.begun < sync.begun and sync.begun < answer.begun]
        self.assertEqual([sync.name for sync in between], ["fdatasync"])
        self.assertGreater(between[0].begun, write.done)
        self.assertLess(between[0].done, answer.begun)
        self.assertIn("= 0", between[0].text)

    def test_an_acks_1_record_does_not_wait(self):
        _, _, answer, syncs = self.produce_one_traced("disk", "1")
        self.assertEqual([sync.text for sync in syncs if sync.begun < answer.begun], [])

    def test_with_the_page_cache_as_durability_nothing_waits(self):
        _, _, answer, syncs = self.produce_one_traced("page-cache", "all")
        self.assertEqual([sync.text for sync in syncs if sync.begun < answer.begun], [])


if __name__ == "__main__":
    unittest.main()
