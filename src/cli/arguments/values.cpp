#include "arguments/values.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <limits>

#include <fmt/format.h>

#include <moldau/base/number.h>

namespace moldau::cli {

namespace {

struct Unit {
    std::string_view name;
    std::int64_t factor;
};

/// A number and one of `units` behind it; `what` it is not where it is anything else.
Result<std::int64_t> parse_with_units(std::string_view text, std::span<const Unit> units, std::string_view what) {
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    const auto unit = std::ranges::find(units, text.substr(static_cast<std::size_t>(end - text.data())), &Unit::name);
    if (error == std::errc::invalid_argument || unit == units.end())
        return fail(Errc::invalid, fmt::format("'{}' is not {}", text, what));
    std::int64_t product = 0;
    if (error != std::errc() || number < 0 || __builtin_mul_overflow(number, unit->factor, &product))
        return fail(Errc::invalid, fmt::format("'{}' is not from 0{} to {}{}", text, unit->name,
                                               std::numeric_limits<std::int64_t>::max() / unit->factor, unit->name));
    return product;
}

Result<runtime::Endpoint> parse_endpoint(std::string_view text) {
    const auto wrong = [text] {
        return fail(Errc::invalid, fmt::format("'{}' is not host:port, such as 127.0.0.1:9092 or [::1]:9092", text));
    };
    runtime::Endpoint endpoint{std::string(text), 9092};
    std::string_view port;
    if (text.starts_with('[')) {
        const std::size_t close = text.find(']');
        if (close == std::string_view::npos) return wrong();
        endpoint.host = text.substr(1, close - 1);
        port = text.substr(close + 1);
        if (!port.empty() && !port.starts_with(':')) return wrong();
        if (!port.empty()) port.remove_prefix(1);
        if (port.empty() && text.size() != close + 1) return wrong();
    } else if (const std::size_t colon = text.find(':'); colon != std::string_view::npos) {
        endpoint.host = text.substr(0, colon);
        port = text.substr(colon + 1);
        if (port.empty()) return wrong();
    }
    if (endpoint.host.empty()) return wrong();
    if (port.empty()) return endpoint;
    if (port.find_first_not_of("0123456789") != std::string_view::npos) return wrong();
    endpoint.port = parse_number<std::uint16_t>(port).value_or(0);
    if (endpoint.port == 0)
        return fail(Errc::invalid, fmt::format("'{}': the port of host:port is from 1 to 65535", text));
    return endpoint;
}

/// Takes `count` digits off the front.
bool take_digits(std::string_view& text, std::size_t count, int& value) {
    if (text.size() < count) return false;
    for (std::size_t i = 0; i < count; ++i)
        if (text[i] < '0' || text[i] > '9') return false;
    value = parse_number<int>(text.substr(0, count)).value_or(0);
    text.remove_prefix(count);
    return true;
}

bool take(std::string_view& text, char expected) {
    if (!text.starts_with(expected)) return false;
    text.remove_prefix(1);
    return true;
}

struct TimeOfDay {
    int hour = 0;
    int minute = 0;
    int second = 0;
    int ms = 0;

