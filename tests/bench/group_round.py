"""One round of a large group of the classic protocol, driven by hand over one connection a member.

The time is that from the round's last JoinGroup to the last SyncGroup's answer.
"""

import pathlib
import struct
import sys
import time
import uuid

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

import wire  # noqa: E402
from wire import array, sized, text  # noqa: E402

LEAVE, SYNC = 13, 14
JOIN_VERSION, LEAVE_VERSION, SYNC_VERSION, DESCRIBE_VERSION, FIND_COORDINATOR_VERSION = 3, 2, 1, 1, 1
CONSUMER_PROTOCOL_VERSION = 1
NO_BYTES = struct.pack(">i", -1)
TOPIC = "wide"
TIMEOUT_S = 60


class Reader:
    def __init__(self, data):
        self.data, self.position = data, 0

    def take(self, form):
        values = struct.unpack_from(form, self.data, self.position)
        self.position += struct.calcsize(form)
        return values[0]

    def text(self):
        size = self.take(">h")
        self.position += max(size, 0)
        return self.data[self.position - max(size, 0):self.position].decode()

    def sized(self):
        size = self.take(">i")
        self.position += max(size, 0)
        return self.data[self.position - max(size, 0):self.position]


def check(error, what):
    if error:
        raise RuntimeError(f"{what} is answered by error {error}")


class Member:
    def __init__(self, port, group):
        self.connection = wire.Connection(port, timeout_s=TIMEOUT_S)
        self.group, self.id, self.generation = group, "", -1

    def send(self, api_key, version, body):
        self.asked = self.connection.next_id()
        self.connection.socket.sendall(wire.request(api_key, version, self.asked, body))

    def answer(self):
        return Reader(self.connection.answer(self.asked))

    def send_join(self):
        subscription = struct.pack(">h", CONSUMER_PROTOCOL_VERSION) + array([text(TOPIC)]) + NO_BYTES + array([])
        self.send(wire.JOIN_GROUP, JOIN_VERSION, text(self.group) + struct.pack(">ii", 30_000, 60_000) + text(self.id) + text("consumer") +
                  array([text("range") + sized(subscription)]))

    def take_join(self):
        """The ids of all members for the leader, nothing for the others."""
        answer = self.answer()
        answer.take(">i")
        check(answer.take(">h"), "JoinGroup")
        self.generation = answer.take(">i")
        answer.text()
        answer.text()
        self.id = answer.text()
        members = []
        for _ in range(answer.take(">i")):
            members.append(answer.text())
            answer.sized()
        return members

    def send_sync(self, members, partitions):
        assignments = []
        for number, member in enumerate(members):
            own = [struct.pack(">i", each) for each in range(number, partitions, len(members))]
            assigned = struct.pack(">h", CONSUMER_PROTOCOL_VERSION) + array([text(TOPIC) + array(own)]) + NO_BYTES
            assignments.append(text(member) + sized(assigned))
        self.send(SYNC, SYNC_VERSION, text(self.group) + struct.pack(">i", self.generation) + text(self.id) + array(assignments))

    def take_sync(self):
        """How many partitions it was given."""
        answer = self.answer()
        answer.take(">i")
        check(answer.take(">h"), "SyncGroup")
        assigned = Reader(answer.sized())
        assigned.take(">h")
        count = 0
        for _ in range(assigned.take(">i")):
            assigned.text()
            each = assigned.take(">i")
            assigned.position += 4 * each
            count += each
        return count

    def leave(self):
        self.send(LEAVE, LEAVE_VERSION, text(self.group) + text(self.id))
        self.answer()


def wait_until(reached, what):
    deadline = time.monotonic() + TIMEOUT_S
    while not reached():
        if time.monotonic() > deadline:
            raise RuntimeError(what)
        time.sleep(0.005)


def has_coordinator(member):
    member.send(wire.FIND_COORDINATOR, FIND_COORDINATOR_VERSION, text(member.group) + b"\0")
    answer = member.answer()
    answer.take(">i")
    return answer.take(">h") == 0


def member_count(member):
    member.send(wire.DESCRIBE_GROUPS, DESCRIBE_VERSION, array([text(member.group)]))
    answer = member.answer()
    answer.take(">ii")
    check(answer.take(">h"), "DescribeGroups")
    for _ in range(4):
        answer.text()
    return answer.take(">i")


def seconds_of_a_round(port, members=100, partitions=1000):
    """Requires: group.initial.rebalance.delay.ms=0."""
    group = f"round-{uuid.uuid4()}"
    everyone = [Member(port, group) for _ in range(members)]
    observer = Member(port, group)
    try:
        wait_until(lambda: has_coordinator(observer), "there is no coordinator")
        first, others = everyone[0], everyone[1:]
        # Alone, so that the others' round waits for this one to join again. A coordinator that loads has it try again.
        def joined():
            first.send_join()
            try:
                return first.take_join()
            except RuntimeError:
                return []

        wait_until(joined, "nobody can join")
        first.send_sync([first.id], partitions)
        first.take_sync()
        for each in others:
            each.send_join()
        wait_until(lambda: member_count(observer) == members, "not all members have joined")
        begun = time.monotonic()
        first.send_join()
        for each in everyone:
            each.send_sync(each.take_join(), partitions)
        given = sum(each.take_sync() for each in everyone)
        seconds = time.monotonic() - begun
        if given != partitions:
            raise RuntimeError(f"the members were given {given} of {partitions} partitions")
        for each in everyone:
            each.leave()
        return seconds
    finally:
        for each in (*everyone, observer):
            each.connection.close()
