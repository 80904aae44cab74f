"""Reads the schema language that src/protocol/schema/README.md describes."""

from model import NONE, OPEN_END, Api, Field, Message, Range, Schema, Struct, Variant, is_builtin

INDENT = 4


class SchemaError(Exception):
    pass


class Line:
    def __init__(self, path, number, text):
        self.where = f"{path}:{number}"
        stripped = text.lstrip(" ")
        self.depth, rest = divmod(len(text) - len(stripped), INDENT)
        self.words = stripped.split()
        if rest:
            self.fail(f"is not indented by a multiple of {INDENT}")

    def fail(self, what):
        raise SchemaError(f"{self.where}: {what}")


def parse_file(path, stem, is_record):
    with open(path, encoding="utf-8") as file:
        lines = [
            Line(path, number, text.rstrip())
            for number, text in enumerate(file, 1)
            if text.strip() and not text.lstrip().startswith("#")
        ]
    schema = Schema(stem, is_record)
    api_line, parts, stable = None, {}, None
    at = 0
    while at < len(lines):
        head = lines[at]
        if head.depth != 0:
            head.fail("is a field outside of a message")
        end = at + 1
        while end < len(lines) and lines[end].depth > 0:
            end += 1
        keyword, body = head.words[0], lines[at + 1 : end]
        at = end
        if keyword == "api":
            api_line = head
        elif keyword in ("request", "response"):
            if api_line is None:
                head.fail("stands before its api line")
            name = api_line.words[2] + keyword.capitalize()
            options = parse_options(head, ["versions"] + head.words[1:])
            parts[keyword] = build(head, name, keyword, options, body, key=int(api_line.words[1]))
            stable = options.get("stable", stable)
        elif keyword in ("record", "header"):
            schema.messages.append(parse_record(head, keyword, body))
        elif keyword == "variant":
            _, name, _, family, _, frame_version = head.words
            schema.variant = Variant(name, family, int(frame_version))
        else:
            head.fail(f"'{keyword}' is none of api, request, response, record, header, variant")
    if api_line is not None:
        if set(parts) != {"request", "response"}:
            api_line.fail("needs a request and a response")
        request, response = parts["request"], parts["response"]
        schema.messages += [request, response]
        words = api_line.words
        stable_version = int(stable) if stable else request.versions.high
        schema.api = Api(int(words[1]), words[2], words[4:], stable_version, request, response)
    return schema


def parse_record(head, keyword, body):
    """record Name [family key] versions … [flexible …]"""
    at = head.words.index("versions") if "versions" in head.words else head.fail("names no versions")
    identity = head.words[1:at]
    family, key = (identity[1], int(identity[2])) if len(identity) == 3 else (None, None)
    return build(head, identity[0], keyword, parse_options(head, head.words[at:]), body, key, family)


def parse_options(head, words):
    if len(words) % 2:
        head.fail("has an option without a value")
    options = dict(zip(words[::2], words[1::2]))
    unknown = set(options) - {"versions", "flexible", "stable"}
    if unknown:
        head.fail(f"has unknown options: {', '.join(sorted(unknown))}")
    return options


def build(head, name, kind, options, lines, key=None, family=None):
    versions = Range.parse(options["versions"])
    if versions.high == OPEN_END:
        head.fail("must name its last version")
    flexible = Range.parse(options["flexible"]).within(versions) if "flexible" in options else NONE
    structs = {}
    body = Struct(name, versions)
    at = parse_fields(lines, 0, 1, body, structs)
    while at < len(lines):
        line = lines[at]
        common = Struct(line.words[1], Range.parse(line.words[2]).within(versions) if line.words[2:] else versions)
        structs[common.name] = common
        at = parse_fields(lines, at + 1, 2, common, structs)
    return Message(name, kind, versions, flexible, body, in_order_of_use(head, body, structs), key, family)


def parse_fields(lines, at, depth, struct, structs):
    """Reads the fields of `struct`, and those of the structures nested there; returns the index behind them."""
    while at < len(lines) and lines[at].depth == depth and lines[at].words[0] != "struct":
        line = lines[at]
        field = parse_field(line, struct.versions)
        struct.fields.append(field)
        at += 1
        if at < len(lines) and lines[at].depth == depth + 1:
            if is_builtin(field.type) or field.type in structs:
                lines[at].fail(f"belongs to {field.type}, which is defined already")
            structs[field.type] = Struct(field.type, field.versions)
            at = parse_fields(lines, at, depth + 1, structs[field.type], structs)
    if at < len(lines) and lines[at].depth > depth:
        lines[at].fail("is indented too far")
    return at


def parse_field(line, parent_versions):
    """Name Type [versions] [tag n] [key] [ignorable] [inflexible] [= default]"""
    words = line.words
    if len(words) < 2:
        line.fail("has no type")
    type_name, optional, nullable = words[1].partition("?")
    is_array = type_name.startswith("[")
    field = Field(words[0], type_name.strip("[]"), parent_versions, is_array)
    at = 2
    if at < len(words) and words[at][0].isdigit():
        field.versions = Range.parse(words[at]).within(parent_versions)
        at += 1
    if optional:
        field.nullable = (Range.parse(nullable) if nullable else field.versions).within(field.versions)
    while at < len(words):
        word = words[at]
        if word == "tag":
            at += 1
            field.tag = int(words[at])
        elif word == "inflexible":
            field.inflexible = True
        elif word == "=":
            at += 1
            field.default = words[at]
        elif word not in ("key", "ignorable"):
            line.fail(f"'{word}' is no attribute")
        at += 1
    return field


def in_order_of_use(head, body, structs):
    ordered = []

    def visit(struct, path):
        for field in struct.fields:
            if is_builtin(field.type):
                continue
            if field.type not in structs:
                head.fail(f"{struct.name}.{field.name} is of unknown type {field.type}")
            if field.type in path:
                head.fail(f"{field.type} contains itself")
            used = structs[field.type]
            if used not in ordered:
                visit(used, path + [field.type])
                ordered.append(used)

    visit(body, [])
    return ordered
