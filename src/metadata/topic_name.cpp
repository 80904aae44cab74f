#include <algorithm>

#include <fmt/format.h>

#include <moldau/metadata/topic_name.h>

namespace moldau::metadata {

namespace {

constexpr std::size_t max_topic_name_length = 249;

constexpr bool is_allowed(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
           c == '-';
}

}  // namespace

Result<> check_topic_name(std::string_view name) {
    const auto refuse = [](std::string_view why) {
        return fail(Errc::invalid, fmt::format("Topic name is invalid: {}", why));
    };
    if (name.empty()) return refuse("the empty string is not allowed");
    if (name == ".") return refuse("'.' is not allowed");
    if (name == "..") return refuse("'..' is not allowed");
    if (name.size() > max_topic_name_length) {
        return refuse(
            fmt::format("the length of '{}' is longer than the max allowed length {}", name, max_topic_name_length));
    }
    if (!std::ranges::all_of(name, is_allowed)) {
        return refuse(
            fmt::format("'{}' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'", name));
    }
    return {};
}

bool has_collision_characters(std::string_view name) {
    return name.find_first_of("._") != std::string_view::npos;
}

std::string collision_key(std::string_view name) {
    std::string key(name);
    std::ranges::replace(key, '.', '_');
    return key;
}

}  // namespace moldau::metadata
