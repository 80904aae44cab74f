#include <charconv>
#include <cstdint>
#include <optional>

#include <fmt/format.h>

#include <moldau/metadata/properties.h>

namespace moldau::metadata {

namespace {

constexpr bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\f';
}
constexpr bool ends_line(char c) {
    return c == '\n' || c == '\r';
}

void append_utf8(std::string& to, std::uint32_t code) {
    if (code < 0x80) {
        to += static_cast<char>(code);
    } else if (code < 0x800) {
        to += static_cast<char>(0xc0 | (code >> 6));
        to += static_cast<char>(0x80 | (code & 0x3f));
    } else {
        to += static_cast<char>(0xe0 | (code >> 12));
        to += static_cast<char>(0x80 | ((code >> 6) & 0x3f));
        to += static_cast<char>(0x80 | (code & 0x3f));
    }
}

class Parser {
 public:
    explicit Parser(std::string_view text) : rest_(text) {}

    Result<Properties> parse() && {
        Properties result;
        while (next_logical_line()) {
            const std::size_t end = key_end();
            MOLDAU_TRY(key, unescaped(std::string_view(line_).substr(0, end)));
            MOLDAU_TRY(value, unescaped(std::string_view(line_).substr(value_begin(end))));
            result[std::move(key)] = std::move(value);
        }
        return result;
    }

 private:
    std::string_view natural_line() {
        ++number_;
        std::size_t end = 0;
        while (end < rest_.size() && !ends_line(rest_[end])) ++end;
        const std::string_view line = rest_.substr(0, end);
        if (end < rest_.size()) end += rest_.substr(end).starts_with("\r\n") ? 2 : 1;
        rest_.remove_prefix(end);
        return line;
    }

    static std::string_view without_indent(std::string_view line) {
        while (!line.empty() && is_blank(line.front())) line.remove_prefix(1);
        return line;
    }

    /// An odd number of backslashes at the end joins the next line, without its indent.
    static bool continues(std::string_view line) {
        std::size_t count = 0;
        while (count < line.size() && line[line.size() - 1 - count] == '\\') ++count;
        return count % 2 == 1;
    }

    bool next_logical_line() {
        while (!rest_.empty()) {
            const std::string_view first = without_indent(natural_line());
            if (first.empty() || first.front() == '#' || first.front() == '!') continue;
            line_ = first;
            while (continues(line_)) {
                line_.pop_back();
                if (rest_.empty()) break;
                line_ += without_indent(natural_line());
            }
            return true;
        }
        return false;
    }

    std::size_t key_end() const {
        std::size_t at = 0;
        for (; at < line_.size(); ++at) {
            const char c = line_[at];
            if (c == '\\') {
                ++at;
            } else if (c == '=' || c == ':' || is_blank(c)) {
                break;
            }
        }
        return std::min(at, line_.size());
    }

    std::size_t value_begin(std::size_t at) const {
        while (at < line_.size() && is_blank(line_[at])) ++at;
        if (at < line_.size() && (line_[at] == '=' || line_[at] == ':')) ++at;
        while (at < line_.size() && is_blank(line_[at])) ++at;
        return at;
    }

    std::optional<std::uint32_t> unicode(std::string_view digits) const {
        std::uint32_t code = 0;
        if (digits.size() < 4) return std::nullopt;
        const char* const begin = digits.begin();
        const auto [end, error] = std::from_chars(begin, begin + 4, code, 16);
        if (error != std::errc{} || end != begin + 4) return std::nullopt;
        return code;
    }

    Result<std::string> unescaped(std::string_view text) const {
        std::string result;
        for (std::size_t at = 0; at < text.size(); ++at) {
            if (text[at] != '\\') {
                result += text[at];
                continue;
            }
            if (++at == text.size()) break;
            switch (text[at]) {
                case 't':
                    result += '\t';
                    break;
                case 'n':
                    result += '\n';
                    break;
                case 'r':
                    result += '\r';
                    break;
                case 'f':
                    result += '\f';
                    break;
                case 'u': {
                    const auto code = unicode(text.substr(at + 1));
                    if (!code) {
                        return fail(Errc::invalid,
                                    fmt::format("line {} has a \\u that four hexadecimal digits must follow: {}",
                                                number_, text));
                    }
                    append_utf8(result, *code);
                    at += 4;
                    break;
                }
                default:
                    result += text[at];
            }
        }
        return result;
    }

    std::string_view rest_;
    std::string line_;
    std::size_t number_ = 0;  // of the natural line read last
};

}  // namespace

Result<Properties> parse_properties(std::string_view text) {
    return Parser(text).parse();
}

}  // namespace moldau::metadata
