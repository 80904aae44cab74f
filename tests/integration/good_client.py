"""A client that produces and consumes all the while beside what a test does, and notices everything: an error, a lost or
doubled or reordered record, a connection that ends. It never connects again.
"""

import threading
import time

import wire


class GoodClient:
    def __init__(self, port, topic):
        self._port, self._topic = port, topic
        self._stop, self._all_is_produced = threading.Event(), threading.Event()
        self._failure = None
        self.produced = self.consumed = 0
        self._threads = [threading.Thread(target=self._run, args=(work,), daemon=True) for work in (self._produce, self._consume)]

    def _run(self, work):
        try:
            with wire.Connection(self._port) as connection:
                work(connection)
        except Exception as failure:  # whatever it is, check() raises it in the test's own thread
            self._failure = failure

    def _value(self, number):
        return b"good record %d" % number

    def _produce(self, connection):
        while not self._stop.is_set():
            base = connection.produce(self._topic, wire.record_batch([self._value(self.produced)]))
            if base != self.produced:
                raise AssertionError(f"record {self.produced} went to offset {base}")
            self.produced += 1
            time.sleep(0.002)  # leaves the machine to those who are hostile
        self._all_is_produced.set()

    def _consume(self, connection):
        while not (self._all_is_produced.is_set() and self.consumed == self.produced):
            found = wire.batch_values(connection.fetch(self._topic, 0, self.consumed, max_wait_ms=100))
            for offset, value in found:
                if offset != self.consumed or value != self._value(offset):
                    raise AssertionError(f"offset {self.consumed} holds {value!r} of offset {offset}")
                self.consumed += 1

    def check(self):
        if self._failure:
            raise AssertionError("the good client was touched") from self._failure

    def wait_for_progress(self, timeout_s=15):
        """Until records that were not there at the call are produced and consumed."""
        goal = self.produced + 3
        deadline = time.monotonic() + timeout_s
        while self.consumed < goal:
            self.check()
            if time.monotonic() > deadline:
                raise AssertionError(f"the good client stands still at {self.produced} produced, {self.consumed} consumed")
            time.sleep(0.005)

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        self.wait_for_progress()
        return self

    def __exit__(self, *_):
        self._stop.set()
        for thread in self._threads:
            thread.join(20)
        self.check()
