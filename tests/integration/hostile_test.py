#!/usr/bin/env python3
"""Clients that mean harm, or know no better, beside a good one: the good one notices nothing, the broker's memory and
descriptors stay bounded, and it still answers.
"""

import os
import pathlib
import random
import select
import socket
import struct
import time
import unittest

from integration import RESIDENT_MEMORY_COUNTS, broker, create_topic  # first: it says where the others are

import wire
from good_client import GoodClient

FRAMES = int(os.environ.get("MOLDAU_HOSTILE_FRAMES", "10000"))
IDLE_CONNECTIONS = int(os.environ.get("MOLDAU_IDLE_CONNECTIONS", "2000"))
ANNOUNCING_CONNECTIONS = 200
DEAF_CONNECTIONS = 200
POLLING_CONNECTIONS = 20
SEED = int(os.environ.get("MOLDAU_SEED", "0")) or random.randrange(1, 1 << 30)
MEMORY_BOUND = 60 << 20
# A frame of 15 MiB, its arrays (at most 32 MiB), what is made of them; several shards may each keep a part for a while.
QUESTION_BOUND = 120 << 20
AT_ONCE = 50
SETTLE_S = 15

GOOD, TARGET, POLLED = "untouched", "hostile-target", "polled"


def apis(port):
    """(key, highest version) of all that is served."""
    with wire.Connection(port) as connection:
        body = connection.call(wire.API_VERSIONS, 0, b"")
    count = struct.unpack_from(">i", body, 2)[0]
    entries = [struct.unpack_from(">hhh", body, 6 + 6 * i) for i in range(count)]
    return [(key, highest) for key, _, highest in entries]


def make_group_topic(port):
    """What any request for a group's coordinator makes: its fifty partitions keep their files open."""
    with wire.Connection(port) as connection:
        connection.call(wire.FIND_COORDINATOR, 0, wire.text("group"))


class Frames:
    """Hostile bytes, drawn from a seed. Each draw is what one sender sends, in pieces that are sent one by one."""

    def __init__(self, seed, served):
        self.draw = random.Random(seed)
        self._served = served
        batch = wire.record_batch([b"value %d" % i for i in range(20)], first_timestamp=1_700_000_000_000, timestamp_step=1)
        self._valid = [
            wire.request(wire.PRODUCE, wire.PRODUCE_VERSION, 1, wire.produce_body(TARGET, [(0, batch)])),
            wire.request(wire.PRODUCE, wire.PRODUCE_VERSION, 2, wire.produce_body(TARGET, [(0, batch), (1, batch)], acks=1)),
            wire.request(wire.FETCH, wire.FETCH_VERSION, 3, wire.fetch_body(TARGET, 0, 0)),
            wire.request(wire.LIST_OFFSETS, wire.LIST_OFFSETS_VERSION, 4, wire.list_offsets_body(TARGET, 0, 1_700_000_000_005)),
            wire.request(wire.METADATA, wire.METADATA_VERSION, 5, wire.metadata_body([TARGET, "absent"])),
            wire.request(wire.API_VERSIONS, 0, 6, b""),
        ]
        self._kinds = [self.noise, self.size, self.mutated, self.length_inside, self.truncated, self.cut, self.garbage_behind,
                       self.random_body, self.unknown, self.byte_by_byte]

    def next(self):
        return self.draw.choice(self._kinds)()

    def bytes(self, highest):
        return self.draw.randbytes(self.draw.randrange(highest))

    def valid(self):
        return bytearray(self.draw.choice(self._valid))

    def any_int32(self):
        return struct.pack(">i", self.draw.choice([-1, -2, 0, 1, 0x7FFFFFFF, -0x80000000, 100 << 20, (100 << 20) + 1,
                                                   self.draw.randrange(-1 << 31, 1 << 31), self.draw.randrange(1000)]))

    def noise(self):
        return [self.bytes(300)]

    def size(self):
        return [self.any_int32() + self.bytes(60)]

    def mutated(self):
        frame = self.valid()
        for _ in range(self.draw.randrange(1, 9)):
            frame[self.draw.randrange(4, len(frame))] = self.draw.randrange(256)
        return [frame]

    def length_inside(self):
        frame = self.valid()
        at = self.draw.randrange(4, max(5, len(frame) - 4))
        frame[at:at + 4] = self.any_int32()
        return [wire.sized(bytes(frame[4:]))]

    def truncated(self):
        frame = self.valid()
        return [wire.sized(bytes(frame[4:self.draw.randrange(5, len(frame))]))]

    def cut(self):
        frame = self.valid()
        return [frame[:self.draw.randrange(1, len(frame))], None]

    def garbage_behind(self):
        return [self.valid() + self.bytes(100)]

    def random_body(self):
        key, highest = self.draw.choice(self._served)
        header = wire.header(key, self.draw.randrange(highest + 1), 7) + self.draw.choice([b"", b"\0"])
        return [wire.sized(header + self.bytes(200))]

    def unknown(self):
        key = self.draw.choice([-1, self.draw.randrange(-1 << 15, 1 << 15), self.draw.choice(self._served)[0]])
        return [wire.sized(wire.header(key, self.draw.randrange(-1 << 15, 1 << 15), 8) + self.bytes(50))]

    def byte_by_byte(self):
        frame = self.draw.choice([self.valid(), bytearray(self.mutated()[0])])[:120]
        return [frame[i:i + 1] for i in range(len(frame))]


