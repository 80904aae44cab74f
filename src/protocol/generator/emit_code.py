"""Emits the functions that decode and encode."""

from cpp import ALWAYS, NEVER, condition, guarded, guarded_runs, indent, is_default
from model import snake_case as snake


def message_code(message):
    lines = []
    for struct in message.structs:
        lines += struct_code(message, struct, f"{snake(message.name)}::{struct.name}", [])
    check = ["MOLDAU_ASSERT(at_version >= min_version && at_version <= max_version);"]
    return lines + struct_code(message, message.body, message.name, check)


def struct_code(message, struct, qualified, check):
    possible = struct.versions
    flexible = condition(message.flexible, possible)
    form = [f"[[maybe_unused]] const coding::Form form{{at_version, {flexible}}};"]
    plain = [field for field in struct.fields if field.tag is None]
    tagged = sorted((field for field in struct.fields if field.tag is not None), key=lambda field: field.tag)

    decode = check + form
    decode += guarded_runs((condition(f.versions, possible), transfer(f, possible, "read", "this->")) for f in plain)
    decode += guarded(flexible, decode_tags(tagged, possible))

    encode = check + form
    encode += guarded_runs((condition(f.versions, possible), transfer(f, possible, "write", "this->")) for f in plain)
    encode += guarded(flexible, encode_tags(tagged, possible))

    arguments = "[[maybe_unused]] std::int16_t at_version"
    lines = [f"void {qualified}::read_from([[maybe_unused]] Reader& reader, {arguments}) {{"]
    lines += indent(decode) + ["}", ""]
    lines += [f"void {qualified}::encode([[maybe_unused]] Writer& writer, {arguments}) const {{"]
    return lines + indent(encode) + ["}", ""]


def transfer(field, possible, verb, object_name):
    """Reads or writes one field, in the versions that have it."""
    form = "form" if field.tag is None else "form.in_tag()"
    if field.inflexible:
        form = "coding::Form{at_version, false}"
    stream = "reader" if verb == "read" else "writer"
    arguments = f"({stream}, {form}, {object_name}{field.member});"
    may_be_null = condition(field.nullable, field.versions.within(possible))
    if not (field.is_optional or field.type == "records") or may_be_null == ALWAYS:
        return [f"coding::{verb}{arguments}"]
    strict = f"coding::{verb}_not_null{arguments}"
    if may_be_null == NEVER:
        return [strict]
    return [f"if ({may_be_null}) {{", f"    coding::{verb}{arguments}", "} else {", f"    {strict}", "}"]


def decode_tags(tagged, possible):
    if not tagged:
        return ["reader.skip_tags();"]
    cases = []
    for field in tagged:
        test = condition(field.versions, possible)
        body = transfer(field, possible, "read", "this->") + ["reader.end_tag(tag);"]
        if test != ALWAYS:
            body = [f"if ({test}) {{"] + indent(body) + ["} else {", "    reader.skip_tag(tag);", "}"]
        cases += [f"case {field.tag}:"] + indent(body + ["break;"])
    lines = ["for (std::uint32_t left = reader.uvarint(); left > 0 && reader.ok(); --left) {"]
    lines += ["    const auto tag = reader.begin_tag();", "    if (!reader.ok()) break;", "    switch (tag.number) {"]
    lines += indent(indent(cases + ["default:", "    reader.skip_tag(tag);"]))
    return lines + ["    }", "}"]


def encode_tags(tagged, possible):
    """Only fields that differ from their defaults are written."""
    if not tagged:
        return ["writer.uvarint(0);"]
    lines, present = [], []
    for field in tagged:
        test = condition(field.versions, possible)
        differs = f"!({is_default(field, 'this->')})"
        name = f"has_{field.tag}"
        lines.append(f"const bool {name} = " + (differs if test == ALWAYS else f"{test} && {differs}") + ";")
        present.append((name, field))
    counts = " + ".join(f"std::uint32_t{{{name}}}" for name, _ in present)
    lines.append(f"writer.uvarint({counts});")
    for name, field in present:
        mark = f"mark_{field.tag}"
        body = [f"const std::size_t {mark} = writer.begin_tag({field.tag});"]
        lines += guarded(name, body + transfer(field, possible, "write", "this->") + [f"writer.end_tag({mark});"])
    return lines


def variant_code(variant, records):
    function = snake(variant.name)
    cases = []
    for record in records:
        cases += [f"case {record.name}::record_key:", f"    return framed<{variant.name}, {record.name}>(*frame);"]
    return [
        f"Result<{variant.name}> decode_{function}(ByteView bytes) {{",
        f"    auto frame = open_frame(bytes, {variant.frame_version});",
        "    if (!frame) return std::unexpected(std::move(frame).error());",
        "    switch (frame->key) {",
        *indent(indent(cases)),
        "        default:",
        f'            return fail(Errc::unsupported, fmt::format("a {variant.name} of unknown key {{}}", frame->key));',
        "    }",
        "}",
        "",
        f"void encode_{function}(const {variant.name}& record, std::int16_t at_version, Writer& writer) {{",
        "    std::visit(",
        "        [&]<class T>(const T& value) {",
        f"            write_frame(writer, {variant.frame_version}, T::record_key, at_version);",
        "            value.encode(writer, at_version);",
        "        },",
        "        record);",
        "}",
        "",
    ]
