#!/usr/bin/env python3
"""What a Produce is answered."""

import struct
import unittest

from integration import broker, create_topic

import wire

NONE, UNKNOWN_TOPIC_OR_PARTITION, INVALID_TOPIC_EXCEPTION = 0, 3, 17


def produce(connection, topic, partition=0, client_id="wire", timeout_ms=10_000, acks=-1):
    """(error, base offset) of one record."""
    batch = wire.record_batch([b"value"])
    correlation_id = connection.next_id()
    connection.socket.sendall(wire.sized(wire.header(wire.PRODUCE, wire.PRODUCE_VERSION, correlation_id, client_id)
                                         + wire.produce_body(topic, [(partition, batch)], acks, timeout_ms)))
    body = connection.answer(correlation_id)
    return struct.unpack_from(">hq", body, 4 + 2 + len(topic.encode()) + 4 + 4)


class Produce(unittest.TestCase):
    def test_what_is_durable_is_acknowledged_whatever_the_timeout(self):
        with broker() as under_test, wire.Connection(under_test.port) as connection:
            create_topic(under_test, "t", partitions=4)
            for partition in range(4):
                answers = [produce(connection, "t", partition, timeout_ms=timeout_ms) for timeout_ms in (0, -1, 1, -2**31)]
                self.assertEqual(answers, [(NONE, offset) for offset in range(4)])

    def test_only_an_admin_client_writes_to_the_brokers_own_topics(self):
        with broker() as under_test, wire.Connection(under_test.port) as connection:
            for topic in ("__consumer_offsets", "__transaction_state", "__share_group_state"):
                create_topic(under_test, topic)
                for acks in (1, -1):
                    self.assertEqual(produce(connection, topic, acks=acks), (INVALID_TOPIC_EXCEPTION, -1))
                self.assertEqual(produce(connection, topic, partition=7), (UNKNOWN_TOPIC_OR_PARTITION, -1))
                self.assertEqual(produce(connection, topic, client_id="__admin_client"), (NONE, 0))
            create_topic(under_test, "__mine")
            self.assertEqual(produce(connection, "__mine"), (NONE, 0))


if __name__ == "__main__":
    unittest.main()
