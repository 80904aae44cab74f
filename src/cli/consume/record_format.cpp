#include "consume/record_format.h"

#include <fmt/format.h>

#include "arguments/values.h"

namespace moldau::cli {

Result<RecordFormat> RecordFormat::parse(std::string_view format, std::string null_text) {
    RecordFormat result;
    result.null_text_ = std::move(null_text);
    std::string literal;
    const auto end_literal = [&] {
        if (!literal.empty()) result.pieces_.push_back({Field::literal, std::exchange(literal, {})});
    };
    static constexpr std::pair<char, Field> directives[] = {
        {'k', Field::key},        {'v', Field::value},     {'s', Field::value}, {'K', Field::key_size},
        {'V', Field::value_size}, {'h', Field::headers},   {'t', Field::topic}, {'p', Field::partition},
        {'o', Field::offset},     {'T', Field::timestamp},
    };
    for (std::size_t i = 0; i < format.size(); ++i) {
        if (format[i] != '%') {
            literal += format[i];
            continue;
        }
        const char directive = i + 1 < format.size() ? format[++i] : '\0';
        if (directive == '%') {
            literal += '%';
            continue;
        }
        const auto* found = std::ranges::find(directives, directive, &std::pair<char, Field>::first);
        if (found == std::end(directives))
            return fail(Errc::invalid,
                        fmt::format("--format: there is no '%{}' in '{}'; there are %k %v %h %t %p %o %T "
                                    "%K %V and %%",
                                    directive == '\0' ? "" : std::string(1, directive), format));
        end_literal();
        result.pieces_.push_back({found->second, {}});
    }
    end_literal();
    for (Piece& piece : result.pieces_) {
        Result<std::string> bytes = unescape(piece.literal);
        if (!bytes) return std::unexpected(std::move(bytes).error().within("--format"));
        piece.literal = std::move(*bytes);
    }
    return result;
}

RecordFormat RecordFormat::json_lines() {
    RecordFormat result;
    result.is_json_ = true;
    return result;
}

void RecordFormat::print(const PrintedRecord& record, std::string& out) {
    if (is_json_) return print_json(record, out);
    for (const Piece& piece : pieces_) print_piece(piece, record, out);
}

void RecordFormat::print_bytes(const std::optional<ByteView>& bytes, std::string& out) const {
    out += bytes ? text_of(*bytes) : std::string_view(null_text_);
}

void RecordFormat::print_piece(const Piece& piece, const PrintedRecord& record, std::string& out) const {
    const auto number = [&out](std::int64_t value) { fmt::format_to(std::back_inserter(out), "{}", value); };
    const auto size = [&number](const std::optional<ByteView>& bytes) {
        number(bytes ? static_cast<std::int64_t>(bytes->size()) : -1);
    };
    switch (piece.field) {
        case Field::literal:
            out += piece.literal;
            break;
        case Field::key:
            print_bytes(record.record->key, out);
            break;
        case Field::value:
            print_bytes(record.record->value, out);
            break;
        case Field::key_size:
            size(record.record->key);
            break;
        case Field::value_size:
            size(record.record->value);
            break;
        case Field::topic:
            out += record.topic;
            break;
        case Field::partition:
            number(record.partition);
            break;
        case Field::offset:
            number(record.offset);
            break;
        case Field::timestamp:
            number(record.timestamp_ms);
            break;
        case Field::headers: {
            protocol::HeaderView header;
            bool first = true;
            for (auto headers = record.record->headers(); headers.next(header); first = false) {
                if (!first) out += ',';
                out += header.key;
                out += '=';
                print_bytes(header.value, out);
            }
            break;
        }
    }
}

void RecordFormat::print_json(const PrintedRecord& record, std::string& out) {
    json_.clear();
    json_.begin_object()
        .field("topic", record.topic)
        .field("partition", record.partition)
        .field("offset", record.offset)
        .field("timestamp", record.timestamp_ms)
        .bytes_field("key", record.record->key)
        .bytes_field("value", record.record->value);
    if (record.record->header_count > 0) {
        json_.key("headers").begin_array();
        protocol::HeaderView header;
        for (auto headers = record.record->headers(); headers.next(header);)
            json_.begin_object()
                .bytes_field("key", bytes_of(header.key))
                .bytes_field("value", header.value)
                .end_object();
        json_.end_array();
    }
    json_.end_object();
    out += json_.text();
    out += '\n';
}

}  // namespace moldau::cli