class Sender:
    """A connection of our own that takes a few draws and then ends, in good order or not."""

    def __init__(self, port, frames):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setblocking(False)
        self._frames = frames
        self._left = frames.draw.randrange(1, 6)
        self._ending = False

    def step(self):
        """Sends one draw; false when the connection is at its end. None when the broker has closed it: nothing was sent."""
        try:
            while select.select([self.socket], [], [], 0)[0]:
                if not self.socket.recv(1 << 16):
                    raise ConnectionError("closed")
        except OSError:
            self.socket.close()
            return None
        try:
            for piece in self._frames.next():
                if piece is None:
                    self._left = 0
                elif piece:
                    self.socket.send(piece)
        except OSError:
            self._left = 0
        self._left -= 1
        if self._left > 0:
            return True
        if self._frames.draw.randrange(2):  # a reset: what was not read is lost
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()
        return False


def descriptors(under_test):
    return len(list(pathlib.Path(f"/proc/{under_test.server.process.pid}/fd").iterdir()))


def accepted(under_test):
    """How many the broker has accepted and not closed."""
    process = pathlib.Path(f"/proc/{under_test.server.process.pid}")
    sockets = set()
    for each in (process / "fd").iterdir():
        try:
            sockets.add(os.readlink(each))
        except FileNotFoundError:
            pass  # closed meanwhile
    rows = [line.split() for line in (process / "net" / "tcp").read_text().splitlines()[1:]]
    return sum(int(row[1].rpartition(":")[2], 16) == under_test.port and row[2].rpartition(":")[2] != "0000"
               and f"socket:[{row[9]}]" in sockets for row in rows)


