"""What every interop test shares: the broker under test, chosen by --target, and the meaning of a skipped test.

`python3 <name>_test.py --target kafka` runs a test against Apache Kafka itself, which shows that the test is right;
the default is our broker.
"""

import pathlib
import signal
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

import apache_kafka  # noqa: E402
import moldau_broker  # noqa: E402

SKIPPED = 77
TARGETS = {"moldau": moldau_broker.MoldauBroker, "kafka": apache_kafka.KafkaBroker}

target = "moldau"


def new_broker(**arguments):
    """A broker under test, not started yet."""
    return TARGETS[target](**arguments)


def tool(broker, main_class, *arguments, **options):
    """Runs a tool of Kafka's against `broker`."""
    return apache_kafka.java(main_class, "--bootstrap-server", broker.address, *arguments, **options)


class BrokerTest(unittest.TestCase):
    """Tests that share one running broker under test; it must end orderly."""

    @classmethod
    def setUpClass(cls):
        cls.broker = new_broker()
        cls.addClassCleanup(cls.broker.close)
        cls.broker.start()

    @classmethod
    def tearDownClass(cls):
        cls.broker.stop()

    def tool(self, main_class, *arguments, **options):
        """Runs a tool of Kafka's against the broker under test."""
        return tool(self.broker, main_class, *arguments, **options)


def main():
    """Runs the tests of the calling file: status 0 passed, 1 failed, 77 when something outside is missing."""
    global target
    arguments = sys.argv[1:]
    if "--target" in arguments:
        at = arguments.index("--target")
        chosen = arguments[at + 1]
        del arguments[at:at + 2]
        if chosen not in TARGETS:
            sys.exit(f"no target '{chosen}'; there are: {', '.join(TARGETS)}")
        target = chosen
    # An end from outside runs the exit handlers, which end the brokers.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    try:
        apache_kafka.class_path()
    except apache_kafka.Unavailable as missing:
        print(f"skipped: {missing}")
        sys.exit(SKIPPED)
    program = unittest.main(module="__main__", argv=[sys.argv[0], "-v", *arguments], exit=False)
    result = program.result
    if result.wasSuccessful() and result.testsRun == len(result.skipped):
        print(f"skipped: {result.skipped[0][1] if result.skipped else 'no test was run'}")
        sys.exit(SKIPPED)
    sys.exit(0 if result.wasSuccessful() else 1)
