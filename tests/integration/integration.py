"""What the integration tests share: the broker under test at the wanted count of shards, kcat, the test client."""

import os
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

from moldau_broker import ROOT, MoldauBroker, run  # noqa: E402

# A sanitizer keeps freed memory and its own books: resident memory tells nothing there.
RESIDENT_MEMORY_COUNTS = not os.environ.get("MOLDAU_SANITIZE")
SHARDS = os.environ.get("MOLDAU_SHARDS", "1")
CLIENT = os.environ.get("INTEGRATION_CLIENT", str(ROOT / "build/release/tests/integration/integration_client"))


def broker(environment=None, prefix=(), **overrides):
    return MoldauBroker(prefix=prefix, overrides={"moldau.shards": SHARDS, "group.initial.rebalance.delay.ms": "0", **overrides}, environment=environment)


def kcat(broker_under_test, *arguments, stdin=None, timeout_s=60, check=True):
    """kcat's finished run; its output is bytes."""
    done = subprocess.run(["kcat", "-b", broker_under_test.address, *arguments], input=stdin, capture_output=True,
                          timeout=timeout_s)
    if check and done.returncode != 0:
        raise RuntimeError(f"kcat {' '.join(arguments)} ended with status {done.returncode}:\n{done.stderr.decode()}")
    return done


def start_client(*arguments):
    return subprocess.Popen([CLIENT, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def run_client(*arguments, timeout_s=60):
    return subprocess.run([CLIENT, *arguments], capture_output=True, timeout=timeout_s, check=True, text=True).stdout


def create_topic(broker_under_test, topic, partitions=1):
    run("topic", "create", topic, "--partitions", str(partitions), "--bootstrap", broker_under_test.address)
