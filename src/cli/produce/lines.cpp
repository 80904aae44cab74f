#include "produce/lines.h"

#include <fmt/format.h>

namespace moldau::cli {

namespace {

/// What stands before `separator`, which is taken off `line` with it.
Result<std::string_view> take_until(std::string_view& line, const std::string& separator, std::string_view what) {
    const std::size_t at = line.find(separator);
    if (at == std::string_view::npos)
        return fail(Errc::invalid, fmt::format("there is no separator {:?} behind the {}", separator, what));
    const std::string_view before = line.substr(0, at);
    line.remove_prefix(at + separator.size());
    return before;
}

}  // namespace

std::optional<ByteView> LineParser::null_or(std::string_view text) const {
    if (format_.null_marker && text == *format_.null_marker) return std::nullopt;
    return bytes_of(text);
}

Result<> LineParser::parse_headers(std::string_view text, LineRecord& record) const {
    while (!text.empty()) {
        const std::string_view header = text.substr(0, text.find(','));
        text.remove_prefix(std::min(text.size(), header.size() + 1));
        const std::size_t equals = header.find('=');
        if (equals == std::string_view::npos)
            return fail(Errc::invalid, fmt::format("the header '{}' is not name=value", header));
        record.headers.push_back({header.substr(0, equals), null_or(header.substr(equals + 1))});
    }
    return {};
}

Result<> LineParser::parse(std::string_view line, LineRecord& record) const {
    record.key.reset();
    record.headers.clear();
    for (const auto& [name, value] : format_.headers) record.headers.push_back({name, bytes_of(value)});
    if (format_.header_separator) {
        MOLDAU_TRY(headers, take_until(line, *format_.header_separator, "headers"));
        MOLDAU_CHECK(parse_headers(headers, record));
    }
    if (format_.key_separator) {
        MOLDAU_TRY(key, take_until(line, *format_.key_separator, "key"));
        record.key = null_or(key);
    }
    record.value = null_or(line);
    return {};
}

}  // namespace moldau::cli
