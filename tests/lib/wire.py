"""Kafka's protocol by hand, as much of it as tests need that look at single frames: sizes, headers, a few requests in
their old, fixed-width versions, and record batches.
"""

import gzip
import socket
import struct

PRODUCE, FETCH, LIST_OFFSETS, METADATA, OFFSET_COMMIT, OFFSET_FETCH, FIND_COORDINATOR, API_VERSIONS = 0, 1, 2, 3, 8, 9, 10, 18
JOIN_GROUP, DESCRIBE_GROUPS, LIST_GROUPS = 11, 15, 16
PRODUCE_VERSION, FETCH_VERSION, LIST_OFFSETS_VERSION, METADATA_VERSION = 3, 4, 1, 4
OFFSET_COMMIT_VERSION, OFFSET_FETCH_VERSION = 2, 1

_CRC_TABLE = []
for _value in range(256):
    for _ in range(8):
        _value = (_value >> 1) ^ (0x82F63B78 if _value & 1 else 0)
    _CRC_TABLE.append(_value)


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = _CRC_TABLE[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    return crc ^ 0xFFFFFFFF


def text(value):
    encoded = value.encode()
    return struct.pack(">h", len(encoded)) + encoded


def array(items):
    return struct.pack(">i", len(items)) + b"".join(items)


def compact_text(value):
    encoded = value.encode()
    return uvarint(len(encoded) + 1) + encoded


def compact_array(items):
    return uvarint(len(items) + 1) + b"".join(items)


def sized(frame):
    return struct.pack(">i", len(frame)) + frame


def header(api_key, version, correlation_id, client_id="wire"):
    return struct.pack(">hhi", api_key, version, correlation_id) + text(client_id)


def request(api_key, version, correlation_id, body):
    """A whole frame with a header of version 1."""
    return sized(header(api_key, version, correlation_id) + body)


def varint(value):
    return uvarint((value << 1) ^ (value >> 63))


def uvarint(value):
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def optional(data):
    """A record's key or value; None is null."""
    return varint(-1) if data is None else varint(len(data)) + data


def record_batch(values, first_timestamp=0, timestamp_step=0, keys=None):
    """An uncompressed batch of records, without keys by default; a value of None is a tombstone."""
    records = b""
    for delta, (key, value) in enumerate(zip(keys or [None] * len(values), values, strict=True)):
        record = b"\0" + varint(delta * timestamp_step) + varint(delta) + optional(key) + optional(value) + varint(0)
        records += varint(len(record)) + record
    last = len(values) - 1
    checked = struct.pack(">hiqqqhii", 0, last, first_timestamp, first_timestamp + last * timestamp_step, -1, -1, -1,
                          len(values)) + records
    return struct.pack(">qiibI", 0, len(checked) + 9, -1, 2, crc32c(checked)) + checked


def gzip_bomb(size_bytes):
    """A batch of one record of so many zeros, compressed."""
    record = b"\0" + varint(0) + varint(0) + varint(-1) + varint(size_bytes)
    records = gzip.compress(varint(len(record) + size_bytes + 1) + record + bytes(size_bytes) + b"\0", 9)
    checked = struct.pack(">hiqqqhii", 1, 0, 0, 0, -1, -1, -1, 1) + records
    return struct.pack(">qiibI", 0, len(checked) + 9, -1, 2, crc32c(checked)) + checked


def batch_values(data):
    """(offset, value) of each record of uncompressed batches without keys; a batch that is cut off at the end is left out."""
    found = []
    while len(data) >= 61:
        base, size = struct.unpack_from(">qi", data)
        if len(data) < 12 + size:
            break
        count = struct.unpack_from(">i", data, 57)[0]
        position = 61
        for _ in range(count):
            fields = []
            for skip in (0, 1, 0, 0, 0):  # size, (attributes) timestamp, offset, key size, value size
                value, position = _read_varint(data, position + skip)
                fields.append(value)
            value_size = fields[4]
            found.append((base + fields[2], data[position:position + value_size]))
            position += value_size
            headers, position = _read_varint(data, position)
            assert headers == 0
        data = data[12 + size:]
    return found


def end_offset(data, otherwise):
    """The offset behind the last whole batch of `data`; without any, `otherwise`."""
    position, end = 0, otherwise
    while len(data) - position >= 61:
        base, size = struct.unpack_from(">qi", data, position)
        if len(data) - position < 12 + size:
            break
        end = base + struct.unpack_from(">i", data, position + 23)[0] + 1
        position += 12 + size
    return end


def _read_varint(data, position):
    value = shift = 0
    while True:
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return (value >> 1) ^ -(value & 1), position


def produce_body(topic, partitions, acks=-1, timeout_ms=10_000):
    """`partitions`: pairs of index and batches."""
    data = [struct.pack(">i", index) + sized(batches) for index, batches in partitions]
    return struct.pack(">hhi", -1, acks, timeout_ms) + array([text(topic) + array(data)])


def fetch_body(topic, partition, offset, max_wait_ms=500, min_bytes=1, max_bytes=1 << 20):
    wanted = struct.pack(">iqi", partition, offset, max_bytes)
    return struct.pack(">iiiib", -1, max_wait_ms, min_bytes, max_bytes, 0) + array([text(topic) + array([wanted])])


def list_offsets_body(topic, partition, timestamp):
    return struct.pack(">i", -1) + array([text(topic) + array([struct.pack(">iq", partition, timestamp)])])


def metadata_body(topics, create=False):
    return array([text(topic) for topic in topics]) + struct.pack(">?", create)


def commit_body(group, topic, offsets, metadata=""):
    """Of OffsetCommit, for who assigns partitions to itself; `offsets`: one a partition, from 0 on."""
    committed = [struct.pack(">iq", index, offset) + text(metadata) for index, offset in enumerate(offsets)]
    return text(group) + struct.pack(">i", -1) + text("") + struct.pack(">q", -1) + array([text(topic) + array(committed)])


class Connection:
    """One connection that asks and is answered; every wait is bounded. Never connects again."""

    def __init__(self, port, timeout_s=15):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=timeout_s)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._correlation_id = 0

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def receive(self, count):
        data = bytearray()
        while len(data) < count:
            more = self.socket.recv(count - len(data))
            if not more:
                raise ConnectionError("the broker closed the connection")
            data += more
        return bytes(data)

    def answer(self, correlation_id):
        """The body of the next answer, which is the one to `correlation_id`."""
        frame = self.receive(struct.unpack(">i", self.receive(4))[0])
        got = struct.unpack_from(">i", frame)[0]
        if got != correlation_id:
            raise ConnectionError(f"the answer to {got} came instead of that to {correlation_id}")
        return frame[4:]

    def next_id(self):
        self._correlation_id += 1
        return self._correlation_id

    def call(self, api_key, version, body):
        correlation_id = self.next_id()
        self.socket.sendall(request(api_key, version, correlation_id, body))
        return self.answer(correlation_id)

    def produce(self, topic, batches, partition=0, acks=-1):
        """The base offset of what was appended."""
        return produced(self.call(PRODUCE, PRODUCE_VERSION, produce_body(topic, [(partition, batches)], acks)))

    def fetch(self, topic, partition, offset, **limits):
        """The records' bytes from `offset` on, as they are stored: whole batches."""
        body = self.call(FETCH, FETCH_VERSION, fetch_body(topic, partition, offset, **limits))
        topic_at = 8 + 2 + len(topic.encode()) + 4
        _, error, _, _, aborted, size = struct.unpack_from(">ihqqii", body, topic_at)
        if error or aborted > 0:
            raise RuntimeError(f"Fetch of {topic}-{partition} from {offset} is answered by error {error}")
        return body[topic_at + 30:topic_at + 30 + size]

    def commit(self, group, topic, offsets):
        """The first error code, and 0 without any."""
        body = self.call(OFFSET_COMMIT, OFFSET_COMMIT_VERSION, commit_body(group, topic, offsets))
        codes = [struct.unpack_from(">h", body, 4 + 2 + len(topic.encode()) + 4 + 6 * index + 4)[0] for index in range(len(offsets))]
        return next((code for code in codes if code), 0)

    def committed(self, group, topic, partitions):
        """(error code, offset) of each of so many partitions."""
        wanted = [struct.pack(">i", index) for index in range(partitions)]
        body = self.call(OFFSET_FETCH, OFFSET_FETCH_VERSION, text(group) + array([text(topic) + array(wanted)]))
        position, found = 4 + 2 + len(topic.encode()) + 4, []
        for _ in range(partitions):
            _, offset, metadata_size = struct.unpack_from(">iqh", body, position)
            position += 14 + max(metadata_size, 0)
            found.append((struct.unpack_from(">h", body, position)[0], offset))
            position += 2
        return found

    def offset_of_time(self, topic, partition, timestamp):
        """(timestamp, offset) of the first record that is not older."""
        body = self.call(LIST_OFFSETS, LIST_OFFSETS_VERSION, list_offsets_body(topic, partition, timestamp))
        error, found, offset = struct.unpack_from(">hqq", body, 4 + 2 + len(topic.encode()) + 4 + 4)
        if error:
            raise RuntimeError(f"ListOffsets of {topic}-{partition} is answered by error {error}")
        return found, offset


def produced(body):
    """The base offset in a Produce's answer with one partition."""
    name_size = struct.unpack_from(">h", body, 4)[0]
    error, base = struct.unpack_from(">hq", body, 4 + 2 + name_size + 4 + 4)
    if error:
        raise RuntimeError(f"Produce is answered by error {error}")
    return base
