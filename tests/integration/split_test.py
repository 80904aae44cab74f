#!/usr/bin/env python3
"""A request that comes in two parts is answered as if it came in one, wherever it is parted."""

import time
import unittest

from integration import broker, create_topic  # first: it says where the others are

import wire

TOPIC = "parted"
TAKEN_TIMEOUT_S = 10


def untaken_bytes(connection):
    """What the broker has received of this connection and not read yet, as the system tells."""
    own, other = connection.socket.getsockname()[1], connection.socket.getpeername()[1]
    with open("/proc/net/tcp", encoding="ascii") as table:
        for line in table.readlines()[1:]:
            fields = line.split()
            if int(fields[1].split(":")[1], 16) == other and int(fields[2].split(":")[1], 16) == own:
                return int(fields[4].split(":")[1], 16)
    raise ConnectionError("the broker has closed the connection")


def send_parted(connection, frame, at):
    """Sends all before `at`, waits until the broker has read it, sends the rest."""
    connection.socket.sendall(frame[:at])
    deadline = time.monotonic() + TAKEN_TIMEOUT_S
    while untaken_bytes(connection) > 0:
        if time.monotonic() > deadline:
            raise TimeoutError(f"the first {at} bytes are not read")
    connection.socket.sendall(frame[at:])


class Split(unittest.TestCase):
    def test_a_request_parted_at_each_byte_is_answered(self):
        with broker() as under_test:
            create_topic(under_test, TOPIC)
            with wire.Connection(under_test.port) as connection:
                ask = wire.metadata_body([TOPIC])
                expected = connection.call(wire.METADATA, wire.METADATA_VERSION, ask)
                for at in range(1, len(wire.request(wire.METADATA, wire.METADATA_VERSION, 0, ask))):
                    number = connection.next_id()
                    send_parted(connection, wire.request(wire.METADATA, wire.METADATA_VERSION, number, ask), at)
                    self.assertEqual(connection.answer(number), expected, f"Metadata parted at byte {at}")

                count = len(self.produce_frame(0, 0))
                for at in range(1, count):
                    number = connection.next_id()
                    send_parted(connection, self.produce_frame(number, at), at)
                    self.assertEqual(wire.produced(connection.answer(number)), at - 1, f"Produce parted at byte {at}")
                stored = wire.batch_values(connection.fetch(TOPIC, 0, 0))
                self.assertEqual(stored, [(at - 1, b"%05d" % at) for at in range(1, count)])

    @staticmethod
    def produce_frame(correlation_id, value):
        batch = wire.record_batch([b"%05d" % value])
        return wire.request(wire.PRODUCE, wire.PRODUCE_VERSION, correlation_id, wire.produce_body(TOPIC, [(0, batch)]))


if __name__ == "__main__":
    unittest.main()
