"""What a schema says: messages, their structures and fields, and the versions in which each is there."""

from dataclasses import dataclass, field

OPEN_END = 0x7FFF


def snake_case(name):
    """Kafka's rule: an underscore before a capital that follows something else than a capital."""
    out, after_capital = "", True
    for letter in name:
        if letter.isupper() and not after_capital:
            out += "_"
        out += letter.lower()
        after_capital = letter.isupper()
    return out


@dataclass(frozen=True)
class Range:
    """Versions from low to high, both included."""

    low: int
    high: int

    @staticmethod
    def parse(text):
        if text.endswith("+"):
            return Range(int(text[:-1]), OPEN_END)
        low, _, high = text.partition("-")
        return Range(int(low), int(high or low))

    def is_empty(self):
        return self.low > self.high

    def within(self, other):
        return Range(max(self.low, other.low), min(self.high, other.high))

    def contains(self, version):
        return self.low <= version <= self.high


NONE = Range(1, 0)


@dataclass
class Field:
    name: str
    type: str
    versions: Range
    is_array: bool = False
    nullable: Range = NONE
    tag: int | None = None
    inflexible: bool = False
    default: str = ""

    @property
    def member(self):
        # No field of Kafka's is a keyword of C++ but these.
        name = snake_case(self.name)
        return name + "_" if name in KEYWORDS else name

    @property
    def json_name(self):
        return self.name[0].lower() + self.name[1:]

    @property
    def is_optional(self):
        return not self.nullable.is_empty() and self.type != "records"


@dataclass
class Struct:
    name: str
    versions: Range
    fields: list[Field] = field(default_factory=list)


@dataclass
class Message:
    name: str
    kind: str  # request, response, record or header
    versions: Range
    flexible: Range
    body: Struct
    structs: list[Struct]  # each after those that it uses
    key: int | None = None
    family: str | None = None


@dataclass
class Api:
    key: int
    name: str
    listeners: list[str]
    stable_version: int
    request: Message
    response: Message


@dataclass
class Variant:
    """A type that holds any record of a family, framed by a frame version, the record's key and its version."""

    name: str
    family: str
    frame_version: int


@dataclass
class Schema:
    """One file."""

    stem: str
    is_record: bool
    messages: list[Message] = field(default_factory=list)
    api: Api | None = None
    variant: Variant | None = None


# Wire types: C++ type and size; None: of variable length.
PRIMITIVES = {
    "bool": ("bool", 1),
    "int8": ("std::int8_t", 1),
    "int16": ("std::int16_t", 2),
    "uint16": ("std::uint16_t", 2),
    "int32": ("std::int32_t", 4),
    "uint32": ("std::uint32_t", 4),
    "int64": ("std::int64_t", 8),
    "float64": ("double", 8),
    "uuid": ("Uuid", 16),
    "string": ("Text", None),
    "bytes": ("Blob", None),
    "records": ("Records", None),
}
STRONG_TYPES = {
    "ErrorCode": 2,
    "ProducerEpoch": 2,
    "LeaderEpoch": 4,
    "NodeId": 4,
    "PartitionIndex": 4,
    "BrokerEpoch": 8,
    "Offset": 8,
    "ProducerId": 8,
    "Timestamp": 8,
}

KEYWORDS = frozenset(
    "alignas alignof and asm auto bool break case catch char class concept const constexpr continue default delete do "
    "double else enum explicit export extern false float for friend goto if inline int long mutable namespace new not "
    "nullptr operator or private protected public register requires return short signed sizeof static struct switch "
    "template this throw true try typedef typename union unsigned using virtual void volatile while xor".split()
)


def is_builtin(type_name):
    return type_name in PRIMITIVES or type_name in STRONG_TYPES


def fixed_size(type_name):
    if type_name in STRONG_TYPES:
        return STRONG_TYPES[type_name]
    return PRIMITIVES[type_name][1]
