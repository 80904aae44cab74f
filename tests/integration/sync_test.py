#!/usr/bin/env python3
"""The broker's system calls, seen from outside: what acks=all waits for."""

import os
import unittest

from integration import broker, kcat  # first: it says where the others are

from system_calls import NotPermitted, SystemCalls

WRITES, SYNCS, ANSWERS = ("pwrite64", "pwritev"), ("fdatasync", "fsync"), ("sendmsg", "sendto")
NAMES = (*WRITES, *SYNCS, *ANSWERS, "recvfrom", "sendfile")


class Sync(unittest.TestCase):
    def produce_one_traced(self, durability, acks):
        """A record to a warm partition. Returns the log's path, the calls, and the record's write, request and answer."""
        # No checkpoint falls into the time that is looked at.
        with broker(**{"moldau.durability": durability, "replica.high.watermark.checkpoint.interval.ms": "600000"}) as under_test:
            log = os.path.join(under_test.data, "warm-0", "00000000000000000000.log")
            for _ in range(2):
                kcat(under_test, "-P", "-t", "warm", "-X", "acks=all", stdin=b"warm\n")
            try:
                with SystemCalls(under_test.server.process.pid, NAMES) as seen:
                    kcat(under_test, "-P", "-t", "warm", "-X", f"acks={acks}", stdin=b"the record\n")
            except NotPermitted as reason:
                self.skipTest(f"strace may not attach here: {reason}")
            writes = seen.about(WRITES, log)
            self.assertEqual(len(writes), 1, "one write for one record")
            before = [call for call in seen.about(("recvfrom",)) if call.begun < writes[0].begun]
            # Of a connection on the same shard, or another: the next answer of any is the record's, since kcat waits for it.
            after = [call for call in seen.about(ANSWERS) if call.begun > writes[0].done]
            self.assertTrue(before and after, "the request and the answer are seen")
            return before[-1], writes[0], after[0], seen.about(SYNCS, log)

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
