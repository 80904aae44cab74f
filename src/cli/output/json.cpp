#include "output/json.h"

#include <fmt/format.h>

namespace moldau::cli {

namespace {

void append_quoted(std::string& out, std::string_view text) {
    out += '"';
    for (const char c : text) {
        switch (c) {
            case '"':
                out += "\\\"";
                break;
            case '\\':
                out += "\\\\";
                break;
            case '\n':
                out += "\\n";
                break;
            case '\r':
                out += "\\r";
                break;
            case '\t':
                out += "\\t";
                break;
            default:
                if (static_cast<unsigned char>(c) < 0x20) {
                    fmt::format_to(std::back_inserter(out), "\\u{:04x}", static_cast<unsigned>(c));
                } else {
                    out += c;
                }
        }
    }
    out += '"';
}

}  // namespace

Json& Json::open(char bracket) {
    separate();
    out_ += bracket;
    first_ = true;
    return *this;
}

Json& Json::close(char bracket) {
    out_ += bracket;
    first_ = false;
    return *this;
}

void Json::separate() {
    if (!first_) out_ += ',';
    first_ = false;
}

Json& Json::key(std::string_view name) {
    separate();
    append_quoted(out_, name);
    out_ += ':';
    first_ = true;
    return *this;
}

Json& Json::value(std::string_view text) {
    separate();
    append_quoted(out_, text);
    return *this;
}

Json& Json::raw(std::string_view text) {
    separate();
    out_ += text;
    return *this;
}

Json& Json::bytes_field(std::string_view name, const std::optional<ByteView>& content) {
    if (!content) return key(name).null();
    if (is_utf8(text_of(*content))) return key(name).value(text_of(*content));
    return key(std::string(name) + "_base64").value(base64(*content));
}

bool is_utf8(std::string_view text) {
    std::size_t i = 0;
    while (i < text.size()) {
        const auto lead = static_cast<unsigned char>(text[i]);
        if (lead < 0x80) {
            ++i;
            continue;
        }
        const std::size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
        if (lead < 0xc2 || lead > 0xf4 || text.size() - i < length) return false;
        std::uint32_t point = lead & (0xffU >> (length + 1));
        for (std::size_t k = 1; k < length; ++k) {
            const auto next = static_cast<unsigned char>(text[i + k]);
            if ((next & 0xc0) != 0x80) return false;
            point = (point << 6) | (next & 0x3f);
        }
        const bool overlong = (length == 3 && point < 0x800) || (length == 4 && point < 0x10000);
        if (overlong || point > 0x10ffff || (point >= 0xd800 && point < 0xe000)) return false;
        i += length;
    }
    return true;
}

std::string base64(ByteView bytes) {
    static constexpr char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string out;
    for (std::size_t i = 0; i < bytes.size(); i += 3) {
        const std::size_t have = std::min<std::size_t>(3, bytes.size() - i);
        std::uint32_t group = 0;
        for (std::size_t k = 0; k < 3; ++k) group = (group << 8) | (k < have ? bytes[i + k] : 0U);
        for (std::size_t k = 0; k < 4; ++k) out += k <= have ? digits[(group >> (18 - 6 * k)) & 0x3f] : '=';
    }
    return out;
}

}  // namespace moldau::cli