    bool is_valid() const { return hour < 24 && minute < 60 && second < 60; }
    std::int64_t in_ms() const { return ((hour * 60LL + minute) * 60 + second) * 1000 + ms; }
};

bool take_fraction(std::string_view& text, int& ms) {
    int scale = 100;
    std::size_t digits = 0;
    while (digits < text.size() && text[digits] >= '0' && text[digits] <= '9') {
        ms += (text[digits] - '0') * scale;
        scale /= 10;
        ++digits;
    }
    text.remove_prefix(digits);
    return digits > 0;
}

bool take_time_of_day(std::string_view& text, TimeOfDay& time) {
    if (!take_digits(text, 2, time.hour) || !take(text, ':') || !take_digits(text, 2, time.minute)) return false;
    if (take(text, ':')) {
        if (!take_digits(text, 2, time.second)) return false;
        if (take(text, '.') && !take_fraction(text, time.ms)) return false;
    }
    return true;
}

/// The rest of the text as a zone; gives what is to be added for UTC.
bool take_zone(std::string_view text, std::int64_t& to_utc_ms) {
    if (text.empty() || text == "Z") return true;
    const bool east = text.front() == '+';
    if (!east && text.front() != '-') return false;
    text.remove_prefix(1);
    TimeOfDay shift;
    if (!take_digits(text, 2, shift.hour)) return false;
    take(text, ':');
    if (!text.empty() && !take_digits(text, 2, shift.minute)) return false;
    to_utc_ms = east ? -shift.in_ms() : shift.in_ms();
    return text.empty() && shift.is_valid();
}

}  // namespace

Result<std::vector<runtime::Endpoint>> parse_endpoints(std::string_view text) {
    std::vector<runtime::Endpoint> endpoints;
    while (true) {
        const std::size_t comma = text.find(',');
        MOLDAU_TRY(endpoint, parse_endpoint(text.substr(0, comma)));
        endpoints.push_back(std::move(endpoint));
        if (comma == std::string_view::npos) return endpoints;
        text.remove_prefix(comma + 1);
    }
}

Result<std::pair<std::string, std::string>> parse_key_value(std::string_view text) {
    const std::size_t equals = text.find('=');
    if (equals == std::string_view::npos || equals == 0)
        return fail(Errc::invalid, fmt::format("'{}' is not key=value", text));
    return std::pair(std::string(text.substr(0, equals)), std::string(text.substr(equals + 1)));
}

Result<runtime::Duration> parse_duration(std::string_view text) {
    static constexpr std::int64_t ms = 1'000'000;
    static constexpr Unit units[] = {{"ms", ms}, {"s", 1000 * ms}, {"m", 60'000 * ms}, {"h", 3'600'000 * ms}};
    if (text == "0") return runtime::Duration(0);
    MOLDAU_TRY(nanoseconds, parse_with_units(text, units, "a time span with its unit, such as 250ms, 30s or 5m"));
    return runtime::Duration(nanoseconds);
}

Result<runtime::Duration> parse_timeout(std::string_view text) {
    MOLDAU_TRY(timeout, parse_duration(text));
    if (timeout == runtime::Duration(0))
        return fail(Errc::invalid, fmt::format("'{}' leaves no time to try; 30s is a time span", text));
    return timeout;
}

Result<StartPosition> parse_start_offset(std::string_view text) {
    using Kind = StartPosition::Kind;
    if (text == "latest" || text == "end") return StartPosition{Kind::latest, 0};
    if (text == "earliest" || text == "beginning") return StartPosition{Kind::earliest, 0};
    const auto value = parse_number<std::int64_t>(text);
    if (!value || *value == std::numeric_limits<std::int64_t>::min())
        return fail(Errc::invalid, fmt::format("'{}' is not an offset: latest, earliest, a number up to {}, or -N for "
                                               "the last N records",
                                               text, std::numeric_limits<std::int64_t>::max()));
    if (text.starts_with('-')) return StartPosition{Kind::before_end, -*value};
    return StartPosition{Kind::offset, *value};
}

Result<std::int64_t> parse_time_ms(std::string_view text) {
    if (const auto ms = parse_number<std::int64_t>(text); ms && *ms >= 0) return *ms;

    std::string_view rest = text;
    int year = 0;
    int month = 0;
    int day = 0;
    TimeOfDay time;
    std::int64_t to_utc_ms = 0;
    bool ok = take_digits(rest, 4, year) && take(rest, '-') && take_digits(rest, 2, month) && take(rest, '-') &&
              take_digits(rest, 2, day);
    if (ok && (rest.starts_with('T') || rest.starts_with(' '))) {
        rest.remove_prefix(1);
        ok = take_time_of_day(rest, time);
    }
    ok = ok && take_zone(rest, to_utc_ms);
    const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month)),
                                           std::chrono::day(static_cast<unsigned>(day))};
    if (ok && !(date.ok() && time.is_valid()))
        return fail(Errc::invalid, fmt::format("'{}': there is no such day or no such time of day", text));
    if (!ok)
        return fail(Errc::invalid, fmt::format("'{}' is not a time: milliseconds since 1970, or such as "
                                               "2026-01-31T10:20:30Z",
                                               text));
    return std::chrono::sys_days(date).time_since_epoch().count() * 86'400'000LL + time.in_ms() + to_utc_ms;
}

Result<std::size_t> parse_size(std::string_view text) {
    static constexpr Unit units[] = {{"", 1},        {"B", 1},         {"KiB", 1 << 10},
                                     {"k", 1 << 10}, {"MiB", 1 << 20}, {"m", 1 << 20}};
    MOLDAU_TRY(bytes, parse_with_units(text, units, "a size, such as 16384, 64KiB or 1MiB"));
    return static_cast<std::size_t>(bytes);
}

Result<std::string> unescape(std::string_view text) {
    const auto wrong = [](std::string_view escape) {
        return fail(Errc::invalid, fmt::format("'{}' is not among the escapes \\n \\t \\r \\0 \\\\ \\xHH", escape));
    };
    std::string bytes;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '\\' || i + 1 == text.size()) {
            bytes += text[i];
            continue;
        }
        const char escape = text[++i];
        unsigned code = 0;
        switch (escape) {
            case 'n':
                bytes += '\n';
                break;
            case 't':
                bytes += '\t';
                break;
            case 'r':
                bytes += '\r';
                break;
            case '0':
                bytes += '\0';
                break;
            case '\\':
                bytes += '\\';
                break;
            case 'x': {
                const std::string_view digits = text.substr(i + 1, 2);
                const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), code, 16);
                if (error != std::errc() || end != digits.data() + 2) return wrong(text.substr(i - 1, 4));
                bytes += static_cast<char>(code);
                i += 2;
                break;
            }
            default:
                return wrong(text.substr(i - 1, 2));
        }
    }
    return bytes;
}

}  // namespace moldau::cli
