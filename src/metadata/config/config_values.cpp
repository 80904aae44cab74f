#include <algorithm>
#include <cstdlib>
#include <limits>
#include <set>

#include <moldau/base/assert.h>
#include <moldau/base/number.h>
#include <moldau/metadata/config_def.h>

namespace moldau::metadata {

namespace {

using Rule = ValidValues::Rule;

std::string lower(std::string_view text) {
    std::string result(text);
    std::ranges::transform(result, result.begin(),
                           [](char c) { return c >= 'A' && c <= 'Z' ? char(c - 'A' + 'a') : c; });
    return result;
}

std::unexpected<Error> refuse(const ConfigDef& def, std::string_view value, std::string_view why) {
    return fail(Errc::invalid, fmt::format("Invalid value {} for configuration {}: {}", value, def.name, why));
}

std::optional<std::int64_t> whole_number(std::string_view text) {
    text = trimmed(text);
    if (text.starts_with("+-")) return std::nullopt;
    if (text.starts_with('+')) text.remove_prefix(1);
    return parse_number<std::int64_t>(text);
}

/// Whether it is one, however large.
bool is_whole_number(std::string_view text) {
    text = trimmed(text);
    if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
    return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

/// As Java spells them: NaN and Infinity are numbers, nan and inf are not; 0.5f is one, and 0x1p-1. What is too large
/// is infinite.
std::optional<double> real_number(std::string_view text) {
    text = trimmed(text);
    const bool negative = text.starts_with('-');
    if (negative || text.starts_with('+')) text.remove_prefix(1);
    if (text == "NaN") return std::numeric_limits<double>::quiet_NaN();
    double value = std::numeric_limits<double>::infinity();
    if (text != "Infinity") {
        if (!text.empty() && std::string_view("fFdD").contains(text.back())) text.remove_suffix(1);
        const bool hexadecimal = text.starts_with("0x") || text.starts_with("0X");
        if (text.empty() || !std::string_view(".0123456789").contains(text.front()) ||
            (hexadecimal && text.find_first_of("pP") == std::string_view::npos)) {
            return std::nullopt;
        }
        const std::string terminated(text);
        char* end = nullptr;
        value = std::strtod(terminated.c_str(), &end);
        if (end != terminated.c_str() + terminated.size()) return std::nullopt;
    }
    return negative ? -value : value;
}

std::vector<std::string> split(std::string_view value) {
    std::vector<std::string> result;
    value = trimmed(value);
    if (value.empty()) return result;
    for (;;) {
        const std::size_t comma = value.find(',');
        result.emplace_back(trimmed(value.substr(0, comma)));
        if (comma == std::string_view::npos) return result;
        value.remove_prefix(comma + 1);
    }
}

std::vector<std::string> choices_of(const ValidValues& valid) {
    std::vector<std::string> result;
    for (std::string_view rest = valid.choices; !rest.empty();) {
        const std::size_t comma = rest.find(", ");
        result.emplace_back(rest.substr(0, comma));
        rest = comma == std::string_view::npos ? std::string_view{} : rest.substr(comma + 2);
    }
    return result;
}

/// As Java prints the bound: whole numbers without a point.
std::string bound(double value) {
    if (value == static_cast<double>(static_cast<std::int64_t>(value))) {
        return fmt::format("{}", static_cast<std::int64_t>(value));
    }
    return fmt::format("{}", value);
}

Result<> check_range(const ConfigDef& def, std::string_view shown, double value) {
    if (def.valid.rule == Rule::gzip_level) {
        if (value == -1 || (value >= 1 && value <= 9)) return {};
        return refuse(def, shown, "Value must be between 1 and 9 or equal to -1");
    }
    if (def.valid.rule == Rule::not_zero && value == 0)
        return refuse(def, shown, "Value must be at least 1, or -1 for no limit");
    if (value < def.valid.min) return refuse(def, shown, "Value must be at least " + bound(def.valid.min));
    if (value > def.valid.max) return refuse(def, shown, "Value must be no more than " + bound(def.valid.max));
    return {};
}

Result<> check_whole_number(const ConfigDef& def, std::string_view value) {
    std::int64_t min = std::numeric_limits<std::int32_t>::min();
    std::int64_t max = std::numeric_limits<std::int32_t>::max();
    if (def.type == ConfigType::short_integer) {
        min = std::numeric_limits<std::int16_t>::min();
        max = std::numeric_limits<std::int16_t>::max();
    } else if (def.type == ConfigType::long_integer) {
        min = std::numeric_limits<std::int64_t>::min();
        max = std::numeric_limits<std::int64_t>::max();
    }
    const auto parsed = whole_number(value);
    if (!parsed && !is_whole_number(value)) {
        return refuse(def, value, fmt::format("Not a number of type {}", name_of(def.type)));
    }
    if (!parsed || *parsed < min || *parsed > max) {
        MOLDAU_CHECK(check_range(def, value, *real_number(value)));
        const bool has_bound = def.valid.min > static_cast<double>(min);
        return refuse(def, value,
                      fmt::format("Value must be between {} and {}",
                                  has_bound ? bound(def.valid.min) : fmt::to_string(min), max));
    }
    return check_range(def, fmt::format("{}", *parsed), static_cast<double>(*parsed));
}

bool is_id(std::string_view text) {
    const auto number = whole_number(text);
    return number && std::in_range<std::int32_t>(*number);
}

bool is_throttled_replica(std::string_view element) {
    const std::size_t colon = element.find(':');
    return colon != std::string_view::npos && is_id(element.substr(0, colon)) && is_id(element.substr(colon + 1));
}

Result<> check_list(const ConfigDef& def, std::string_view value) {
    const std::vector<std::string> elements = list_elements(def, value);
    if (def.valid.rule == Rule::throttled_replicas) {
        const bool all = elements.size() == 1 && (elements[0] == "*" || elements[0] == "none");
        if (all || std::ranges::all_of(elements, is_throttled_replica)) return {};
        return refuse(def, value,
                      "must be the literal '*' or a list of replicas in the following format: "
                      "[partitionId]:[brokerId],[partitionId]:[brokerId],...");
    }
    if (elements.empty() && def.valid.rule == Rule::non_empty_elements) {
        return fail(Errc::invalid,
                    fmt::format("Configuration '{}' must not be empty. Valid values include: {}", def.name,
                                def.valid.choices.empty() ? std::string("any non-empty value")
                                                          : fmt::format("[{}]", def.valid.choices)));
    }
    const std::vector<std::string> choices = choices_of(def.valid);
    for (const std::string& element : elements) {
        if (element.empty()) {
            return fail(Errc::invalid, fmt::format("Configuration '{}' values must not be empty.", def.name));
        }
        if (!choices.empty() && std::ranges::count(choices, element) == 0) {
            return refuse(def, element, fmt::format("String must be one of: {}", def.valid.choices));
        }
    }
    return {};
}

bool is_offset_reset(std::string_view value) {
    const std::string reset = lower(value);
    return reset == "latest" || reset == "earliest" || (reset.starts_with("by_duration:p") && reset.size() > 14);
}

Result<> check_text(const ConfigDef& def, std::string_view raw) {
    const std::string_view value = trimmed(raw);
    switch (def.valid.rule) {
        case Rule::one_of:
            if (std::ranges::count(choices_of(def.valid), value) > 0) return {};
            return refuse(def, value, fmt::format("String must be one of: {}", def.valid.choices));
        case Rule::one_of_any_case: {
            const auto same = [&](const std::string& choice) { return lower(choice) == lower(value); };
            if (std::ranges::any_of(choices_of(def.valid), same)) return {};
            return refuse(def, value, fmt::format("String must be one of (case insensitive): {}", def.valid.choices));
        }
        case Rule::non_empty:
            if (!value.empty()) return {};
            return refuse(def, value, "String must be non-empty");
        case Rule::offset_reset:
            if (is_offset_reset(value)) return {};
            return refuse(def, value,
                          "it must be latest, earliest, or by_duration: with a duration such as PT1H behind it");
        default:
            return {};
    }
}

}  // namespace

std::string_view trimmed(std::string_view text) {
    constexpr std::string_view blank = " \t\r\n\f\v";
    const std::size_t first = text.find_first_not_of(blank);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(blank) - first + 1);
}

Result<> check_value(const ConfigDef& def, std::string_view value) {
    switch (def.type) {
        case ConfigType::boolean: {
            const std::string word = lower(trimmed(value));
            if (word == "true" || word == "false") return {};
            return refuse(def, value, "Expected value to be either true or false");
        }
        case ConfigType::integer:
        case ConfigType::short_integer:
        case ConfigType::long_integer:
            return check_whole_number(def, value);
        case ConfigType::real: {
            const auto parsed = real_number(value);
            if (!parsed) return refuse(def, value, "Not a number of type DOUBLE");
            return check_range(def, value, *parsed);
        }
        case ConfigType::list:
            return check_list(def, value);
        case ConfigType::string:
            return check_text(def, value);
        case ConfigType::class_name:
        case ConfigType::password:
        case ConfigType::unknown:
            break;
    }
    return {};
}

bool parse_boolean(std::string_view value) {
    return lower(trimmed(value)) == "true";
}

std::int64_t parse_integer(std::string_view value) {
    const auto parsed = whole_number(value);
    MOLDAU_ASSERT(parsed.has_value());
    return *parsed;
}

double parse_real(std::string_view value) {
    const auto parsed = real_number(value);
    MOLDAU_ASSERT(parsed.has_value());
    return *parsed;
}

std::vector<std::string> parse_list(std::string_view value) {
    std::vector<std::string> elements = split(value);
    std::set<std::string> seen;
    std::erase_if(elements, [&](const std::string& element) { return !seen.insert(element).second; });
    return elements;
}

std::vector<std::string> list_elements(const ConfigDef& def, std::string_view value) {
    return def.valid.rule == Rule::throttled_replicas ? split(value) : parse_list(value);
}

}  // namespace moldau::metadata
