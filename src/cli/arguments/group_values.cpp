#include "arguments/group_values.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <span>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <moldau/base/number.h>

#include "arguments/values.h"

namespace moldau::cli {

namespace {

constexpr std::array<std::string_view, 8> group_states{
    "PreparingRebalance", "CompletingRebalance", "Stable", "Dead", "Empty", "Assigning", "Reconciling", "NotReady"};
constexpr std::array<std::string_view, 4> group_types{"classic", "consumer", "share", "streams"};

char lower(char letter) {
    return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
}

bool is_same_word(std::string_view a, std::string_view b) {
    return std::ranges::equal(a, b, {}, lower, lower);
}

/// Calls `take` with each part of `text` between commas until it fails.
template <class Take>
Result<> for_each_between_commas(std::string_view text, Take take) {
    while (true) {
        const std::size_t comma = text.find(',');
        MOLDAU_CHECK(take(text.substr(0, comma)));
        if (comma == std::string_view::npos) return {};
        text.remove_prefix(comma + 1);
    }
}

Result<std::vector<std::string>> parse_words(std::string_view text, std::span<const std::string_view> words,
                                             std::string_view what) {
    std::vector<std::string> found;
    MOLDAU_CHECK(for_each_between_commas(text, [&](std::string_view part) -> Result<> {
        const auto word =
            std::ranges::find_if(words, [part](std::string_view each) { return is_same_word(part, each); });
        if (word == words.end())
            return fail(Errc::invalid, fmt::format("'{}' is no {} of a group: {}", part, what, fmt::join(words, ", ")));
        found.emplace_back(*word);
        return {};
    }));
    return found;
}

/// A number and the letter behind it, off the front of an ISO duration; seconds may have a fraction.
struct DurationPart {
    std::int64_t number = 0;
    std::int64_t fraction_ms = 0;
    char unit = 0;
};

bool take_part(std::string_view& text, DurationPart& part) {
    part = {};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), part.number);
    if (error != std::errc() || part.number < 0 || text.starts_with('-')) return false;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    const bool has_fraction = text.starts_with('.');
    if (has_fraction) {
        text.remove_prefix(1);
        std::int64_t scale = 100;
        for (; !text.empty() && text.front() >= '0' && text.front() <= '9'; text.remove_prefix(1), scale /= 10)
            part.fraction_ms += (text.front() - '0') * scale;
    }
    if (text.empty()) return false;
    part.unit = lower(text.front());
    text.remove_prefix(1);
    return !has_fraction || part.unit == 's';
}

/// Adds parts whose units are among `units`, in that order, as long as there are some; how many, −1 when one is wrong.
int add_parts(std::string_view& text, std::string_view units, std::span<const std::int64_t> factors_ms,
              std::int64_t& sum) {
    int count = 0;
    while (!text.empty() && lower(text.front()) != 't') {
        DurationPart part;
        if (!take_part(text, part)) return -1;
        const std::size_t unit = units.find(part.unit);
        if (unit == std::string_view::npos) return -1;
        std::int64_t product = 0;
        if (__builtin_mul_overflow(part.number, factors_ms[unit], &product) ||
            __builtin_add_overflow(sum, product, &sum) || __builtin_add_overflow(sum, part.fraction_ms, &sum))
            return -1;
        units.remove_prefix(unit + 1);
        factors_ms = factors_ms.subspan(unit + 1);
        ++count;
    }
    return count;
}

}  // namespace

Result<TopicPartitions> parse_topic_partitions(std::string_view text) {
    const auto wrong = [text] {
        return fail(Errc::invalid,
                    fmt::format("'{}' is not a topic, or a topic and its partitions such as orders:0,1,2", text));
    };
    const std::size_t colon = text.find(':');
    TopicPartitions parsed{std::string(text.substr(0, colon)), {}};
    if (parsed.topic.empty()) return wrong();
    if (colon == std::string_view::npos) return parsed;
    MOLDAU_CHECK(for_each_between_commas(text.substr(colon + 1), [&](std::string_view part) -> Result<> {
        if (part.empty()) return wrong();
        const auto index = parse_number<std::int32_t>(part);
        if (!index || *index < 0)
            return fail(Errc::invalid, fmt::format("'{}': '{}' is not a partition, a number from 0 to {}", text, part,
                                                   std::numeric_limits<std::int32_t>::max()));
        parsed.partitions.push_back(*index);
        return {};
    }));
    std::ranges::sort(parsed.partitions);
    const auto twice = std::ranges::unique(parsed.partitions);
    parsed.partitions.erase(twice.begin(), twice.end());
    return parsed;
}

Result<std::int64_t> parse_age_ms(std::string_view text) {
    static constexpr std::array<std::int64_t, 1> day_factor{86'400'000};
    static constexpr std::array<std::int64_t, 3> time_factors{3'600'000, 60'000, 1000};
    const auto wrong = [text] {
        return fail(
            Errc::invalid,
            fmt::format("'{}' is not a time span, such as 90m, or of ISO 8601 (PnDTnHnMnS) P7D or PT1H30M", text));
    };
    if (const auto span = parse_duration(text))
        return std::chrono::duration_cast<std::chrono::milliseconds>(*span).count();
    std::string_view rest = text;
    if (rest.empty() || lower(rest.front()) != 'p') return wrong();
    rest.remove_prefix(1);
    std::int64_t sum = 0;
    const int days = add_parts(rest, "d", day_factor, sum);
    if (days < 0 || (days == 0 && rest.empty())) return wrong();
    if (rest.empty()) return sum;
    rest.remove_prefix(1);
    if (add_parts(rest, "hms", time_factors, sum) <= 0 || !rest.empty()) return wrong();
    return sum;
}

Result<std::vector<std::string>> parse_group_states(std::string_view text) {
    return parse_words(text, group_states, "state");
}

Result<std::vector<std::string>> parse_group_types(std::string_view text) {
    return parse_words(text, group_types, "type");
}

}  // namespace moldau::cli
