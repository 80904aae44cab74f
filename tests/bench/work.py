"""The rows of the benchmarks: one kind of work each, and how one round of it is measured."""

import json
import os
import re
import statistics
import subprocess
from dataclasses import dataclass, field

import apache_kafka
import contestants
import group_round
import polls

LOAD = contestants.ROOT / "build" / "release" / "tests" / "bench" / "moldau_bench_load"
LOAD_TIMEOUT_S = 300
TOPIC = "bench"
# What is read is read so often in a round: a reading is short.
READINGS = 3
PRODUCER_PERF, CONSUMER_PERF = "org.apache.kafka.tools.ProducerPerformance", "org.apache.kafka.tools.ConsumerPerformance"


@dataclass
class Row:
    """One kind of work. `count` is for the whole run, or for each producer where there are `producers`. `units`: what is told of it."""

    name: str
    command: str
    count: int
    size: int
    units: tuple
    partitions: int = 1
    options: dict = field(default_factory=dict)
    contestants: tuple = ("kafka", "moldau", "before")


ACKED = ("kafka", "kafka-fsync", "moldau", "before")
RATE, BANDWIDTH = ("records/s",), ("MB/s",)
LATENCY = ("p50 us", "p99 us", "echo p99 us")  # the last: the machine's own, with no broker
ROWS = [
    Row("produce 100 B, acks=1", "produce", 3_000_000, 100, RATE, 4, {"acks": "1"}),
    Row("produce 1 KiB, acks=1", "produce", 1_000_000, 1024, BANDWIDTH, 4, {"acks": "1"}),
    Row("produce keyed 200 B, 50 producers", "produce", 20_000, 200, RATE, 100, {"producers": 50, "keys": 10_000, "linger": 0}),
    Row("produce 1 KiB, acks=all, idempotent", "produce", 1_000_000, 1024, BANDWIDTH, 4, {"acks": "all", "idempotent": "true"}, ACKED),
    Row("Java's producer, 1 KiB, acks=1", "java-produce", 1_000_000, 1024, BANDWIDTH, 4),
    Row("fetch 1 KiB, hot", "fetch", 1_000_000, 1024, BANDWIDTH, 4),
    Row("fetch 1 KiB, cold", "cold-fetch", 1_000_000, 1024, BANDWIDTH, 4),
    Row("Java's consumer, 1 KiB, hot", "java-fetch", 1_000_000, 1024, BANDWIDTH, 4),
    Row("acks=all, one in flight", "lone", 5_000, 1024, ("p50 us",), 1, {"acks": "all", "producers": 1}, ACKED),
    Row("acks=all, one in each of 32 producers", "lone", 2_000, 1024, RATE, 8, {"acks": "all", "producers": 32}, ACKED),
    Row("end to end, 1,000 records/s", "latency", 8_000, 100, LATENCY, 1, {"rate": 1000}),
    Row("end to end, 5,000 records/s", "latency", 25_000, 100, LATENCY, 4, {"rate": 5000}),
    Row("group of 100 over 1,000 partitions", "group", 10, 0, ("ms",)),
    Row("fetches at the end, 8 connections", "polls", 200_000, 0, ("answers/s", "CPU us"), options={"connections": 8, "depth": 16, "max_wait_ms": 0}),
    Row("long polls, 500 connections", "polls", 5_000, 0, ("answers/s", "CPU us"), options={"connections": 500, "depth": 1, "max_wait_ms": 500}),
]


def load(contestant, command, **options):
    words = [*contestants.on_core(contestants.LOAD_CORE), str(LOAD), command, "--brokers", contestant.broker.address]
    for name, value in options.items():
        words += [f"--{name.replace('_', '-')}", str(value)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=LOAD_TIMEOUT_S)
    if done.returncode != 0:
        raise RuntimeError(f"{contestant.name}: {' '.join(words)}: {done.stderr.strip()}\n{contestant.broker.server.tail(10)}")
    return json.loads(done.stdout) if done.stdout else {}


def java(main_class, *arguments):
    """A measuring tool of Kafka's, compiled as well as the JVM can."""
    words = [*contestants.on_core(contestants.LOAD_CORE), "java", "-Xmx512m", f"-Dlog4j2.configurationFile={apache_kafka.INTEROP / 'log4j2.xml'}",
             "-cp", apache_kafka.class_path(), main_class, *map(str, arguments)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=LOAD_TIMEOUT_S)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(words)}: {done.stdout}{done.stderr}")
    return done.stdout


