"""Recordings of a broker's disk calls under load, and what a broker must find in the directories that a power cut leaves.

A recording is a folder: `trace` (the disk calls), `load.json` (what was asked and when it was acknowledged) and one
`*.acked` a producer. All times are of CLOCK_MONOTONIC.
"""

import collections
import json
import os
import pathlib
import random
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "lib"))

from moldau_broker import MoldauBroker, run  # noqa: E402

BUILD = ROOT / "build" / "release" / "tests"
RECORDED = os.environ.get("MOLDAU_RECORDED", str(BUILD / "durability" / "moldau_recorded"))
CRASH_IMAGE = os.environ.get("CRASH_IMAGE", str(BUILD / "durability" / "crash_image"))
CLIENT = os.environ.get("INTEGRATION_CLIENT", str(BUILD / "integration" / "integration_client"))

TOPICS = {"idempotent": 3, "plain": 3}
SHORT_LIVED = "short-lived"
SHORT_LIVED_PARTITIONS = 2
# Segments of some hundred batches, checkpoints ten times a second, deleted files that go at once.
BROKER = {"replica.high.watermark.checkpoint.interval.ms": "100", "num.partitions": "1"}
TOPIC_CONFIGS = ("internal.segment.bytes=65536", "index.interval.bytes=1024", "file.delete.delay.ms=50")

Acked = collections.namedtuple("Acked", "topic partition offset value at_ns")
Stored = collections.namedtuple("Stored", "topic partition offset value")


def create(broker, topic, partitions):
    configs = [word for config in TOPIC_CONFIGS for word in ("--config", config)]
    run("topic", "create", topic, "--partitions", str(partitions), *configs, "-b", broker.address)


