"""Two brokers' answers to the same scripted questions (lines of `Ask`), compared field by field.

What no two runs share is given a name at its first appearance, the same on both sides: ids, ports, sessions, producer
ids, times. What is left is compared; a difference that is meant stands in a list of exceptions.
"""

import fnmatch
import json
import re

# Keys whose values are ids of one run, and the name of their kind. 0 and the zero id mean 'none' and stay.
IDS = {"topicId": "topic", "clusterId": "cluster", "replicaDirectoryId": "directory", "sessionId": "session",
       "producerId": "producer id", "port": "port"}
# Keys of a moment or of the metadata log's length; whether they are set is compared.
MOMENTS = {"finalizedFeaturesEpoch", "logAppendTimeMs", "lastFetchTimestamp", "lastCaughtUpTimestamp", "timestamp", "maxTimestamp",
           "commitTimestamp", "currentStateTimestamp", "expireTimestamp"}
# Of an API's answers: how many records a log holds depends on time. Whether they are set is compared.
LENGTHS = {"DescribeQuorum": ("highWatermark", "logEndOffset")}
NONE = (0, -1, "", "AAAAAAAAAAAAAAAAAAAAAA", None)
# Milliseconds since 1970 of this decade or the next: a wall clock's time, where scripts use small ones.
WALL_CLOCK = re.compile(r"\b(1[6-9]|2[0-9])\d{11}\b")
# What brokers add to a client's or an instance's name to make a member's id of it.
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
# Results whose order Kafka leaves to a hash map, or to which partition's coordinator answers first.
UNORDERED = {"DeleteTopics": ("responses",), "DescribeConfigs": ("configs",), "ApiVersions": ("supportedFeatures",),
             "JoinGroup": ("members",), "DescribeGroups": ("groups", "members"), "ListGroups": ("groups",), "DeleteGroups": ("results",),
             "OffsetDelete": ("topics", "partitions")}


class Normaliser:
    def __init__(self, lines, seen=()):
        """`seen`: lines that came before; what they name keeps its name."""
        self._names = {}
        # Topics are called by their names, since it depends on time which id is seen first.
        for line in [*lines, *seen]:
            self._call_topics_by_name(line)
        for line in seen:
            self.line(line)

    def _call_topics_by_name(self, value):
        if isinstance(value, dict):
            topic, name = value.get("topicId"), value.get("name")
            if topic not in NONE and name:
                self._name("topic", topic, f"topic {name}")
            value = list(value.values())
        if isinstance(value, list):
            for each in value:
                self._call_topics_by_name(each)

    def line(self, line):
        text = json.dumps(self._value("", line))
        for (kind, value), name in self._names.items():
            if kind == "topic":
                text = text.replace(value, name)
        return json.loads(text)

    def _name(self, kind, value, stem=None):
        if (kind, value) not in self._names:
            stem = f"<{stem or kind}"
            number = sum(1 for name in self._names.values() if name.rpartition(" ")[0] == stem) + 1
            self._names[kind, value] = f"{stem} {number}>"
        return self._names[kind, value]

    def _value(self, key, value):
        if isinstance(value, dict):
            return {inner: self._value(inner, of) for inner, of in value.items()}
        if isinstance(value, list):
            return [self._value(key, each) for each in value]
        if key in IDS and value not in NONE:
            return self._name(IDS[key], value)
        if key in MOMENTS and isinstance(value, int) and value > 1_600_000_000_000:
            return "<moment>"
        if key == "finalizedFeaturesEpoch":
            return "<moment>" if value >= 0 else value
        if isinstance(value, str):
            value = WALL_CLOCK.sub("<moment>", value)
            value = UUID.sub(lambda found: self._name("member", found.group()), value)
            return re.sub(r"(127\.0\.0\.1|localhost):\d+", r"\1:<port>", value)
        return value


def differences(kafka, ours, path=""):
    """Yields (path, Kafka's value, our value) of all that differs between two decoded values."""
    if isinstance(kafka, dict) and isinstance(ours, dict):
        for key in [*kafka, *(key for key in ours if key not in kafka)]:
            if key not in kafka or key not in ours:
                yield f"{path}.{key}", kafka.get(key, "<absent>"), ours.get(key, "<absent>")
            else:
                yield from differences(kafka[key], ours[key], f"{path}.{key}")
    elif isinstance(kafka, list) and isinstance(ours, list):
        named = _by_name(kafka), _by_name(ours)
        if all(named):
            yield from differences(named[0], named[1], path)
            return
        for i, (left, right) in enumerate(zip(kafka, ours)):
            yield from differences(left, right, f"{path}[{i}]")
        if len(kafka) != len(ours):
            yield f"{path}.length", len(kafka), len(ours)
    elif kafka != ours and not _is_other_wording(path, kafka, ours):
        yield path, kafka, ours


def _is_other_wording(path, kafka, ours):
    """Our messages are our own, and may be there where Kafka says nothing; codes are what clients act on."""
    return path.endswith("rrorMessage") and (bool(ours) or not kafka)


def _by_name(values):
    """A list of things with a name or an API key as a dictionary; None when they have none or it is not unique."""
    for key in ("name", "apiKey"):
        if values and all(isinstance(value, dict) and key in value for value in values):
            named = {str(value[key]): value for value in values}
            if len(named) == len(values):
                return named
    return None


