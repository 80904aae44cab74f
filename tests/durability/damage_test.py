#!/usr/bin/env python3
"""Damage at rest: of a directory that was left in good order, or by a kill after all was durable, one file changes.

Whatever it is, the broker does not die of it: it serves what it served before, bit by bit, or says of a partition that it
cannot, or does not start, naming what is damaged. And it makes nothing worse: with the file as it was, everything is there
again.

MOLDAU_DAMAGES: how many (40). MOLDAU_SEED: the first's seed.
"""

import os
import pathlib
import random
import shutil
import struct
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

import wire  # noqa: E402
from moldau_broker import MoldauBroker, run  # noqa: E402

DAMAGES = int(os.environ.get("MOLDAU_DAMAGES", "40"))
SEED = int(os.environ.get("MOLDAU_SEED", random.randrange(1 << 30)))
PARTITIONS = [("single", 0), ("double", 0), ("double", 1)]
BATCHES = 40
CHECKPOINT = "recovery-point-offset-checkpoint"
LOG_STARTS = "log-start-offset-checkpoint"
SETTLE_S = 15
PATIENCE_S = 3
NOT_FORMATTED = "is not formatted"
# Of a directory that bears another topic's id.
MOVES_ASIDE = "-stray"


def batch_with_wrong_checksum(data):
    """Whether some batch in `data` is not what its checksum says, so that a client would refuse it."""
    while len(data) >= 61:
        size, checksum = struct.unpack_from(">i", data, 8)[0], struct.unpack_from(">I", data, 17)[0]
        if size < 49 or len(data) < 12 + size or wire.crc32c(data[21:12 + size]) != checksum:
            return True
        data = data[12 + size:]
    return bool(data)


def read_all(connection, topic, partition):
    """All bytes of a partition; what a client would refuse ends it, as None."""
    data, offset = b"", 0
    while found := connection.fetch(topic, partition, offset, max_wait_ms=0, min_bytes=0):
        if batch_with_wrong_checksum(found):
            return None
        data += found
        offset = wire.end_offset(found, offset)
    return data


def damaged(content, draw):
    """What becomes of a file, and how that is called; None: it is gone."""
    size = len(content)
    at, length = draw.randrange(size + 1), draw.choice([1, 8, 40])
    kinds = {"is gone": lambda: None, "is all zeros": lambda: bytes(size), "is cut": lambda: content[:at],
             "has a wrong bit": lambda: flipped(content, draw),
             "has wrong bytes": lambda: content[:at] + draw.randbytes(len(content[at:at + length])) + content[at + length:],
             "has bytes twice": lambda: content + content[-length:]}
    what = draw.choice(sorted(kinds))
    return what, kinds[what]()


def flipped(content, draw):
    if not content:
        return content
    changed = bytearray(content)
    changed[draw.randrange(len(changed))] ^= 1 << draw.randrange(8)
    return bytes(changed)


def entries(checkpoint):
    """Numbers of a checkpoint by partition; nothing when it is none."""
    try:
        version, count, *lines = checkpoint.decode().splitlines()
        words = [line.split(" ") for line in lines]
        found = {(topic, int(partition)): int(number) for topic, partition, number in words}
        return found if version == "0" and int(count) == len(lines) else {}
    except ValueError:
        return {}


def tells_other_starts(path, before, after):
    """Apache Kafka's checkpoints have no checksum: where a log begins is taken at its word."""
    if path.name != LOG_STARTS or after is None:
        return False
    return bool(entries(after)) and entries(after).keys() == entries(before).keys()


