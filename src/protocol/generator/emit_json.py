"""Emits the functions that print messages as JSON, and the entries of the table of all message types."""

from cpp import condition, guarded, guarded_runs, indent, is_default
from model import snake_case as snake


def message_json(message):
    lines = []
    if message.structs:
        # Beside the structures, where JsonWriter finds them.
        lines += [f"namespace {snake(message.name)} {{"]
        for struct in message.structs:
            lines += describe(struct.name, struct)
        lines += ["}", ""]
    lines += describe(message.name, message.body)
    lines += [
        f"std::string to_json(const {message.name}& message, std::int16_t at_version) {{",
        "    JsonWriter json(at_version);",
        "    describe(json, message, at_version);",
        "    return json.take();",
        "}",
        "",
    ]
    return lines


def describe(qualified, struct):
    def show(field):
        line = [f'json.field("{field.json_name}", value.{field.member});']
        return line if field.tag is None else guarded(f"!({is_default(field, 'value.')})", line)

    body = ["json.begin_object();"]
    body += guarded_runs((condition(field.versions, struct.versions), show(field)) for field in struct.fields)
    body += ["json.end_object();"]
    arguments = f"const {qualified}& value, std::int16_t at_version"
    lines = [f"static void describe(JsonWriter& json, {arguments}) {{"]
    lines += ["    (void)value;", "    (void)at_version;"]
    return lines + indent(body) + ["}", ""]


def variant_json(variant):
    return [
        f"std::string to_json(const {variant.name}& record, std::int16_t at_version) {{",
        "    return std::visit([&](const auto& value) { return to_json(value, at_version); }, record);",
        "}",
        "",
    ]


def type_table(part, messages):
    lines = [f"std::vector<MessageType> message_types_{part:02}() {{", "    return {"]
    lines += [f"        message_type_of<{message.name}>()," for message in messages]
    return lines + ["    };", "}", ""]