def produce(folder, broker, topic, partitions, number, *properties):
    return subprocess.Popen([CLIENT, "produce", broker.address, topic, str(partitions), str(folder / f"{topic}-{number}.acked"),
                             "records.in.flight=30", "value.bytes=200", "queue.buffering.max.ms=0", *properties],
                            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def end(client):
    _, errors = client.communicate(timeout=60)
    if client.returncode != 0:
        raise RuntimeError(f"a producer ended with status {client.returncode}: {errors.decode()}")


class Recording:
    """What a broker asked of its disk in two lives under load, and what it promised meanwhile."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.trace = self.folder / "trace"
        told = json.loads((self.folder / "load.json").read_text())
        self.directory = told["directory"]
        self.shards = told["shards"]
        self.ports = tuple(told["ports"])
        self.created_ns = told["created_ns"]
        self.delete_asked_ns, self.deleted_ns = told["delete_asked_ns"], told["deleted_ns"]
        self.acked = []
        for path in sorted(self.folder.glob("*.acked")):
            for line in path.read_text().splitlines():
                topic, partition, offset, value, at_ns = line.split(" ")
                self.acked.append(Acked(topic, int(partition), int(offset), value, int(at_ns)))

    def acked_before(self, at_ns):
        """The records that must be there after a power cut at that time."""
        return {Stored(*each[:4]) for each in self.acked
                if each.at_ns < at_ns and not (each.topic == SHORT_LIVED and at_ns >= self.delete_asked_ns)}

    def topics_before(self, at_ns):
        """The topics that must be there, and those that must not."""
        there = {topic for topic, created_ns in self.created_ns.items() if created_ns < at_ns}
        if at_ns >= self.delete_asked_ns:
            there.discard(SHORT_LIVED)
        return there, {SHORT_LIVED} if at_ns > self.deleted_ns else set()


def record(folder, seed, seconds=1.0):
    """Runs a broker under load, an orderly stop and a start in the midst of it, and notes everything in `folder`."""
    folder = pathlib.Path(folder)
    shards = random.Random(seed).choice((1, 2, 4))
    broker = MoldauBroker(directory=folder / "broker", overrides={**BROKER, "moldau.shards": str(shards)},
                          environment={"MOLDAU_TRACE": str(folder / "trace")}, executable=RECORDED)
    broker.directory.mkdir()
    created_ns = {}
    clients = []
    try:
        broker.start()
        for topic, partitions in TOPICS.items():
            create(broker, topic, partitions)
            created_ns[topic] = time.monotonic_ns()
        clients = [produce(folder, broker, topic, partitions, number, f"enable.idempotence={'true' if topic == 'idempotent' else 'false'}")
                   for topic, partitions in TOPICS.items() for number in range(2)]
        create(broker, SHORT_LIVED, SHORT_LIVED_PARTITIONS)
        created_ns[SHORT_LIVED] = time.monotonic_ns()
        short = produce(folder, broker, SHORT_LIVED, SHORT_LIVED_PARTITIONS, 0)
        clients.append(short)
        time.sleep(seconds / 2)
        end(short)
        delete_asked_ns = time.monotonic_ns()
        run("topic", "delete", SHORT_LIVED, "-b", broker.address)
        deleted_ns = time.monotonic_ns()
        time.sleep(seconds / 2)
        broker.stop()
        broker.start()
        time.sleep(seconds / 2)
        for client in clients[:-1]:
            end(client)
        broker.stop()
    finally:
        for client in clients:
            if client.poll() is None:
                client.kill()
                client.wait()
        broker.close()
    (folder / "load.json").write_text(json.dumps({"directory": str(broker.data), "shards": shards, "created_ns": created_ns,
                                                  "ports": [broker.port, broker.controller_port],
                                                  "delete_asked_ns": delete_asked_ns, "deleted_ns": deleted_ns}))
    return Recording(folder)


def make_image(trace, directory, image, seed, *options):
    """Returns the line that says what was made, and the time of the power cut."""
    line = subprocess.run([CRASH_IMAGE, str(trace), directory, str(image), str(seed), *map(str, options)], check=True,
                          capture_output=True, text=True, timeout=120).stdout.strip()
    return line, int(line.split("power off at ")[1].split(",")[0])


def read(broker, topics):
    """All records of the topics of the load that are there."""
    words = [word for topic in topics for word in (topic, str({**TOPICS, SHORT_LIVED: SHORT_LIVED_PARTITIONS}[topic]))]
    if not words:
        return []
    done = subprocess.run([CLIENT, "read", broker.address, *words], capture_output=True, text=True, timeout=60)
    if done.returncode != 0:
        raise RuntimeError(f"the records cannot be read: {done.stderr}")
    stored = []
    for line in done.stdout.splitlines():
        topic, partition, offset, value = line.split(" ")
        stored.append(Stored(topic, int(partition), int(offset), value))
    return stored


def problems(recording, at_ns, topics, stored):
    """What a broker that found these topics and records after a power cut at `at_ns` has lost, doubled or made up."""
    must, must_not = recording.topics_before(at_ns)
    if must - topics:
        yield f"topics are gone: {sorted(must - topics)}"
    if must_not & topics:
        yield f"deleted topics are back: {sorted(must_not & topics)}"
    missing = recording.acked_before(at_ns) - set(stored)
    if missing:
        yield f"{len(missing)} acknowledged records are gone, e.g. {sorted(missing)[:3]}"
    values = collections.Counter(each.value for each in stored if each.topic == "idempotent")
    twice = [value for value, count in values.items() if count > 1]
    if twice:
        yield f"{len(twice)} records of an idempotent producer are there twice, e.g. {twice[:3]}"
    offsets = collections.defaultdict(list)
    for each in stored:
        offsets[each.topic, each.partition].append(each.offset)
    for partition, found in offsets.items():
        if found != list(range(len(found))):
            yield f"the offsets of {partition} are not dense"


def look(recording, at_ns, folder, **broker_arguments):
    """Opens the image folder/data with a broker and returns what is wrong with it. The broker is killed."""
    broker = MoldauBroker(directory=folder, overrides={**BROKER, "moldau.shards": str(recording.shards)}, **broker_arguments)
    try:
        broker.start()
        topics = {each["name"] for each in json.loads(run("topic", "list", "-b", broker.address, "-o", "json").stdout)}
        found = list(problems(recording, at_ns, topics, read(broker, sorted(topics & {*TOPICS, SHORT_LIVED}))))
        if "is offline" in broker.server.tail(1000):
            found.append(f"a partition is offline:\n{broker.server.tail()}")
        return found
    except RuntimeError as error:
        return [str(error)]
    finally:
        broker.close()