def java_produce(row, contestant, count):
    told = java(PRODUCER_PERF, "--topic", TOPIC, "--num-records", count, "--record-size", row.size, "--throughput", -1,
                "--producer-props", f"bootstrap.servers={contestant.broker.address}", "acks=1")
    sent, rate = re.findall(r"(\d+) records sent, ([\d.]+) records/sec", told)[-1]
    return done_of(int(sent), count, row.size, int(sent) / float(rate))


def java_fetch(row, contestant, count):
    told = java(CONSUMER_PERF, "--bootstrap-server", contestant.broker.address, "--topic", TOPIC, "--num-records", count)
    names, values = ([cell.strip() for cell in line.split(",")] for line in told.strip().splitlines()[-2:])
    row_told = dict(zip(names, values))
    return done_of(int(row_told["data.consumed.in.nMsg"]), count, row.size, float(row_told["fetch.time.ms"]) / 1000)


def done_of(records, wanted, size, seconds):
    if records < wanted:
        raise RuntimeError(f"{records} records of {wanted}")
    return {"records": records, "bytes": records * size, "seconds": seconds}


def evict(contestant):
    """The topic's logs leave the page cache."""
    for path in contestant.broker.data.glob(f"{TOPIC}-*/*.log"):
        with open(path, "rb") as file:
            os.fdatasync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def value_of(unit, done):
    match unit:
        case "records/s":
            return done["records"] / done["seconds"]
        case "MB/s":
            return done["bytes"] / 1e6 / done["seconds"]
    return done[unit.replace(" ", "_")]


def measure(row, contestant, count):
    """One round of one row: the value in each of its units and, where payload is moved, the broker's CPU seconds per gigabyte.

    Where none is moved, the CPU of an answer may be one of the units.
    """
    if row.command == "group":
        return [statistics.median(group_round.seconds_of_a_round(contestant.broker.port) * 1000 for _ in range(count))], None
    load(contestant, "create", topic=TOPIC, partitions=row.partitions, **({"config": contestant.config} if contestant.config else {}))
    try:
        work = measure_polls if row.command == "polls" else measure_reading if row.command.endswith("fetch") else measure_writing
        done, cpu = work(row, contestant, {"topic": TOPIC, "partitions": row.partitions, "count": count})
    finally:
        load(contestant, "delete", topic=TOPIC)
        group_round.wait_until(lambda: not any(contestant.broker.data.glob(f"{TOPIC}-*")), f"{contestant.name}: the topic's directories stay")
    moved = sum(each["bytes"] for each in done) / 1e9
    return [statistics.median(value_of(unit, each) for each in done) for unit in row.units], cpu / moved if moved else None


def measure_polls(row, contestant, shape):
    before = contestant.broker.server.cpu_seconds()
    seconds = polls.seconds_of(contestant.broker.port, TOPIC, shape["count"], **row.options)
    cpu = contestant.broker.server.cpu_seconds() - before
    return [{"answers/s": shape["count"] / seconds, "CPU_us": cpu / shape["count"] * 1e6, "bytes": 0}], None


def measure_writing(row, contestant, shape):
    before = contestant.broker.server.cpu_seconds()
    if row.command == "java-produce":
        done = java_produce(row, contestant, shape["count"])
    else:
        core = {"broker_core": contestants.BROKER_CORE} if row.command == "latency" and contestants.pinned else {}
        done = load(contestant, row.command, size=row.size, **row.options, **shape, **core)
    cpu = contestant.broker.server.cpu_seconds() - before
    if row.command == "produce":
        check(row, contestant, load(contestant, "fetch", **{**shape, "count": done["records"]}), done)
    return [done], cpu


def measure_reading(row, contestant, shape):
    filled = load(contestant, "produce", size=row.size, acks="1", **shape)
    load(contestant, "fetch", **shape)
    done, cpu = [], 0
    for _ in range(READINGS):
        if row.command == "cold-fetch":
            evict(contestant)
        before = contestant.broker.server.cpu_seconds()
        done.append(java_fetch(row, contestant, shape["count"]) if row.command == "java-fetch" else load(contestant, "fetch", **shape))
        cpu += contestant.broker.server.cpu_seconds() - before
        if row.command != "java-fetch":
            check(row, contestant, done[-1], filled)
    return done, cpu


def check(row, contestant, read, filled):
    if (read["records"], read["checksum"]) != (filled["records"], filled["checksum"]):
        raise RuntimeError(f"{contestant.name}: {row.name}: what was read is not what was written: {read} after {filled}")