class Damage(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory(prefix="moldau-damage-")
        self.addCleanup(scratch.cleanup)
        self.whole = pathlib.Path(scratch.name) / "whole"
        self.broker = MoldauBroker(overrides={"log.index.interval.bytes": "100",
                                              "replica.high.watermark.checkpoint.interval.ms": "200"})
        self.addCleanup(self.broker.close)

    def fill(self):
        self.broker.start()
        for topic, count in (("single", 1), ("double", 2)):
            run("topic", "create", topic, "--partitions", str(count), "--config", "internal.segment.bytes=3000",
                "--bootstrap", self.broker.address)
        with wire.Connection(self.broker.port) as connection:
            for number in range(BATCHES):
                for topic, partition in PARTITIONS:
                    values = [b"%s-%d %d" % (topic.encode(), partition, number)] * (1 + number % 7)
                    connection.produce(topic, wire.record_batch(values, 1_700_000_000_000 + number, 1), partition)
            self.expected = {each: read_all(connection, *each) for each in PARTITIONS}
        self.assertTrue(all(self.expected.values()))

    def wait_until_durable(self):
        """Until the checkpoint holds the end of every partition."""
        ends = {each: wire.end_offset(data, 0) for each, data in self.expected.items()}
        deadline = time.monotonic() + SETTLE_S
        while True:
            lines = (self.broker.data / CHECKPOINT).read_text().splitlines() if (self.broker.data / CHECKPOINT).exists() else []
            points = {(words[0], int(words[1])): int(words[2]) for words in map(str.split, lines[2:])}
            if all(points.get(each) == end for each, end in ends.items()):
                return
            self.assertLess(time.monotonic(), deadline, f"what is durable is written down: {points}, {ends}")
            time.sleep(0.02)

    def keep_whole(self):
        shutil.copytree(self.broker.data, self.whole)
        self.files = sorted(path.relative_to(self.whole) for path in self.whole.rglob("*") if path.is_file())

    def start_on_damage(self, path):
        """Starts the broker; returns what is wrong, or nothing."""
        self.broker.log_path.write_bytes(b"")
        room = path.parts[0]  # the partition's directory, or the file itself
        try:
            self.broker.start()
        except Exception:
            status = self.broker.server.process.wait(timeout=SETTLE_S)
            if status < 0 or "assert" in self.log():
                return f"the broker died, status {status}:\n{self.log()[-2000:]}"
            named = room in self.log() or NOT_FORMATTED in self.log()
            return "" if named else f"it did not start and does not name {room}:\n{self.log()[-2000:]}"
        wrong = [found for each in PARTITIONS if (found := self.look_at(each, room))]
        if self.broker.server.process.poll() is not None:
            wrong.append(f"the broker died:\n{self.log()[-2000:]}")
        self.broker.kill()
        return "; ".join(wrong)

    def look_at(self, partition, room):
        """What is wrong with a partition. After a kill it may take a moment until all that is there is known to be durable."""
        deadline = time.monotonic() + PATIENCE_S
        while found := self.look_once(partition, room):
            if time.monotonic() > deadline:
                return found
            time.sleep(0.02)
        return ""

    def look_once(self, partition, room):
        """`room`: where the damage is; it is no excuse for another partition."""
        others = {f"{topic}-{index}" for topic, index in PARTITIONS} - {f"{partition[0]}-{partition[1]}"}
        excused = room not in others and room in self.log()
        try:
            with wire.Connection(self.broker.port) as connection:
                found = read_all(connection, *partition)
        except (RuntimeError, OSError) as failure:
            return "" if excused else f"{failure}, and {room} is no reason, or the log does not name it"
        if found is None:
            return f"{partition} sends what its checksum refuses"
        if found == self.expected[partition]:
            return ""
        if MOVES_ASIDE in self.log() and excused:
            return ""
        return f"{partition} serves {len(found)} of {len(self.expected[partition])} bytes in silence:\n{self.log()[-1500:]}"

    def log(self):
        return self.broker.log_path.read_text(errors="replace")

    def one(self, seed):
        draw = random.Random(seed)
        shutil.rmtree(self.broker.data)
        shutil.copytree(self.whole, self.broker.data)
        path = draw.choice(self.files)
        content = (self.whole / path).read_bytes()
        what, changed = damaged(content, draw)
        while tells_other_starts(path, content, changed):
            what, changed = damaged(content, draw)
        target = self.broker.data / path
        target.unlink()
        if changed is not None:
            target.write_bytes(changed)
        found = self.start_on_damage(path)
        if not found:
            self.take_back(path.parts[0])
            target.parent.mkdir(exist_ok=True)
            target.write_bytes(content)
            found = self.everything_is_there()
        return f"seed {seed}: {path} {what}: {found}" if found else ""

    def take_back(self, room):
        """A directory that bore another topic's id was moved aside, and stands there whole."""
        for aside in self.broker.data.glob(f"{room}.*{MOVES_ASIDE}"):
            shutil.rmtree(self.broker.data / room)
            aside.rename(self.broker.data / room)

    def everything_is_there(self):
        self.broker.log_path.write_bytes(b"")
        try:
            self.broker.start()
            with wire.Connection(self.broker.port) as connection:
                for each in PARTITIONS:
                    self.wait_until_whole(connection, each)
        except Exception as failure:
            return f"mended, {failure}:\n{self.log()[-2000:]}"
        finally:
            self.broker.kill()
        return ""

    def wait_until_whole(self, connection, partition):
        deadline = time.monotonic() + PATIENCE_S
        while (found := read_all(connection, *partition)) != self.expected[partition]:
            if time.monotonic() > deadline:
                raise AssertionError(f"{partition} has {len(found or b'')} of {len(self.expected[partition])} bytes")
            time.sleep(0.02)

    def damage_all(self, seed):
        print(f"seeds {seed} to {seed + DAMAGES // 2 - 1}")
        wrong = [found for number in range(DAMAGES // 2) if (found := self.one(seed + number))]
        self.assertEqual(wrong, [], "\n".join(wrong))

    def test_of_a_directory_that_was_closed_in_good_order(self):
        self.fill()
        self.broker.stop()
        self.keep_whole()
        self.damage_all(SEED)

    def test_of_a_directory_whose_broker_was_killed_after_all_was_durable(self):
        self.fill()
        self.wait_until_durable()
        self.broker.kill()
        self.keep_whole()
        self.damage_all(SEED + DAMAGES)


if __name__ == "__main__":
    unittest.main()
