"""The brokers that a benchmark compares, and what the machine is kept like for them."""

import itertools
import os
import pathlib
import shutil
from dataclasses import dataclass

import apache_kafka
import moldau_broker

ROOT = pathlib.Path(__file__).resolve().parents[2]
BROKER_CORE, LOAD_CORE = 0, 1
FSYNC = "flush.messages=1"

pinned = True


def on_core(core):
    """The words before a command that has this core and no other, unless nothing is pinned."""
    return ("taskset", "-c", str(core)) if pinned else ()


@dataclass
class Contestant:
    """A running broker and the topic configuration that makes it what its name says."""

    name: str
    broker: object
    config: str = ""


def memory(name):
    """A line of /proc/meminfo in bytes."""
    words = dict(line.split(":") for line in pathlib.Path("/proc/meminfo").read_text().splitlines())
    return int(words[name].split()[0]) * 1024


class FullPageCache:
    """Keeps the page cache full, as it is on a server that has run for a day.

    Free memory is what brokers write into otherwise, and on a virtual machine its first touch, for which the host has to
    find a page, costs more than all that is to be measured.
    """

    STEP, FREE, PASSES = 128 << 10, 0.01, 8

    def __init__(self, path):
        self.path, self.size = path, memory("MemTotal")
        path.parent.mkdir(parents=True, exist_ok=True)
        self.file = open(path, "w+b")  # all hole: pages without a disk behind them
        self.file.truncate(self.size)

    def fill(self):
        """The system gives pages back while they are taken, from one zone or another: more than one pass may be needed."""
        for position in itertools.chain.from_iterable([range(0, self.size, self.STEP)] * self.PASSES):
            os.posix_fadvise(self.file.fileno(), position, self.STEP, os.POSIX_FADV_WILLNEED)
            if position % (256 * self.STEP) == 0 and memory("MemFree") < self.FREE * self.size:
                return
        raise RuntimeError(f"{memory('MemFree') >> 20} MiB stay free: what is measured now would be the host's memory")

    def close(self):
        self.file.close()
        self.path.unlink()


def makers(directory, before):
    """How each kind of broker is made: name to a function and the topic configuration. `before`: another binary of ours, or None."""
    # What is deleted goes before the next round: pages that become free within it would be touched for the first time.
    at_once = {"group.initial.rebalance.delay.ms": "0", "log.segment.delete.delay.ms": "0"}
    kafka = {"num.partitions": "1", "log.retention.check.interval.ms": "3600000", **at_once}
    moldau = lambda name, binary: lambda: moldau_broker.MoldauBroker(  # noqa: E731
        directory=fresh(directory / name), prefix=on_core(BROKER_CORE), overrides=at_once, executable=binary)
    older = {"before": (moldau("before", before), "")} if before else {}
    return {
        "kafka": (lambda: apache_kafka.KafkaBroker(directory=fresh(directory / "kafka"), prefix=on_core(BROKER_CORE), heap="1g", overrides=kafka), ""),
        "kafka-fsync": (lambda: apache_kafka.KafkaBroker(directory=fresh(directory / "kafka-fsync"), prefix=on_core(BROKER_CORE), heap="1g",
                                                         overrides={**kafka, "log.flush.interval.messages": "1"}), FSYNC),
        "moldau": (moldau("moldau", None), ""),
        **older,
    }


def fresh(directory):
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    return directory