class Hostile(unittest.TestCase):
    def wait_until(self, condition, what):
        deadline = time.monotonic() + SETTLE_S
        while not condition():
            self.assertLess(time.monotonic(), deadline, what)
            time.sleep(0.01)

    def assert_grown_by(self, bound, under_test, idle_bytes, what):
        grown = under_test.server.resident_bytes() - idle_bytes
        print(f"{what}: {grown / (1 << 20):.1f} MiB above idle")
        if RESIDENT_MEMORY_COUNTS:
            self.assertLess(grown, bound, f"{what}: resident memory")

    def settled(self, good, under_test, idle_bytes, idle_descriptors, what):
        """After the attack: the good client goes on, and what the attack took is given back."""
        good.wait_for_progress()
        self.wait_until(lambda: descriptors(under_test) <= idle_descriptors + 4,
                        f"{what}: the connections' descriptors are kept")
        self.assert_grown_by(MEMORY_BOUND, under_test, idle_bytes, f"{what}, {good.produced} good records")
        with wire.Connection(under_test.port) as connection:
            self.assertTrue(connection.call(wire.METADATA, wire.METADATA_VERSION, wire.metadata_body([GOOD])))

    def send_frames(self, port, frames, good):
        senders = []
        sent = 0
        while sent < FRAMES:
            if len(senders) < AT_ONCE:
                senders.append(Sender(port, frames))
            sender = senders[sent % len(senders)]
            goes_on = sender.step()
            if not goes_on:
                senders.remove(sender)
            sent += goes_on is not None
            if sent % 100 == 0:
                good.check()
        for sender in senders:
            sender.socket.close()

    def ask_and_do_not_read(self, port):
        """Connections that ask until the broker takes no more of them."""
        question = wire.request(wire.METADATA, wire.METADATA_VERSION, 1, wire.metadata_body([GOOD, TARGET])) * 100
        connections = []
        for _ in range(DEAF_CONNECTIONS):
            connection = socket.socket()
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.settimeout(10)
            connection.connect(("127.0.0.1", port))
            connection.setblocking(False)
            connections.append(connection)
        asking, deadline = set(connections), time.monotonic() + 3
        while asking and time.monotonic() < deadline:
            ready = select.select([], asking, [], 0.2)[1]
            if not ready:
                break
            for connection in ready:
                connection.send(question)
        return connections

    def send_behind_a_long_poll(self, port, size_bytes):
        """Connections that poll and send a large request behind it, as much of it as the broker takes."""
        left = {}
        for _ in range(POLLING_CONNECTIONS):
            connection = socket.create_connection(("127.0.0.1", port), 10)
            poll = wire.fetch_body(POLLED, 0, 0, max_wait_ms=8000, min_bytes=1 << 30)
            connection.sendall(wire.request(wire.FETCH, wire.FETCH_VERSION, 1, poll))
            connection.sendall(struct.pack(">i", size_bytes) + wire.header(wire.PRODUCE, 3, 2))
            connection.setblocking(False)
            left[connection] = size_bytes - len(wire.header(wire.PRODUCE, 3, 2)) - 1  # it is never whole
        deadline = time.monotonic() + 4
        while time.monotonic() < deadline:
            ready = select.select([], [each for each, bytes_left in left.items() if bytes_left > 0], [], 0.2)[1]
            if not ready:
                break
            for connection in ready:
                left[connection] -= connection.send(bytes(min(left[connection], 1 << 18)))
        return list(left)

    def questions_about_groups(self):
        """Requests of a few MiB, by what they name so often that the answer, or what is done for it, might be without bound."""
        invalid_request = 42
        flexible = b"\0"  # ends the header and each structure of newer versions: no tags

        def many_protocols(connection):
            for first in (0, 700_000):
                protocols = [wire.text(f"{first + i}") + wire.sized(b"") for i in range(700_000)]
                body = wire.text("joined") + struct.pack(">ii", 10_000, 10_000) + wire.text("") + wire.text("consumer")
                answer = connection.call(wire.JOIN_GROUP, 3, body + wire.array(protocols))
                self.assertEqual(struct.unpack_from(">ih", answer), (0, invalid_request))

        def one_partition_committed(connection):
            committed = [struct.pack(">iq", 0, i) + wire.text("") for i in range(500_000)]
            body = wire.text("one") + struct.pack(">i", -1) + wire.text("") + struct.pack(">q", -1)
            connection.call(wire.OFFSET_COMMIT, 2, body + wire.array([wire.text(TARGET) + wire.array(committed)]))
            self.assertEqual(connection.committed("one", TARGET, 1), [(0, 499_999)], "the last one counts")
            committed = struct.pack(">iq", 0, 1) + wire.text("m" * 4096)
            connection.call(wire.OFFSET_COMMIT, 2, body + wire.array([wire.text(TARGET) + wire.array([committed])]))

        def one_group_fetched(connection):
            group = wire.compact_text("one") + b"\0" + flexible  # all topics
            once, often = (connection.call(wire.OFFSET_FETCH, 8, flexible + wire.compact_array([group] * count) + b"\0" + flexible)
                           for count in (1, 400_000))
            self.assertGreater(len(once), 4096)
            self.assertEqual(once, often)

        def one_partition_fetched(connection):
            for count in (30_000, 2_500_000):
                indexes = struct.pack(">i", count) + bytes(4 * count)
                answer = connection.call(wire.OFFSET_FETCH, 5, wire.text("one") + wire.array([wire.text(TARGET) + indexes]))
                self.assertEqual(answer, struct.pack(">iih", 0, 0, invalid_request), "no topics, and the error")

        def one_group_described(connection):
            once, often = (connection.call(wire.DESCRIBE_GROUPS, 0, wire.array([wire.text("one")] * count)) for count in (1, 1_000_000))
            self.assertEqual(once, often)

        def filtered(connection):
            states, types = (wire.compact_array([wire.compact_text(name)] * 1_000_000) for name in (" nothing", "classic"))
            answer = connection.call(wire.LIST_GROUPS, 5, flexible + states + types + flexible)
            self.assertEqual(answer, b"\0" + struct.pack(">ih", 0, 0) + wire.compact_array([]) + flexible)

        return {"joins with 700,000 protocols each": many_protocols, "a partition committed 500,000 times": one_partition_committed,
                "a group fetched 400,000 times": one_group_fetched, "a partition fetched 2,500,000 times": one_partition_fetched,
                "a group described 1,000,000 times": one_group_described, "groups listed by 2,000,000 filters": filtered}

    def test_leaves_a_good_client_untouched(self):
        print(f"seed {SEED}, {FRAMES} frames")
        with broker(**{"auto.create.topics.enable": "false"}) as under_test:
            create_topic(under_test, GOOD)
            create_topic(under_test, TARGET, partitions=2)
            create_topic(under_test, POLLED)
            make_group_topic(under_test.port)
            with GoodClient(under_test.port, GOOD) as good:
                idle = under_test.server.resident_bytes()
                idle_descriptors = descriptors(under_test)

                self.send_frames(under_test.port, Frames(SEED, apis(under_test.port)), good)
                self.settled(good, under_test, idle, idle_descriptors, "hostile frames")

                connections = [socket.create_connection(("127.0.0.1", under_test.port), 10) for _ in range(IDLE_CONNECTIONS)]
                self.wait_until(lambda: accepted(under_test) >= IDLE_CONNECTIONS, "all are accepted")
                good.wait_for_progress()
                self.assert_grown_by(MEMORY_BOUND, under_test, idle, f"{IDLE_CONNECTIONS} idle connections")
                for connection in connections:
                    connection.close()
                self.settled(good, under_test, idle, idle_descriptors, "after idle connections")

                connections = []
                for _ in range(ANNOUNCING_CONNECTIONS):
                    connection = socket.create_connection(("127.0.0.1", under_test.port), 10)
                    connection.sendall(struct.pack(">i", 100 << 20) + wire.header(wire.PRODUCE, 3, 1) + bytes(60_000))
                    connections.append(connection)
                good.wait_for_progress()
                self.assert_grown_by(MEMORY_BOUND, under_test, idle, f"{ANNOUNCING_CONNECTIONS} that announce 100 MiB")
                for connection in connections:
                    connection.close()
                self.settled(good, under_test, idle, idle_descriptors, "after those that announce")

                connections = self.ask_and_do_not_read(under_test.port)
                good.wait_for_progress()
                self.assert_grown_by(MEMORY_BOUND, under_test, idle, f"{DEAF_CONNECTIONS} that do not read")
                for connection in connections:
                    connection.close()
                self.settled(good, under_test, idle, idle_descriptors, "after those that do not read")

                connections = self.send_behind_a_long_poll(under_test.port, 32 << 20)
                good.wait_for_progress()
                self.assert_grown_by(MEMORY_BOUND, under_test, idle, f"{POLLING_CONNECTIONS} that send 32 MiB behind a poll")
                for connection in connections:
                    connection.close()
                self.settled(good, under_test, idle, idle_descriptors, "after those that poll")

                for what, ask in self.questions_about_groups().items():
                    with wire.Connection(under_test.port) as connection:
                        ask(connection)
                    good.wait_for_progress()
                    self.assert_grown_by(QUESTION_BOUND, under_test, idle, what)
            self.assertGreater(good.consumed, 0)
            self.assertEqual(good.consumed, good.produced)
            under_test.stop()

    def test_lets_go_of_long_polls_whose_clients_are_gone(self):
        with broker() as under_test:
            create_topic(under_test, GOOD)
            polls = [wire.Connection(under_test.port) for _ in range(50)]
            for poll in polls:
                poll.socket.sendall(wire.request(wire.FETCH, wire.FETCH_VERSION, 1, wire.fetch_body(GOOD, 0, 0, max_wait_ms=0x7FFFFFFF)))
            self.wait_until(lambda: accepted(under_test) >= len(polls), "all are accepted")
            for poll in polls[1:]:
                poll.close()
            self.wait_until(lambda: accepted(under_test) <= 1, "their connections are kept")
            began = time.monotonic()
            under_test.stop()
            self.assertLess(time.monotonic() - began, 4, "a long poll keeps the broker from its end")
            self.assertEqual(len(polls[0].answer(1)) > 0, True, "a client that is there is answered before")
            polls[0].close()

    def test_gives_back_what_bombs_took(self):
        """Batches of a few hundred KiB that decompress to 100 MiB, produced and looked up."""
        bomb = wire.gzip_bomb(100 << 20)
        with broker() as under_test:
            create_topic(under_test, TARGET)
            with wire.Connection(under_test.port) as connection:
                idle = under_test.server.resident_bytes()
                for _ in range(2):
                    connection.produce(TARGET, bomb)
                self.assertEqual(connection.offset_of_time(TARGET, 0, 0), (0, 0))
                self.assert_grown_by(MEMORY_BOUND, under_test, idle, "after bombs")

    def test_answers_names_of_the_greatest_length(self):
        """An error's message that quotes one would be too long for its own field."""
        name, value = wire.text("n" * 32767), wire.text("v" * 32767)
        keys = {"describe": 32, "alter": 33, "incrementally": 44, "create": 19, "delete": 20, "partitions": 37}
        topic, broker_kind = b"\x02", b"\x04"
        described = [kind + name + struct.pack(">i", -1) for kind in (topic, broker_kind)]
        altered = [kind + name + wire.array([name + value]) for kind in (topic, broker_kind)]
        changed = [kind + which + wire.array([key + operation + value])
                   for kind, which in ((topic, name), (topic, wire.text(TARGET)), (broker_kind, name), (broker_kind, wire.text("")))
                   for key in (name, wire.text("cleanup.policy"), wire.text("listeners"))
                   for operation in (b"\x00", b"\x02")]
        requests = [("describe", 1, wire.array(described) + b"\x01"), ("alter", 0, wire.array(altered) + b"\x00"),
                    *[("incrementally", 0, wire.array([one]) + b"\x00") for one in changed],
                    ("create", 2, wire.array([name + struct.pack(">ihii", 1, 1, 0, 0)]) + struct.pack(">i?", 5000, False)),
                    ("create", 2, wire.array([wire.text("legal") + struct.pack(">ihi", 1, 1, 0) + wire.array([name + value])])
                     + struct.pack(">i?", 5000, False)),
                    ("delete", 1, wire.array([name]) + struct.pack(">i", 5000)),
                    ("partitions", 0, wire.array([name + struct.pack(">ii", 2, -1)]) + struct.pack(">i?", 5000, False))]
        with broker() as under_test:
            create_topic(under_test, TARGET)
            with wire.Connection(under_test.port) as connection:
                for what, version, body in requests:
                    self.assertTrue(connection.call(keys[what], version, body), what)
                self.assertTrue(connection.call(wire.METADATA, wire.METADATA_VERSION, wire.metadata_body(["n" * 32767])))

    def test_describes_a_resource_once_however_often_it_is_named(self):
        named = b"\x04" + wire.text("1") + struct.pack(">i", -1)  # the broker, all settings
        with broker() as under_test, wire.Connection(under_test.port) as connection:
            idle = under_test.server.resident_bytes()
            once = connection.call(32, 3, wire.array([named]) + b"\x01\x01")
            often = connection.call(32, 3, wire.array([named] * 20_000) + b"\x01\x01")
            self.assertEqual(often, once)
            self.assert_grown_by(MEMORY_BOUND, under_test, idle, "a broker described 20,000 times")

    def test_closes_on_requests_that_would_take_many_times_their_size(self):
        """Arrays of what is a byte or two on the wire."""
        count = 8 << 20
        bodies = [(wire.METADATA, 4, struct.pack(">i", count) + bytes(2 * count) + b"\0"),
                  (wire.FETCH, 4, struct.pack(">iiiibi", -1, 0, 0, 0, 0, count) + bytes(6 * count))]
        with broker() as under_test:
            idle = under_test.server.resident_bytes()
            for key, version, body in bodies:
                with wire.Connection(under_test.port) as connection, self.assertRaises((ConnectionError, OSError)):
                    connection.call(key, version, body)
            self.assert_grown_by(MEMORY_BOUND, under_test, idle, "after requests that expand")
            with wire.Connection(under_test.port) as connection:
                many = [f"topic-{i}" for i in range(10_000)]
                self.assertTrue(connection.call(wire.METADATA, wire.METADATA_VERSION, wire.metadata_body(many)))

    def test_names_in_its_log_what_is_no_kafka_client(self):
        http = b"GET /metrics HTTP/1.1\r\nHost: broker\r\n\r\n"
        tls = bytes.fromhex("16030100c8010000c40303") + bytes(190)
        with broker() as under_test:
            for greeting in [http, tls] + [http] * 200:
                with socket.create_connection(("127.0.0.1", under_test.port), 10) as connection:
                    connection.sendall(greeting)
                    try:
                        self.assertEqual(connection.recv(1), b"", "it is closed without an answer")
                    except ConnectionResetError:
                        pass
            under_test.stop()
            log = under_test.log_path.read_text()
            self.assertIn("HTTP", log)
            self.assertIn("TLS", log)
            self.assertLess(len(log.splitlines()), 60, "the lines about refused connections are bounded")


if __name__ == "__main__":
    unittest.main()
