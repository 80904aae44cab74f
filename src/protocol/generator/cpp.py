"""Pieces of C++ that several emitters need."""

from model import PRIMITIVES, STRONG_TYPES, fixed_size, is_builtin

NOTICE = "// Generated from src/protocol/schema; changes belong there."


def element_type(field):
    if field.type in PRIMITIVES:
        return PRIMITIVES[field.type][0]
    return field.type


def cpp_type(field):
    result = element_type(field)
    if field.is_array:
        result = f"std::vector<{result}>"
    if field.is_optional:
        result = f"std::optional<{result}>"
    return result


def literal(field):
    """The default as a C++ expression, for numbers."""
    text = field.default or "0"
    limits = {"-2147483648": "std::int32_t", "-9223372036854775808": "std::int64_t"}
    return f"std::numeric_limits<{limits[text]}>::min()" if text in limits else text


def is_number(field):
    return not field.is_array and is_builtin(field.type) and fixed_size(field.type) is not None and field.type != "uuid"


def initializer(field):
    """What follows the member's name in its declaration."""
    if field.is_optional:
        return "{}" if field.default == "null" else "{std::in_place}"
    if field.type == "ErrorCode" and not field.is_array:
        return " = ErrorCode::none"
    if not is_number(field):
        return "{}"
    if field.type == "bool":
        return " = true" if field.default == "true" else " = false"
    return f"{{{literal(field)}}}" if field.type in STRONG_TYPES else f" = {literal(field)}"


def is_default(field, object_name):
    """A condition: the field holds its default."""
    value = f"{object_name}{field.member}"
    if field.is_optional:
        if field.default == "null":
            return f"!{value}.has_value()"
        return f"{value} == decltype({value})(std::in_place)"
    if field.is_array or field.type in ("string", "bytes"):
        return f"{value}.empty()"
    if field.type == "records":
        return f"{value}.is_null()"
    if field.type == "bool":
        return value if field.default == "true" else f"!{value}"
    if field.type == "ErrorCode":
        return f"{value} == ErrorCode::none"
    if field.type in STRONG_TYPES:
        return f"{value} == {field.type}{{{literal(field)}}}"
    if is_number(field):
        return f"{value} == {literal(field)}"
    return f"{value} == decltype({value}){{}}"


ALWAYS, NEVER = "true", "false"


def condition(versions, possible):
    """Whether `at_version`, one of `possible`, is among `versions`: an expression, ALWAYS or NEVER."""
    versions = versions.within(possible)
    if versions.is_empty():
        return NEVER
    parts = []
    if versions.low > possible.low:
        parts.append(f"at_version >= {versions.low}")
    if versions.high < possible.high:
        parts.append(f"at_version <= {versions.high}")
    return " && ".join(parts) or ALWAYS


def guarded(test, lines):
    """`lines` under `if (test)`."""
    if test == NEVER or not lines:
        return []
    if test == ALWAYS:
        return lines
    return [f"if ({test}) {{"] + indent(lines) + ["}"]


def guarded_runs(pairs):
    """As guarded() for (test, lines) in order, with neighbours of the same test under one `if`."""
    out, run_test, run = [], ALWAYS, []
    for test, lines in pairs:
        if test != run_test:
            out += guarded(run_test, run)
            run_test, run = test, []
        run = run + lines
    return out + guarded(run_test, run)


def indent(lines):
    return ["    " + line if line else line for line in lines]


def min_encoded_bytes(message, struct):
    """The fewest bytes that `struct` takes in any version."""
    by_name = {other.name: other for other in message.structs}

    def size(of, version):
        flexible = message.flexible.contains(version)
        total = 1 if flexible else 0
        for field in of.fields:
            if not field.versions.contains(version) or field.tag is not None:
                continue
            if field.is_array or field.type in ("bytes", "records"):
                total += 1 if flexible else 4
            elif field.type == "string":
                total += 1 if flexible and not field.inflexible else 2
            elif is_builtin(field.type):
                total += fixed_size(field.type)
            elif field.nullable.contains(version):
                total += 1
            else:
                total += size(by_name[field.type], version)
        return total

    versions = struct.versions.within(message.versions)
    return max(1, min((size(struct, version) for version in range(versions.low, versions.high + 1)), default=1))


