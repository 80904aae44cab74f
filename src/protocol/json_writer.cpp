#include <moldau/protocol/json_writer.h>

namespace moldau::protocol {

namespace {

std::string base64(ByteView bytes) {
    constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string out;
    out.reserve((bytes.size() + 2) / 3 * 4);
    for (std::size_t i = 0; i < bytes.size(); i += 3) {
        const std::size_t count = std::min<std::size_t>(3, bytes.size() - i);
        std::uint32_t group = 0;
        for (std::size_t k = 0; k < 3; ++k) group = group << 8 | (k < count ? bytes[i + k] : 0);
        for (std::size_t k = 0; k < 4; ++k) out += k <= count ? alphabet[group >> (18 - 6 * k) & 63] : '=';
    }
    return out;
}

}  // namespace

void JsonWriter::open(char bracket) {
    out_ += bracket;
    first_ = true;
}

void JsonWriter::close(char bracket) {
    out_ += bracket;
    first_ = false;
}

void JsonWriter::separate() {
    if (!first_) out_ += ',';
    first_ = false;
}

void JsonWriter::key(std::string_view name) {
    separate();
    quoted(name);
    out_ += ':';
}

void JsonWriter::null() {
    out_ += "null";
}
void JsonWriter::integer(std::int64_t value) {
    fmt::format_to(std::back_inserter(out_), "{}", value);
}
void JsonWriter::value(bool value) {
    out_ += value ? "true" : "false";
}
void JsonWriter::value(const Uuid& id) {
    quoted(id.to_string());
}
void JsonWriter::value(const Text& text) {
    quoted(text.view());
}
void JsonWriter::value(const Blob& blob) {
    quoted(base64(blob.view()));
}

void JsonWriter::value(double value) {
    const std::string digits = fmt::format("{}", value);
    const bool is_finite = digits.find_first_of("in") == std::string::npos;
    if (!is_finite) return quoted(digits);
    out_ += digits;
    if (digits.find_first_of(".e") == std::string::npos) out_ += ".0";
}

void JsonWriter::field(std::string_view name, const Records& records) {
    if (records.is_null()) {
        key(name);
        return null();
    }
    key(fmt::format("{}SizeInBytes", name));
    integer(static_cast<std::int64_t>(records.size_bytes()));
}

void JsonWriter::quoted(std::string_view text) {
    out_ += '"';
    for (const char c : text) {
        switch (c) {
            case '"':
                out_ += "\\\"";
                break;
            case '\\':
                out_ += "\\\\";
                break;
            case '\n':
                out_ += "\\n";
                break;
            case '\r':
                out_ += "\\r";
                break;
            case '\t':
                out_ += "\\t";
                break;
            default:
                if (static_cast<unsigned char>(c) < 0x20) {
                    fmt::format_to(std::back_inserter(out_), "\\u{:04x}", static_cast<unsigned>(c));
                } else {
                    out_ += c;
                }
        }
    }
    out_ += '"';
}

}  // namespace moldau::protocol
