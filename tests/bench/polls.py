"""Fetches that find nothing: from the end of a partition, answered at once or after having waited, by hand over plain connections."""

import pathlib
import selectors
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

import wire  # noqa: E402
from group_round import wait_until  # noqa: E402

TIMEOUT_S = 60


class Poller:
    """One connection that keeps `depth` fetches under way."""

    def __init__(self, port, topic, max_wait_ms):
        self.connection = wire.Connection(port, timeout_s=TIMEOUT_S)
        self.body = wire.fetch_body(topic, 0, 0, max_wait_ms=max_wait_ms)
        # The answer without records is the same for all, but for its correlation id. A new topic's may be an error yet.
        wait_until(lambda: self.is_ready(topic), f"{topic} cannot be read")
        self.empty = self.connection.call(wire.FETCH, wire.FETCH_VERSION, wire.fetch_body(topic, 0, 0, max_wait_ms=0))
        self.received = bytearray()

    def is_ready(self, topic):
        try:
            return self.connection.fetch(topic, 0, 0, max_wait_ms=0) == b""
        except RuntimeError:
            return False

    def send(self, count):
        requests = (wire.request(wire.FETCH, wire.FETCH_VERSION, self.connection.next_id(), self.body) for _ in range(count))
        self.connection.socket.sendall(b"".join(requests))

    def take(self):
        """How many answers have come since; they must be empty."""
        more = self.connection.socket.recv(1 << 16)
        if not more:
            raise ConnectionError("the broker closed the connection")
        self.received += more
        size = 8 + len(self.empty)
        count = len(self.received) // size
        for at in range(0, count * size, size):
            if self.received[at + 8:at + size] != self.empty:
                raise RuntimeError(f"a fetch at the end is answered by {bytes(self.received[at:at + size])}")
        del self.received[:count * size]
        return count


def seconds_of(port, topic, count, connections, depth, max_wait_ms):
    """`count` fetches by so many connections, each with so many under way."""
    pollers = [Poller(port, topic, max_wait_ms) for _ in range(connections)]
    try:
        with selectors.DefaultSelector() as selector:
            for each in pollers:
                selector.register(each.connection.socket, selectors.EVENT_READ, each)
            begun = time.monotonic()
            to_send, to_take = count, count
            for each in pollers:
                first = min(depth, to_send)
                each.send(first)
                to_send -= first
            while to_take > 0:
                ready = selector.select(TIMEOUT_S)
                if not ready:
                    raise TimeoutError(f"{to_take} fetches are not answered")
                for key, _ in ready:
                    answered = key.data.take()
                    to_take -= answered
                    again = min(answered, to_send)
                    if again:
                        key.data.send(again)
                    to_send -= again
            return time.monotonic() - begun
    finally:
        for each in pollers:
            each.connection.close()
