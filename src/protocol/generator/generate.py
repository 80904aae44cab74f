#!/usr/bin/env python3
"""Generates C++ from the schemas: generate.py [--list] SCHEMA_DIRECTORY OUTPUT_DIRECTORY

--list prints the files that would be written, one a line. A file is written only when its content changes, so that a
change of one schema compiles little again.
"""

import pathlib
import sys
import zlib

from cpp import NOTICE
from emit_code import message_code, variant_code
from emit_header import message_header, variant_header
from emit_json import message_json, type_table, variant_json
from emit_tables import api_table, message_type_table
from model import snake_case
from parser import SchemaError, parse_file

# Translation units; a schema's name alone decides its part, so that other schemas do not move it.
PARTS = 16
INCLUDE = "include/moldau/protocol"


def load(directory):
    schemas = []
    for path in sorted(directory.glob("**/*.kmsg")):
        schemas.append(parse_file(path, path.stem, path.parent != directory))
    return schemas


def generate(schemas):
    """All outputs: path → content."""
    outputs = {}
    records = [message for schema in schemas for message in schema.messages if message.kind == "record"]
    parts = [[] for _ in range(PARTS)]
    for schema in schemas:
        parts[zlib.crc32(schema.stem.encode()) % PARTS].append(schema)
        if schema.is_record:
            for message in schema.messages:
                outputs[f"{INCLUDE}/records/{snake_case(message.name)}.h"] = message_header([message])
        else:
            outputs[f"{INCLUDE}/messages/{schema.stem}.h"] = message_header(schema.messages)
        if schema.variant:
            members = family(records, schema.variant)
            outputs[f"{INCLUDE}/records/{schema.stem}.h"] = variant_header(schema.variant, members)
    for part, members in enumerate(parts):
        outputs[f"messages_{part:02}.cpp"] = code_part(members, records)
        outputs[f"json_{part:02}.cpp"] = json_part(part, members)
    outputs["api_table_data.cpp"] = api_table([schema.api for schema in schemas if schema.api])
    outputs["message_type_table.cpp"] = message_type_table(PARTS)
    return outputs


def family(records, variant):
    return sorted((record for record in records if record.family == variant.family), key=lambda record: record.key)


def includes(schemas):
    lines = []
    for schema in schemas:
        if not schema.is_record:
            lines.append(f"#include <moldau/protocol/messages/{schema.stem}.h>")
        else:
            lines += [f"#include <moldau/protocol/records/{snake_case(m.name)}.h>" for m in schema.messages]
            if schema.variant:
                lines.append(f"#include <moldau/protocol/records/{schema.stem}.h>")
    return sorted(lines)


def code_part(schemas, records):
    lines = [NOTICE, "#include <moldau/base/assert.h>", "#include <moldau/protocol/coding.h>"]
    lines += includes(schemas) + ['#include "record_frame.h"', "", "namespace moldau::protocol {", ""]
    for schema in schemas:
        for message in schema.messages:
            lines += message_code(message)
        if schema.variant:
            lines += variant_code(schema.variant, family(records, schema.variant))
    return "\n".join(lines + ["}  // namespace moldau::protocol", ""])


def json_part(part, schemas):
    lines = [NOTICE, "#include <moldau/protocol/json_writer.h>"]
    lines += includes(schemas) + ['#include "message_type_of.h"', "", "namespace moldau::protocol {", ""]
    for schema in schemas:
        for message in schema.messages:
            lines += message_json(message)
        if schema.variant:
            lines += variant_json(schema.variant)
    lines += type_table(part, [message for schema in schemas for message in schema.messages])
    return "\n".join(lines + ["}  // namespace moldau::protocol", ""])


def write_if_changed(path, content):
    if path.exists() and path.read_text(encoding="utf-8") == content:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")


def main(arguments):
    only_list = arguments[:1] == ["--list"]
    schema_directory, output_directory = map(pathlib.Path, arguments[only_list:])
    try:
        outputs = generate(load(schema_directory))
    except SchemaError as error:
        sys.exit(str(error))
    for name, content in outputs.items():
        if only_list:
            print(output_directory / name)
        else:
            write_if_changed(output_directory / name, content)


if __name__ == "__main__":
    main(sys.argv[1:])