def compare(suite, kafka_lines, our_lines):
    """Yields (question, path, Kafka's value, ours) for two runs of a suite; a question is `suite api vN case`."""
    if len(kafka_lines) != len(our_lines):
        yield suite, "questions", len(kafka_lines), len(our_lines)
    kafka_lines, our_lines = [json.loads(line) for line in kafka_lines], [json.loads(line) for line in our_lines]
    left, right = Normaliser(kafka_lines), Normaliser(our_lines)
    for kafka_line, our_line in zip(kafka_lines, our_lines):
        kafka, ours = left.line(kafka_line), right.line(our_line)
        question = f"{suite} {kafka.get('api', kafka.get('apiKey', '-'))} v{kafka.get('version', '')} {kafka['case']}"
        for line in (kafka, ours):
            request = line.pop("request", {})
            if request.get("sessionEpoch", -1) > 0 and isinstance(line["response"], dict):
                _in_order_of_partitions(line)
            if line.get("api") == "OffsetFetch" and _asks_for_all(request):
                _sort(line["response"], ("topics", "partitions"))
            _hide(line.get("response"), LENGTHS.get(line.get("api"), ()))
            _sort(line.get("response"), UNORDERED.get(line.get("api"), ()))
        for path, kafkas, our in differences(kafka, ours):
            yield question, path.lstrip("."), kafkas, our


def compare_records(kafka_records, our_records, kafka_lines, our_lines):
    """Yields as `compare` for what both have written to a partitioned log (lines of `OffsetsLog`), after the given answers.

    Records are compared in each partition's order, whatever batches they came in; a question is `records group key #n`.
    """
    left, right = _by_partition(kafka_records, kafka_lines), _by_partition(our_records, our_lines)
    for partition in sorted({*left, *right}):
        kafka, ours = left.get(partition, []), right.get(partition, [])
        for number, (kafkas, our) in enumerate(zip(kafka, ours)):
            for path, a, b in differences(kafkas, our):
                yield f"records {_written(kafkas)} #{partition}-{number}", path.lstrip("."), a, b
        if len(kafka) != len(ours):
            extra = max(kafka, ours, key=len)[min(len(kafka), len(ours))]
            yield f"records {_written(extra)} #{partition}-{min(len(kafka), len(ours))}", "records", len(kafka), len(ours)


def _written(record):
    return f"{record['key'].get('group')} {'value' if record['value'] else 'tombstone'} of type {record['keyType']}"


def _by_partition(records, lines):
    records = [json.loads(record) for record in records]
    topics = [{"topicId": record["value"].get("topicId"), "name": record["key"].get("topic")} for record in records if record["value"]]
    normaliser = Normaliser(topics, [json.loads(line) for line in lines])
    partitions = {}
    for record in records:
        value = record["value"] or {}
        # An expiry is compared by its distance from the commit, as Java counts.
        if value.get("expireTimestamp", -1) != -1:
            value["expiresAfterMs"] = (value.pop("expireTimestamp") - value["commitTimestamp"] + 2**63) % 2**64 - 2**63
        record = normaliser.line(record)
        _sort(record, ("members",))
        partitions.setdefault(record.pop("partition"), []).append(record)
    for written in partitions.values():
        _sort_tombstones(written)
        for offset, record in enumerate(written):
            record["offset"] -= offset
    return partitions


def _sort_tombstones(records):
    """Kafka deletes all offsets of a group in the order of a hash map."""
    start = 0
    for end in range(len(records) + 1):
        if end == len(records) or records[end]["value"] is not None or records[end]["key"] == records[start]["key"]:
            offsets = [record["offset"] for record in records[start:end]]
            records[start:end] = sorted(records[start:end], key=lambda record: json.dumps(record["key"]))
            for record, offset in zip(records[start:end], offsets):
                record["offset"] = offset
            start = end + 1


def _in_order_of_partitions(line):
    """An incremental answer tells partitions in the order in which they were found changed."""
    partitions = [{**{key: of for key, of in topic.items() if key != "partitions"}, **partition}
                  for topic in line["response"].get("responses", []) for partition in topic["partitions"]]
    for listed in (partitions, line.get("batches", [])):
        listed.sort(key=lambda each: (str(each.get("topicId")), str(each.get("topic")), each.get("partitionIndex", each.get("partition"))))
    line["response"]["responses"] = partitions


def _asks_for_all(offset_fetch):
    groups = offset_fetch.get("groups", [offset_fetch])
    return any(group.get("topics", ()) is None for group in groups)


def _hide(value, keys):
    for key, inner in value.items() if isinstance(value, dict) else ():
        if key in keys and inner >= 0:
            value[key] = "<length>"
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        _hide(inner, keys)


def _sort(value, keys):
    if isinstance(value, dict):
        for inner, of in value.items():
            _sort(of, keys)
            if inner in keys and isinstance(of, list):
                of.sort(key=_place)
    elif isinstance(value, list):
        for each in value:
            _sort(each, keys)


def _place(value):
    named = [str(value[key]) for key in ("name", "groupId", "memberId", "partitionIndex") if key in value]
    return named, json.dumps(value)


class Exceptions:
    """Lines `question pattern | path pattern | reason`; patterns as of shells. A line that nothing needed is reported."""

    def __init__(self, text):
        self._lines = []
        for number, line in enumerate(text.splitlines(), 1):
            if line.strip() and not line.startswith("#"):
                parts = [part.strip() for part in line.split("|", 2)]
                if len(parts) != 3 or not parts[2]:
                    raise ValueError(f"line {number} of the exceptions is not 'question | path | reason': {line}")
                self._lines.append(parts)
        self._used = set()

    def covers(self, question, path):
        for i, (questions, paths, _) in enumerate(self._lines):
            if _matches(question, questions) and _matches(path, paths):
                self._used.add(i)
                return True
        return False

    def unused(self):
        return [" | ".join(line) for i, line in enumerate(self._lines) if i not in self._used]


def _matches(text, pattern):
    # Brackets are indexes here, not sets of characters.
    return fnmatch.fnmatchcase(text, pattern.replace("[", "[[]"))
