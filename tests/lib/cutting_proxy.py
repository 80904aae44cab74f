"""A proxy between clients and a broker that cuts connections where it hurts: a Produce has reached the broker, its answer
does not reach the client.
"""

import random
import socket
import struct
import threading

PRODUCE = 0


def receive(connection, count):
    data = bytearray()
    while len(data) < count:
        more = connection.recv(count - len(data))
        if not more:
            raise ConnectionError("ended")
        data += more
    return bytes(data)


def receive_frame(connection):
    size = receive(connection, 4)
    return size + receive(connection, struct.unpack(">i", size)[0])


class CuttingProxy:
    """Listens on `port`; `cuts` counts. Of every ten Produces one, at random, is the last of its connection."""

    def __init__(self, port, broker_port, seed):
        self._broker_port = broker_port
        self._draw = random.Random(seed)
        self._lock = threading.Lock()
        self.cuts = 0
        self.is_cutting = True
        self._listener = socket.create_server(("127.0.0.1", port), backlog=64)
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        self._listener.close()

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
                broker = socket.create_connection(("127.0.0.1", self._broker_port), 10)
            except OSError:
                return
            for each in (client, broker):
                each.settimeout(60)
                each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            pair = _Pair(client, broker)
            threading.Thread(target=self._forward_requests, args=(pair,), daemon=True).start()
            threading.Thread(target=self._forward_answers, args=(pair,), daemon=True).start()

    def _draw_cut(self):
        """Nothing, or when to cut: "at once" or with the "answer" at hand."""
        with self._lock:
            if not self.is_cutting or self._draw.randrange(10) > 0:
                return None
            return self._draw.choice(["at once", "answer"])

    def _cut(self, pair):
        with self._lock:
            self.cuts += 1
        pair.end()

    def _forward_requests(self, pair):
        try:
            while True:
                frame = receive_frame(pair.client)
                key, _, correlation_id = struct.unpack_from(">hhi", frame, 4)
                cut = self._draw_cut() if key == PRODUCE else None
                if cut == "answer":
                    pair.swallow = correlation_id
                pair.broker.sendall(frame)
                if cut == "at once":
                    return self._cut(pair)
        except OSError:
            pair.end()

    def _forward_answers(self, pair):
        try:
            while True:
                frame = receive_frame(pair.broker)
                if struct.unpack_from(">i", frame, 4)[0] == pair.swallow:
                    return self._cut(pair)
                pair.client.sendall(frame)
        except OSError:
            pair.end()


class _Pair:
    def __init__(self, client, broker):
        self.client, self.broker = client, broker
        self.swallow = None  # correlation id of the answer that is not passed on

    def end(self):
        for each in (self.client, self.broker):
            try:
                each.shutdown(socket.SHUT_RDWR)  # wakes the other direction's thread
            except OSError:
                pass
            each.close()
