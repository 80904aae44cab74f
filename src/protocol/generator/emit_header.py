"""Emits the public headers: one a schema of an API, one a record."""

from cpp import NOTICE, cpp_type, initializer, min_encoded_bytes
from model import snake_case as snake


def message_header(messages):
    """The header of the messages of one API, or of one record."""
    lines = ["#pragma once", NOTICE, ""]
    lines += [f"#include <{name}>" for name in ("cstdint", "limits", "optional", "string", "string_view", "vector")]
    lines += [""]
    lines += [f"#include <moldau/base/{name}.h>" for name in ("ids", "uuid")]
    lines += [f"#include <moldau/protocol/{name}.h>" for name in ("error_code", "records_field", "text")]
    lines += ["", "namespace moldau::protocol {", "", "class Reader;", "class Writer;", ""]
    if len(messages) == 2:
        lines += [f"struct {messages[1].name};", ""]
    for message in messages:
        response = messages[1].name if message.kind == "request" else None
        lines += message_struct(message, response)
    lines += ["}  // namespace moldau::protocol", ""]
    return "\n".join(lines)


def message_struct(message, response):
    lines = nested_structs(message)
    lines += [f"struct {message.name} {{"]
    lines += [f'    static constexpr std::string_view message_name = "{message.name}";']
    if message.key is not None:
        key = "record_key" if message.kind == "record" else "api_key"
        lines += [f"    static constexpr std::int16_t {key} = {message.key};"]
    first_flexible = "0x7fff" if message.flexible.is_empty() else message.flexible.low
    lines += [
        f"    static constexpr std::int16_t min_version = {message.versions.low};",
        f"    static constexpr std::int16_t max_version = {message.versions.high};",
        f"    static constexpr std::int16_t first_flexible_version = {first_flexible};",
    ]
    if response:
        lines += [f"    using Response = {response};"]
    lines += [f"    using {struct.name} = {snake(message.name)}::{struct.name};" for struct in message.structs]
    lines += [""]
    lines += struct_lines(message, message.body)[1:]
    lines += ["", f"std::string to_json(const {message.name}& message, std::int16_t at_version);", ""]
    return lines


def nested_structs(message):
    """Nested structures stand before the message, which names them: inside of it they would not be complete types where
    its own members' initializers need them."""
    if not message.structs:
        return []
    lines = [f"namespace {snake(message.name)} {{", ""]
    for struct in message.structs:
        lines += struct_lines(message, struct) + [""]
    return lines + [f"}}  // namespace {snake(message.name)}", ""]


def struct_lines(message, struct):
    lines = [f"struct {struct.name} {{"]
    lines += [f"    {cpp_type(field)} {field.member}{initializer(field)};" for field in struct.fields]
    lines += [
        "",
        f"    static {struct.name} decode(Reader& reader, std::int16_t at_version) {{",
        f"        {struct.name} value;",
        "        value.read_from(reader, at_version);",
        "        return value;",
        "    }",
        "    /// As decode; what the version does not have stays as it is.",
        "    void read_from(Reader& reader, std::int16_t at_version);",
        "    void encode(Writer& writer, std::int16_t at_version) const;",
        f"    bool operator==(const {struct.name}&) const = default;",
        f"    static constexpr std::size_t min_encoded_bytes = {min_encoded_bytes(message, struct)};",
        "};",
    ]
    return lines


def variant_header(variant, records):
    """The header of a type that holds any record of a family."""
    function = snake(variant.name)
    lines = ["#pragma once", NOTICE, "", "#include <cstdint>", "#include <string>", "#include <variant>", ""]
    lines += ["#include <moldau/base/bytes.h>", "#include <moldau/base/result.h>"]
    lines += sorted(f"#include <moldau/protocol/records/{snake(record.name)}.h>" for record in records)
    lines += ["", "namespace moldau::protocol {", ""]
    lines += [f"using {variant.name} = std::variant<", "    " + ",\n    ".join(r.name for r in records) + ">;", ""]
    lines += [
        "/// Reads a framed record, which borrows from `frame`. Errc::unsupported: a record or version that is not known",
        "/// here; Errc::invalid: bytes that do not follow the schema.",
        f"Result<{variant.name}> decode_{function}(ByteView frame);",
        "",
        "/// Writes the frame and the record. Requires: a version of that record.",
        f"void encode_{function}(const {variant.name}& record, std::int16_t at_version, Writer& writer);",
        "",
        f"std::string to_json(const {variant.name}& record, std::int16_t at_version);",
        "",
        "}  // namespace moldau::protocol",
        "",
    ]
    return "\n".join(lines)
